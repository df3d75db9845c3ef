/*
 * latency.h - how long many things took: counts by duration, to 1.6 %, for medians and tails.
 *
 * Adding is a shift and an increment, so measuring costs what is measured nothing. One thread;
 * those of several are merged at their end.
 */
#ifndef LARDER_BENCH_LATENCY_H
#define LARDER_BENCH_LATENCY_H

#include <stdint.h>

enum { LATENCY_STEPS = 64, LATENCY_BUCKETS = 40 * LATENCY_STEPS };

struct latency {
    uint64_t counts[LATENCY_BUCKETS];
    uint64_t total;
};

void latency_add(struct latency *latency, int64_t ns);
void latency_merge(struct latency *latency, const struct latency *other);
/* The duration in us within which that share (0.5: the median) was done; 0 if nothing was added. */
double latency_within_us(const struct latency *latency, double share);

/* A clock for durations. */
int64_t latency_now_ns(void);

#endif
