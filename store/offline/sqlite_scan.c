/* sqlite_scan.c - rows of a source for materialization, one after the other. */
#include "base/timestamp.h"
#include "store/offline/row_text.h"
#include "store/offline/sqlite_source.h"

#include <assert.h>
#include <stdlib.h>

struct sqlite_scan {
    struct offline_scan base;
    struct sqlite_store *store;
    const char *doing;
    struct arena arena;     /* as long as the scan */
    struct arena row_arena; /* as long as a row */
    struct sqlite_view view;
    sqlite3_stmt *statement;
    enum status failed;
    struct value *keys, *values;
    struct scan_row row;
};

static void append_range(struct buffer *sql, const struct sqlite_field *field, const char *above,
                         int64_t from_us, int64_t to_us)
{
    sqlite_append_field(sql, field);
    buffer_printf(sql, " %s %lld AND ", above, (long long)from_us);
    sqlite_append_field(sql, field);
    buffer_printf(sql, " <= %lld", (long long)to_us);
}

/* Texts and blobs, which no range of integers holds and which are to be told, not passed over. */
static void append_no_integer(struct buffer *sql, const struct sqlite_field *field)
{
    buffer_append_text(sql, " OR (");
    sqlite_append_field(sql, field);
    buffer_printf(sql, " > %lld AND typeof(", (long long)INT64_MAX);
    sqlite_append_field(sql, field);
    buffer_append_text(sql, ") <> 'integer')");
}

/* A real number may lie in a range, too. */
static void append_is_integer(struct buffer *sql, const struct sqlite_field *field)
{
    buffer_append_text(sql, " AND typeof(");
    sqlite_append_field(sql, field);
    buffer_append_text(sql, ") = 'integer'");
}

/* Ranges that an index on their column can serve. Rows that are recorded in the window with an
 * event time that no row can have are wanted, too: to be counted. */
static void append_incremental(const struct sqlite_scan *scan, const struct scan_request *request,
                               struct buffer *sql)
{
    const struct sqlite_view *view = &scan->view;
    int64_t oldest_us = request->oldest_us > INT64_MIN ? request->oldest_us : TIMESTAMP_MIN;
    buffer_append_text(sql, "((");
    append_range(sql, &view->event, ">", request->from_us, request->to_us);
    buffer_append_text(sql, " AND ");
    append_range(sql, &view->event, ">=", oldest_us, request->to_us);
    buffer_append_text(sql, ")");
    if (view->created.column) {
        buffer_append_text(sql, " OR (");
        append_range(sql, &view->created, ">", request->from_us, request->to_us);
        if (request->view->source->misfits == MISFITS_AS_NULL)
            append_is_integer(sql, &view->created);
        buffer_append_text(sql, " AND ((");
        append_range(sql, &view->event, ">=", oldest_us, request->to_us);
        buffer_append_text(sql, ") OR ");
        sqlite_append_unfit_time(sql, &view->event);
        buffer_append_text(sql, "))");
    }
    append_no_integer(sql, &view->event);
    buffer_append_text(sql, ")");
}

static void append_events(const struct sqlite_scan *scan, const struct scan_request *request,
                          struct buffer *sql)
{
    const struct sqlite_field *event = &scan->view.event;
    int64_t from_us = request->from_us > request->oldest_us ? request->from_us : request->oldest_us;
    int64_t to_us = request->to_us < TIMESTAMP_MAX ? request->to_us : TIMESTAMP_MAX;
    buffer_append_text(sql, "((");
    append_range(sql, event, ">=", from_us > TIMESTAMP_MIN ? from_us : TIMESTAMP_MIN, to_us);
    buffer_append_text(sql, ")");
    if (request->from_us == INT64_MIN) {
        buffer_append_text(sql, " OR ");
        sqlite_append_unfit_time(sql, event);
    } else {
        append_no_integer(sql, event);
    }
    buffer_append_text(sql, ")");
}

/* Before the years that a row can have, or behind them, nothing is in the window. */
static bool is_empty(const struct scan_request *request)
{
    return request->to_us < TIMESTAMP_MIN || request->from_us > TIMESTAMP_MAX ||
           request->oldest_us > TIMESTAMP_MAX;
}

static enum status prepare(struct sqlite_scan *scan, const struct scan_request *request,
                           struct error *err)
{
    struct buffer sql;
    buffer_init(&sql, 0);
    buffer_append_text(&sql, "SELECT ");
    sqlite_append_fields(&sql, &scan->view);
    buffer_printf(&sql, " FROM %s AS source WHERE ", scan->view.source.from);
    if (is_empty(request))
        buffer_append_text(&sql, "false");
    else if (request->mode == SCAN_INCREMENTAL && request->from_us != INT64_MIN)
        append_incremental(scan, request, &sql);
    else
        append_events(scan, request, &sql);
    return sqlite_prepare_read(scan->store, scan->doing, &sql, &scan->statement, err);
}

enum status sqlite_scan_open(struct offline_store *base, const struct scan_request *request,
                             struct offline_scan **opened, struct error *err)
{
    struct sqlite_store *store = sqlite_store_of(base);
    assert(!sqlite3_get_autocommit(store->connection));
    struct sqlite_scan *scan = calloc(1, sizeof *scan);
    if (!scan)
        out_of_memory();
    const struct feature_view *view = request->view;
    scan->base.operations = base->operations;
    scan->store = store;
    arena_init(&scan->arena, 0);
    arena_init(&scan->row_arena, 0);
    scan->keys = arena_array(&scan->arena, view->key_count, sizeof *scan->keys);
    scan->values = arena_array(&scan->arena, view->feature_count, sizeof *scan->values);
    enum status status = sqlite_view_bind(store, view, NULL, 0, &scan->arena, &scan->view, err);
    if (!status) {
        scan->doing = arena_printf(&scan->arena, "feature view %s: reading %s", view->about.name,
                                   scan->view.source.name);
        status = prepare(scan, request, err);
    }
    if (status)
        sqlite_scan_close(&scan->base);
    else
        *opened = &scan->base;
    return status;
}

/* Names the row by its keys, as far as they are any, and by its event time. */
static const char *row_text(struct sqlite_scan *scan)
{
    struct arena *arena = &scan->row_arena;
    const struct feature_view *view = scan->view.view;
    struct value event;
    const char *misfit;
    char event_time[TIMESTAMP_TEXT_SIZE] = "no time";
    size_t count = 0;
    for (; count < view->key_count; count++) {
        sqlite_read(scan->statement, (int)count, view->keys[count].type, arena, &scan->keys[count],
                    &misfit);
        if (misfit)
            break;
    }
    sqlite_read(scan->statement, (int)view->key_count, TYPE_TIMESTAMP, arena, &event, &misfit);
    if (!event.is_null)
        timestamp_format(event.int64, event_time);
    return arena_printf(arena, "%sevent_time=%s", row_keys_text(view, scan->keys, count, arena),
                        event_time);
}

static enum status read(struct sqlite_scan *scan, int column, const struct sqlite_field *field,
                        struct value *value, struct error *err)
{
    const char *misfit;
    sqlite_read(scan->statement, column, field->type, &scan->row_arena, value, &misfit);
    if (!misfit)
        return STATUS_OK;
    if (scan->view.view->source->misfits == MISFITS_STOP)
        return sqlite_misfit(&scan->view, field, misfit, row_text(scan), err);
    scan->base.counts.misfits++;
    return STATUS_OK;
}

/* An integer that is no time leaves its row out, whatever the policy; what is no integer at all
 * was meant as a time, and is a misfit. */
static enum status read_event(struct sqlite_scan *scan, int column, struct value *event,
                              struct error *err)
{
    const char *misfit;
    if (sqlite3_column_type(scan->statement, column) != SQLITE_INTEGER)
        return read(scan, column, &scan->view.event, event, err);
    sqlite_read(scan->statement, column, TYPE_TIMESTAMP, &scan->row_arena, event, &misfit);
    return STATUS_OK;
}

static enum status read_keys(struct sqlite_scan *scan, bool *null_key, struct error *err)
{
    for (size_t i = 0; i < scan->view.view->key_count; i++) {
        enum status status = read(scan, (int)i, &scan->view.keys[i], &scan->keys[i], err);
        if (status)
            return status;
        *null_key = *null_key || scan->keys[i].is_null;
    }
    return STATUS_OK;
}

static enum status read_features(struct sqlite_scan *scan, int column, struct error *err)
{
    struct value created = value_null(TYPE_TIMESTAMP);
    enum status status = STATUS_OK;
    if (scan->view.created.column)
        status = read(scan, column++, &scan->view.created, &created, err);
    scan->row.created_time_us = created.is_null ? TIMESTAMP_UNKNOWN : created.int64;
    for (size_t i = 0; i < scan->view.feature_count && !status; i++)
        status = read(scan, column++, &scan->view.features[i], &scan->values[i], err);
    return status;
}

/* *left_out: the row is none that anybody is served or trained with, and is counted. */
static enum status read_row(struct sqlite_scan *scan, bool *left_out, struct error *err)
{
    int column = (int)scan->view.view->key_count;
    struct value event;
    if (scan->row_arena.used_bytes > 0)
        arena_reset(&scan->row_arena);
    enum status status = read_event(scan, column, &event, err);
    *left_out = !status && event.is_null;
    if (status || *left_out)
        return status;
    scan->row.event_time_us = event.int64;
    status = read_keys(scan, left_out, err);
    if (status || *left_out)
        return status;
    return read_features(scan, column + 1, err);
}

static enum status next_row(struct sqlite_scan *scan, bool *is_row, struct error *err)
{
    bool left_out = true;
    while (left_out) {
        enum status status = sqlite_step(scan->statement, scan->doing, is_row, err);
        if (status || !*is_row)
            return status;
        status = read_row(scan, &left_out, err);
        if (status)
            return status;
        scan->base.counts.left_out += left_out;
    }
    return STATUS_OK;
}

enum status sqlite_scan_next(struct offline_scan *base, const struct scan_row **row,
                             struct error *err)
{
    struct sqlite_scan *scan = (struct sqlite_scan *)base;
    bool is_row;
    *row = NULL;
    if (scan->failed)
        return fail(err, scan->failed, "%s: it has failed before", scan->doing);
    scan->failed = next_row(scan, &is_row, err);
    if (scan->failed || !is_row)
        return scan->failed;
    scan->base.counts.rows++;
    scan->row.keys = scan->keys;
    scan->row.values = scan->values;
    *row = &scan->row;
    return STATUS_OK;
}

void sqlite_scan_close(struct offline_scan *base)
{
    struct sqlite_scan *scan = (struct sqlite_scan *)base;
    sqlite3_finalize(scan->statement);
    arena_release(&scan->arena);
    arena_release(&scan->row_arena);
    free(scan);
}
