/* deadline.c - see deadline.h. */
#include "cli/deadline.h"

#include "base/error.h"
#include "base/timestamp.h"

#include <time.h>

static void *wait_for_it(void *argument)
{
    struct deadline *deadline = argument;
    const struct timespec until = {.tv_sec = deadline->at_us / 1000000,
                                   .tv_nsec = deadline->at_us % 1000000 * 1000};
    pthread_mutex_lock(&deadline->mutex);
    while (!deadline->has_ended && !atomic_load(&deadline->is_over))
        if (pthread_cond_timedwait(&deadline->ended, &deadline->mutex, &until))
            atomic_store(&deadline->is_over, true);
    pthread_mutex_unlock(&deadline->mutex);
    return NULL;
}

const atomic_bool *deadline_begin(struct deadline *deadline, int ms)
{
    pthread_condattr_t monotonic;
    *deadline = (struct deadline){.at_us = timestamp_monotonic_us() + (int64_t)ms * 1000};
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_mutex_init(&deadline->mutex, NULL);
    pthread_cond_init(&deadline->ended, &monotonic);
    pthread_condattr_destroy(&monotonic);
    if (pthread_create(&deadline->thread, NULL, wait_for_it, deadline))
        out_of_memory();
    return &deadline->is_over;
}

void deadline_end(struct deadline *deadline)
{
    pthread_mutex_lock(&deadline->mutex);
    deadline->has_ended = true;
    pthread_cond_signal(&deadline->ended);
    pthread_mutex_unlock(&deadline->mutex);
    pthread_join(deadline->thread, NULL);
    pthread_cond_destroy(&deadline->ended);
    pthread_mutex_destroy(&deadline->mutex);
}
