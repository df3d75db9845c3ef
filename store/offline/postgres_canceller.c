/* postgres_canceller.c - see postgres_canceller.h. */
#include "store/offline/postgres_canceller.h"

#include "base/error.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <time.h>

enum { LOOK_EVERY_MS = 100 };

struct postgres_canceller {
    const atomic_bool *stop;
    pthread_t thread;
    pthread_mutex_t mutex; /* guards all below */
    pthread_cond_t changed;
    PGcancel *target; /* NULL: none */
    bool is_closing;
};

static struct timespec next_look(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    time.tv_nsec += LOOK_EVERY_MS * 1000000L;
    time.tv_sec += time.tv_nsec / 1000000000L;
    time.tv_nsec %= 1000000000L;
    return time;
}

static void *look(void *argument)
{
    struct postgres_canceller *canceller = argument;
    pthread_mutex_lock(&canceller->mutex);
    while (!canceller->is_closing) {
        char words[256]; /* why it could not be asked: nobody could do anything about it */
        if (canceller->target && atomic_load(canceller->stop))
            PQcancel(canceller->target, words, sizeof words);
        struct timespec until = next_look();
        pthread_cond_timedwait(&canceller->changed, &canceller->mutex, &until);
    }
    pthread_mutex_unlock(&canceller->mutex);
    return NULL;
}

struct postgres_canceller *postgres_canceller_open(const atomic_bool *stop)
{
    struct postgres_canceller *canceller = calloc(1, sizeof *canceller);
    if (!canceller)
        out_of_memory();
    canceller->stop = stop;
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_mutex_init(&canceller->mutex, NULL);
    pthread_cond_init(&canceller->changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
    if (pthread_create(&canceller->thread, NULL, look, canceller))
        out_of_memory();
    return canceller;
}

void postgres_canceller_aim(struct postgres_canceller *canceller, PGconn *connection)
{
    if (!canceller)
        return;
    PGcancel *target = connection ? PQgetCancel(connection) : NULL;
    pthread_mutex_lock(&canceller->mutex);
    PQfreeCancel(canceller->target);
    canceller->target = target;
    pthread_mutex_unlock(&canceller->mutex);
}

void postgres_canceller_close(struct postgres_canceller *canceller)
{
    if (!canceller)
        return;
    pthread_mutex_lock(&canceller->mutex);
    canceller->is_closing = true;
    pthread_cond_signal(&canceller->changed);
    pthread_mutex_unlock(&canceller->mutex);
    pthread_join(canceller->thread, NULL);
    pthread_cond_destroy(&canceller->changed);
    pthread_mutex_destroy(&canceller->mutex);
    PQfreeCancel(canceller->target);
    free(canceller);
}
