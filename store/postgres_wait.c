/* postgres_wait.c - see postgres_wait.h. */
#include "store/postgres_wait.h"

#include "base/error.h"
#include "base/timestamp.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <sys/socket.h>

/* One wait: it begins with the whole of its time, and keeps only the grace once it was woken. */
struct wait {
    int64_t until_us; /* monotonic; INT64_MAX: without end */
    int wake_fd;      /* -1: none, or woken already */
};

static struct wait wait_begin(const struct postgres_limit *limit)
{
    struct wait wait = {.until_us = INT64_MAX, .wake_fd = limit->wake_fd};
    if (limit->timeout_ms > 0)
        wait.until_us = timestamp_monotonic_us() + (int64_t)limit->timeout_ms * 1000;
    return wait;
}

static void be_woken(struct wait *wait)
{
    int64_t until_us = timestamp_monotonic_us() + POSTGRES_GRACE_MS * INT64_C(1000);
    wait->wake_fd = -1;
    if (until_us < wait->until_us)
        wait->until_us = until_us;
}

static int left_ms(const struct wait *wait)
{
    if (wait->until_us == INT64_MAX)
        return -1;
    int64_t left_us = wait->until_us - timestamp_monotonic_us();
    int64_t left_ms = left_us > 0 ? (left_us + 999) / 1000 : 0;
    return left_ms < INT_MAX ? (int)left_ms : INT_MAX;
}

/* false: the time is over. */
static bool wait_for(struct wait *wait, PGconn *connection, short events)
{
    for (;;) {
        /* poll leaves out a negative fd. */
        struct pollfd fds[] = {{.fd = PQsocket(connection), .events = events},
                               {.fd = wait->wake_fd, .events = POLLIN}};
        int ready = poll(fds, COUNT_OF(fds), left_ms(wait));
        if (ready == 0)
            return false;
        if (fds[0].revents || (ready < 0 && errno != EINTR))
            return true; /* an error of poll is libpq's to find */
        if (ready > 0)
            be_woken(wait);
    }
}

bool postgres_wait_connected(PGconn *connection, const struct postgres_limit *limit)
{
    struct wait wait = wait_begin(limit);
    PostgresPollingStatusType next = PGRES_POLLING_WRITING;
    while (next != PGRES_POLLING_OK && next != PGRES_POLLING_FAILED) {
        bool is_early = PQstatus(connection) == CONNECTION_STARTED;
        if (!wait_for(&wait, connection, next == PGRES_POLLING_READING ? POLLIN : POLLOUT)) {
            /* To libpq this is an address that cannot be reached, and it goes on to the next. */
            if (!is_early || wait.wake_fd != limit->wake_fd)
                return false;
            shutdown(PQsocket(connection), SHUT_RDWR);
            wait = wait_begin(limit);
        }
        next = PQconnectPoll(connection);
    }
    return true;
}

/* Makes libpq see that the connection has ended, so that nothing more is sent on it. */
static void give_up(PGconn *connection)
{
    shutdown(PQsocket(connection), SHUT_RDWR);
    while (PQisBusy(connection) && PQconsumeInput(connection))
        continue;
}

/* false: the time is over. A connection that broke is told by the result. */
static bool wait_until_idle(struct wait *wait, PGconn *connection)
{
    while (PQisBusy(connection)) {
        if (!wait_for(wait, connection, POLLIN))
            return false;
        if (!PQconsumeInput(connection))
            break;
    }
    return true;
}

static PGresult *take_result(PGconn *connection, const struct postgres_limit *limit, int was_sent)
{
    if (!was_sent)
        return PQmakeEmptyPGresult(connection, PGRES_FATAL_ERROR);
    struct wait wait = wait_begin(limit);
    PGresult *last = NULL;
    while (wait_until_idle(&wait, connection)) {
        PGresult *result = PQgetResult(connection);
        if (!result)
            return last;
        PQclear(last);
        last = result;
        if (PQstatus(connection) != CONNECTION_OK)
            return last;
    }
    give_up(connection);
    PQclear(last);
    return NULL;
}

PGresult *postgres_wait_run(PGconn *connection, const struct postgres_limit *limit, const char *sql)
{
    return take_result(connection, limit, PQsendQuery(connection, sql));
}

PGresult *postgres_wait_query(PGconn *connection, const struct postgres_limit *limit,
                              const char *sql, int count, const char *const *values)
{
    int was_sent = PQsendQueryParams(connection, sql, count, NULL, values, NULL, NULL, 0);
    return take_result(connection, limit, was_sent);
}
