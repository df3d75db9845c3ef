/* asks_arrow.c - asking rows in Arrow's IPC format, as a file or as a stream: see asks.h. The first
 * reading loads the keys and the time alone. */
#include "base/value_text.h"
#include "training/formats/arrow_cell.h"
#include "training/formats/asks_backend.h"

#include <stdio.h>
#include <stdlib.h>

/* Slots of Arrow's tables. */
enum { DICTIONARY_ID, DICTIONARY_VALUES, DICTIONARY_IS_DELTA };

/* What the indexes of a column stand for; a later one takes the place of an earlier. */
struct dictionary {
    struct arena arena;
    struct arrow_column values;
    bool is_known;
};

struct arrow_rows {
    struct arrow_input input;
    struct arena schema; /* lives as long as the reading */
    struct arena batch;  /* lives as long as a batch */
    struct arrow_field *fields;
    struct arrow_column *columns;
    struct dictionary *dictionaries;
    bool *wanted;
    size_t field_count; /* of the four above */
    int64_t row;        /* in the batch */
    int64_t row_count;
};

static enum status fail_at_file(const struct asks *asks, struct error *err)
{
    return fail_within(err, "%s", asks->path);
}

static enum status wrong_type(const struct asks *asks, size_t column, const char *wanted,
                              struct error *err)
{
    const struct arrow_rows *rows = asks->rows;
    value_type type = rows->fields[column].type;
    bool is_float = type == TYPE_FLOAT32 || type == TYPE_FLOAT64;
    return fail(err, STATUS_INVALID, "%s: column %s is %s in Arrow, and %s%s", asks->path,
                asks->columns[column], rows->fields[column].arrow_name, wanted,
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
        if (!rows->fields[i].type)
            return wrong_type(asks, i, "a training set cannot hold that; cast it, or leave it out",
                              err);
    for (size_t i = 0; i < asks->selection->key_count; i++) {
        size_t column = asks->key_columns[i];
        value_type key = asks->selection->keys[i].type;
        const struct arrow_field *field = &rows->fields[column];
        bool is_null = field->scalar.kind == ARROW_NULL && !field->list_width;
        snprintf(wanted, sizeof wanted, "its join key is %s", type_name(key));
        if (!may_be_key(field->type, key) && !is_null)
            return wrong_type(asks, column, wanted, err);
    }
    value_type time = rows->fields[asks->time_column].type;
    if (time != TYPE_TIMESTAMP && time != TYPE_STRING)
        return wrong_type(asks, asks->time_column, "it has to be a timestamp, a date or text", err);
    return STATUS_OK;
}

static void set_types(struct asks *asks, const struct arrow_rows *rows)
{
    for (size_t i = 0; i < asks->column_count; i++)
        asks->types[i] = rows->fields[i].type;
    for (size_t i = 0; i < asks->selection->key_count; i++)
        asks->types[asks->key_columns[i]] = asks->selection->keys[i].type;
    asks->types[asks->time_column] = TYPE_TIMESTAMP;
}

static void set_wanted(const struct asks *asks, struct arrow_rows *rows)
{
    for (size_t i = 0; i < asks->column_count; i++)
        rows->wanted[i] = asks->reading > 1;
    for (size_t i = 0; i < asks->selection->key_count; i++)
        rows->wanted[asks->key_columns[i]] = true;
    rows->wanted[asks->time_column] = true;
}

static enum status take_schema(struct asks *asks, struct arrow_rows *rows, struct error *err)
{
    size_t count = rows->field_count;
    if (count == 0)
        return fail(err, STATUS_INVALID, "%s: it has no columns; it needs the join keys and %s",
                    asks->path, asks_time_name);
    const char **names = arena_array(&rows->schema, count, sizeof *names);
    struct asks_place *places = arena_array(&rows->schema, count, sizeof *places);
    for (size_t i = 0; i < count; i++)
        names[i] = rows->fields[i].name;
    enum status status = asks_take_columns(asks, names, places, count, err);
    if (!status)
        status = check_types(asks, rows, err);
    if (status)
        return status;
    set_types(asks, rows);
    set_wanted(asks, rows);
    return STATUS_OK;
}

static void make_columns(struct arrow_rows *rows)
{
    size_t count = rows->field_count;
    rows->columns = arena_array(&rows->schema, count + 1, sizeof *rows->columns);
    rows->wanted = arena_array(&rows->schema, count + 1, sizeof *rows->wanted);
    rows->dictionaries = arena_array(&rows->schema, count + 1, sizeof *rows->dictionaries);
    for (size_t i = 0; i < count; i++)
        arena_init(&rows->dictionaries[i].arena, 0);
}

static enum status arrow_rows_open(struct asks *asks, struct error *err)
{
    struct arrow_rows *rows = calloc(1, sizeof *rows);
    if (!rows)
        out_of_memory();
    asks->rows = rows;
    arena_init(&rows->schema, 0);
    arena_init(&rows->batch, 0);
    struct flat_table schema;
    enum status status = arrow_input_open(&rows->input, asks->descriptor, &schema, err);
    if (!status)
        status = arrow_fields_of(schema, &rows->schema, &rows->fields, &rows->field_count, err);
    if (status)
        return fail_at_file(asks, err);
    make_columns(rows);
    return take_schema(asks, rows, err);
}

static void arrow_rows_close(struct asks *asks)
{
    struct arrow_rows *rows = asks->rows;
    if (!rows)
        return;
    for (size_t i = 0; rows->dictionaries && i < rows->field_count; i++)
        arena_release(&rows->dictionaries[i].arena);
    arena_release(&rows->schema);
    arena_release(&rows->batch);
    arrow_input_close(&rows->input);
    free(rows);
    asks->rows = NULL;
}

static enum status set_dictionary(struct arrow_rows *rows, size_t column,
                                  const struct arrow_message *message, struct flat_table values,
                                  struct error *err)
{
    static const bool wanted = true;
    struct dictionary *dictionary = &rows->dictionaries[column];
    const struct arrow_field entries = {.type = rows->fields[column].scalar.type,
                                        .scalar = rows->fields[column].scalar};
    int64_t count;
    arena_reset(&dictionary->arena);
    dictionary->is_known = true;
    return arrow_columns_load(&rows->input, message, values, &entries, &wanted, 1,
                              &dictionary->arena, &dictionary->values, &count, err);
}

/* Columns may share one. */
static enum status take_dictionary(struct arrow_rows *rows, const struct arrow_message *message,
                                   struct error *err)
{
    enum status status = STATUS_OK;
    int64_t id = flat_integer(message->header, DICTIONARY_ID, 8, 0);
    bool is_delta = flat_integer(message->header, DICTIONARY_IS_DELTA, 1, 0) != 0;
    struct flat_table values = flat_child(message->header, DICTIONARY_VALUES);
    if (values.message->damaged)
        return arrow_input_damaged("a dictionary is damaged", err);
    for (size_t i = 0; i < rows->field_count && !status; i++) {
        const struct arrow_field *field = &rows->fields[i];
        if (!field->is_dictionary || field->dictionary_id != id || !rows->wanted[i])
            continue;
        if (is_delta && rows->dictionaries[i].is_known)
            status = fail(err, STATUS_INVALID,
                          "column %s: a dictionary is added to, which is not read; write each "
                          "dictionary whole",
                          field->name);
        else
            status = set_dictionary(rows, i, message, values, err);
    }
    return status;
}

static enum status take_batch(struct arrow_rows *rows, const struct arrow_message *message,
                              struct error *err)
{
    arena_reset(&rows->batch);
    rows->row = 0;
    enum status status =
        arrow_columns_load(&rows->input, message, message->header, rows->fields, rows->wanted,
                           rows->field_count, &rows->batch, rows->columns, &rows->row_count, err);
    for (size_t i = 0; i < rows->field_count && !status; i++)
        if (rows->dictionaries[i].is_known)
            rows->columns[i].dictionary = &rows->dictionaries[i].values;
    return status;
}

/* *found false: there are no rows any more. */
static enum status next_rows(struct arrow_rows *rows, bool *found, struct error *err)
{
    struct arrow_message message;
    rows->row_count = 0;
    enum status status = arrow_input_next(&rows->input, &message, found, err);
    if (status || !*found)
        return status;
    if (message.kind == ARROW_DICTIONARY)
        return take_dictionary(rows, &message, err);
    if (message.kind == ARROW_BATCH)
        return take_batch(rows, &message, err);
    return arrow_input_damaged("a message is no record batch", err);
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
    if (arrow_cell_get(&rows->fields[column], &rows->columns[column], rows->row, &asks->parsed,
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
    while (*found && !status && rows->row >= rows->row_count)
        status = next_rows(rows, found, err);
    if (status)
        return fail_at_file(asks, err);
    if (!*found)
        return STATUS_OK;
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
