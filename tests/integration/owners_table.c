/* owners_table.c - an owner's table read cell by cell, and asked. See owners_table.h. */
#include "owners_table.h"

#include "base/timestamp.h"
#include "base/value_text.h"

#include <math.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>

#define DAY_US INT64_C(86400000000)

/* Reading ------------------------------------------------------------------------------------- */

static bool read_integer(sqlite3_stmt *statement, int column, struct value *value)
{
    int64_t number = sqlite3_column_int64(statement, column);
    switch (value->type) {
    case TYPE_BOOL:
        value->boolean = number == 1;
        return number == 0 || number == 1;
    case TYPE_INT32:
        value->int32 = (int32_t)number;
        return number == (int32_t)number;
    case TYPE_TIMESTAMP:
        value->int64 = number;
        return timestamp_in_range(number);
    case TYPE_INT64:
        value->int64 = number;
        return true;
    default:
        return false;
    }
}

static bool read_number(sqlite3_stmt *statement, int column, struct value *value)
{
    double number = sqlite3_column_double(statement, column);
    value->float32 = (float)number;
    if (value->type == TYPE_FLOAT32)
        return isinf(number) || !isinf((float)number);
    value->float64 = number;
    return value->type == TYPE_FLOAT64;
}

static bool read_blob(struct owners_table *table, sqlite3_stmt *statement, int column,
                      struct value *value)
{
    int size = sqlite3_column_bytes(statement, column);
    const uint8_t *data = sqlite3_column_blob(statement, column);
    uint64_t bits = 0;
    for (int i = 0; i < size && i < 8; i++)
        bits = bits << 8 | data[i];
    uint32_t low = (uint32_t)bits;
    if (value->type == TYPE_FLOAT32)
        memcpy(&value->float32, &low, sizeof low);
    else if (value->type == TYPE_FLOAT64)
        memcpy(&value->float64, &bits, sizeof bits);
    else
        value->bytes = arena_bytes(&table->arena,
                                   (struct bytes){data ? (const void *)data : "", (size_t)size});
    return value->type == TYPE_BYTES || (value->type == TYPE_FLOAT32 && size == 4) ||
           (value->type == TYPE_FLOAT64 && size == 8);
}

static bool read_text(struct owners_table *table, sqlite3_stmt *statement, int column,
                      struct value *value)
{
    const void *data = sqlite3_column_text(statement, column);
    struct bytes text = {data, (size_t)sqlite3_column_bytes(statement, column)};
    value_type type = value->type;
    text = arena_bytes(&table->arena, text);
    if (!text_is_valid(text) || (type != TYPE_STRING && !type_is_list(type)))
        return false;
    value->bytes = text;
    return type == TYPE_STRING || value_parse(type, text, &table->arena, value, NULL) == STATUS_OK;
}

/* False: a misfit. */
static bool read_cell(struct owners_table *table, sqlite3_stmt *statement, int column,
                      value_type type, struct value *value)
{
    bool fits = true;
    int class = sqlite3_column_type(statement, column);
    *value = (struct value){.type = type};
    if (class == SQLITE_INTEGER && type != TYPE_FLOAT32 && type != TYPE_FLOAT64)
        fits = read_integer(statement, column, value);
    else if (class == SQLITE_INTEGER || class == SQLITE_FLOAT)
        fits = read_number(statement, column, value);
    else if (class == SQLITE_BLOB)
        fits = read_blob(table, statement, column, value);
    else if (class == SQLITE_TEXT)
        fits = read_text(table, statement, column, value);
    if (class == SQLITE_NULL || !fits)
        *value = value_null(type);
    return fits;
}

static int column_of(sqlite3_stmt *statement, const char *name)
{
    for (int i = 0; i < sqlite3_column_count(statement); i++)
        if (strcmp(sqlite3_column_name(statement, i), name) == 0)
            return i;
    abort();
}

static void read_row(struct owners_table *table, sqlite3_stmt *statement,
                     const struct entity_key_ids *ids)
{
    struct owners_row *row = &table->rows[table->row_count++];
    char name[32];
    int at = column_of(statement, "at");
    *row = (struct owners_row){.created = value_null(TYPE_TIMESTAMP)};
    bool is_time = read_cell(table, statement, at, TYPE_TIMESTAMP, &row->event);
    row->event_is_misfit = !is_time && sqlite3_column_type(statement, at) != SQLITE_INTEGER;
    if (table->has_created) {
        int rec = column_of(statement, "rec");
        row->feature_misfits = !read_cell(table, statement, rec, TYPE_TIMESTAMP, &row->created);
        row->created_is_strange =
            row->feature_misfits && sqlite3_column_type(statement, rec) != SQLITE_TEXT;
    }
    bool has_keys = true;
    for (size_t i = 0; i < table->key_count; i++) {
        snprintf(name, sizeof name, "k%zu", i);
        row->key_misfits += !read_cell(table, statement, column_of(statement, name),
                                       table->key_types[i], &row->keys[i]);
        has_keys = has_keys && !row->keys[i].is_null;
    }
    row->is_long = has_keys && entity_key_size(ids, row->keys, table->key_count) > ENTITY_KEY_MAX;
    for (size_t i = 0; i < table->feature_count; i++) {
        snprintf(name, sizeof name, "f%zu", i);
        row->feature_misfits += !read_cell(table, statement, column_of(statement, name),
                                           table->feature_types[i], &row->features[i]);
    }
}

void owners_table_read(struct owners_table *table, const char *path,
                       const struct entity_key_ids *ids)
{
    sqlite3 *connection;
    sqlite3_stmt *statement;
    if (sqlite3_open_v2(path, &connection, SQLITE_OPEN_READWRITE, NULL) ||
        sqlite3_prepare_v2(connection, table->select, -1, &statement, NULL)) {
        fprintf(stderr, "%s\n%s\n%s\n", sqlite3_errmsg(connection), table->sql, table->select);
        abort();
    }
    while (sqlite3_step(statement) == SQLITE_ROW)
        read_row(table, statement, ids);
    sqlite3_finalize(statement);
    sqlite3_close(connection);
}

/* Answering ----------------------------------------------------------------------------------- */

bool owners_row_is_unfit(const struct owners_table *table, const struct owners_row *row)
{
    for (size_t i = 0; i < table->key_count; i++)
        if (row->keys[i].is_null)
            return true;
    return row->event.is_null;
}

static bool is_eligible(const struct owners_table *table, const struct owners_question *question,
                        const struct owners_row *row)
{
    int64_t ttl_us = table->ttl_us + (question->with_status ? DAY_US : 0);
    if (owners_row_is_unfit(table, row) || row->is_long)
        return false;
    for (size_t i = 0; i < table->key_count; i++)
        if (question->keys[i].is_null || !value_equal(&question->keys[i], &row->keys[i]))
            return false;
    if (row->event.int64 > question->at_us ||
        (table->ttl_us && row->event.int64 < question->at_us - ttl_us))
        return false;
    if (question->as_known && (row->created.is_null || row->created.int64 > question->at_us))
        return false;
    return question->as_of_us == AS_OF_NOW ||
           (!row->created.is_null && row->created.int64 <= question->as_of_us);
}

static bool is_later(const struct owners_row *one, const struct owners_row *other)
{
    if (one->event.int64 != other->event.int64)
        return one->event.int64 > other->event.int64;
    if (one->created.is_null || other->created.is_null)
        return other->created.is_null && !one->created.is_null;
    return one->created.int64 > other->created.int64;
}

bool owners_row_answers(const struct owners_table *table, const struct owners_question *question,
                        const struct owners_row *row)
{
    if (!is_eligible(table, question, row))
        return false;
    for (size_t i = 0; i < table->row_count; i++)
        if (is_eligible(table, question, &table->rows[i]) && is_later(&table->rows[i], row))
            return false;
    return true;
}
