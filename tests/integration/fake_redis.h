/*
 * fake_redis.h - a server on a free port of this machine that answers whatever a test wants.
 *
 * It does not read commands: each time bytes arrive on a connection, it sends the next of its
 * answers, and the last one again for all later ones. Commands that are sent together arrive
 * together, so one answer may hold several of Redis'. One connection at a time, in a thread of its
 * own.
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
    uint32_t pause_us;   /* before each byte, where it is not 0 */
    bool repeats_itself; /* sends its answer for ever, as fast as it is taken */
    int listener;
    char url[64];
    pthread_t thread;
    atomic_bool done;
    atomic_int connections;
};

/* Set the fields above `listener` first. */
void fake_redis_start(struct fake_redis *fake);
void fake_redis_stop(struct fake_redis *fake);

#endif
