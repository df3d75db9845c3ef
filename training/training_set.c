/* training_set.c - see training_set.h. */
#include "training/training_set.h"

#include "base/entity_key.h"
#include "base/timestamp.h"
#include "training/delivery.h"
#include "training/formats/asks.h"
#include "training/formats/output_file.h"
#include "training/join.h"
#include "training/manifest.h"
#include "training/training_columns.h"
#include "training/training_notes.h"

enum { PROGRESS_EVERY_ROWS = 10000 };

static const int64_t day_us = INT64_C(86400000000);

struct maker {
    const struct training_request *request;
    struct training_report *report;
    struct manifest *manifest;
    struct asks *asks;
    struct training_join *join;
    struct output_file *file;
    struct training_columns columns;
    struct table_writer *writer;
    struct value *cells; /* one row of the writer's */
    size_t *value_at;    /* [feature_count]: where each feature stands among its view's values */
    struct entity_key_ids *key_ids; /* [view_count] */
    struct value *keys;             /* room for one view's */
    bool *has_long_key;             /* [view_count]: of the row that is being written */
};

const char *value_status_name(enum value_status status)
{
    static const char *const names[] = {
        [VALUE_PRESENT] = "PRESENT",
        [VALUE_NULL] = "NULL_VALUE",
        [VALUE_NOT_FOUND] = "NOT_FOUND",
        [VALUE_OUTSIDE_MAX_AGE] = "OUTSIDE_MAX_AGE",
    };
    return names[status];
}

enum value_status value_status_at(const struct feature_view *view, const struct joined_view *joined,
                                  const struct value *value, int64_t at_us)
{
    if (!joined->found)
        return VALUE_NOT_FOUND;
    if (view->ttl_us) {
        int64_t eligible_us = timestamp_subtract(at_us, view->ttl_us);
        if (joined->event_time_us < timestamp_subtract(eligible_us, day_us))
            return VALUE_NOT_FOUND;
        if (joined->event_time_us < eligible_us)
            return VALUE_OUTSIDE_MAX_AGE;
    }
    return value->is_null ? VALUE_NULL : VALUE_PRESENT;
}

static enum status stopped(const struct training_request *request, struct error *err)
{
    return fail(err, STATUS_CANCELLED, "stopped; %s %s", output_name(request->out_path),
                output_is_standard(request->out_path) ? "has not got all" : "was not written");
}

static enum status tell_progress(const struct maker *maker, enum training_phase phase,
                                 uint64_t rows, uint64_t asked, struct error *err)
{
    const struct training_request *request = maker->request;
    if (rows % PROGRESS_EVERY_ROWS)
        return STATUS_OK;
    if (request->progress)
        request->progress(request->context, phase, rows, asked);
    if (request->stop && atomic_load(request->stop))
        return stopped(request, err);
    return STATUS_OK;
}

static bool is_long(struct maker *maker, size_t index, const struct ask *ask)
{
    const struct selected_view *selected = &maker->request->selection->views[index];
    for (size_t i = 0; i < selected->view->key_count; i++) {
        maker->keys[i] = ask->keys[selected->asked_keys[i]];
        if (maker->keys[i].is_null)
            return false;
    }
    return entity_key_size(&maker->key_ids[index], maker->keys, selected->view->key_count) >
           ENTITY_KEY_MAX;
}

/* Its status and event time, behind it. */
static void set_status(const struct joined_view *joined, enum value_status status,
                       struct value *cells)
{
    cells[0] = (struct value){.type = TYPE_STRING};
    cells[0].bytes = bytes_of_text(value_status_name(status));
    cells[1] = value_null(TYPE_TIMESTAMP);
    cells[1].is_null = status == VALUE_NOT_FOUND;
    cells[1].int64 = joined->event_time_us;
}

static void set_feature(struct maker *maker, const struct joined_row *row, size_t index,
                        int64_t at_us, struct value *cells)
{
    const struct selection *selection = maker->request->selection;
    const struct selected_feature *feature = &selection->features[index];
    static const struct joined_view not_found;
    const struct joined_view *joined =
        maker->has_long_key[feature->view] ? &not_found : &row->views[feature->view];
    const struct value none = value_null(feature->type);
    const struct value *value = joined->found ? &joined->values[maker->value_at[index]] : &none;
    enum value_status status =
        value_status_at(selection->views[feature->view].view, joined, value, at_us);
    struct manifest_column *column = &maker->manifest->columns[index];
    column->values[status]++;
    cells[0] = status == VALUE_PRESENT ? *value : none;
    if (status <= VALUE_NULL && joined->created_time_us > at_us)
        column->recorded_later++;
    if (maker->request->with_status)
        set_status(joined, status, cells + 1);
}

static enum status write_row(struct maker *maker, const struct ask *ask,
                             const struct joined_row *row, struct error *err)
{
    const struct training_request *request = maker->request;
    size_t asked = asks_column_count(maker->asks);
    memcpy(maker->cells, ask->cells, asked * sizeof *maker->cells);
    for (size_t i = 0; i < request->selection->view_count; i++)
        maker->has_long_key[i] = is_long(maker, i, ask);
    size_t width = request->with_status ? 3 : 1;
    for (size_t i = 0; i < request->selection->feature_count; i++)
        set_feature(maker, row, i, ask->at_us, &maker->cells[asked + i * width]);
    return table_writer_row(maker->writer, maker->cells, err);
}

/* What is asked, by its bytes; of a training set that is made again it has to be the same. */
static enum status sum_asks(struct maker *maker, struct error *err)
{
    const struct manifest *again = maker->request->again;
    struct manifest_asks *asks = &maker->manifest->asks;
    enum status status = asks_checksum(maker->asks, &asks->size, asks->sha256, err);
    if (status || !again || strcmp(asks->sha256, again->asks.sha256) == 0)
        return status;
    maker->report->refused = true;
    if (!maker->request->asks_path)
        return fail(
            err, STATUS_INVALID,
            "the query asks for other rows than it did, or in another order: as a CSV their "
            "SHA-256 is %s, and was %s; order them by all columns, or keep them in a file",
            asks->sha256, again->asks.sha256);
    return fail(err, STATUS_INVALID,
                "%s is not what was asked then: its SHA-256 is %s, and was %s; find the file as it "
                "was, and give it with --entities",
                asks_name(maker->asks), asks->sha256, again->asks.sha256);
}

static enum status open_asks(struct maker *maker, struct offline_store *store, struct error *err)
{
    const struct training_request *request = maker->request;
    bool as_text = request->format == TABLE_CSV;
    if (request->asks_path)
        return asks_open(request->asks_path, request->selection, as_text, request->stop,
                         &maker->asks, err);
    enum status status = asks_open_query(store, request->asks_query, "--entities-query",
                                         request->selection, as_text, &maker->asks, err);
    maker->report->refused = status == STATUS_INVALID;
    return status;
}

static void see_time(struct training_report *report, int64_t at_us, bool is_first)
{
    if (is_first || at_us < report->first_us)
        report->first_us = at_us;
    if (is_first || at_us > report->last_us)
        report->last_us = at_us;
}

static enum status read_asks(struct maker *maker, struct error *err)
{
    for (;;) {
        const struct ask *ask;
        enum status status = asks_next(maker->asks, &ask, err);
        if (status || !ask)
            return status;
        see_time(maker->report, ask->at_us, asks_count(maker->asks) == 1);
        status = training_join_ask(maker->join, ask->keys, ask->at_us, err);
        if (!status)
            status = tell_progress(maker, TRAINING_READS_ASKS, asks_count(maker->asks), 0, err);
        if (status)
            return status;
    }
}

static enum status write_answers(struct maker *maker, uint64_t asked, struct error *err)
{
    enum status status = STATUS_OK;
    while (!status) {
        const struct ask *ask;
        const struct joined_row *row;
        status = asks_next(maker->asks, &ask, err);
        if (!status)
            status = training_join_next(maker->join, &row, err);
        if (status)
            return status;
        if (!ask != !row)
            return asks_changed(maker->asks, err);
        if (!row)
            break;
        status = write_row(maker, ask, row, err);
        if (!status)
            status = tell_progress(maker, TRAINING_WRITES, asks_count(maker->asks), asked, err);
    }
    if (!status && asks_count(maker->asks) != asked)
        return asks_changed(maker->asks, err);
    return status ? status : table_writer_finish(maker->writer, err);
}

/* After the first reading, by which the columns that pass through have types. */
static enum status open_writer(struct maker *maker, struct error *err)
{
    training_columns_set_types(&maker->columns, maker->asks);
    return table_writer_open(maker->request->format, &maker->columns.schema, maker->file,
                             &maker->writer, err);
}

static enum status join_asks(struct maker *maker, struct offline_store *store, struct error *err)
{
    const struct join_request request = {
        .selection = maker->request->selection,
        .key_ids = maker->key_ids,
        .as_known = maker->request->as_known,
        .as_of_us = maker->request->as_of_us,
        .with_status = maker->request->with_status,
    };
    const struct join_options options = {.strategy = maker->request->strategy,
                                         .memory_bytes = maker->request->memory_bytes,
                                         .stop = maker->request->stop};
    enum status status = training_join_open(store, &request, &options, &maker->join, err);
    maker->report->refused = status == STATUS_INVALID;
    if (!status)
        status = read_asks(maker, err);
    uint64_t asked = asks_count(maker->asks);
    if (!status)
        status = tell_progress(maker, TRAINING_JOINS, 0, asked, err);
    if (!status)
        status = training_join_run(maker->join, err);
    if (!status)
        status = tell_progress(maker, TRAINING_WRITES, 0, asked, err);
    if (!status)
        status = open_writer(maker, err);
    if (!status)
        status = asks_rewind(maker->asks, err);
    if (!status)
        status = write_answers(maker, asked, err);
    if (status)
        return status;
    const struct offline_snapshot snapshot = offline_store_snapshot(store);
    maker->manifest->transactions = arena_text(maker->manifest->arena, snapshot.transactions);
    maker->manifest->position = arena_text(maker->manifest->arena, snapshot.position);
    maker->manifest->joined = *training_join_counts(maker->join);
    maker->report->put_aside_bytes = training_join_put_aside(maker->join);
    maker->manifest->asks.rows = asked;
    return asks_check_unchanged(maker->asks, err);
}

static void fill_report(const struct manifest *manifest, struct training_report *report)
{
    report->rows = manifest->asks.rows;
    report->joined = manifest->joined;
    for (size_t i = 0; i < manifest->column_count; i++) {
        report->recorded_later += manifest->columns[i].recorded_later;
        for (int s = 0; s < VALUE_STATUS_COUNT; s++)
            report->values[s] += manifest->columns[i].values[s];
    }
}

static enum status finish(struct maker *maker, struct error *err)
{
    const struct training_request *request = maker->request;
    enum status status = output_file_complete(maker->file, err);
    if (status)
        return status;
    maker->manifest->out = *output_file_summary(maker->file);
    fill_report(maker->manifest, maker->report);
    maker->report->is_other =
        request->again && strcmp(maker->manifest->out.sha256, request->again->out.sha256) != 0;
    if (maker->report->is_other && !request->keep_other)
        return STATUS_OK;
    bool is_same = request->again && !maker->report->is_other;
    return delivery_place(maker->file, maker->manifest, request->manifest_path, is_same, err);
}

/* The join hands out a view's values in the order of its features in the selection. */
static void place_values(struct maker *maker, struct arena *arena)
{
    const struct selection *selection = maker->request->selection;
    size_t *next = arena_array(arena, selection->view_count + 1, sizeof *next);
    maker->value_at = arena_array(arena, selection->feature_count + 1, sizeof *maker->value_at);
    for (size_t i = 0; i < selection->feature_count; i++)
        maker->value_at[i] = next[selection->features[i].view]++;
}

/* What a view's keys are made of online, which tells how long they are. */
static void find_key_ids(struct maker *maker, struct arena *arena)
{
    const struct selection *selection = maker->request->selection;
    const struct catalog *catalog = maker->request->catalog;
    maker->key_ids = arena_array(arena, selection->view_count, sizeof *maker->key_ids);
    maker->has_long_key = arena_array(arena, selection->view_count, sizeof *maker->has_long_key);
    maker->keys = arena_array(arena, selection->key_count, sizeof *maker->keys);
    for (size_t i = 0; i < selection->view_count; i++) {
        const struct catalog_view *view =
            catalog_find_view(catalog, selection->views[i].view->about.name);
        maker->key_ids[i] = (struct entity_key_ids){
            .project_id = catalog->project_id,
            .key_set_id = view->key_set_id,
            .view_id = view->id,
            .generation = view->generation,
        };
    }
}

enum status training_set_make(struct offline_store *store, const struct training_request *request,
                              struct arena *arena, struct manifest *manifest,
                              struct training_report *report, struct error *err)
{
    struct maker maker = {.request = request, .report = report, .manifest = manifest};
    *report = (struct training_report){0};
    manifest_begin(manifest, request->origin, request, arena);
    place_values(&maker, arena);
    find_key_ids(&maker, arena);
    enum status status = STATUS_OK;
    if (request->with_status)
        status = selection_check_status_columns(request->selection, arena, err);
    if (!status)
        status = open_asks(&maker, store, err);
    /* Standard input ends with it, and is not all that was to come. */
    if (request->stop && atomic_load(request->stop))
        status = STATUS_CANCELLED;
    if (!status)
        status = sum_asks(&maker, err);
    if (!status)
        status = training_columns_make(request, maker.asks, arena, &maker.columns, err);
    if (!status)
        status = output_file_open(request->out_path, &maker.file, err);
    if (!status) {
        training_notes_make(manifest, request->again, &maker.columns.schema);
        maker.cells = arena_array(arena, maker.columns.schema.column_count, sizeof *maker.cells);
        status = join_asks(&maker, store, err);
    }
    if (!status)
        status = finish(&maker, err);
    if (status == STATUS_CANCELLED && request->stop && atomic_load(request->stop))
        status = stopped(request, err);
    if (status == STATUS_UNAVAILABLE && !output_is_standard(request->out_path))
        fail_within(err, "%s was not written; run it again later", request->out_path);
    training_join_close(maker.join);
    table_writer_close(maker.writer);
    output_file_close(maker.file);
    asks_close(maker.asks);
    return status;
}
