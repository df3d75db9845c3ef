/*
 * fake_redis.h - a server on a free port of this machine that answers whatever a test wants.
 *
 * It does not read commands: each time bytes arrive on a connection, it sends the next of its
 * answers, and the last one again for all later ones. Commands that are sent together arrive
 * together, so one answer may hold several of Redis'. Or it answers reads: it takes commands apart,
 * and answers each, after a pause, with a nil for each part but the first. One connection at a
 * time, in a thread of its own.
 */
#ifndef LARDER_TESTS_FAKE_REDIS_H
#define LARDER_TESTS_FAKE_REDIS_H

#include "base/bytes.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct fake_redis {
    const struct bytes *answers; /* an absent one closes the connection */
    size_t count;
    uint32_t pause_us;  /* before each byte, where it is not 0 */
    bool answers_reads; /* with nils, as said above, instead of `answers` */
    uint32_t read_pause_us;
    int reads_max;       /* it falls silent after so many; 0: never */
    bool repeats_itself; /* sends its answer for ever, as fast as it is taken */
    int listener;
    char url[64];
    pthread_t thread;
    atomic_bool done;
    atomic_int connections;
    atomic_int reads; /* commands that it took apart */
};

/* Set the fields above `listener` first. */
void fake_redis_start(struct fake_redis *fake);
void fake_redis_stop(struct fake_redis *fake);

#endif
