/* postgres_stream.c - history for a join made outside the database: several COPYs at once, each on
 * a connection of its own, under one exported snapshot. */
#include "base/timestamp.h"
#include "store/offline/join_request.h"
#include "store/offline/postgres_copy.h"
#include "store/offline/postgres_left_out.h"
#include "store/offline/postgres_parts.h"
#include "store/offline/postgres_peer.h"

#include <assert.h>
#include <stdlib.h>

struct reader {
    struct postgres_peer peer;
    struct arena row_arena;
    struct postgres_copy copy;
    bool is_reading;
    struct bytes *fields; /* of the tuple: keys, event, created if there is one, features */
    struct value *keys, *values;
    uint8_t *misfits;
    enum copy_misfit created_misfit;
    struct streamed_row row;
};

struct postgres_stream {
    struct offline_stream base;
    struct postgres_store *store;
    struct join_request request;
    struct arena arena; /* as long as the stream; used by the one who opens */
    struct postgres_view *views;
    const char **doing; /* [view_count] */
    struct postgres_parts parts;
    atomic_size_t next_part;
    struct reader *readers;
};

/* Opening ------------------------------------------------------------------------------------- */

static enum status bind_view(struct postgres_stream *stream, size_t index, struct error *err)
{
    const struct selection *selection = stream->request.selection;
    const struct feature_view *view = selection->views[index].view;
    size_t count;
    const uint16_t *features = join_features_of(selection, index, &stream->arena, &count);
    enum status status = postgres_view_bind(stream->store, view, features, count, &stream->arena,
                                            &stream->views[index], err);
    if (!status)
        stream->doing[index] = arena_printf(&stream->arena, "feature view %s: reading %s",
                                            view->about.name, stream->views[index].source.name);
    return status;
}

static enum status bind_views(struct postgres_stream *stream, struct error *err)
{
    size_t count = stream->request.selection->view_count;
    enum status status = STATUS_OK;
    stream->views = arena_array(&stream->arena, count, sizeof *stream->views);
    stream->doing = arena_array(&stream->arena, count, sizeof *stream->doing);
    for (size_t i = 0; i < count && !status; i++)
        status = bind_view(stream, i, err);
    return status;
}

static size_t field_count_of(const struct postgres_view *view)
{
    return view->view->key_count + 1 + (view->created.column ? 1 : 0) + view->feature_count;
}

static void init_reader(struct postgres_stream *stream, struct reader *reader)
{
    size_t fields = 0, keys = 0, values = 0;
    for (size_t v = 0; v < stream->request.selection->view_count; v++) {
        const struct postgres_view *view = &stream->views[v];
        fields = field_count_of(view) > fields ? field_count_of(view) : fields;
        keys = view->view->key_count > keys ? view->view->key_count : keys;
        values = view->feature_count > values ? view->feature_count : values;
    }
    arena_init(&reader->row_arena, 0);
    reader->fields = arena_array(&stream->arena, fields, sizeof *reader->fields);
    reader->keys = arena_array(&stream->arena, keys, sizeof *reader->keys);
    reader->values = arena_array(&stream->arena, values, sizeof *reader->values);
    reader->misfits = arena_array(&stream->arena, values + 2, sizeof *reader->misfits);
}

static enum status open_readers(struct postgres_stream *stream, size_t count, struct error *err)
{
    const char *snapshot;
    bool opened = true;
    enum status status = STATUS_OK;
    stream->readers = arena_array(&stream->arena, count, sizeof *stream->readers);
    postgres_peer_init(&stream->readers[0].peer, stream->store);
    stream->base.reader_count = 1;
    if (count > 1)
        status = postgres_snapshot_share(stream->store, &stream->arena, &snapshot, err);
    while (stream->base.reader_count < count && opened && !status) {
        struct postgres_peer *peer = &stream->readers[stream->base.reader_count].peer;
        status = postgres_peer_open(peer, stream->store, snapshot, &opened, err);
        stream->base.reader_count += opened;
    }
    for (size_t i = 0; i < stream->base.reader_count; i++)
        init_reader(stream, &stream->readers[i]);
    return status;
}

static enum status open_stream(struct postgres_stream *stream, const struct stream_request *request,
                               struct error *err)
{
    struct postgres_join_sql sql = {
        .store = stream->store,
        .request = &stream->request,
        .first_us = request->first_us,
        .last_us = request->last_us,
    };
    enum status status = bind_views(stream, err);
    stream->base.counts.is_uncounted = stream->request.leaves_uncounted;
    if (!status && !stream->request.leaves_uncounted)
        status = postgres_count_left_out(stream->store, &stream->request, stream->views,
                                         &stream->base.counts, err);
    sql.views = stream->views;
    if (!status)
        status = postgres_parts_cut(&sql, request->reader_max, &stream->arena, &stream->parts, err);
    if (status)
        return status;
    size_t count =
        stream->parts.count < request->reader_max ? stream->parts.count : request->reader_max;
    return open_readers(stream, count, err);
}

enum status postgres_stream_open(struct offline_store *base, const struct stream_request *request,
                                 struct offline_stream **opened, struct error *err)
{
    struct postgres_store *store = postgres_store_of(base);
    assert(PQtransactionStatus(store->connection) != PQTRANS_IDLE && request->reader_max > 0);
    struct postgres_stream *stream = calloc(1, sizeof *stream);
    if (!stream)
        out_of_memory();
    stream->base.operations = base->operations;
    stream->store = store;
    stream->request = *request->join;
    arena_init(&stream->arena, 0);
    enum status status = open_stream(stream, request, err);
    if (status)
        postgres_stream_close(&stream->base);
    else
        *opened = &stream->base;
    return status;
}

/* Reading ------------------------------------------------------------------------------------- */

/* *none: all parts are taken. */
static enum status take_part(struct postgres_stream *stream, struct reader *reader, bool *none,
                             struct error *err)
{
    size_t index = atomic_fetch_add(&stream->next_part, 1);
    *none = index >= stream->parts.count;
    if (*none) {
        postgres_peer_leave(&reader->peer);
        return STATUS_OK;
    }
    struct buffer sql;
    buffer_init(&sql, 0);
    reader->row.view = postgres_parts_append(&stream->parts, index, &sql);
    const struct postgres_view *view = &stream->views[reader->row.view];
    enum status status =
        postgres_copy_open(&reader->copy, reader->peer.connection, stream->doing[reader->row.view],
                           &sql, reader->fields, field_count_of(view), err);
    reader->is_reading = !status;
    return status;
}

static enum status decode(struct reader *reader, const struct postgres_field *field,
                          struct bytes bytes, struct value *value, enum copy_misfit *misfit,
                          struct error *err)
{
    enum status status =
        copy_decode(&field->decoder, bytes, &reader->row_arena, value, misfit, err);
    return status ? fail_within(err, "%s", reader->copy.doing) : STATUS_OK;
}

/* Beyond all times that are any, on the side where PostgreSQL ranks it. */
static int64_t rank_of_misfit(struct bytes field, enum copy_misfit misfit)
{
    bool is_early = *(const uint8_t *)field.data & 0x80;
    bool is_infinite = misfit == COPY_INFINITE_TIME;
    if (is_early)
        return is_infinite ? TIMESTAMP_UNKNOWN + 1 : TIMESTAMP_UNKNOWN + 2;
    return is_infinite ? INT64_MAX : INT64_MAX - 1;
}

static enum status decode_created(struct postgres_stream *stream, struct reader *reader,
                                  struct bytes field, struct error *err)
{
    const struct postgres_view *view = &stream->views[reader->row.view];
    struct value created;
    enum status status =
        decode(reader, &view->created, field, &created, &reader->created_misfit, err);
    if (status)
        return status;
    if (reader->created_misfit == COPY_FITS)
        reader->row.created_time_us = created.is_null ? TIMESTAMP_UNKNOWN : created.int64;
    else if (view->view->source->misfits == MISFITS_STOP)
        reader->row.created_time_us = rank_of_misfit(field, reader->created_misfit);
    return STATUS_OK;
}

/* A misfit that stops the run is known to all, so that it is met where its row is the answer. */
static void find_eligible(const struct postgres_stream *stream, struct reader *reader)
{
    struct streamed_row *row = &reader->row;
    bool waits = stream->request.as_known && reader->created_misfit == COPY_FITS &&
                 row->created_time_us > row->event_time_us;
    row->eligible_from_us = waits ? row->created_time_us : row->event_time_us;
}

/* *is_row: false for one that has no key or no time. */
static enum status decode_row(struct postgres_stream *stream, struct reader *reader, bool *is_row,
                              struct error *err)
{
    const struct postgres_view *view = &stream->views[reader->row.view];
    const struct bytes *fields = reader->fields;
    enum copy_misfit misfit;
    struct value event;
    enum status status = STATUS_OK;
    *is_row = false;
    if (reader->row_arena.used_bytes > 0)
        arena_reset(&reader->row_arena);
    for (size_t i = 0; i < view->view->key_count; i++) {
        status = decode(reader, &view->keys[i], *fields++, &reader->keys[i], &misfit, err);
        if (status || reader->keys[i].is_null)
            return status;
    }
    status = decode(reader, &view->event, *fields++, &event, &misfit, err);
    if (status || event.is_null)
        return status;
    reader->row.keys = reader->keys;
    reader->row.event_time_us = event.int64;
    reader->row.created_time_us = TIMESTAMP_UNKNOWN;
    reader->created_misfit = COPY_FITS;
    if (view->created.column)
        status = decode_created(stream, reader, *fields, err);
    find_eligible(stream, reader);
    *is_row = !status;
    return status;
}

enum status postgres_stream_next(struct offline_stream *base, size_t index,
                                 const struct streamed_row **row, struct error *err)
{
    struct postgres_stream *stream = (struct postgres_stream *)base;
    struct reader *reader = &stream->readers[index];
    enum status status = STATUS_OK;
    *row = NULL;
    for (bool is_row = false, end = false; !is_row && !status;) {
        if (!reader->is_reading)
            status = take_part(stream, reader, &end, err);
        if (status || end)
            return status;
        status = postgres_copy_next(&reader->copy, &end, err);
        if (!status && !end)
            status = decode_row(stream, reader, &is_row, err);
        if (end) {
            postgres_copy_close(&reader->copy);
            reader->is_reading = false;
        }
    }
    if (!status)
        *row = &reader->row;
    return status;
}

enum status postgres_stream_values(struct offline_stream *base, size_t index,
                                   struct streamed_values *values, struct error *err)
{
    struct postgres_stream *stream = (struct postgres_stream *)base;
    struct reader *reader = &stream->readers[index];
    const struct postgres_view *view = &stream->views[reader->row.view];
    const struct bytes *fields = reader->fields + view->view->key_count + 1;
    bool any = reader->created_misfit != COPY_FITS;
    fields += view->created.column != NULL;
    for (size_t i = 0; i < view->feature_count; i++) {
        enum copy_misfit misfit;
        enum status status =
            decode(reader, &view->features[i], fields[i], &reader->values[i], &misfit, err);
        if (status)
            return status;
        reader->misfits[i] = (uint8_t)misfit;
        any = any || misfit != COPY_FITS;
    }
    reader->misfits[view->feature_count] = (uint8_t)reader->created_misfit;
    reader->misfits[view->feature_count + 1] = FITS;
    *values = (struct streamed_values){reader->values, any ? reader->misfits : NULL};
    return STATUS_OK;
}

enum status postgres_stream_misfit(const struct offline_stream *base, size_t index, size_t place,
                                   uint8_t misfit, const char *row, struct error *err)
{
    const struct postgres_stream *stream = (const struct postgres_stream *)base;
    const struct postgres_view *view = &stream->views[index];
    const struct postgres_field *field =
        place < view->feature_count ? &view->features[place] : &view->created;
    return postgres_misfit(view, field, (enum copy_misfit)misfit, row, err);
}

void postgres_stream_stop(struct offline_stream *base)
{
    struct postgres_stream *stream = (struct postgres_stream *)base;
    for (size_t i = 0; i < stream->base.reader_count; i++)
        postgres_peer_stop(&stream->readers[i].peer);
}

static void close_reader(struct reader *reader)
{
    postgres_copy_close(&reader->copy);
    postgres_peer_close(&reader->peer);
    arena_release(&reader->row_arena);
}

void postgres_stream_close(struct offline_stream *base)
{
    struct postgres_stream *stream = (struct postgres_stream *)base;
    for (size_t i = 0; i < stream->base.reader_count; i++)
        close_reader(&stream->readers[i]);
    arena_release(&stream->arena);
    free(stream);
}
