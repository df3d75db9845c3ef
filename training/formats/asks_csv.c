/* asks_csv.c - asking rows as a CSV: see asks.h and base/csv.h. */
#include "base/csv.h"
#include "base/value_text.h"
#include "training/formats/asks_backend.h"
#include "training/formats/column_guess.h"

#include <stdlib.h>

struct csv_rows {
    struct csv_reader *reader;
    struct column_guess *guesses; /* [column_count] */
};

static enum status read_header(struct asks *asks, struct csv_rows *rows, struct error *err)
{
    const struct csv_field *fields;
    size_t count;
    enum status status = csv_reader_next(rows->reader, &fields, &count, err);
    if (status)
        return status;
    if (count == 0)
        return fail(err, STATUS_INVALID,
                    "%s: the file is empty; it needs a header with the join "
                    "keys and %s",
                    asks->path, asks_time_name);
    csv_reader_expect(rows->reader, count);
    const char **columns = arena_array(&asks->parsed, count, sizeof *columns);
    struct asks_place *places = arena_array(&asks->parsed, count, sizeof *places);
    for (size_t i = 0; i < count; i++) {
        columns[i] = arena_text_of(&asks->parsed, fields[i].text);
        places[i] = (struct asks_place){fields[i].line, fields[i].column};
    }
    rows->guesses = arena_array(&asks->names, count, sizeof *rows->guesses);
    return asks_take_columns(asks, columns, places, count, err);
}

static enum status csv_rows_open(struct asks *asks, struct error *err)
{
    struct csv_rows *rows = calloc(1, sizeof *rows);
    if (!rows)
        out_of_memory();
    asks->rows = rows;
    rows->reader = csv_reader_open_descriptor(asks->path, asks->descriptor);
    return read_header(asks, rows, err);
}

static void csv_rows_close(struct asks *asks)
{
    struct csv_rows *rows = asks->rows;
    if (rows)
        csv_reader_close(rows->reader);
    free(rows);
    asks->rows = NULL;
}

static enum status parse_field(struct asks *asks, const struct csv_field *field, size_t column,
                               value_type type, struct value *value, struct error *err)
{
    *value = value_null(type);
    if (field->is_null)
        return STATUS_OK;
    if (value_parse(type, field->text, &asks->parsed, value, err) == STATUS_OK)
        return STATUS_OK;
    fail_within(err, "%s", asks->columns[column]);
    return fail_at(err, asks->path, field->line, field->column);
}

static enum status parse_row(struct asks *asks, const struct csv_field *fields, struct error *err)
{
    for (size_t i = 0; i < asks->selection->key_count; i++) {
        size_t column = asks->key_columns[i];
        enum status status = parse_field(asks, &fields[column], column,
                                         asks->selection->keys[i].type, &asks->keys[i], err);
        if (status)
            return status;
    }
    struct value at;
    const struct csv_field *field = &fields[asks->time_column];
    enum status status = parse_field(asks, field, asks->time_column, TYPE_TIMESTAMP, &at, err);
    if (!status && at.is_null) {
        fail(err, STATUS_INVALID, "%s is empty; each row needs the time it asks for",
             asks_time_name);
        return fail_at(err, asks->path, field->line, field->column);
    }
    asks->at_us = at.int64;
    return status;
}

static void guess_types(struct csv_rows *rows, const struct csv_field *fields, size_t count,
                        struct arena *scratch)
{
    for (size_t i = 0; i < count; i++)
        if (!fields[i].is_null)
            column_guess_see(&rows->guesses[i], fields[i].text, scratch);
}

static void set_types(struct asks *asks, const struct csv_rows *rows)
{
    for (size_t i = 0; i < asks->column_count; i++)
        asks->types[i] = asks->as_text ? TYPE_STRING : column_guess_type(&rows->guesses[i]);
    if (asks->as_text)
        return;
    for (size_t i = 0; i < asks->selection->key_count; i++)
        asks->types[asks->key_columns[i]] = asks->selection->keys[i].type;
    asks->types[asks->time_column] = TYPE_TIMESTAMP;
}

/* What was a number to its last row in the first reading is one now. */
static enum status fill_cells(struct asks *asks, const struct csv_field *fields, struct error *err)
{
    for (size_t i = 0; i < asks->column_count; i++) {
        struct value *cell = &asks->cells[i];
        *cell = value_null(asks->types[i]);
        if (fields[i].is_null)
            continue;
        cell->is_null = false;
        if (cell->type == TYPE_STRING)
            cell->bytes = fields[i].text; /* the reader has seen that it is text */
        else if (value_parse(cell->type, fields[i].text, &asks->parsed, cell, NULL))
            return asks_changed(asks, err);
    }
    return STATUS_OK;
}

static enum status csv_rows_next(struct asks *asks, bool *found, struct error *err)
{
    struct csv_rows *rows = asks->rows;
    const struct csv_field *fields;
    size_t count;
    enum status status = csv_reader_next(rows->reader, &fields, &count, err);
    if (status)
        return status;
    *found = count > 0;
    if (*found)
        status = parse_row(asks, fields, err);
    if (status || asks->reading > 1)
        return status || !*found ? status : fill_cells(asks, fields, err);
    if (!*found)
        set_types(asks, rows);
    else if (!asks->as_text)
        guess_types(rows, fields, count, &asks->parsed);
    return STATUS_OK;
}

const struct asks_operations asks_csv = {
    .open = csv_rows_open,
    .next = csv_rows_next,
    .close = csv_rows_close,
};
