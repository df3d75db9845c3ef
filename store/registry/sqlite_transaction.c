/*
 * sqlite_transaction.c - connections and transactions of the SQLite registry.
 *
 * A handle outlives files: a server waits for one to be made, and one may be removed or replaced
 * under it. So each transaction first makes sure that its connection is to the file that now has
 * the name.
 */
#include "store/registry/sqlite_registry.h"

#include "base/timestamp.h"

#include <poll.h>

enum { LOOK_AGAIN_MS = 20, GRACE_MS = 600 };

/* For servers: as SQLite waits for another's lock, but no longer than a second once somebody waits
 * for us. 0 gives up. */
static int wait_for_lock(void *context, int attempts)
{
    struct sqlite_registry *r = context;
    int64_t now_us = timestamp_monotonic_us();
    if (attempts == 0)
        r->busy_since_us = now_us;
    int64_t waited_ms = (now_us - r->busy_since_us) / 1000;
    struct pollfd wake = {.fd = r->limit.wake_fd, .events = POLLIN};
    bool is_awaited = poll(&wake, 1, 0) > 0;
    if (waited_ms >= (is_awaited && GRACE_MS < r->timeout_ms ? GRACE_MS : r->timeout_ms))
        return 0;
    poll(NULL, 0, LOOK_AGAIN_MS);
    return 1;
}

static bool has_moved(sqlite3 *connection)
{
    int moved = 0;
    sqlite3_file_control(connection, "main", SQLITE_FCNTL_HAS_MOVED, &moved);
    return moved != 0;
}

static enum status connect(struct sqlite_registry *r, bool make, struct error *err)
{
    if (r->connection && !has_moved(r->connection))
        return STATUS_OK;
    sqlite_disconnect(r->connection);
    enum status status = sqlite_connect(r->path, r->timeout_ms, make, &r->connection, err);
    if (!status && r->limit.wake_fd >= 0)
        sqlite3_busy_handler(r->connection, wait_for_lock, r);
    return status;
}

static enum status nothing_applied(const struct sqlite_registry *r, struct error *err)
{
    return fail(err, STATUS_NOT_FOUND, "nothing is applied in %s: run larder apply", r->name);
}

/* To commands, where there is no file nothing is applied. A server may serve what it knows. */
static enum status no_file(const struct sqlite_registry *r, struct error *err)
{
    if (r->limit.timeout_ms == 0)
        return nothing_applied(r, err);
    return fail(err, STATUS_UNAVAILABLE, "there is no file %s; larder apply makes it", r->path);
}

static enum status look_for_registry(struct sqlite_registry *r, struct error *err)
{
    enum status status = sqlite_schema_read(r, &r->identity, err);
    if (!status && r->identity == 0)
        status = nothing_applied(r, err);
    if (status)
        sqlite_transaction_end(r);
    return status;
}

enum status sqlite_transaction_read(struct sqlite_registry *r, struct error *err)
{
    enum status status = connect(r, false, err);
    if (status == STATUS_NOT_FOUND)
        return no_file(r, err);
    if (!status)
        status = sqlite_run(r->connection, "beginning a transaction", "BEGIN", err);
    return status ? status : look_for_registry(r, err);
}

static const char waiting[] = "waiting for other changes of the registry";

enum status sqlite_transaction_write(struct sqlite_registry *r, struct error *err)
{
    enum status status = connect(r, false, err);
    if (status == STATUS_NOT_FOUND)
        return no_file(r, err);
    if (!status)
        status = sqlite_begin_write(r->connection, waiting, err);
    return status ? status : look_for_registry(r, err);
}

enum status sqlite_transaction_make(struct sqlite_registry *r, struct error *err)
{
    enum status status = connect(r, true, err);
    if (!status)
        status = sqlite_begin_write(r->connection, waiting, err);
    if (status)
        return status;
    status = sqlite_schema_make(r, err);
    if (status)
        sqlite_transaction_end(r);
    return status;
}

enum status sqlite_transaction_commit(struct sqlite_registry *r, struct error *err)
{
    enum status status = sqlite_commit(r->connection, "committing", err);
    if (status)
        sqlite_transaction_end(r);
    return status;
}

void sqlite_transaction_end(struct sqlite_registry *r)
{
    sqlite_rollback(r->connection);
}

enum status sqlite_transaction_close(struct sqlite_registry *r, enum status status,
                                     struct error *err)
{
    if (!status)
        return sqlite_transaction_commit(r, err);
    sqlite_transaction_end(r);
    return status;
}
