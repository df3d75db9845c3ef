/*
 * base_random.h - numbers for property tests: the same sequence in each run, from a seed.
 *
 * A test that fails prints its seed or its case, so it can be run again alone.
 */
#ifndef LARDER_TESTS_UNIT_BASE_RANDOM_H
#define LARDER_TESTS_UNIT_BASE_RANDOM_H

#include <stdint.h>

struct random_source {
    uint64_t state; /* any but 0 */
};

static inline uint64_t random_bits(struct random_source *source)
{
    source->state ^= source->state << 13;
    source->state ^= source->state >> 7;
    source->state ^= source->state << 17;
    return source->state * UINT64_C(0x2545f4914f6cdd1d);
}

/* 0 .. end-1 */
static inline uint64_t random_below(struct random_source *source, uint64_t end)
{
    return (random_bits(source) >> 11) % end;
}

#endif
