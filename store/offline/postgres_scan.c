/* postgres_scan.c - rows of a source for materialization, one after the other. */
#include "base/timestamp.h"
#include "store/offline/postgres_copy.h"
#include "store/offline/postgres_source.h"
#include "store/offline/row_text.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

struct postgres_scan {
    struct offline_scan base;
    struct postgres_store *store;
    struct arena arena;     /* as long as the scan */
    struct arena row_arena; /* as long as a row */
    struct postgres_view view;
    struct postgres_copy copy;
    bool has_savepoint;
    bool stops_at_misfits;
    struct bytes *fields; /* keys, event time, created time if there is one, features */
    struct value *keys, *values;
    size_t keys_read; /* of the row under way */
    struct scan_row row;
};

static void append_comparison(struct postgres_store *store, struct buffer *sql,
                              const struct postgres_field *field, const char *operator, int64_t us)
{
    postgres_append_field(store, sql, field);
    buffer_printf(sql, " %s ", operator);
    postgres_append_time(sql, us);
}

/* field in (from, to] */
static void append_window(struct postgres_store *store, struct buffer *sql,
                          const struct postgres_field *field, int64_t from_us, int64_t to_us)
{
    append_comparison(store, sql, field, ">", from_us);
    buffer_append_text(sql, " AND ");
    append_comparison(store, sql, field, "<=", to_us);
}

/* Two ranges, each of which an index on its column can serve. Rows that are recorded in the window
 * with an event time that no row can have are wanted, too: to be counted. */
static void append_incremental(const struct postgres_scan *scan, const struct scan_request *request,
                               struct buffer *sql)
{
    const struct postgres_view *view = &scan->view;
    int64_t from_us = request->from_us, to_us = request->to_us;
    buffer_append_text(sql, "((");
    append_window(scan->store, sql, &view->event, from_us, to_us);
    buffer_append_text(sql, " AND ");
    append_comparison(scan->store, sql, &view->event, ">=", request->oldest_us);
    buffer_append_text(sql, ")");
    if (view->created.column) {
        buffer_append_text(sql, " OR (");
        append_window(scan->store, sql, &view->created, from_us, to_us);
        buffer_append_text(sql, " AND ((");
        append_comparison(scan->store, sql, &view->event, "<=", to_us);
        buffer_append_text(sql, " AND ");
        append_comparison(scan->store, sql, &view->event, ">=", request->oldest_us);
        buffer_append_text(sql, ") OR ");
        postgres_append_unfit_time(scan->store, sql, &view->event);
        buffer_append_text(sql, "))");
    }
    buffer_append_text(sql, ")");
}

static void append_events(const struct postgres_scan *scan, const struct scan_request *request,
                          struct buffer *sql)
{
    const struct postgres_field *event = &scan->view.event;
    int64_t from_us = request->from_us > request->oldest_us ? request->from_us : request->oldest_us;
    buffer_append_text(sql, "((");
    append_comparison(scan->store, sql, event, ">=", from_us);
    buffer_append_text(sql, " AND ");
    append_comparison(scan->store, sql, event, "<=", request->to_us);
    buffer_append_text(sql, ")");
    if (request->from_us == INT64_MIN) {
        buffer_append_text(sql, " OR ");
        postgres_append_unfit_time(scan->store, sql, event);
    }
    buffer_append_text(sql, ")");
}

/* Before the years that a row can have, or behind them, nothing is in the window. */
static bool is_empty(const struct scan_request *request)
{
    return request->to_us < TIMESTAMP_MIN || request->from_us > TIMESTAMP_MAX ||
           request->oldest_us > TIMESTAMP_MAX;
}

static void append_columns(const struct postgres_scan *scan, struct buffer *sql)
{
    const struct postgres_view *view = &scan->view;
    for (size_t i = 0; i < view->view->key_count; i++) {
        postgres_append_field(scan->store, sql, &view->keys[i]);
        buffer_printf(sql, "%s, ", view->keys[i].cast);
    }
    postgres_append_field(scan->store, sql, &view->event);
    if (view->created.column) {
        buffer_append_text(sql, ", ");
        postgres_append_field(scan->store, sql, &view->created);
    }
    for (size_t i = 0; i < view->feature_count; i++) {
        buffer_append_text(sql, ", ");
        postgres_append_field(scan->store, sql, &view->features[i]);
        buffer_append_text(sql, view->features[i].cast);
    }
}

static void append_select(const struct postgres_scan *scan, const struct scan_request *request,
                          struct buffer *sql)
{
    buffer_append_text(sql, "SELECT ");
    append_columns(scan, sql);
    buffer_printf(sql, " FROM %s AS source WHERE ", scan->view.source.from);
    if (is_empty(request))
        buffer_append_text(sql, "false");
    else if (request->mode == SCAN_INCREMENTAL && request->from_us != INT64_MIN)
        append_incremental(scan, request, sql);
    else
        append_events(scan, request, sql);
}

/* "Seq Scan on weather  (cost=0.00..22.70 rows=1270 width=36)": for progress alone, so a plan that
 * reads otherwise is no error. */
static uint64_t rows_of_plan(const char *line)
{
    const char *rows = strstr(line, " rows=");
    return rows ? strtoull(rows + strlen(" rows="), NULL, 10) : 0;
}

static enum status estimate(struct postgres_scan *scan, const char *doing,
                            const struct buffer *select, struct error *err)
{
    PGresult *plan;
    const char *sql =
        arena_printf(&scan->arena, "EXPLAIN %.*s", (int)select->size, (const char *)select->data);
    enum status status = postgres_query(scan->store->connection, doing, sql, 0, NULL, &plan, err);
    if (status)
        return status;
    scan->base.counts.expected = PQntuples(plan) > 0 ? rows_of_plan(PQgetvalue(plan, 0, 0)) : 0;
    PQclear(plan);
    return STATUS_OK;
}

static enum status start_copy(struct postgres_scan *scan, const struct scan_request *request,
                              struct error *err)
{
    const struct feature_view *view = request->view;
    size_t field_count =
        view->key_count + 1 + (scan->view.created.column ? 1 : 0) + view->feature_count;
    scan->fields = arena_array(&scan->arena, field_count, sizeof *scan->fields);
    const char *doing = arena_printf(&scan->arena, "feature view %s: reading %s", view->about.name,
                                     scan->view.source.name);
    struct buffer select, sql;
    buffer_init(&select, 0);
    append_select(scan, request, &select);
    enum status status = estimate(scan, doing, &select, err);
    if (!status) {
        buffer_init(&sql, 0);
        buffer_append_text(&sql, "COPY (");
        buffer_append(&sql, select.data, select.size);
        buffer_append_text(&sql, ") TO STDOUT (FORMAT binary)");
        status = postgres_copy_open(&scan->copy, scan->store->connection, doing, &sql, scan->fields,
                                    field_count, err);
    }
    buffer_release(&select);
    return status;
}

enum status postgres_scan_open(struct offline_store *base, const struct scan_request *request,
                               struct offline_scan **opened, struct error *err)
{
    struct postgres_store *store = postgres_store_of(base);
    assert(PQtransactionStatus(store->connection) != PQTRANS_IDLE);
    struct postgres_scan *scan = calloc(1, sizeof *scan);
    if (!scan)
        out_of_memory();
    const struct feature_view *view = request->view;
    scan->base.operations = base->operations;
    scan->store = store;
    scan->stops_at_misfits = view->source->misfits == MISFITS_STOP;
    arena_init(&scan->arena, 0);
    arena_init(&scan->row_arena, 0);
    scan->keys = arena_array(&scan->arena, view->key_count, sizeof *scan->keys);
    scan->values = arena_array(&scan->arena, view->feature_count, sizeof *scan->values);
    /* A scan that is cancelled takes no more of the transaction with it than itself. */
    enum status status =
        postgres_run(store->connection, "beginning a scan", "SAVEPOINT larder_scan", err);
    scan->has_savepoint = !status;
    if (!status)
        status = postgres_view_bind(store, view, NULL, 0, &scan->arena, &scan->view, err);
    if (!status)
        status = start_copy(scan, request, err);
    if (status)
        postgres_scan_close(&scan->base);
    else
        *opened = &scan->base;
    return status;
}

/* Names the row by the keys that were read before, and by its event time. */
static enum status stop_at(struct postgres_scan *scan, const struct postgres_field *field,
                           enum copy_misfit misfit, struct error *err)
{
    char event_time[TIMESTAMP_TEXT_SIZE];
    timestamp_format(scan->row.event_time_us, event_time);
    const char *keys =
        row_keys_text(scan->view.view, scan->keys, scan->keys_read, &scan->row_arena);
    const char *row = arena_printf(&scan->row_arena, "%sevent_time=%s", keys, event_time);
    return postgres_misfit(&scan->view, field, misfit, row, err);
}

static enum status decode(struct postgres_scan *scan, const struct postgres_field *field,
                          struct bytes bytes, struct value *value, struct error *err)
{
    enum copy_misfit misfit;
    enum status status = copy_decode(&field->decoder, bytes, &scan->row_arena, value, &misfit, err);
    if (status)
        return fail_within(err, "%s", scan->copy.doing);
    if (misfit == COPY_FITS)
        return STATUS_OK;
    if (scan->stops_at_misfits)
        return stop_at(scan, field, misfit, err);
    scan->base.counts.misfits++;
    return STATUS_OK;
}

/* An event time that does not fit leaves its row out, whatever the policy. */
static enum status decode_event(struct postgres_scan *scan, struct bytes bytes, struct value *event,
                                struct error *err)
{
    enum copy_misfit misfit;
    enum status status =
        copy_decode(&scan->view.event.decoder, bytes, &scan->row_arena, event, &misfit, err);
    return status ? fail_within(err, "%s", scan->copy.doing) : STATUS_OK;
}

static enum status decode_keys(struct postgres_scan *scan, bool *null_key, struct error *err)
{
    size_t count = scan->view.view->key_count;
    for (scan->keys_read = 0; scan->keys_read < count; scan->keys_read++) {
        size_t i = scan->keys_read;
        enum status status =
            decode(scan, &scan->view.keys[i], scan->fields[i], &scan->keys[i], err);
        if (status)
            return status;
        *null_key = *null_key || scan->keys[i].is_null;
    }
    return STATUS_OK;
}

static enum status decode_features(struct postgres_scan *scan, const struct bytes *fields,
                                   struct error *err)
{
    struct value created = value_null(TYPE_TIMESTAMP);
    enum status status = STATUS_OK;
    if (scan->view.created.column)
        status = decode(scan, &scan->view.created, *fields++, &created, err);
    scan->row.created_time_us = created.is_null ? TIMESTAMP_UNKNOWN : created.int64;
    for (size_t i = 0; i < scan->view.feature_count && !status; i++)
        status = decode(scan, &scan->view.features[i], fields[i], &scan->values[i], err);
    return status;
}

/* *left_out: the row is none that anybody is served or trained with, and is counted. */
static enum status decode_row(struct postgres_scan *scan, bool *left_out, struct error *err)
{
    const struct bytes *fields = scan->fields + scan->view.view->key_count;
    struct value event;
    if (scan->row_arena.used_bytes > 0)
        arena_reset(&scan->row_arena);
    enum status status = decode_event(scan, *fields++, &event, err);
    *left_out = !status && event.is_null;
    if (status || *left_out)
        return status;
    scan->row.event_time_us = event.int64;
    status = decode_keys(scan, left_out, err);
    if (status || *left_out)
        return status;
    return decode_features(scan, fields, err);
}

enum status postgres_scan_next(struct offline_scan *base, const struct scan_row **row,
                               struct error *err)
{
    struct postgres_scan *scan = (struct postgres_scan *)base;
    bool end = false, left_out = true;
    *row = NULL;
    while (left_out) {
        enum status status = postgres_copy_next(&scan->copy, &end, err);
        if (status || end)
            return status;
        status = decode_row(scan, &left_out, err);
        if (status)
            return scan->copy.failed = status;
        scan->base.counts.left_out += left_out;
    }
    scan->base.counts.rows++;
    scan->row.keys = scan->keys;
    scan->row.values = scan->values;
    *row = &scan->row;
    return STATUS_OK;
}

void postgres_scan_close(struct offline_scan *base)
{
    struct postgres_scan *scan = (struct postgres_scan *)base;
    postgres_copy_close(&scan->copy);
    if (scan->has_savepoint)
        postgres_run(scan->store->connection, "ending a scan",
                     "ROLLBACK TO SAVEPOINT larder_scan; RELEASE SAVEPOINT larder_scan", NULL);
    arena_release(&scan->arena);
    arena_release(&scan->row_arena);
    free(scan);
}
