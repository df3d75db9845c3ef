/* store_watch.c - see store_watch.h. */
#include "server/store_watch.h"

#include "base/log.h"
#include "server/reload.h"
#include "server/wake.h"
#include "store/online/online_store.h"

#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

enum { INTERVAL_MS = 500 };

struct store_watch {
    const struct reload *reload;
    int wake_fd; /* the caller's */
    int hurry_fd;
    atomic_bool stops;
    struct online_store *store;
    pthread_t thread;
    bool is_running;
    _Atomic int state;
};

static enum store_state ask(struct store_watch *watch, struct error *err)
{
    uint64_t owner, identity = reload_identity(watch->reload);
    if (online_store_owner(watch->store, &owner, err))
        return STORE_AWAY;
    if (identity == 0)
        return STORE_UNKNOWN;
    if (owner == 0 || owner == identity)
        return STORE_READY;
    fail(err, STATUS_CONFLICT,
         "the online store belongs to another registry: run larder apply "
         "--take-over, or name another online store in larder.yaml");
    return STORE_FOREIGN;
}

static void tell(enum store_state before, enum store_state now, const struct error *err)
{
    char reason[2 * ERROR_MESSAGE_SIZE];
    if (now == STORE_AWAY)
        log_line(LOG_ERROR, "the online store is away", "reason=%s",
                 log_quote(err->message, reason, sizeof reason));
    else if (now == STORE_FOREIGN)
        log_line(LOG_ERROR, "the online store is not ours", "reason=%s",
                 log_quote(err->message, reason, sizeof reason));
    else if (before != STORE_UNKNOWN)
        log_line(LOG_INFO, "the online store is back", "%s", "");
}

static void look(struct store_watch *watch)
{
    struct error err;
    enum store_state before = store_watch_state(watch);
    enum store_state now = ask(watch, &err);
    if (now == before)
        return;
    tell(before, now, &err);
    atomic_store(&watch->state, (int)now);
    wake_signal(watch->wake_fd);
}

static void *run(void *arg)
{
    struct store_watch *watch = arg;
    struct pollfd hurry = {.fd = watch->hurry_fd, .events = POLLIN};
    while (!atomic_load(&watch->stops)) {
        look(watch);
        poll(&hurry, 1, INTERVAL_MS);
        wake_clear(watch->hurry_fd);
    }
    return NULL;
}

enum status store_watch_start(const struct settings *settings, const struct reload *reload,
                              int wake_fd, struct store_watch **out, struct error *err)
{
    struct store_watch *watch = calloc(1, sizeof *watch);
    if (!watch)
        out_of_memory();
    watch->reload = reload;
    watch->wake_fd = wake_fd;
    enum status status = wake_open(&watch->hurry_fd, err);
    if (!status)
        status = online_store_open(settings, &watch->store, err);
    if (!status && pthread_create(&watch->thread, NULL, run, watch) != 0)
        status = fail(err, STATUS_FAILED, "cannot start a thread");
    watch->is_running = !status;
    if (status) {
        store_watch_stop(watch);
        return status;
    }
    *out = watch;
    return STATUS_OK;
}

void store_watch_stop(struct store_watch *watch)
{
    if (!watch)
        return;
    if (watch->is_running) {
        atomic_store(&watch->stops, true);
        wake_signal(watch->hurry_fd);
        pthread_join(watch->thread, NULL);
    }
    online_store_close(watch->store);
    wake_close(watch->hurry_fd);
    free(watch);
}

void store_watch_hurry(struct store_watch *watch)
{
    wake_signal(watch->hurry_fd);
}

enum store_state store_watch_state(const struct store_watch *watch)
{
    return (enum store_state)atomic_load_explicit(&watch->state, memory_order_relaxed);
}
