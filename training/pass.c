/* pass.c - see pass.h. */
#include "training/pass.h"

#include "base/hash.h"
#include "base/timestamp.h"
#include "store/offline/row_text.h"
#include "training/best_rows.h"

#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#define DAY_US INT64_C(86400000000)
enum { READERS_MAX = 8 };

/* Asks by the keys of one or several views: those that take the same asking columns. */
struct lane {
    const uint16_t *asked_keys;
    size_t key_count;
    struct ask_index index;
};

struct pass_view {
    const struct selected_view *selected;
    struct lane *lane;
    int64_t reach_us; /* how old a row may be that is wanted; 0: any age */
    struct row_packing packing;
    struct best_rows best;
    struct value *values; /* of the answer under way */
    uint8_t *misfits;
};

struct pass {
    struct offline_store *store;
    struct join_request request;
    struct ask_log *log;
    struct arena arena;     /* as long as the pass */
    struct arena row_arena; /* as long as an error */
    struct buffer key;
    struct lane *lanes;
    size_t lane_count;
    struct pass_view *views;
    struct offline_stream *stream;
    struct join_counts counts;
    uint32_t answered;
};

/* Making -------------------------------------------------------------------------------------- */

static struct lane *lane_of(struct pass *pass, const struct selected_view *selected)
{
    size_t count = selected->view->key_count;
    for (size_t i = 0; i < pass->lane_count; i++) {
        struct lane *lane = &pass->lanes[i];
        if (lane->key_count == count &&
            memcmp(lane->asked_keys, selected->asked_keys, count * sizeof *lane->asked_keys) == 0)
            return lane;
    }
    struct lane *lane = &pass->lanes[pass->lane_count++];
    *lane = (struct lane){.asked_keys = selected->asked_keys, .key_count = count};
    ask_index_init(&lane->index);
    return lane;
}

static void init_view(struct pass *pass, size_t index)
{
    const struct selection *selection = pass->request.selection;
    struct pass_view *view = &pass->views[index];
    value_type *types = arena_array(&pass->arena, selection->feature_count, sizeof *types);
    size_t count = 0;
    for (size_t i = 0; i < selection->feature_count; i++)
        if (selection->features[i].view == index)
            types[count++] = selection->features[i].type;
    view->selected = &selection->views[index];
    view->lane = lane_of(pass, view->selected);
    int64_t ttl_us = view->selected->view->ttl_us;
    view->reach_us = ttl_us ? timestamp_add(ttl_us, pass->request.with_status ? DAY_US : 0) : 0;
    view->values = arena_array(&pass->arena, count, sizeof *view->values);
    view->misfits = arena_array(&pass->arena, count + 2, sizeof *view->misfits);
    row_packing_init(&view->packing, types, count, &pass->arena);
}

static void init_views(struct pass *pass)
{
    size_t count = pass->request.selection->view_count;
    pass->lanes = arena_array(&pass->arena, count, sizeof *pass->lanes);
    pass->views = arena_array(&pass->arena, count, sizeof *pass->views);
    for (size_t i = 0; i < count; i++)
        init_view(pass, i);
}

/* Asks ---------------------------------------------------------------------------------------- */

/* Of an ask, or of a row of history (asked: NULL). data NULL: it has a null. */
static struct bytes encode(const struct value *keys, const uint16_t *asked, size_t count,
                           struct buffer *key)
{
    buffer_clear(key);
    for (size_t i = 0; i < count; i++) {
        const struct value *one = &keys[asked ? asked[i] : i];
        if (!ask_index_encode(&one, 1, key))
            return (struct bytes){0};
    }
    return buffer_bytes(key);
}

static enum status index_asks(struct pass *pass, struct error *err)
{
    ask_log_rewind(pass->log);
    for (;;) {
        const struct value *keys;
        int64_t at_us;
        enum status status = ask_log_next(pass->log, &keys, &at_us, err);
        if (status)
            return status;
        if (!keys)
            break;
        for (size_t i = 0; i < pass->lane_count; i++) {
            struct lane *lane = &pass->lanes[i];
            struct bytes key = encode(keys, lane->asked_keys, lane->key_count, &pass->key);
            ask_index_add(&lane->index, key, key.data ? bytes_hash(key) : 0, at_us);
        }
    }
    for (size_t i = 0; i < pass->lane_count; i++)
        ask_index_settle(&pass->lanes[i].index);
    return STATUS_OK;
}

/* History ------------------------------------------------------------------------------------- */

struct reader {
    struct pass *pass;
    size_t number;
    struct buffer key;
    pthread_t thread;
    bool has_thread;
    enum status status;
    struct error err;
};

/* Too old for the first ask that it may answer is too old for all behind. */
static bool is_wanted(const struct pass_view *view, uint32_t slot, const struct streamed_row *row)
{
    if (slot == SLOT_NONE)
        return false;
    int64_t at_us = ask_index_time(&view->lane->index, slot);
    return view->reach_us == 0 || row->event_time_us >= timestamp_subtract(at_us, view->reach_us);
}

static enum status take_row(struct reader *reader, const struct streamed_row *row,
                            struct error *err)
{
    struct pass *pass = reader->pass;
    struct pass_view *view = &pass->views[row->view];
    struct bytes key = encode(row->keys, NULL, view->lane->key_count, &reader->key);
    uint32_t slot = ask_index_find(&view->lane->index, key, bytes_hash(key), row->eligible_from_us);
    if (!is_wanted(view, slot, row) ||
        !best_rows_begin(&view->best, slot, row->event_time_us, row->created_time_us))
        return STATUS_OK;
    struct streamed_values values;
    enum status status = offline_stream_values(pass->stream, reader->number, &values, err);
    if (status)
        best_rows_give_up(&view->best, slot);
    else
        best_rows_put(&view->best, slot, row->event_time_us, row->created_time_us, &values);
    return status;
}

static enum status read_all(struct reader *reader, struct error *err)
{
    const struct streamed_row *row;
    for (;;) {
        enum status status = offline_stream_next(reader->pass->stream, reader->number, &row, err);
        if (!status && row)
            status = take_row(reader, row, err);
        if (status || !row)
            return status;
    }
}

/* Who fails ends the others, too: their rows are of no use. */
static void *run_reader(void *argument)
{
    struct reader *reader = argument;
    reader->status = read_all(reader, &reader->err);
    if (reader->status)
        offline_stream_stop(reader->pass->stream);
    return NULL;
}

static void start_readers(struct pass *pass, struct reader *readers, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        readers[i] = (struct reader){.pass = pass, .number = i};
        buffer_init(&readers[i].key, 0);
        if (i > 0 && pthread_create(&readers[i].thread, NULL, run_reader, &readers[i]) == 0)
            readers[i].has_thread = true;
    }
}

/* The first to fail was not cancelled, unless somebody wants all to stop. */
static enum status outcome(const struct reader *readers, size_t count, struct error *err)
{
    const struct reader *failed = NULL;
    for (size_t i = 0; i < count; i++)
        if (readers[i].status && (!failed || failed->status == STATUS_CANCELLED))
            failed = &readers[i];
    if (!failed)
        return STATUS_OK;
    if (err)
        *err = failed->err;
    return failed->status;
}

static enum status read_history(struct pass *pass, struct error *err)
{
    struct reader readers[READERS_MAX];
    size_t count = offline_stream_reader_count(pass->stream);
    start_readers(pass, readers, count);
    /* What has no thread is read here, one after the other. */
    for (size_t i = 0; i < count; i++)
        if (!readers[i].has_thread)
            run_reader(&readers[i]);
    for (size_t i = 0; i < count; i++)
        if (readers[i].has_thread)
            pthread_join(readers[i].thread, NULL);
    enum status status = outcome(readers, count, err);
    for (size_t i = 0; i < count; i++)
        buffer_release(&readers[i].key);
    return status;
}

static size_t reader_count(void)
{
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    return cores < 1 ? 1 : cores > READERS_MAX ? READERS_MAX : (size_t)cores;
}

static enum status run(struct pass *pass, struct error *err)
{
    const struct stream_request request = {
        .join = &pass->request,
        .first_us = pass->log->first_us,
        .last_us = pass->log->last_us,
        .reader_max = reader_count(),
    };
    size_t count = pass->request.selection->view_count;
    enum status status = index_asks(pass, err);
    if (!status)
        status = offline_stream_open(pass->store, &request, &pass->stream, err);
    if (status)
        return status;
    for (size_t i = 0; i < count; i++)
        best_rows_init(&pass->views[i].best, &pass->views[i].packing, &pass->views[i].lane->index);
    status = read_history(pass, err);
    for (size_t i = 0; i < count && !status; i++)
        best_rows_settle(&pass->views[i].best);
    pass->counts = *offline_stream_counts(pass->stream);
    return status;
}

enum status pass_run(struct offline_store *store, const struct join_request *request,
                     struct ask_log *log, struct pass **opened, struct error *err)
{
    struct pass *pass = calloc(1, sizeof *pass);
    if (!pass)
        out_of_memory();
    pass->store = store;
    pass->request = *request;
    pass->log = log;
    arena_init(&pass->arena, 0);
    arena_init(&pass->row_arena, 0);
    buffer_init(&pass->key, 0);
    init_views(pass);
    enum status status = run(pass, err);
    *opened = status ? NULL : pass;
    if (status)
        pass_close(pass);
    return status;
}

/* Answers ------------------------------------------------------------------------------------- */

static enum status stop_at(struct pass *pass, size_t index, size_t place, const struct value *keys,
                           int64_t at_us, struct error *err)
{
    const struct selected_view *selected = pass->views[index].selected;
    struct value *own = arena_array(&pass->row_arena, selected->view->key_count, sizeof *own);
    char at[TIMESTAMP_TEXT_SIZE];
    for (size_t i = 0; i < selected->view->key_count; i++)
        own[i] = keys[selected->asked_keys[i]];
    timestamp_format(at_us, at);
    const char *row = arena_printf(
        &pass->row_arena, "%sasked at %s",
        row_keys_text(selected->view, own, selected->view->key_count, &pass->row_arena), at);
    return offline_stream_misfit(pass->stream, index, place, pass->views[index].misfits[place], row,
                                 err);
}

static enum status heed_misfits(struct pass *pass, size_t index, const struct value *keys,
                                int64_t at_us, struct error *err)
{
    const struct pass_view *view = &pass->views[index];
    size_t count = view->packing.count;
    bool stops = view->selected->view->source->misfits == MISFITS_STOP;
    /* As a join reads them: the times first. */
    for (size_t i = 0; i < count + 2; i++) {
        size_t place = i < 2 ? count + 1 - i : i - 2;
        if (view->misfits[place] == FITS)
            continue;
        if (stops)
            return stop_at(pass, index, place, keys, at_us, err);
        pass->counts.misfits++;
    }
    return STATUS_OK;
}

static enum status answer(struct pass *pass, size_t index, const struct value *keys, int64_t at_us,
                          struct joined_view *joined, struct error *err)
{
    struct pass_view *view = &pass->views[index];
    uint32_t slot = ask_index_slot(&view->lane->index, pass->answered);
    struct best_row row = best_rows_get(&view->best, slot);
    bool any = false;
    if (row.found && view->reach_us &&
        row.event_time_us < timestamp_subtract(at_us, view->reach_us))
        row.found = false;
    *joined = (struct joined_view){.created_time_us = TIMESTAMP_UNKNOWN, .values = view->values};
    if (row.found) {
        row_packing_read(&view->packing, row.packed, view->values, view->misfits, &any);
        joined->found = true;
        joined->event_time_us = row.event_time_us;
        joined->created_time_us = row.created_time_us;
    } else {
        for (size_t i = 0; i < view->packing.count; i++)
            view->values[i] = value_null(view->packing.types[i]);
    }
    return any ? heed_misfits(pass, index, keys, at_us, err) : STATUS_OK;
}

enum status pass_next(struct pass *pass, const struct value *keys, int64_t at_us,
                      struct joined_view *views, struct error *err)
{
    enum status status = STATUS_OK;
    for (size_t i = 0; i < pass->request.selection->view_count && !status; i++)
        status = answer(pass, i, keys, at_us, &views[i], err);
    pass->answered++;
    return status;
}

const struct join_counts *pass_counts(const struct pass *pass)
{
    return &pass->counts;
}

void pass_close(struct pass *pass)
{
    if (!pass)
        return;
    offline_stream_close(pass->stream);
    for (size_t i = 0; i < pass->request.selection->view_count; i++)
        best_rows_release(&pass->views[i].best);
    for (size_t i = 0; i < pass->lane_count; i++)
        ask_index_release(&pass->lanes[i].index);
    buffer_release(&pass->key);
    arena_release(&pass->arena);
    arena_release(&pass->row_arena);
    free(pass);
}
