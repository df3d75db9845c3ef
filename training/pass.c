/* pass.c - see pass.h. */
#include "training/pass.h"

#include "base/hash.h"
#include "base/timestamp.h"
#include "store/offline/row_text.h"
#include "training/best_rows.h"
#include "training/history_readers.h"
#include "training/partitions.h"

#include <assert.h>
#include <stdlib.h>

#define DAY_US INT64_C(86400000000)
enum {
    LOOK_EVERY = 4096,       /* rows between two looks at the stop flag */
    INDEX_BYTES = 40,        /* that an ask index takes for an ask, beside its key ... */
    INDEX_MAKING_BYTES = 72, /* ... and while it is made */
    TAIL_BYTES = 32,         /* that memory of its own costs beside its bytes */
};

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
    struct buffer answer; /* that was put aside */
};

struct pass {
    struct offline_store *store;
    struct join_request request;
    struct pass_limits limits;
    const struct ask_log *log;
    struct arena arena;     /* as long as the pass */
    struct arena row_arena; /* as long as an error */
    struct buffer key, packed;
    struct lane *lanes;
    size_t lane_count;
    struct pass_view *views;
    struct offline_stream *stream;
    struct buffer reader_keys[HISTORY_READERS_MAX], reader_rows[HISTORY_READERS_MAX];
    struct partitions parts; /* count 0: all is held at once */
    struct join_counts counts;
    uint64_t steps; /* between looks at the stop flag */
    uint32_t answered;
};

/* Of the limit, what may be planned with: all at once, and by one part of several. */
static const double whole_share = 0.95, part_share = 0.6;

static enum status heed_stop(struct pass *pass, struct error *err)
{
    if (++pass->steps % LOOK_EVERY || !pass->limits.stop || !atomic_load(pass->limits.stop))
        return STATUS_OK;
    return fail(err, STATUS_CANCELLED, "joining features: stopped");
}

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

static enum status index_ask(struct pass *pass, const struct value *keys, int64_t at_us,
                             struct error *err)
{
    (void)err;
    for (size_t i = 0; i < pass->lane_count; i++) {
        struct lane *lane = &pass->lanes[i];
        struct bytes key = encode(keys, lane->asked_keys, lane->key_count, &pass->key);
        ask_index_add(&lane->index, key, key.data ? bytes_hash(key) : 0, at_us);
    }
    return STATUS_OK;
}

/* Who asks with a null is answered without a part. */
static enum status part_ask(struct pass *pass, const struct value *keys, int64_t at_us,
                            struct error *err)
{
    enum status status = STATUS_OK;
    for (size_t i = 0; i < pass->lane_count && !status; i++) {
        const struct lane *lane = &pass->lanes[i];
        struct bytes key = encode(keys, lane->asked_keys, lane->key_count, &pass->key);
        if (key.data)
            status = partitions_add_ask(&pass->parts, i, key, bytes_hash(key), at_us, err);
    }
    return status;
}

typedef enum status ask_taker(struct pass *pass, const struct value *keys, int64_t at_us,
                              struct error *err);

static enum status take_asks(struct pass *pass, ask_taker *take, struct error *err)
{
    struct ask_log_reader reader;
    const struct value *keys;
    int64_t at_us;
    ask_log_reader_init(&reader, pass->log);
    enum status status;
    do {
        status = ask_log_next(&reader, &keys, &at_us, err);
        if (!status)
            status = heed_stop(pass, err);
        if (!status && keys)
            status = take(pass, keys, at_us, err);
    } while (!status && keys);
    ask_log_reader_release(&reader);
    return status;
}

static enum status index_asks(struct pass *pass, struct error *err)
{
    for (size_t i = 0; i < pass->lane_count; i++)
        ask_index_init(&pass->lanes[i].index);
    enum status status = take_asks(pass, index_ask, err);
    for (size_t i = 0; i < pass->lane_count && !status; i++)
        ask_index_settle(&pass->lanes[i].index);
    return status;
}

static void make_best_rows(struct pass *pass)
{
    for (size_t i = 0; i < pass->request.selection->view_count; i++)
        best_rows_init(&pass->views[i].best, &pass->views[i].packing, &pass->views[i].lane->index);
}

static void release_best_rows(struct pass *pass)
{
    for (size_t i = 0; i < pass->request.selection->view_count; i++)
        best_rows_release(&pass->views[i].best);
    for (size_t i = 0; i < pass->lane_count; i++)
        ask_index_release(&pass->lanes[i].index);
}

/* History ------------------------------------------------------------------------------------- */

/* Too old for the first ask that it may answer is too old for all behind. */
static bool is_wanted(const struct pass_view *view, uint32_t slot, int64_t event_time_us)
{
    if (slot == SLOT_NONE)
        return false;
    int64_t at_us = ask_index_time(&view->lane->index, slot);
    return view->reach_us == 0 || event_time_us >= timestamp_subtract(at_us, view->reach_us);
}

static enum status pack(struct pass *pass, size_t reader, const struct streamed_row *row,
                        struct error *err)
{
    struct streamed_values values;
    enum status status = offline_stream_values(pass->stream, reader, &values, err);
    if (!status)
        row_packing_write(&pass->views[row->view].packing, row->event_time_us, row->created_time_us,
                          &values, &pass->reader_rows[reader]);
    return status;
}

static enum status hold_row(void *context, size_t reader, const struct streamed_row *row,
                            struct error *err)
{
    struct pass *pass = context;
    struct pass_view *view = &pass->views[row->view];
    struct bytes key = encode(row->keys, NULL, view->lane->key_count, &pass->reader_keys[reader]);
    uint32_t slot = ask_index_find(&view->lane->index, key, bytes_hash(key), row->eligible_from_us);
    if (!is_wanted(view, slot, row->event_time_us) ||
        !best_rows_begin(&view->best, slot, row->event_time_us, row->created_time_us))
        return STATUS_OK;
    enum status status = pack(pass, reader, row, err);
    if (status)
        best_rows_give_up(&view->best, slot);
    else
        best_rows_put(&view->best, slot, buffer_bytes(&pass->reader_rows[reader]));
    return status;
}

static enum status part_row(void *context, size_t reader, const struct streamed_row *row,
                            struct error *err)
{
    struct pass *pass = context;
    struct pass_view *view = &pass->views[row->view];
    struct bytes key = encode(row->keys, NULL, view->lane->key_count, &pass->reader_keys[reader]);
    uint64_t hash = bytes_hash(key);
    if (!partitions_want(&pass->parts, (size_t)(view->lane - pass->lanes), hash))
        return STATUS_OK;
    enum status status = pack(pass, reader, row, err);
    return status ? status
                  : partitions_add_row(&pass->parts, row->view, key, hash, row->eligible_from_us,
                                       buffer_bytes(&pass->reader_rows[reader]), err);
}

static enum status read_history(struct pass *pass, history_taker *take, struct error *err)
{
    const struct stream_request request = {
        .join = &pass->request,
        .first_us = pass->log->first_us,
        .last_us = pass->log->last_us,
        .reader_max = history_reader_count(),
    };
    enum status status = offline_stream_open(pass->store, &request, &pass->stream, err);
    if (!status)
        status = history_read(pass->stream, take, pass, err);
    if (!status)
        pass->counts = *offline_stream_counts(pass->stream);
    return status;
}

static enum status run_whole(struct pass *pass, struct error *err)
{
    enum status status = index_asks(pass, err);
    if (status)
        return status;
    make_best_rows(pass);
    status = read_history(pass, hold_row, err);
    for (size_t i = 0; i < pass->request.selection->view_count && !status; i++)
        best_rows_settle(&pass->views[i].best);
    return status;
}

/* Parts --------------------------------------------------------------------------------------- */

static enum status index_part(struct pass *pass, size_t part, struct error *err)
{
    for (size_t i = 0; i < pass->lane_count; i++) {
        struct ask_index *index = &pass->lanes[i].index;
        struct spilled *asks = partitions_asks(&pass->parts, i, part);
        ask_index_init(index);
        for (bool end = false; !end;) {
            int64_t at_us;
            enum status status = partitions_next_ask(asks, &pass->key, &at_us, &end, err);
            if (!status)
                status = heed_stop(pass, err);
            if (status)
                return status;
            struct bytes key = buffer_bytes(&pass->key);
            if (!end)
                ask_index_add(index, key, bytes_hash(key), at_us);
        }
        ask_index_settle(index);
        spilled_release(asks);
    }
    return STATUS_OK;
}

static enum status offer_part(struct pass *pass, struct pass_view *view, struct spilled *rows,
                              struct error *err)
{
    for (;;) {
        int64_t eligible_us;
        bool end;
        enum status status =
            partitions_next_row(rows, &pass->key, &eligible_us, &pass->packed, &end, err);
        if (!status)
            status = heed_stop(pass, err);
        if (status || end)
            return status;
        struct bytes key = buffer_bytes(&pass->key);
        struct best_row row = row_packing_open(&view->packing, &pass->packed);
        uint32_t slot = ask_index_find(&view->lane->index, key, bytes_hash(key), eligible_us);
        if (is_wanted(view, slot, row.event_time_us) &&
            best_rows_begin(&view->best, slot, row.event_time_us, row.created_time_us))
            best_rows_put(&view->best, slot, buffer_bytes(&pass->packed));
    }
}

/* The answers of all asks of the part, in their order. */
static enum status answer_part(struct pass *pass, size_t index, size_t part, struct error *err)
{
    struct pass_view *view = &pass->views[index];
    struct spilled *rows = partitions_rows(&pass->parts, index, part);
    enum status status = offer_part(pass, view, rows, err);
    spilled_release(rows);
    best_rows_settle(&view->best);
    for (uint32_t i = 0; i < view->lane->index.ask_count && !status; i++) {
        struct best_row row = best_rows_get(&view->best, ask_index_slot(&view->lane->index, i));
        row_packing_copy(&view->packing, &row, &pass->packed);
        status = partitions_add_answer(&pass->parts, index, part, buffer_bytes(&pass->packed), err);
        if (!status)
            status = heed_stop(pass, err);
    }
    spilled_rewind(partitions_answers(&pass->parts, index, part));
    return status;
}

static enum status run_parts(struct pass *pass, size_t count, struct error *err)
{
    size_t view_count = pass->request.selection->view_count;
    partitions_init(&pass->parts, pass->limits.spill, pass->lane_count, view_count, count,
                    pass->limits.memory_bytes / (8 * pass->lane_count));
    enum status status = take_asks(pass, part_ask, err);
    if (!status)
        status = read_history(pass, part_row, err);
    partitions_rewind(&pass->parts, pass->parts.asks, pass->lane_count);
    partitions_rewind(&pass->parts, pass->parts.rows, view_count);
    for (size_t part = 0; part < count && !status; part++) {
        status = index_part(pass, part, err);
        if (!status)
            make_best_rows(pass);
        for (size_t i = 0; i < view_count && !status; i++)
            status = answer_part(pass, i, part, err);
        release_best_rows(pass);
    }
    return status;
}

/* How many parts keep to the limit; 1: all at once. While asks are indexed no rows are held yet,
 * and indexing takes more than the index. A part may turn out larger than its share. */
static size_t count_parts(const struct pass *pass)
{
    const struct ask_log *log = pass->log;
    double asks = (double)log->count, making = 0, held = 0;
    double limit =
        (double)pass->limits.memory_bytes - (double)atomic_load(&pass->limits.spill->memory_used);
    limit = limit < 1 ? 1 : limit;
    for (size_t i = 0; i < pass->lane_count; i++) {
        double keys = asks * 16.0 * (double)pass->lanes[i].key_count + 2 * (double)log->key_bytes;
        making += asks * INDEX_MAKING_BYTES + keys;
        held += asks * INDEX_BYTES + keys;
    }
    for (size_t i = 0; i < pass->request.selection->view_count; i++) {
        const struct row_packing *packing = &pass->views[i].packing;
        double tail = packing->tail_offset ? pass->limits.row_bytes[i] + TAIL_BYTES : 0;
        held += asks * ((double)packing->size + tail);
    }
    double bytes = held > making ? held : making;
    if (bytes <= limit * whole_share && log->count <= ASK_INDEX_MAX)
        return 1;
    double parts = bytes / (limit * part_share) + 2;
    return parts < PARTITIONS_MAX ? (size_t)parts : PARTITIONS_MAX;
}

static struct pass *new_pass(const struct join_request *request, const struct pass_limits *limits,
                             const struct ask_log *log)
{
    struct pass *pass = calloc(1, sizeof *pass);
    if (!pass)
        out_of_memory();
    pass->request = *request;
    pass->limits = *limits;
    pass->log = log;
    arena_init(&pass->arena, 0);
    arena_init(&pass->row_arena, 0);
    init_views(pass);
    return pass;
}

size_t pass_part_count(const struct join_request *request, const struct pass_limits *limits,
                       const struct ask_log *log)
{
    struct pass *pass = new_pass(request, limits, log);
    size_t parts = count_parts(pass);
    pass_close(pass);
    return parts;
}

enum status pass_run(struct offline_store *store, const struct join_request *request,
                     const struct pass_limits *limits, const struct ask_log *log,
                     struct pass **opened, struct error *err)
{
    struct pass *pass = new_pass(request, limits, log);
    pass->store = store;
    size_t parts = count_parts(pass);
    enum status status = parts == 1 ? run_whole(pass, err) : run_parts(pass, parts, err);
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

/* What a view found for the next ask, which has these keys. */
static enum status find(struct pass *pass, struct pass_view *view, const struct value *keys,
                        struct best_row *row, struct error *err)
{
    const struct lane *lane = view->lane;
    *row = (struct best_row){0};
    if (!pass->parts.count) {
        *row = best_rows_get(&view->best, ask_index_slot(&lane->index, pass->answered));
        return STATUS_OK;
    }
    struct bytes key = encode(keys, lane->asked_keys, lane->key_count, &pass->key);
    if (!key.data)
        return STATUS_OK;
    size_t part = partition_of(&pass->parts, bytes_hash(key));
    enum status status = partitions_next_answer(
        partitions_answers(&pass->parts, (size_t)(view - pass->views), part), &view->answer, err);
    if (!status)
        *row = row_packing_open(&view->packing, &view->answer);
    return status;
}

static enum status answer(struct pass *pass, size_t index, const struct value *keys, int64_t at_us,
                          struct joined_view *joined, struct error *err)
{
    struct pass_view *view = &pass->views[index];
    struct best_row row;
    bool any = false;
    enum status status = find(pass, view, keys, &row, err);
    if (status)
        return status;
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
    release_best_rows(pass);
    partitions_release(&pass->parts);
    for (size_t i = 0; i < pass->request.selection->view_count; i++)
        buffer_release(&pass->views[i].answer);
    for (size_t i = 0; i < HISTORY_READERS_MAX; i++) {
        buffer_release(&pass->reader_keys[i]);
        buffer_release(&pass->reader_rows[i]);
    }
    buffer_release(&pass->key);
    buffer_release(&pass->packed);
    arena_release(&pass->arena);
    arena_release(&pass->row_arena);
    free(pass);
}
