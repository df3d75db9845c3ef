/* postgres_watch.c - waits for notifications that a version was applied. */
#include "store/registry/postgres_registry.h"

#include "base/timestamp.h"

#include <errno.h>
#include <poll.h>

/* What was written between the caller's last read and now is news, too, so the first wait returns
 * at once: from then on nothing is missed. */
static enum status start_listening(struct postgres_registry *r, bool *changed, struct error *err)
{
    enum status status = statement_run(r, "listening for changes", "LISTEN @", err);
    r->listening = status == STATUS_OK;
    *changed = r->listening;
    return status;
}

static enum status drain(struct postgres_registry *r, bool *changed, struct error *err)
{
    if (!PQconsumeInput(r->connection) || PQstatus(r->connection) != CONNECTION_OK)
        return fail(err, STATUS_UNAVAILABLE, "listening for changes: %s",
                    PQerrorMessage(r->connection));
    for (PGnotify *notice = PQnotifies(r->connection); notice; notice = PQnotifies(r->connection)) {
        *changed = true;
        PQfreemem(notice);
    }
    return STATUS_OK;
}

static int remaining_ms(int timeout_ms, int64_t begin_us)
{
    if (timeout_ms < 0)
        return -1;
    int64_t left_ms = timeout_ms - (timestamp_monotonic_us() - begin_us) / 1000;
    return left_ms > 0 ? (int)left_ms : 0;
}

enum status postgres_wait(struct registry *registry, int timeout_ms, int wake_fd, bool *changed,
                          struct error *err)
{
    struct postgres_registry *r = postgres_registry_of(registry);
    if (!r->listening && !r->is_standby)
        return start_listening(r, changed, err);
    int64_t begin_us = timestamp_monotonic_us();
    for (;;) {
        enum status status = drain(r, changed, err);
        if (status || *changed)
            return status;
        /* poll leaves out a negative fd. */
        struct pollfd fds[] = {{.fd = PQsocket(r->connection), .events = POLLIN},
                               {.fd = wake_fd, .events = POLLIN}};
        int ready = poll(fds, COUNT_OF(fds), remaining_ms(timeout_ms, begin_us));
        if (ready == 0 || fds[1].revents)
            return STATUS_OK;
        if (ready < 0 && errno != EINTR)
            return fail(err, STATUS_FAILED, "listening for changes: %s", strerror(errno));
    }
}
