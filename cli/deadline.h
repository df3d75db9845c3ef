/*
 * deadline.h - a flag that is set when a time is over, for calls that look at flags.
 *
 *     struct deadline deadline;
 *     offline_store_stop_on(store, deadline_begin(&deadline, 10000));
 *     ... CANCELLED: it was not done in time
 *     offline_store_stop_on(store, NULL);
 *     deadline_end(&deadline);
 */
#ifndef LARDER_CLI_DEADLINE_H
#define LARDER_CLI_DEADLINE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct deadline {
    atomic_bool is_over;
    /* What follows is deadline.c's. */
    int64_t at_us; /* monotonic */
    pthread_t thread;
    pthread_mutex_t mutex; /* guards what follows */
    pthread_cond_t ended;
    bool has_ended;
};

const atomic_bool *deadline_begin(struct deadline *deadline, int ms);
void deadline_end(struct deadline *deadline);

#endif
