/*
 * keyed_hash.h - a hash of bytes under a secret, for tables whose keys strangers choose.
 *
 * It is SipHash-1-3: the design of "SipHash: a fast short-input PRF" (Aumasson and Bernstein, 2012)
 * with one round a word and three at the end, as several languages use it for their tables. Who
 * does not know the secret cannot make keys that collide. hash.h is faster, and is for keys that
 * nobody makes up on purpose. Not to be stored: the secret lives as long as its table. Pure and
 * thread-safe.
 */
#ifndef LARDER_BASE_KEYED_HASH_H
#define LARDER_BASE_KEYED_HASH_H

#include "base/bytes.h"

#include <stdint.h>

struct hash_secret {
    uint64_t halves[2];
};

/* Draws one from the system's source of randomness. */
struct hash_secret hash_secret_draw(void);

uint64_t keyed_hash(const struct hash_secret *secret, struct bytes bytes);

#endif
