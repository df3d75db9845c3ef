/* sqlite.c - the offline store in SQLite: the handle, its transactions, its positions. */
#include "base/timestamp.h"
#include "store/offline/sqlite_store.h"
#include "store/offline/sqlite_value.h"

#include <stdio.h>
#include <stdlib.h>

enum { OPCODES_BETWEEN_LOOKS = 10000 };

static void sqlite_close(struct offline_store *base)
{
    struct sqlite_store *store = sqlite_store_of(base);
    sqlite_disconnect(store->connection);
    arena_release(&store->arena);
    free(store);
}

/* Anything but 0 makes SQLite interrupt what it does. */
static int look_at_flag(void *context)
{
    const atomic_bool *stop = ((struct sqlite_store *)context)->stop;
    return stop && atomic_load(stop);
}

static uint32_t limit_ms(void *context)
{
    return look_at_flag(context) ? 0 : ((struct sqlite_store *)context)->timeout_ms;
}

static void name_positions(struct sqlite_store *store, const char *prefix)
{
    struct buffer sql;
    buffer_init(&sql, 0);
    store->positions_name = arena_printf(&store->arena, "%s_position", prefix);
    sqlite_append_identifier(&sql, store->positions_name);
    store->positions = arena_text_of(&store->arena, buffer_bytes(&sql));
    buffer_release(&sql);
}

/* Reading what is not there leaves nothing behind. */
static enum status connect_or_do_without(struct sqlite_store *store, struct error *err)
{
    enum status status =
        sqlite_connect(store->path, &store->patience, false, &store->connection, err);
    store->is_missing = status == STATUS_NOT_FOUND;
    return store->is_missing
               ? sqlite_connect(":memory:", &store->patience, true, &store->connection, err)
               : status;
}

static enum status sqlite_open(const struct settings *settings, struct offline_store **opened,
                               struct error *err)
{
    struct sqlite_store *store = calloc(1, sizeof *store);
    if (!store)
        out_of_memory();
    store->base.operations = &offline_store_sqlite;
    arena_init(&store->arena, 0);
    name_positions(store, settings->registry_schema);
    store->path = arena_text(&store->arena, settings->offline_store.path);
    store->timeout_ms = settings->offline_store.timeout_ms;
    store->patience = (struct sqlite_patience){.limit_ms = limit_ms, .context = store};
    enum status status = connect_or_do_without(store, err);
    if (status) {
        sqlite_close(&store->base);
        return fail_within(err, "offline store");
    }
    sqlite_add_functions(store->connection);
    *opened = &store->base;
    return STATUS_OK;
}

static void heed_flag(struct sqlite_store *store)
{
    sqlite3_progress_handler(store->connection, OPCODES_BETWEEN_LOOKS,
                             store->stop ? look_at_flag : NULL, store);
}

static void sqlite_stop_on(struct offline_store *base, const atomic_bool *stop)
{
    struct sqlite_store *store = sqlite_store_of(base);
    store->stop = stop;
    heed_flag(store);
}

enum status sqlite_begin_making(struct sqlite_store *store, const char *doing, struct error *err)
{
    if (store->is_missing) {
        sqlite3 *made;
        enum status status = sqlite_connect(store->path, &store->patience, true, &made, err);
        if (status)
            return status;
        sqlite_disconnect(store->connection);
        store->connection = made;
        store->is_missing = false;
        sqlite_add_functions(made);
        heed_flag(store);
    }
    enum status status = sqlite_begin_write(store->connection, doing, err);
    if (status == STATUS_UNAVAILABLE && look_at_flag(store))
        return fail(err, STATUS_CANCELLED, "%s: stopped", doing);
    return status;
}

enum status sqlite_prepare_read(struct sqlite_store *store, const char *doing, struct buffer *sql,
                                sqlite3_stmt **statement, struct error *err)
{
    buffer_append_byte(sql, 0);
    enum status status =
        sqlite_prepare(store->connection, doing, (const char *)sql->data, statement, err);
    buffer_release(sql);
    if (!status && !sqlite3_stmt_readonly(*statement)) {
        sqlite3_finalize(*statement);
        *statement = NULL;
        status = fail(err, STATUS_INVALID, "%s: its query would write, and may only read", doing);
    }
    return status;
}

enum status sqlite_run_buffer(struct sqlite_store *store, const char *doing, struct buffer *sql,
                              struct error *err)
{
    buffer_append_byte(sql, 0);
    enum status status = sqlite_run(store->connection, doing, (const char *)sql->data, err);
    buffer_release(sql);
    return status;
}

static enum status sqlite_now(struct offline_store *store, int64_t *now_us, struct error *err)
{
    (void)store, (void)err;
    *now_us = timestamp_now();
    return STATUS_OK;
}

/* Positions ----------------------------------------------------------------------------------- */

static enum status select_one(struct sqlite_store *store, const char *doing, const char *sql,
                              const char *table, int64_t numbers[2], struct error *err)
{
    sqlite3_stmt *statement;
    struct buffer text;
    bool row = false;
    buffer_init(&text, 0);
    buffer_printf(&text, sql, table);
    enum status status = sqlite_prepare_read(store, doing, &text, &statement, err);
    if (!status)
        status = sqlite_step(statement, doing, &row, err);
    for (int i = 0; i < 2; i++)
        numbers[i] = row ? sqlite3_column_int64(statement, i) : 0;
    sqlite3_finalize(statement);
    return status;
}

/* A count that every sample moves on, and nothing else: a file that was put back from a copy is
 * known by it. It begins at 0, so that also one of before the first sample is. */
static enum status next_position(struct sqlite_store *store, struct offline_sample *sample,
                                 struct error *err)
{
    static const char doing[] = "counting the position of the offline store";
    struct buffer sql;
    int64_t numbers[2];
    buffer_init(&sql, 0);
    buffer_printf(&sql,
                  "CREATE TABLE IF NOT EXISTS %s (one INTEGER PRIMARY KEY CHECK (one = 1),"
                  " position INTEGER NOT NULL, system_identifier INTEGER NOT NULL);"
                  "INSERT OR IGNORE INTO %s VALUES (1, 0, random());"
                  "UPDATE %s SET position = position + 1",
                  store->positions, store->positions, store->positions);
    enum status status = sqlite_run_buffer(store, doing, &sql, err);
    if (!status)
        status = select_one(store, doing, "SELECT position, system_identifier FROM %s",
                            store->positions, numbers, err);
    if (status)
        return status;
    sample->position = numbers[0];
    sample->next_transaction = (uint64_t)numbers[0];
    sample->reached = numbers[0] - 1;
    sample->system_identifier = (uint64_t)numbers[1];
    return sqlite_commit(store->connection, doing, err);
}

static enum status sqlite_sample(struct offline_store *base, struct offline_sample *sample,
                                 struct error *err)
{
    struct sqlite_store *store = sqlite_store_of(base);
    sample->now_us = timestamp_now();
    enum status status =
        sqlite_begin_making(store, "counting the position of the offline store", err);
    if (!status)
        status = next_position(store, sample, err);
    sqlite_rollback(store->connection);
    return status;
}

/* Transactions -------------------------------------------------------------------------------- */

static enum status has_positions(struct sqlite_store *store, const char *doing, bool *has,
                                 struct error *err)
{
    struct buffer sql;
    sqlite3_stmt *statement;
    buffer_init(&sql, 0);
    buffer_append_text(&sql, "SELECT 1 FROM sqlite_schema WHERE type = 'table'"
                             " AND name = ? COLLATE NOCASE");
    enum status status = sqlite_prepare_read(store, doing, &sql, &statement, err);
    if (!status) {
        sqlite3_bind_text(statement, 1, store->positions_name, -1, SQLITE_STATIC);
        status = sqlite_step(statement, doing, has, err);
    }
    sqlite3_finalize(statement);
    return status;
}

/* The first SELECT takes the snapshot. */
static enum status read_position(struct sqlite_store *store, int64_t *position, struct error *err)
{
    static const char doing[] = "taking a snapshot";
    int64_t numbers[2] = {0};
    bool has = false;
    enum status status = has_positions(store, doing, &has, err);
    if (!status && has)
        status =
            select_one(store, doing, "SELECT position, 0 FROM %s", store->positions, numbers, err);
    *position = numbers[0];
    return status;
}

enum status sqlite_begin_read(struct sqlite_store *store, uint64_t *snapshot_xmin,
                              struct error *err)
{
    int64_t position = 0;
    sqlite_rollback(store->connection);
    enum status status = sqlite_run(store->connection, "beginning a transaction", "BEGIN", err);
    if (!status)
        status = read_position(store, &position, err);
    if (status) {
        sqlite_rollback(store->connection);
        return status;
    }
    snprintf(store->position, sizeof store->position, "%lld", (long long)position);
    store->base.snapshot.position = position ? store->position : NULL;
    if (snapshot_xmin)
        *snapshot_xmin = (uint64_t)position;
    return STATUS_OK;
}

static enum status sqlite_begin(struct offline_store *base, uint64_t *snapshot_xmin,
                                struct error *err)
{
    return sqlite_begin_read(sqlite_store_of(base), snapshot_xmin, err);
}

static void sqlite_end(struct offline_store *base)
{
    sqlite_rollback(sqlite_store_of(base)->connection);
}

/* One at a time writes, and a snapshot shows all that was committed before it: nobody is waited
 * for. */
static enum status sqlite_oldest_transaction(struct offline_store *base, struct arena *arena,
                                             struct open_transaction *transaction, bool *found,
                                             struct error *err)
{
    (void)base, (void)arena, (void)transaction, (void)err;
    *found = false;
    return STATUS_OK;
}

const struct offline_store_operations offline_store_sqlite = {
    .open = sqlite_open,
    .close = sqlite_close,
    .stop_on = sqlite_stop_on,
    .now = sqlite_now,
    .check = sqlite_check,
    .examine = sqlite_examine,
    .sample = sqlite_sample,
    .oldest_transaction = sqlite_oldest_transaction,
    .begin = sqlite_begin,
    .end = sqlite_end,
    .scan_open = sqlite_scan_open,
    .scan_next = sqlite_scan_next,
    .scan_close = sqlite_scan_close,
    .join_check = sqlite_join_check,
    .join_estimate = sqlite_join_estimate,
    .join_open = sqlite_join_open,
    .join_next = sqlite_join_next,
    .join_close = sqlite_join_close,
    .stream_open = sqlite_stream_open,
    .stream_next = sqlite_stream_next,
    .stream_values = sqlite_stream_values,
    .stream_misfit = sqlite_stream_misfit,
    .stream_stop = sqlite_stream_stop,
    .stream_close = sqlite_stream_close,
    .query_open = sqlite_query_open,
    .query_next = sqlite_query_next,
    .query_close = sqlite_query_close,
    .load_open = sqlite_load_open,
    .load_row = sqlite_load_row,
    .load_finish = sqlite_load_finish,
    .load_close = sqlite_load_close,
};
