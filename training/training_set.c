/* training_set.c - see training_set.h. */
#include "training/training_set.h"

#include "base/csv.h"
#include "base/entity_key.h"
#include "base/timestamp.h"
#include "base/value_text.h"
#include "training/asks.h"
#include "training/join.h"
#include "training/output_file.h"

enum { PROGRESS_EVERY_ROWS = 10000 };

static const int64_t day_us = INT64_C(86400000000);

struct maker {
    const struct training_request *request;
    struct training_report *report;
    struct asks *asks;
    struct training_join *join;
    struct output_file *file;
    struct buffer line, text;
    size_t *value_at; /* [feature_count]: where each feature stands among its view's values */
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

/* Column names of the answer must differ from those that pass through. */
static enum status check_name(const struct maker *maker, const char *name, struct error *err)
{
    for (size_t i = 0; i < asks_column_count(maker->asks); i++)
        if (strcmp(asks_column(maker->asks, i), name) == 0)
            return fail(err, STATUS_INVALID,
                        "%s:1:1: the file has a column %s, and so has the "
                        "answer; rename it, or ask with --full-names",
                        maker->request->asks_path, name);
    return STATUS_OK;
}

static enum status append_title(struct maker *maker, const char *feature, const char *suffix,
                                struct error *err)
{
    buffer_clear(&maker->text);
    buffer_printf(&maker->text, "%s%s", feature, suffix);
    csv_append(&maker->line, false, buffer_bytes(&maker->text));
    buffer_append_byte(&maker->text, 0);
    return check_name(maker, (const char *)maker->text.data, err);
}

/* Before the join, which may take hours: names that collide are found at once. */
static enum status write_header(struct maker *maker, struct error *err)
{
    const struct selection *selection = maker->request->selection;
    enum status status = STATUS_OK;
    buffer_clear(&maker->line);
    for (size_t i = 0; i < asks_column_count(maker->asks); i++)
        csv_append(&maker->line, i == 0, bytes_of_text(asks_column(maker->asks, i)));
    for (size_t i = 0; i < selection->feature_count && !status; i++) {
        const char *name = selection->features[i].name;
        status = append_title(maker, name, "", err);
        if (!status && maker->request->with_status)
            status = append_title(maker, name, "__status", err);
        if (!status && maker->request->with_status)
            status = append_title(maker, name, "__event_time", err);
    }
    csv_append_end(&maker->line);
    return status ? status : output_file_append(maker->file, &maker->line, err);
}

static void append_value(struct maker *maker, const struct value *value)
{
    buffer_clear(&maker->text);
    value_format(value, &maker->text);
    csv_append(&maker->line, false, buffer_bytes(&maker->text));
}

static void append_status(struct maker *maker, const struct joined_view *joined,
                          enum value_status status)
{
    csv_append(&maker->line, false, bytes_of_text(value_status_name(status)));
    if (status == VALUE_NOT_FOUND) {
        csv_append_null(&maker->line, false);
        return;
    }
    struct value time = {.type = TYPE_TIMESTAMP, .int64 = joined->event_time_us};
    append_value(maker, &time);
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

static void append_feature(struct maker *maker, const struct joined_row *row, size_t index,
                           int64_t at_us)
{
    const struct selection *selection = maker->request->selection;
    const struct selected_feature *feature = &selection->features[index];
    static const struct joined_view not_found;
    const struct joined_view *joined =
        maker->has_long_key[feature->view] ? &not_found : &row->views[feature->view];
    const struct value none = {.type = feature->type, .is_null = true};
    const struct value *value = joined->found ? &joined->values[maker->value_at[index]] : &none;
    enum value_status status =
        value_status_at(selection->views[feature->view].view, joined, value, at_us);
    maker->report->values[status]++;
    if (status == VALUE_PRESENT)
        append_value(maker, value);
    else
        csv_append_null(&maker->line, false);
    if (status <= VALUE_NULL && joined->created_time_us > at_us)
        maker->report->recorded_later++;
    if (maker->request->with_status)
        append_status(maker, joined, status);
}

static enum status write_row(struct maker *maker, const struct ask *ask,
                             const struct joined_row *row, struct error *err)
{
    buffer_clear(&maker->line);
    for (size_t i = 0; i < ask->field_count; i++) {
        if (ask->fields[i].is_null)
            csv_append_null(&maker->line, i == 0);
        else
            csv_append(&maker->line, i == 0, ask->fields[i].text);
    }
    for (size_t i = 0; i < maker->request->selection->view_count; i++)
        maker->has_long_key[i] = is_long(maker, i, ask);
    for (size_t i = 0; i < maker->request->selection->feature_count; i++)
        append_feature(maker, row, i, ask->at_us);
    csv_append_end(&maker->line);
    return output_file_append(maker->file, &maker->line, err);
}

static enum status read_asks(struct maker *maker, struct error *err)
{
    for (;;) {
        const struct ask *ask;
        enum status status = asks_next(maker->asks, &ask, err);
        if (status || !ask)
            return status;
        status = training_join_ask(maker->join, ask->keys, ask->at_us, err);
        if (!status)
            status = tell_progress(maker, TRAINING_READS_ASKS, asks_count(maker->asks), 0, err);
        if (status)
            return status;
    }
}

static enum status file_changed(const struct maker *maker, struct error *err)
{
    return fail(err, STATUS_FAILED,
                "%s changed while it was read; run it again when nothing "
                "writes to it",
                maker->request->asks_path);
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
            return file_changed(maker, err);
        if (!row)
            break;
        status = write_row(maker, ask, row, err);
        if (!status)
            status = tell_progress(maker, TRAINING_WRITES, asks_count(maker->asks), asked, err);
    }
    if (!status && asks_count(maker->asks) != asked)
        return file_changed(maker, err);
    return status;
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
    enum status status = training_join_open(store, &request, &maker->join, err);
    maker->report->refused = status == STATUS_INVALID;
    if (!status)
        status = read_asks(maker, err);
    uint64_t asked = asks_count(maker->asks);
    if (!status)
        status = tell_progress(maker, TRAINING_JOINS, 0, asked, err);
    if (!status)
        status = training_join_run(maker->join, err);
    if (!status)
        status = asks_rewind(maker->asks, err);
    if (!status)
        status = write_answers(maker, asked, err);
    if (status)
        return status;
    maker->report->rows = asked;
    maker->report->joined = *training_join_counts(maker->join);
    return STATUS_OK;
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
                              struct training_report *report, struct error *err)
{
    struct arena arena;
    arena_init(&arena, 0);
    struct maker maker = {.request = request, .report = report};
    *report = (struct training_report){0};
    buffer_init(&maker.line, 0);
    buffer_init(&maker.text, 0);
    place_values(&maker, &arena);
    find_key_ids(&maker, &arena);
    enum status status = STATUS_OK;
    if (request->with_status)
        status = selection_check_status_columns(request->selection, &arena, err);
    if (!status)
        status = asks_open(request->asks_path, request->selection, &maker.asks, err);
    if (!status)
        status = output_file_open(request->out_path, &maker.file, err);
    if (!status)
        status = write_header(&maker, err);
    if (!status)
        status = join_asks(&maker, store, err);
    if (!status)
        status = output_file_finish(maker.file, err);
    if (status == STATUS_CANCELLED && request->stop && atomic_load(request->stop))
        status = stopped(request, err);
    training_join_close(maker.join);
    output_file_close(maker.file);
    asks_close(maker.asks);
    buffer_release(&maker.line);
    buffer_release(&maker.text);
    arena_release(&arena);
    return status;
}
