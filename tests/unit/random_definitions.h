/*
 * random_definitions.h - valid definitions as YAML, another set for each seed: what properties of
 * reading, writing and comparing are tested on.
 */
#ifndef LARDER_TESTS_RANDOM_DEFINITIONS_H
#define LARDER_TESTS_RANDOM_DEFINITIONS_H

#include "base/arena.h"

#include <stdint.h>

const char *random_definitions(uint32_t seed, struct arena *arena);

#endif
