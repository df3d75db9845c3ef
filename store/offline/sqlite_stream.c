/* sqlite_stream.c - history for a join made outside the database: one view after the other, by one
 * reader, since one connection has one snapshot. */
#include "base/timestamp.h"
#include "store/offline/join_request.h"
#include "store/offline/sqlite_left_out.h"
#include "store/offline/sqlite_probe.h"

#include <assert.h>
#include <stdlib.h>

enum { MISFIT_KINDS_MAX = 32 };

struct sqlite_stream {
    struct offline_stream base;
    struct sqlite_store *store;
    struct stream_request request;
    struct join_request join;
    struct arena arena;     /* as long as the stream */
    struct arena row_arena; /* as long as a row */
    struct sqlite_view *views;
    const char *doing;
    size_t next_view;
    sqlite3_stmt *statement; /* of the view that is read; NULL: none */
    struct value *keys, *values;
    uint8_t *misfits;
    uint8_t event_misfit, created_misfit; /* of the row */
    const char *kinds[MISFIT_KINDS_MAX];  /* what a misfit's number stands for, from 1 */
    struct streamed_row row;
};

/* Opening ------------------------------------------------------------------------------------- */

static enum status bind_view(struct sqlite_stream *stream, size_t index, struct error *err)
{
    const struct selection *selection = stream->join.selection;
    size_t count;
    const uint16_t *features = join_features_of(selection, index, &stream->arena, &count);
    return sqlite_view_bind(stream->store, selection->views[index].view, features, count,
                            &stream->arena, &stream->views[index], err);
}

static enum status open_view(struct sqlite_stream *stream, size_t index, struct error *err)
{
    const struct join_request *join = &stream->join;
    enum status status = bind_view(stream, index, err);
    stream->base.counts.is_uncounted = join->leaves_uncounted;
    if (status || join->leaves_uncounted || join_used_before(join->selection, index))
        return status;
    return sqlite_count_left_out(stream->store, &stream->views[index], &join->key_ids[index],
                                 join->as_known || join->as_of_us != AS_OF_NOW,
                                 &stream->base.counts, err);
}

enum status sqlite_stream_open(struct offline_store *base, const struct stream_request *request,
                               struct offline_stream **opened, struct error *err)
{
    struct sqlite_store *store = sqlite_store_of(base);
    const struct selection *selection = request->join->selection;
    assert(!sqlite3_get_autocommit(store->connection));
    struct sqlite_stream *stream = calloc(1, sizeof *stream);
    if (!stream)
        out_of_memory();
    stream->base.operations = base->operations;
    stream->base.reader_count = 1;
    stream->store = store;
    stream->request = *request;
    stream->join = *request->join;
    arena_init(&stream->arena, 0);
    arena_init(&stream->row_arena, 0);
    stream->views = arena_array(&stream->arena, selection->view_count, sizeof *stream->views);
    stream->keys = arena_array(&stream->arena, selection->key_count, sizeof *stream->keys);
    stream->values = arena_array(&stream->arena, selection->feature_count, sizeof *stream->values);
    stream->misfits =
        arena_array(&stream->arena, selection->feature_count + 2, sizeof *stream->misfits);
    enum status status = STATUS_OK;
    for (size_t i = 0; i < selection->view_count && !status; i++)
        status = open_view(stream, i, err);
    if (status)
        sqlite_stream_close(&stream->base);
    else
        *opened = &stream->base;
    return status;
}

/* Estimating ---------------------------------------------------------------------------------- */

/* Microseconds, measured; and what is taken for the rows of what has none that are numbered. */
static const double served_us = 8, passed_over_us = 0.3, row_us = 0.5, value_us = 0.1,
                    rows_unknown = 1e6, value_bytes = 64, counted_us = 0.2;

/* SQLite keeps no count of rows; the greatest number among them is found at once. */
static enum status guess_rows(struct sqlite_store *store, const struct sqlite_view *view,
                              double *rows, struct error *err)
{
    static const char doing[] = "looking at the size of a table";
    sqlite3_stmt *statement = NULL;
    struct buffer sql;
    bool row = false;
    *rows = rows_unknown;
    if (!view->source.source->table)
        return STATUS_OK;
    buffer_init(&sql, 0);
    buffer_printf(&sql, "SELECT max(rowid) FROM %s AS source", view->source.from);
    if (sqlite_prepare_read(store, doing, &sql, &statement, NULL))
        return STATUS_OK; /* a view, or a table WITHOUT ROWID */
    enum status status = sqlite_step(statement, doing, &row, err);
    if (row)
        *rows = sqlite3_column_double(statement, 0);
    sqlite3_finalize(statement);
    return status;
}

enum status sqlite_join_estimate(struct offline_store *base, const struct join_request *request,
                                 size_t index, int64_t first_us, int64_t last_us,
                                 struct join_estimate *estimate, struct error *err)
{
    struct sqlite_stream stream = {.store = sqlite_store_of(base), .join = *request};
    size_t count = request->selection->view_count;
    (void)first_us, (void)last_us;
    *estimate = (struct join_estimate){0};
    arena_init(&stream.arena, 0);
    stream.views = arena_array(&stream.arena, count, sizeof *stream.views);
    const struct sqlite_view *view = &stream.views[index];
    enum status status = bind_view(&stream, index, err);
    if (!status)
        status =
            sqlite_probe_is_served(stream.store, view, &stream.arena, &estimate->is_served, err);
    if (!status)
        status = guess_rows(stream.store, view, &estimate->rows, err);
    if (!status) {
        estimate->probe_us = estimate->is_served ? served_us : estimate->rows * passed_over_us;
        /* What nobody knows the size of is counted, and takes its time. */
        estimate->count_us = estimate->rows == rows_unknown ? 0 : estimate->rows * counted_us;
        estimate->row_bytes = (double)view->feature_count * value_bytes;
        estimate->stream_us = estimate->rows * (row_us + (double)view->feature_count * value_us);
    }
    arena_release(&stream.arena);
    return status;
}

/* Reading ------------------------------------------------------------------------------------- */

static enum status begin_view(struct sqlite_stream *stream, struct error *err)
{
    const struct sqlite_view *view = &stream->views[stream->next_view];
    stream->doing = arena_printf(&stream->arena, "feature view %s: reading %s",
                                 view->view->about.name, view->source.name);
    stream->row.view = stream->next_view++;
    return sqlite_probe_stream(stream->store, &stream->join, view, stream->request.first_us,
                               stream->request.last_us, stream->doing, &stream->statement, err);
}

/* Texts are static, so that they are told apart by where they stand. */
static uint8_t number_of_misfit(struct sqlite_stream *stream, const char *misfit)
{
    uint8_t number = 0;
    while (misfit && stream->kinds[number] && stream->kinds[number] != misfit)
        number++;
    assert(number < MISFIT_KINDS_MAX - 1);
    if (!misfit)
        return FITS;
    stream->kinds[number] = misfit;
    return (uint8_t)(number + 1);
}

static uint8_t read(struct sqlite_stream *stream, int column, value_type type, struct value *value)
{
    const char *misfit;
    sqlite_read(stream->statement, column, type, &stream->row_arena, value, &misfit);
    return number_of_misfit(stream, misfit);
}

static int64_t within_int64(double number)
{
    if (number >= 9223372036854775807.0)
        return INT64_MAX;
    return number < -9223372036854775807.0 ? TIMESTAMP_UNKNOWN + 1 : (int64_t)number;
}

/* Where SQLite ranks what should have been a time: numbers by their size, then texts, then blobs.
 */
static int64_t rank_at(sqlite3_stmt *statement, int column)
{
    switch (sqlite3_column_type(statement, column)) {
    case SQLITE_INTEGER:
        return sqlite3_column_int64(statement, column) == INT64_MIN
                   ? TIMESTAMP_UNKNOWN + 1
                   : sqlite3_column_int64(statement, column);
    case SQLITE_FLOAT:
        return within_int64(sqlite3_column_double(statement, column));
    default:
        return INT64_MAX;
    }
}

static void read_created(struct sqlite_stream *stream, int column)
{
    struct value created;
    stream->created_misfit = read(stream, column, TYPE_TIMESTAMP, &created);
    if (stream->created_misfit == FITS)
        stream->row.created_time_us = created.is_null ? TIMESTAMP_UNKNOWN : created.int64;
    else if (stream->join.selection->views[stream->row.view].view->source->misfits == MISFITS_STOP)
        stream->row.created_time_us = rank_at(stream->statement, column);
}

/* A misfit that stops the run is known to all, so that it is met where its row is the answer. */
static void find_eligible(struct sqlite_stream *stream)
{
    struct streamed_row *row = &stream->row;
    bool waits = stream->join.as_known && stream->created_misfit == FITS &&
                 row->created_time_us > row->event_time_us;
    row->eligible_from_us = waits ? row->created_time_us : row->event_time_us;
}

/* *is_row: false for one that has no key. The statement has seen to the event time. */
static void read_row(struct sqlite_stream *stream, bool *is_row)
{
    const struct sqlite_view *view = &stream->views[stream->row.view];
    struct value event;
    int column = 0;
    *is_row = true;
    if (stream->row_arena.used_bytes > 0)
        arena_reset(&stream->row_arena);
    for (size_t i = 0; i < view->view->key_count; i++) {
        read(stream, column++, view->keys[i].type, &stream->keys[i]);
        *is_row = *is_row && !stream->keys[i].is_null;
    }
    stream->event_misfit = read(stream, column, TYPE_TIMESTAMP, &event);
    stream->row.keys = stream->keys;
    stream->row.event_time_us = rank_at(stream->statement, column++);
    stream->row.created_time_us = TIMESTAMP_UNKNOWN;
    stream->created_misfit = FITS;
    if (view->created.column)
        read_created(stream, column);
    find_eligible(stream);
}

enum status sqlite_stream_next(struct offline_stream *base, size_t reader,
                               const struct streamed_row **row, struct error *err)
{
    struct sqlite_stream *stream = (struct sqlite_stream *)base;
    assert(reader == 0);
    (void)reader;
    *row = NULL;
    for (bool is_row = false; !is_row;) {
        enum status status = STATUS_OK;
        bool stands = false;
        if (!stream->statement && stream->next_view == stream->join.selection->view_count)
            return STATUS_OK;
        if (!stream->statement)
            status = begin_view(stream, err);
        if (!status)
            status = sqlite_step(stream->statement, stream->doing, &stands, err);
        if (status)
            return status;
        if (stands) {
            read_row(stream, &is_row);
        } else {
            sqlite3_finalize(stream->statement);
            stream->statement = NULL;
        }
    }
    *row = &stream->row;
    return STATUS_OK;
}

enum status sqlite_stream_values(struct offline_stream *base, size_t reader,
                                 struct streamed_values *values, struct error *err)
{
    struct sqlite_stream *stream = (struct sqlite_stream *)base;
    const struct sqlite_view *view = &stream->views[stream->row.view];
    int column = (int)view->view->key_count + 1 + (view->created.column ? 1 : 0);
    bool any = stream->created_misfit != FITS || stream->event_misfit != FITS;
    (void)reader, (void)err;
    for (size_t i = 0; i < view->feature_count; i++) {
        stream->misfits[i] = read(stream, column++, view->features[i].type, &stream->values[i]);
        any = any || stream->misfits[i] != FITS;
    }
    stream->misfits[view->feature_count] = stream->created_misfit;
    stream->misfits[view->feature_count + 1] = stream->event_misfit;
    *values = (struct streamed_values){stream->values, any ? stream->misfits : NULL};
    return STATUS_OK;
}

enum status sqlite_stream_misfit(const struct offline_stream *base, size_t index, size_t place,
                                 uint8_t misfit, const char *row, struct error *err)
{
    const struct sqlite_stream *stream = (const struct sqlite_stream *)base;
    const struct sqlite_view *view = &stream->views[index];
    const struct sqlite_field *field = place < view->feature_count    ? &view->features[place]
                                       : place == view->feature_count ? &view->created
                                                                      : &view->event;
    return sqlite_misfit(view, field, stream->kinds[misfit - 1], row, err);
}

/* One thread both reads and stops. */
void sqlite_stream_stop(struct offline_stream *base)
{
    (void)base;
}

void sqlite_stream_close(struct offline_stream *base)
{
    struct sqlite_stream *stream = (struct sqlite_stream *)base;
    sqlite3_finalize(stream->statement);
    arena_release(&stream->arena);
    arena_release(&stream->row_arena);
    free(stream);
}
