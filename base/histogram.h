/*
 * histogram.h - how many values were at most each of some bounds, and their sum: written by one
 * thread, read by any.
 *
 * Bounds are the caller's, the same for every histogram of a kind, and are given with each call, so
 * that a histogram is nothing but its numbers. Adding costs a few compares and two plain stores;
 * nothing is locked. Who reads meanwhile may miss the newest value, or find it in a bucket and not
 * in the sum yet, and never sees half a number. Zero-initialised is ready to use.
 */
#ifndef LARDER_BASE_HISTOGRAM_H
#define LARDER_BASE_HISTOGRAM_H

#include "base/counter.h"

#include <stddef.h>
#include <stdint.h>

enum { HISTOGRAM_BOUNDS_MAX = 19 };

struct histogram_bounds {
    size_t count;
    uint64_t at_most[HISTOGRAM_BOUNDS_MAX]; /* rising */
};

struct histogram {
    struct counter buckets[HISTOGRAM_BOUNDS_MAX + 1]; /* [bounds->count]: above them all */
    struct counter sum;
};

/* For its one writer. `sum` is what is added to the sum: the value, in a unit in which the sum of
 * all does not overflow. */
static inline void histogram_add(struct histogram *histogram, const struct histogram_bounds *bounds,
                                 uint64_t value, uint64_t sum)
{
    size_t i = 0;
    while (i < bounds->count && value > bounds->at_most[i])
        i++;
    counter_bump(&histogram->buckets[i], 1);
    counter_bump(&histogram->sum, sum);
}

/* What several histograms of a kind hold together. */
struct histogram_total {
    uint64_t buckets[HISTOGRAM_BOUNDS_MAX + 1]; /* each alone, as in a histogram */
    uint64_t sum;
};

static inline void histogram_total_add(struct histogram_total *total,
                                       const struct histogram *histogram)
{
    for (size_t i = 0; i <= HISTOGRAM_BOUNDS_MAX; i++)
        total->buckets[i] += counter_read(&histogram->buckets[i]);
    total->sum += counter_read(&histogram->sum);
}

#endif
