/* store_watch.c - see store_watch.h. */
#include "server/store_watch.h"

#include "base/log.h"
#include "server/reload.h"
#include "store/online/online_store.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum {
    INTERVAL_MS = 500,
    FIRST_INTERVAL_MS = 20, /* until there is something to compare with: the start waits for it */
};

struct store_watch {
    const struct reload *reload;
    int wake_fd; /* the caller's */
    int stop_fd;
    struct online_store *store;
    pthread_t thread;
    bool is_running;
    _Atomic int state;
};

static void signal_fd(int fd)
{
    uint64_t one = 1;
    ssize_t written = write(fd, &one, sizeof one);
    (void)written;
}

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
    signal_fd(watch->wake_fd);
}

static void *run(void *arg)
{
    struct store_watch *watch = arg;
    struct pollfd stop = {.fd = watch->stop_fd, .events = POLLIN};
    do
        look(watch);
    while (poll(&stop, 1,
                store_watch_state(watch) == STORE_UNKNOWN ? FIRST_INTERVAL_MS : INTERVAL_MS) <= 0);
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
    watch->stop_fd = eventfd(0, EFD_CLOEXEC);
    enum status status = online_store_open(settings, &watch->store, err);
    if (!status && watch->stop_fd < 0)
        status = fail(err, STATUS_FAILED, "cannot make an eventfd: %s", strerror(errno));
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
        signal_fd(watch->stop_fd);
        pthread_join(watch->thread, NULL);
    }
    online_store_close(watch->store);
    if (watch->stop_fd >= 0)
        close(watch->stop_fd);
    free(watch);
}

enum store_state store_watch_state(const struct store_watch *watch)
{
    return (enum store_state)atomic_load_explicit(&watch->state, memory_order_relaxed);
}
