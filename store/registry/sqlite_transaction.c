/*
 * sqlite_transaction.c - connections and transactions of the SQLite registry.
 *
 * A handle outlives files: a server waits for one to be made, and one may be removed or replaced
 * under it. So each transaction first makes sure that its connection is to the file that now has
 * the name.
 */
#include "store/registry/sqlite_registry.h"

#include <poll.h>

enum { GRACE_MS = 600 };

/* A server: no longer than a second once somebody waits for it. */
static uint32_t limit_ms(void *context)
{
    const struct sqlite_registry *r = context;
    struct pollfd wake = {.fd = r->limit.wake_fd, .events = POLLIN};
    bool is_awaited = poll(&wake, 1, 0) > 0;
    return is_awaited && GRACE_MS < r->timeout_ms ? GRACE_MS : r->timeout_ms;
}

static bool has_moved(sqlite3 *connection)
{
    int moved = 0;
    sqlite3_file_control(connection, "main", SQLITE_FCNTL_HAS_MOVED, &moved);
    return moved != 0;
}

static bool find_shared(struct sqlite_registry *r, struct stat *found)
{
    struct buffer path;
    buffer_init(&path, 0);
    buffer_printf(&path, "%s-shm", sqlite3_db_filename(r->connection, "main"));
    buffer_append_byte(&path, 0);
    bool is_there = stat((const char *)path.data, found) == 0;
    buffer_release(&path);
    return is_there;
}

/* While a connection is open the file that it shares with others stays, unless somebody removed it
 * to write another database over ours. */
static bool is_written_over(struct sqlite_registry *r)
{
    struct stat found;
    return r->shared.st_ino && (!find_shared(r, &found) || found.st_ino != r->shared.st_ino ||
                                found.st_dev != r->shared.st_dev);
}

/* What the old WAL still holds does not belong into the other database: SQLite would put it there
 * when its last reader goes. */
void sqlite_registry_disconnect(struct sqlite_registry *r)
{
    if (r->connection && is_written_over(r))
        sqlite3_db_config(r->connection, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    sqlite_disconnect(r->connection);
    r->connection = NULL;
    r->shared.st_ino = 0;
}

static void remember_shared(struct sqlite_registry *r)
{
    if (!r->shared.st_ino && !find_shared(r, &r->shared))
        r->shared.st_ino = 0;
}

static enum status connect(struct sqlite_registry *r, bool make, struct error *err)
{
    if (r->connection && !has_moved(r->connection) && !is_written_over(r))
        return STATUS_OK;
    sqlite_registry_disconnect(r);
    r->patience = (struct sqlite_patience){.limit_ms = limit_ms, .context = r};
    return sqlite_connect(r->path, &r->patience, make, &r->connection, err);
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
    return fail(err, STATUS_UNAVAILABLE, "there is no file %s: run larder apply", r->path);
}

static enum status look_for_registry(struct sqlite_registry *r, struct error *err)
{
    enum status status = sqlite_schema_read(r, &r->identity, err);
    remember_shared(r);
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
