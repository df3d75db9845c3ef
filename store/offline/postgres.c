/* postgres.c - the offline store in PostgreSQL: the handle, its transactions, its positions. */
#include "base/timestamp.h"
#include "store/offline/postgres_canceller.h"
#include "store/offline/postgres_store.h"

#include <stdlib.h>

static enum status connect_store(struct postgres_store *store, struct error *err)
{
    enum status status = postgres_connect(store->url, store->timeout_ms, &store->connection, err);
    postgres_canceller_aim(store->canceller, store->connection);
    return status ? fail_within(err, "offline store") : STATUS_OK;
}

static void postgres_close(struct offline_store *base)
{
    struct postgres_store *store = postgres_store_of(base);
    postgres_canceller_close(store->canceller);
    PQfinish(store->connection);
    PQclear(store->snapshot);
    free(store->url);
    free(store);
}

static enum status postgres_open(const struct settings *settings, struct offline_store **opened,
                                 struct error *err)
{
    struct postgres_store *store = calloc(1, sizeof *store);
    if (!store)
        out_of_memory();
    store->base.operations = &offline_store_postgres;
    store->timeout_ms = settings->offline_store.timeout_ms;
    store->url = strdup(settings->offline_store.url);
    if (!store->url)
        out_of_memory();
    enum status status = connect_store(store, err);
    if (status) {
        postgres_close(&store->base);
        return status;
    }
    *opened = &store->base;
    return STATUS_OK;
}

static void postgres_stop_on(struct offline_store *base, const atomic_bool *stop)
{
    struct postgres_store *store = postgres_store_of(base);
    postgres_canceller_close(store->canceller);
    store->stop = stop;
    store->canceller = stop ? postgres_canceller_open(stop) : NULL;
    postgres_canceller_aim(store->canceller, store->connection);
}

static enum status reconnect_if_broken(struct postgres_store *store, struct error *err)
{
    if (PQstatus(store->connection) == CONNECTION_OK)
        return STATUS_OK;
    PQfinish(store->connection);
    store->connection = NULL;
    return connect_store(store, err);
}

void postgres_rollback(struct postgres_store *store)
{
    if (PQtransactionStatus(store->connection) != PQTRANS_IDLE)
        postgres_run(store->connection, "rolling back", "ROLLBACK", NULL);
}

static enum status begin(struct postgres_store *store, const char *sql, struct error *err)
{
    enum status status = reconnect_if_broken(store, err);
    if (status)
        return status;
    postgres_rollback(store);
    return postgres_run(store->connection, "beginning a transaction", sql, err);
}

static void keep_snapshot(struct postgres_store *store, PGresult *result)
{
    PQclear(store->snapshot);
    store->snapshot = result;
    store->base.snapshot = (struct offline_snapshot){
        .transactions = PQgetvalue(result, 0, 1),
        .position = PQgetisnull(result, 0, 2) ? NULL : PQgetvalue(result, 0, 2),
    };
}

enum status postgres_begin_read(struct postgres_store *store, uint64_t *snapshot_xmin,
                                struct error *err)
{
    static const char *const sql =
        "SELECT pg_snapshot_xmin(seen), seen, CASE WHEN pg_is_in_recovery()"
        " THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_flush_lsn() END"
        " FROM pg_current_snapshot() AS seen";
    PGresult *result = NULL;
    enum status status = begin(store, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", err);
    if (!status)
        status = postgres_query(store->connection, "taking a snapshot", sql, 0, NULL, &result, err);
    if (status)
        return status;
    if (snapshot_xmin)
        *snapshot_xmin = strtoull(PQgetvalue(result, 0, 0), NULL, 10);
    keep_snapshot(store, result);
    return STATUS_OK;
}

enum status postgres_begin_write(struct postgres_store *store, struct error *err)
{
    return begin(store, "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE", err);
}

enum status postgres_commit(struct postgres_store *store, const char *doing, struct error *err)
{
    return postgres_run(store->connection, doing, "COMMIT", err);
}

enum status postgres_query_buffer(struct postgres_store *store, const char *doing,
                                  struct buffer *sql, PGresult **result, struct error *err)
{
    buffer_append_byte(sql, 0);
    enum status status =
        postgres_query(store->connection, doing, (const char *)sql->data, 0, NULL, result, err);
    buffer_release(sql);
    return status;
}

static enum status postgres_begin(struct offline_store *base, uint64_t *snapshot_xmin,
                                  struct error *err)
{
    return postgres_begin_read(postgres_store_of(base), snapshot_xmin, err);
}

static void postgres_end(struct offline_store *base)
{
    postgres_rollback(postgres_store_of(base));
}

enum status postgres_clock(struct postgres_store *store, int64_t *now_us, struct error *err)
{
    PGresult *result = NULL;
    enum status status = postgres_query(store->connection, "asking PostgreSQL for the time",
                                        "SELECT clock_timestamp()", 0, NULL, &result, err);
    if (!status && !timestamp_parse(bytes_of_text(PQgetvalue(result, 0, 0)), now_us))
        status = fail(err, STATUS_FAILED, "PostgreSQL's clock says %s", PQgetvalue(result, 0, 0));
    PQclear(result);
    return status;
}

static enum status postgres_now(struct offline_store *base, int64_t *now_us, struct error *err)
{
    struct postgres_store *store = postgres_store_of(base);
    enum status status = reconnect_if_broken(store, err);
    return status ? status : postgres_clock(store, now_us, err);
}

/* "16/B374D848": two hexadecimal halves. */
static int64_t position_of_text(const char *text)
{
    char *low;
    uint64_t high = strtoull(text, &low, 16);
    return (int64_t)(high << 32 | strtoull(*low == '/' ? low + 1 : "0", NULL, 16));
}

/*
 * Two statements, in this order: a transaction whose commit lies at or before the position had its
 * id long before, so every such id is less than one that is handed out afterwards. (The xmax of a
 * snapshot will not do: it is one more than the greatest id that has *ended*, and a commit that is
 * already flushed but not yet visible, as when it waits for a synchronous standby, may lie above
 * it.) On a standby, what was replayed is visible, and ids are not handed out: there xmax is
 * enough.
 */
static enum status sample_position(struct postgres_store *store, struct offline_sample *sample,
                                   struct error *err)
{
    static const char *const position_sql =
        "SELECT CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn()"
        " ELSE pg_current_wal_flush_lsn() END,"
        " clock_timestamp(), (SELECT system_identifier FROM pg_control_system())";
    static const char *const transaction_sql =
        "SELECT CASE WHEN pg_is_in_recovery() THEN pg_snapshot_xmax(pg_current_snapshot())"
        " ELSE pg_current_xact_id() END";
    PGresult *position = NULL, *transaction = NULL;
    const char *doing = "sampling the position of PostgreSQL";
    enum status status =
        postgres_query(store->connection, doing, position_sql, 0, NULL, &position, err);
    if (!status)
        status =
            postgres_query(store->connection, doing, transaction_sql, 0, NULL, &transaction, err);
    if (!status) {
        sample->position = position_of_text(PQgetvalue(position, 0, 0));
        sample->reached = sample->position;
        sample->system_identifier = (uint64_t)strtoll(PQgetvalue(position, 0, 2), NULL, 10);
        sample->next_transaction = strtoull(PQgetvalue(transaction, 0, 0), NULL, 10);
        if (!timestamp_parse(bytes_of_text(PQgetvalue(position, 0, 1)), &sample->now_us))
            status = fail(err, STATUS_FAILED, "%s: its clock says %s", doing,
                          PQgetvalue(position, 0, 1));
    }
    PQclear(position);
    PQclear(transaction);
    return status;
}

static enum status postgres_sample(struct offline_store *base, struct offline_sample *sample,
                                   struct error *err)
{
    struct postgres_store *store = postgres_store_of(base);
    enum status status = reconnect_if_broken(store, err);
    if (!status)
        postgres_rollback(store);
    return status ? status : sample_position(store, sample, err);
}

/* When others began is hidden from those without the right to see it; that they write is not. */
static const char *const oldest_transaction_sql =
    "SELECT coalesce(pid, 0), coalesce((extract(epoch FROM clock_timestamp() - began) * 1000000)"
    "::bigint, 0), began IS NULL, name, owner FROM ("
    " SELECT pid, xact_start AS began, age(backend_xid) AS age,"
    "  coalesce(nullif(application_name, ''), backend_type, 'unnamed') AS name, usename AS owner"
    " FROM pg_stat_activity WHERE backend_xid IS NOT NULL AND pid <> pg_backend_pid()"
    " UNION ALL"
    " SELECT NULL, prepared, age(transaction), 'prepared transaction ' || gid, owner"
    " FROM pg_prepared_xacts) AS open"
    " ORDER BY began NULLS LAST, age DESC LIMIT 1";

static void describe_transaction(const PGresult *result, struct arena *arena,
                                 struct open_transaction *transaction)
{
    transaction->process_id = atoi(PQgetvalue(result, 0, 0));
    transaction->age_us = strtoll(PQgetvalue(result, 0, 1), NULL, 10);
    if (transaction->age_us < 0)
        transaction->age_us = 0;
    char age[DURATION_TEXT_SIZE];
    /* Whole seconds read better than "7382114ms". */
    duration_format(transaction->age_us / 1000000 * 1000000, age);
    bool hidden = *PQgetvalue(result, 0, 2) == 't';
    const char *owner = PQgetisnull(result, 0, 4) ? "unknown" : PQgetvalue(result, 0, 4);
    const char *who = transaction->process_id
                          ? arena_printf(arena, "pid %d (%s, user %s)", transaction->process_id,
                                         PQgetvalue(result, 0, 3), owner)
                          : arena_printf(arena, "%s (user %s)", PQgetvalue(result, 0, 3), owner);
    transaction->text = hidden ? arena_printf(arena,
                                              "%s, open since a time hidden from this user "
                                              "(GRANT pg_read_all_stats shows it)",
                                              who)
                               : arena_printf(arena, "%s, open for %s", who, age);
}

static enum status postgres_oldest_transaction(struct offline_store *base, struct arena *arena,
                                               struct open_transaction *transaction, bool *found,
                                               struct error *err)
{
    struct postgres_store *store = postgres_store_of(base);
    PGresult *result = NULL;
    *found = false;
    enum status status = reconnect_if_broken(store, err);
    if (!status)
        status = postgres_query(store->connection, "looking for open transactions",
                                oldest_transaction_sql, 0, NULL, &result, err);
    if (status)
        return status;
    *found = PQntuples(result) == 1;
    if (*found)
        describe_transaction(result, arena, transaction);
    PQclear(result);
    return STATUS_OK;
}

const struct offline_store_operations offline_store_postgres = {
    .open = postgres_open,
    .close = postgres_close,
    .stop_on = postgres_stop_on,
    .now = postgres_now,
    .check = postgres_check,
    .examine = postgres_examine,
    .sample = postgres_sample,
    .oldest_transaction = postgres_oldest_transaction,
    .begin = postgres_begin,
    .end = postgres_end,
    .scan_open = postgres_scan_open,
    .scan_next = postgres_scan_next,
    .scan_close = postgres_scan_close,
    .join_check = postgres_join_check,
    .join_estimate = postgres_join_estimate,
    .join_open = postgres_join_open,
    .join_next = postgres_join_next,
    .join_close = postgres_join_close,
    .stream_open = postgres_stream_open,
    .stream_next = postgres_stream_next,
    .stream_values = postgres_stream_values,
    .stream_misfit = postgres_stream_misfit,
    .stream_stop = postgres_stream_stop,
    .stream_close = postgres_stream_close,
    .query_open = postgres_query_open,
    .query_next = postgres_query_next,
    .query_close = postgres_query_close,
    .load_open = postgres_load_open,
    .load_row = postgres_load_row,
    .load_finish = postgres_load_finish,
    .load_close = postgres_load_close,
};
