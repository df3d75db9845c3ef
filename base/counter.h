/*
 * counter.h - a number that many threads add to and one reads now and then.
 *
 * Relaxed atomics: no order between counters is promised. Zero-initialised is ready to use.
 */
#ifndef LARDER_BASE_COUNTER_H
#define LARDER_BASE_COUNTER_H

#include <stdatomic.h>
#include <stdint.h>

struct counter {
    _Atomic uint64_t value;
};

static inline void counter_add(struct counter *counter, uint64_t amount)
{
    atomic_fetch_add_explicit(&counter->value, amount, memory_order_relaxed);
}
static inline uint64_t counter_read(const struct counter *counter)
{
    return atomic_load_explicit(&counter->value, memory_order_relaxed);
}

#endif
