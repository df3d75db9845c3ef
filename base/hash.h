/*
 * hash.h - a fast hash of bytes, for tables in memory. Not for hostile keys that must not collide
 * on purpose, and not to be stored: its value may change with the library.
 */
#ifndef LARDER_BASE_HASH_H
#define LARDER_BASE_HASH_H

#include "base/bytes.h"

#include <stdint.h>

uint64_t bytes_hash(struct bytes bytes);

#endif
