/* init_times.c - see init_times.h. */
#include "cli/init_times.h"

#include "base/csv.h"
#include "base/timestamp.h"
#include "cli/load_columns.h"
#include "config/selection.h"

#include <string.h>

enum { WRITE_SIZE = 256 * 1024 };
static const char asking_time[] = "event_timestamp";

/* A CSV, open behind its header. */
struct csv_times {
    struct csv_reader *reader;
    struct arena arena;
    struct bytes *header;
    bool *is_time;
    size_t column_count;
    size_t event_time; /* its column */
};

static enum status mark_history(struct csv_times *csv, const struct init_file *file,
                                const struct definitions *definitions,
                                const struct csv_field *header, struct error *err)
{
    struct load_columns columns;
    const struct load_column *given;
    enum status status = load_columns_of(definitions, file->source, &csv->arena, &columns, err);
    if (!status)
        status = load_columns_match(&columns, file->path, header, csv->column_count, &csv->arena,
                                    &given, err);
    for (size_t i = 0; i < csv->column_count && !status; i++) {
        csv->is_time[i] = given[i].type == TYPE_TIMESTAMP;
        if (given[i].role == LOAD_EVENT_TIME)
            csv->event_time = i;
        if (given[i].type == type_list_of(TYPE_TIMESTAMP))
            status = fail(err, STATUS_INVALID, "%s:1:%u: lists of times cannot be moved yet",
                          file->path, header[i].column);
    }
    return status;
}

static bool is_asked_time(const struct selection *selection, struct bytes column)
{
    for (size_t i = 0; i < selection->key_count; i++)
        if (selection->keys[i].type == TYPE_TIMESTAMP &&
            bytes_equal(bytes_of_text(selection->keys[i].name), column))
            return true;
    return bytes_equal(bytes_of_text(asking_time), column);
}

static enum status mark_asks(struct csv_times *csv, const struct definitions *definitions,
                             const struct csv_field *header, struct error *err)
{
    enum status status = STATUS_OK;
    for (size_t s = 0; s < definitions->service_count && !status; s++) {
        struct selection selection;
        status = selection_of_service(definitions, definitions->services[s].about.name, false,
                                      &csv->arena, &selection, err);
        for (size_t i = 0; i < csv->column_count && !status; i++)
            csv->is_time[i] = csv->is_time[i] || is_asked_time(&selection, header[i].text);
    }
    return status;
}

static enum status read_header(struct csv_times *csv, const struct init_file *file,
                               const struct definitions *definitions, struct error *err)
{
    const struct csv_field *header;
    enum status status = csv_reader_next(csv->reader, &header, &csv->column_count, err);
    if (status)
        return status;
    csv_reader_expect(csv->reader, csv->column_count);
    csv->header = arena_array(&csv->arena, csv->column_count + 1, sizeof *csv->header);
    csv->is_time = arena_array(&csv->arena, csv->column_count + 1, sizeof *csv->is_time);
    for (size_t i = 0; i < csv->column_count; i++)
        csv->header[i] = arena_bytes(&csv->arena, header[i].text);
    return file->kind == INIT_HISTORY ? mark_history(csv, file, definitions, header, err)
                                      : mark_asks(csv, definitions, header, err);
}

static enum status csv_times_open(struct csv_times *csv, const struct init_file *file,
                                  const struct definitions *definitions, struct error *err)
{
    *csv = (struct csv_times){0};
    arena_init(&csv->arena, 0);
    enum status status = csv_reader_open(file->path, &csv->reader, err);
    return status ? status : read_header(csv, file, definitions, err);
}

static void csv_times_close(struct csv_times *csv)
{
    csv_reader_close(csv->reader);
    arena_release(&csv->arena);
}

static enum status read_time(const struct csv_times *csv, const struct csv_field *field,
                             int64_t shift_us, int64_t *us, struct error *err)
{
    if (timestamp_parse(field->text, us)) {
        *us = timestamp_add(*us, shift_us);
        if (timestamp_in_range(*us))
            return STATUS_OK;
    }
    return fail(err, STATUS_INVALID, "%s:%llu:%u: not a time that can be moved: \"%.*s\"",
                csv_reader_name(csv->reader), (unsigned long long)field->line, field->column,
                (int)field->text.size, (const char *)field->text.data);
}

/* The end */

static enum status last_event_time(const struct init_file *file,
                                   const struct definitions *definitions, int64_t *last_us,
                                   struct error *err)
{
    struct csv_times csv;
    const struct csv_field *fields;
    size_t count;
    enum status status = csv_times_open(&csv, file, definitions, err);
    *last_us = INT64_MIN;
    while (!status && !(status = csv_reader_next(csv.reader, &fields, &count, err)) && count) {
        int64_t us;
        status = read_time(&csv, &fields[csv.event_time], 0, &us, err);
        if (!status && us > *last_us)
            *last_us = us;
    }
    csv_times_close(&csv);
    if (!status && *last_us == INT64_MIN)
        status = fail(err, STATUS_INVALID, "%s: there is no row", file->path);
    return status;
}

static bool grows_old(const struct source *source, const struct definitions *definitions)
{
    for (size_t i = 0; i < definitions->view_count; i++)
        if (definitions->views[i].source == source && definitions->views[i].ttl_us > 0)
            return true;
    return false;
}

enum status init_times_end(const struct init_template *template,
                           const struct definitions *definitions, int64_t *end_us,
                           struct error *err)
{
    enum status status = STATUS_OK;
    *end_us = INT64_MAX;
    for (size_t i = 0; i < template->file_count && !status; i++) {
        const struct init_file *file = &template->files[i];
        int64_t last_us;
        if (file->kind != INIT_HISTORY || !grows_old(file->source, definitions))
            continue;
        status = last_event_time(file, definitions, &last_us, err);
        if (!status && last_us < *end_us)
            *end_us = last_us;
    }
    if (!status && *end_us == INT64_MAX)
        status = fail(err, STATUS_INVALID, "%s: no feature view has a ttl and a CSV file",
                      template->folder);
    return status;
}

/* The copy */

/* As RFC 3339 has it, without the fraction where that is 0: people read these files. */
static void append_time(struct buffer *text, bool first, int64_t us)
{
    char written[TIMESTAMP_TEXT_SIZE];
    size_t size = timestamp_format(us, written);
    static const char no_fraction[] = ".000000Z";
    size_t fraction = size - strlen(no_fraction);
    if (strcmp(written + fraction, no_fraction) == 0)
        memcpy(written + fraction, "Z", sizeof "Z");
    csv_append(text, first, bytes_of_text(written));
}

static enum status append_row(const struct csv_times *csv, const struct csv_field *fields,
                              int64_t shift_us, struct buffer *text, struct error *err)
{
    for (size_t i = 0; i < csv->column_count; i++) {
        int64_t us;
        if (fields[i].is_null)
            csv_append_null(text, i == 0);
        else if (!csv->is_time[i])
            csv_append(text, i == 0, fields[i].text);
        else if (read_time(csv, &fields[i], shift_us, &us, err))
            return STATUS_INVALID;
        else
            append_time(text, i == 0, us);
    }
    csv_append_end(text);
    return STATUS_OK;
}

static enum status flush(struct buffer *text, struct init_folder *out, struct error *err)
{
    enum status status = init_folder_write(out, buffer_bytes(text), err);
    buffer_clear(text);
    return status;
}

static enum status copy_rows(struct csv_times *csv, struct init_file *file, int64_t shift_us,
                             const atomic_bool *stop, struct buffer *text, struct init_folder *out,
                             struct error *err)
{
    for (size_t i = 0; i < csv->column_count; i++)
        csv_append(text, i == 0, csv->header[i]);
    csv_append_end(text);
    for (file->row_count = 0;; file->row_count++) {
        const struct csv_field *fields;
        size_t count;
        enum status status = csv_reader_next(csv->reader, &fields, &count, err);
        if (!status && atomic_load(stop))
            status = fail(err, STATUS_CANCELLED, "stopped; nothing was written");
        if (!status && count)
            status = append_row(csv, fields, shift_us, text, err);
        if (status)
            return status;
        if (count == 0)
            return flush(text, out, err);
        if (text->size >= WRITE_SIZE && flush(text, out, err))
            return STATUS_FAILED;
    }
}

enum status init_times_copy(struct init_file *file, const struct definitions *definitions,
                            int64_t shift_us, const atomic_bool *stop, struct init_folder *out,
                            struct error *err)
{
    struct csv_times csv;
    struct buffer text;
    buffer_init(&text, 0);
    enum status status = csv_times_open(&csv, file, definitions, err);
    if (!status)
        status = copy_rows(&csv, file, shift_us, stop, &text, out, err);
    buffer_release(&text);
    csv_times_close(&csv);
    return status;
}
