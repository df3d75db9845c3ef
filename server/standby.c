/* standby.c - see standby.h. */
#include "server/standby.h"

#include "server/rpc.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { QUIET_LOOKS = 100 }; /* with nothing asked between, before it sleeps */

/* Each worker writes its own cache line. */
struct seat {
    _Alignas(64) atomic_uint turns; /* odd: the worker is busy */
    unsigned seen;                  /* at the last look; the thread's */
};

struct standby {
    grpc_completion_queue *queue;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    bool is_stopping; /* under the lock */
    atomic_bool is_asleep;
    size_t count;
    struct seat seats[];
};

enum sight { ALL_STUCK, SOME_MOVED, NONE_MOVED };

static enum sight look(struct standby *standby)
{
    bool has_moved = false, all_busy = true;
    for (size_t i = 0; i < standby->count; i++) {
        struct seat *seat = &standby->seats[i];
        unsigned turns = atomic_load(&seat->turns);
        has_moved = has_moved || turns != seat->seen;
        all_busy = all_busy && turns % 2 == 1;
        seat->seen = turns;
    }
    return has_moved ? SOME_MOVED : all_busy ? ALL_STUCK : NONE_MOVED;
}

static struct timespec after_a_look(void)
{
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    at.tv_nsec += STANDBY_LOOK_MS * 1000000L;
    at.tv_sec += at.tv_nsec / 1000000000L;
    at.tv_nsec %= 1000000000L;
    return at;
}

/* Until the next look. false: it is to stop. */
static bool nap(struct standby *standby)
{
    struct timespec until = after_a_look();
    pthread_mutex_lock(&standby->lock);
    while (!standby->is_stopping &&
           pthread_cond_timedwait(&standby->wake, &standby->lock, &until) == 0)
        continue;
    bool goes_on = !standby->is_stopping;
    pthread_mutex_unlock(&standby->lock);
    return goes_on;
}

/* Until a worker is busy. Whoever turned before is_asleep was set is seen by the look; whoever
 * turns after it sees is_asleep. */
static bool sleep_on(struct standby *standby)
{
    pthread_mutex_lock(&standby->lock);
    atomic_store(&standby->is_asleep, true);
    if (look(standby) != NONE_MOVED)
        atomic_store(&standby->is_asleep, false);
    while (!standby->is_stopping && atomic_load(&standby->is_asleep))
        pthread_cond_wait(&standby->wake, &standby->lock);
    bool goes_on = !standby->is_stopping;
    pthread_mutex_unlock(&standby->lock);
    return goes_on;
}

static void poll_a_while(struct standby *standby)
{
    gpr_timespec until = gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC),
                                      gpr_time_from_millis(STANDBY_LOOK_MS, GPR_TIMESPAN));
    grpc_completion_queue_next(standby->queue, until, NULL); /* no event ever comes out of it */
}

static bool is_stopping(struct standby *standby)
{
    pthread_mutex_lock(&standby->lock);
    bool is_stopping = standby->is_stopping;
    pthread_mutex_unlock(&standby->lock);
    return is_stopping;
}

static void *run(void *arg)
{
    struct standby *standby = arg;
    unsigned quiet_looks = 0;
    bool goes_on = true;
    while (goes_on) {
        enum sight sight = look(standby);
        quiet_looks = sight == NONE_MOVED ? quiet_looks + 1 : 0;
        if (sight == ALL_STUCK) {
            poll_a_while(standby);
            goes_on = !is_stopping(standby);
        } else if (quiet_looks < QUIET_LOOKS) {
            goes_on = nap(standby);
        } else {
            goes_on = sleep_on(standby);
            quiet_looks = 0;
        }
    }
    return NULL;
}

static struct standby *make(size_t worker_count)
{
    size_t size = sizeof(struct standby) + worker_count * sizeof(struct seat);
    struct standby *standby = aligned_alloc(_Alignof(struct standby), size);
    if (!standby)
        out_of_memory();
    memset(standby, 0, size);
    standby->count = worker_count;
    for (size_t i = 0; i < worker_count; i++)
        standby->seats[i].turns = standby->seats[i].seen = 1;
    standby->queue = grpc_completion_queue_create_for_next(NULL);
    pthread_mutex_init(&standby->lock, NULL);
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&standby->wake, &attributes);
    pthread_condattr_destroy(&attributes);
    return standby;
}

static void release(struct standby *standby)
{
    rpc_shut_queue(standby->queue);
    grpc_completion_queue_destroy(standby->queue);
    pthread_cond_destroy(&standby->wake);
    pthread_mutex_destroy(&standby->lock);
    free(standby);
}

enum status standby_start(size_t worker_count, struct standby **out, struct error *err)
{
    struct standby *standby = make(worker_count);
    if (pthread_create(&standby->thread, NULL, run, standby) != 0) {
        release(standby);
        return fail(err, STATUS_FAILED, "cannot start a thread");
    }
    *out = standby;
    return STATUS_OK;
}

void standby_stop(struct standby *standby)
{
    if (!standby)
        return;
    pthread_mutex_lock(&standby->lock);
    standby->is_stopping = true;
    pthread_cond_signal(&standby->wake);
    pthread_mutex_unlock(&standby->lock);
    pthread_join(standby->thread, NULL);
    release(standby);
}

static void wake(struct standby *standby)
{
    pthread_mutex_lock(&standby->lock);
    atomic_store(&standby->is_asleep, false);
    pthread_cond_signal(&standby->wake);
    pthread_mutex_unlock(&standby->lock);
}

void standby_off(struct standby *standby, size_t worker)
{
    atomic_fetch_add_explicit(&standby->seats[worker].turns, 1, memory_order_relaxed);
}

void standby_on(struct standby *standby, size_t worker)
{
    atomic_fetch_add(&standby->seats[worker].turns, 1);
    if (atomic_load(&standby->is_asleep))
        wake(standby);
}
