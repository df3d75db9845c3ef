/* latency.c - see latency.h. */
#include "tests/bench/latency.h"

#include <time.h>

/* Up to 128 ns each has a bucket; from there every doubling has LATENCY_STEPS of them. */
static unsigned bucket_of(uint64_t ns)
{
    unsigned doublings = 0;
    while (ns >> doublings >= 2 * LATENCY_STEPS)
        doublings++;
    unsigned bucket = doublings * LATENCY_STEPS + (unsigned)(ns >> doublings);
    return bucket < LATENCY_BUCKETS ? bucket : LATENCY_BUCKETS - 1;
}

/* The middle of a bucket. */
static double ns_of(unsigned bucket)
{
    if (bucket < 2 * LATENCY_STEPS)
        return bucket;
    unsigned doublings = bucket / LATENCY_STEPS - 1;
    uint64_t start = (uint64_t)(bucket - doublings * LATENCY_STEPS) << doublings;
    return (double)start + (double)(UINT64_C(1) << doublings) / 2;
}

void latency_add(struct latency *latency, int64_t ns)
{
    latency->counts[bucket_of(ns > 0 ? (uint64_t)ns : 0)]++;
    latency->total++;
}

void latency_merge(struct latency *latency, const struct latency *other)
{
    for (unsigned i = 0; i < LATENCY_BUCKETS; i++)
        latency->counts[i] += other->counts[i];
    latency->total += other->total;
}

double latency_within_us(const struct latency *latency, double share)
{
    uint64_t wanted = (uint64_t)(share * (double)latency->total), seen = 0;
    for (unsigned i = 0; i < LATENCY_BUCKETS; i++) {
        seen += latency->counts[i];
        if (seen > wanted || (seen == wanted && seen == latency->total && seen > 0))
            return ns_of(i) / 1000;
    }
    return 0;
}

int64_t latency_now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}
