/* asks_arrow.c - asking rows in Arrow's IPC format, as a file or as a stream, by nanoarrow: see
 * asks.h. A file is a stream between a mark and a table of contents, which is not needed. */
#include "base/value_text.h"
#include "training/asks_arrow_cell.h"
#include "training/asks_backend.h"

#include <errno.h>
#include <nanoarrow/nanoarrow_ipc.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static const char file_mark[8] = "ARROW1\0";
static const char advice[] = "Polars: write_ipc_stream(compat_level=polars.CompatLevel.oldest())";

struct arrow_rows {
    struct ArrowArrayStream stream;
    struct ArrowSchema schema;
    struct ArrowArray batch;
    struct ArrowArrayView view;
    struct arrow_cell_type *types; /* [column_count] */
    int descriptor;
    int64_t offset; /* in the file */
    int64_t row;    /* in the batch */
};

static ArrowErrorCode read_input(struct ArrowIpcInputStream *stream, uint8_t *bytes, int64_t size,
                                 int64_t *got, struct ArrowError *why)
{
    struct arrow_rows *rows = stream->private_data;
    *got = 0;
    while (*got < size) {
        ssize_t part = pread(rows->descriptor, bytes + *got, (size_t)(size - *got), rows->offset);
        if (part < 0 && errno == EINTR)
            continue;
        if (part < 0) {
            ArrowErrorSet(why, "%s", strerror(errno));
            return EIO;
        }
        if (part == 0)
            break;
        rows->offset += part;
        *got += part;
    }
    return NANOARROW_OK;
}

static void forget_input(struct ArrowIpcInputStream *stream)
{
    stream->release = NULL;
}

static enum status wrong_file(const struct asks *asks, ArrowErrorCode code, const char *why,
                              struct error *err)
{
    if (code == ENOMEM)
        return fail(err, STATUS_EXHAUSTED, "%s: a record batch does not fit into memory",
                    asks->path);
    if (code == EIO)
        return fail(err, STATUS_FAILED, "%s: %s", asks->path, why);
    if (why && strstr(why, "View"))
        return fail(err, STATUS_INVALID, "%s: %s; write plain strings (%s)", asks->path, why,
                    advice);
    return fail(err, STATUS_INVALID, "%s: not a whole Arrow file or stream: %s", asks->path,
                why && *why ? why : strerror(code));
}

/* Behind the mark of a file its stream begins. Polars leaves out what separates messages, so that
 * only the table of contents at the end tells where they are. */
static enum status skip_mark(struct asks *asks, struct arrow_rows *rows, struct error *err)
{
    char begins[sizeof file_mark + 4];
    ssize_t size = pread(asks->descriptor, begins, sizeof begins, 0);
    if (size < (ssize_t)sizeof begins || memcmp(begins, file_mark, sizeof file_mark) != 0)
        return STATUS_OK;
    rows->offset = sizeof file_mark;
    if (memcmp(begins + sizeof file_mark, "\xff\xff\xff\xff", 4) == 0)
        return STATUS_OK;
    return fail(err, STATUS_INVALID,
                "%s: this Arrow file does not hold a stream; write one as a stream (%s)",
                asks->path, advice);
}

static enum status open_stream(struct asks *asks, struct arrow_rows *rows, struct error *err)
{
    struct ArrowIpcInputStream input = {
        .read = read_input, .release = forget_input, .private_data = rows};
    rows->descriptor = asks->descriptor;
    enum status status = skip_mark(asks, rows, err);
    if (status)
        return status;
    ArrowErrorCode code = ArrowIpcArrayStreamReaderInit(&rows->stream, &input, NULL);
    if (code)
        return wrong_file(asks, code, NULL, err);
    code = ArrowArrayStreamGetSchema(&rows->stream, &rows->schema, NULL);
    if (code)
        return wrong_file(asks, code, ArrowArrayStreamGetLastError(&rows->stream), err);
    return STATUS_OK;
}

/* How people write a type of Arrow. */
static const char *arrow_type_name(const struct asks *asks, size_t column, char name[256])
{
    const struct arrow_rows *rows = asks->rows;
    ArrowSchemaToString(rows->schema.children[column], name, 256, 1);
    return name;
}

static enum status wrong_type(const struct asks *asks, size_t column, const char *wanted,
                              struct error *err)
{
    char name[256];
    value_type type = ((const struct arrow_rows *)asks->rows)->types[column].type;
    bool is_float = type == TYPE_FLOAT32 || type == TYPE_FLOAT64;
    return fail(err, STATUS_INVALID, "%s: column %s is %s in Arrow, and %s%s", asks->path,
                asks->columns[column], arrow_type_name(asks, column, name), wanted,
                is_float ? " (pandas makes floats of integers with nulls: .astype(\"Int64\") there)"
                         : "");
}

static bool is_integer(value_type type)
{
    return type == TYPE_INT32 || type == TYPE_INT64;
}

static bool may_be_key(value_type type, value_type key)
{
    return type == key || (is_integer(type) && is_integer(key));
}

static enum status check_types(const struct asks *asks, const struct arrow_rows *rows,
                               struct error *err)
{
    char wanted[64];
    for (size_t i = 0; i < asks->column_count; i++)
        if (!rows->types[i].type)
            return wrong_type(asks, i, "a training set cannot hold that; cast it, or leave it out",
                              err);
    for (size_t i = 0; i < asks->selection->key_count; i++) {
        size_t column = asks->key_columns[i];
        value_type key = asks->selection->keys[i].type;
        const struct arrow_cell_type *type = &rows->types[column];
        snprintf(wanted, sizeof wanted, "its join key is %s", type_name(key));
        if (!may_be_key(type->type, key) && type->arrow != NANOARROW_TYPE_NA)
            return wrong_type(asks, column, wanted, err);
    }
    value_type time = rows->types[asks->time_column].type;
    if (time != TYPE_TIMESTAMP && time != TYPE_STRING)
        return wrong_type(asks, asks->time_column, "it has to be a timestamp, a date or text", err);
    return STATUS_OK;
}

static void set_types(struct asks *asks, const struct arrow_rows *rows)
{
    for (size_t i = 0; i < asks->column_count; i++)
        asks->types[i] = rows->types[i].type;
    for (size_t i = 0; i < asks->selection->key_count; i++)
        asks->types[asks->key_columns[i]] = asks->selection->keys[i].type;
    asks->types[asks->time_column] = TYPE_TIMESTAMP;
}

static enum status check_name(const struct asks *asks, const char *name, struct error *err)
{
    if (name && text_is_valid(bytes_of_text(name)))
        return STATUS_OK;
    return fail(err, STATUS_INVALID, "%s: the name of a column is not UTF-8 text", asks->path);
}

static enum status take_schema(struct asks *asks, struct arrow_rows *rows, struct error *err)
{
    size_t count = (size_t)rows->schema.n_children;
    if (count == 0)
        return fail(err, STATUS_INVALID, "%s: it has no columns; it needs the join keys and %s",
                    asks->path, asks_time_name);
    const char **names = arena_array(&asks->parsed, count, sizeof *names);
    struct asks_place *places = arena_array(&asks->parsed, count, sizeof *places);
    rows->types = arena_array(&asks->names, count, sizeof *rows->types);
    for (size_t i = 0; i < count; i++) {
        names[i] = rows->schema.children[i]->name;
        rows->types[i] = arrow_cell_type_of(rows->schema.children[i]);
        enum status status = check_name(asks, names[i], err);
        if (status)
            return status;
    }
    enum status status = asks_take_columns(asks, names, places, count, err);
    if (!status)
        status = check_types(asks, rows, err);
    if (!status)
        set_types(asks, rows);
    return status;
}

static enum status arrow_rows_open(struct asks *asks, struct error *err)
{
    struct arrow_rows *rows = calloc(1, sizeof *rows);
    if (!rows)
        out_of_memory();
    asks->rows = rows;
    ArrowArrayViewInitFromType(&rows->view, NANOARROW_TYPE_UNINITIALIZED);
    struct ArrowError why = {{0}};
    enum status status = open_stream(asks, rows, err);
    if (status)
        return status;
    ArrowErrorCode code = ArrowArrayViewInitFromSchema(&rows->view, &rows->schema, &why);
    return code ? wrong_file(asks, code, why.message, err) : take_schema(asks, rows, err);
}

static void arrow_rows_close(struct asks *asks)
{
    struct arrow_rows *rows = asks->rows;
    if (!rows)
        return;
    ArrowArrayViewReset(&rows->view);
    if (rows->batch.release)
        ArrowArrayRelease(&rows->batch);
    if (rows->schema.release)
        ArrowSchemaRelease(&rows->schema);
    if (rows->stream.release)
        ArrowArrayStreamRelease(&rows->stream);
    free(rows);
    asks->rows = NULL;
}

/* *found false: there is none any more. */
static enum status next_batch(struct asks *asks, struct arrow_rows *rows, bool *found,
                              struct error *err)
{
    struct ArrowError why = {{0}};
    if (rows->batch.release)
        ArrowArrayRelease(&rows->batch);
    rows->row = 0;
    ArrowErrorCode code = ArrowArrayStreamGetNext(&rows->stream, &rows->batch, NULL);
    if (code)
        return wrong_file(asks, code, ArrowArrayStreamGetLastError(&rows->stream), err);
    *found = rows->batch.release != NULL;
    if (*found)
        code = ArrowArrayViewSetArray(&rows->view, &rows->batch, &why);
    return code ? wrong_file(asks, code, why.message, err) : STATUS_OK;
}

/* Where in the file; a row is counted from 1. */
static enum status fail_at_cell(const struct asks *asks, size_t column, struct error *err)
{
    return fail_within(err, "%s: row %llu, column %s", asks->path,
                       (unsigned long long)asks->count + 1, asks->columns[column]);
}

static enum status get_cell(struct asks *asks, size_t column, struct value *value,
                            struct error *err)
{
    const struct arrow_rows *rows = asks->rows;
    if (arrow_cell_get(&rows->types[column], rows->view.children[column], rows->row, &asks->parsed,
                       value, err))
        return fail_at_cell(asks, column, err);
    return STATUS_OK;
}

static enum status get_key(struct asks *asks, size_t key, struct error *err)
{
    size_t column = asks->key_columns[key];
    value_type type = asks->selection->keys[key].type;
    struct value cell;
    enum status status = get_cell(asks, column, &cell, err);
    if (status)
        return status;
    int64_t number = cell.type == TYPE_INT32 ? cell.int32 : cell.int64;
    if (!cell.is_null && cell.type != type && type == TYPE_INT32) {
        if (number < INT32_MIN || number > INT32_MAX) {
            fail(err, STATUS_INVALID, "out of the range of int32: %lld", (long long)number);
            return fail_at_cell(asks, column, err);
        }
        cell.int32 = (int32_t)number;
    } else if (!cell.is_null && cell.type != type) {
        cell.int64 = number;
    }
    asks->keys[key] = cell.is_null ? value_null(type) : cell;
    asks->keys[key].type = type;
    return STATUS_OK;
}

static enum status get_asked_time(struct asks *asks, struct error *err)
{
    struct value cell;
    size_t column = asks->time_column;
    enum status status = get_cell(asks, column, &cell, err);
    if (status)
        return status;
    if (cell.is_null) {
        fail(err, STATUS_INVALID, "it is null; each row needs the time it asks for");
        return fail_at_cell(asks, column, err);
    }
    if (cell.type == TYPE_STRING &&
        value_parse(TYPE_TIMESTAMP, cell.bytes, &asks->parsed, &cell, err))
        return fail_at_cell(asks, column, err);
    asks->at_us = cell.int64;
    return STATUS_OK;
}

static enum status get_cells(struct asks *asks, struct error *err)
{
    for (size_t i = 0; i < asks->column_count; i++) {
        enum status status = get_cell(asks, i, &asks->cells[i], err);
        if (status)
            return status;
    }
    for (size_t i = 0; i < asks->selection->key_count; i++)
        asks->cells[asks->key_columns[i]] = asks->keys[i];
    struct value *time = &asks->cells[asks->time_column];
    *time = (struct value){.type = TYPE_TIMESTAMP};
    time->int64 = asks->at_us;
    return STATUS_OK;
}

static enum status arrow_rows_next(struct asks *asks, bool *found, struct error *err)
{
    struct arrow_rows *rows = asks->rows;
    enum status status = STATUS_OK;
    *found = true;
    while (*found && !status && (!rows->batch.release || rows->row >= rows->batch.length))
        status = next_batch(asks, rows, found, err);
    if (status || !*found)
        return status;
    for (size_t i = 0; i < asks->selection->key_count && !status; i++)
        status = get_key(asks, i, err);
    if (!status)
        status = get_asked_time(asks, err);
    if (!status && asks->reading > 1)
        status = get_cells(asks, err);
    rows->row++;
    return status;
}

const struct asks_operations asks_arrow = {
    .open = arrow_rows_open,
    .next = arrow_rows_next,
    .close = arrow_rows_close,
};
