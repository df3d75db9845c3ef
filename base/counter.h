/*
 * counter.h - a number that threads add to and another reads now and then.
 *
 * Relaxed atomics: no order between counters is promised. Either many threads add, or one alone
 * bumps and sets, which costs no more than a plain variable: it locks nothing. Zero-initialised is
 * ready to use.
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
/* For a counter's one writer. */
static inline void counter_set(struct counter *counter, uint64_t value)
{
    atomic_store_explicit(&counter->value, value, memory_order_relaxed);
}
static inline void counter_bump(struct counter *counter, uint64_t amount)
{
    counter_set(counter, atomic_load_explicit(&counter->value, memory_order_relaxed) + amount);
}
static inline uint64_t counter_read(const struct counter *counter)
{
    return atomic_load_explicit(&counter->value, memory_order_relaxed);
}

#endif
