/* sqlite_query.c - rows of a caller's own query, each value as what it is. */
#include "store/offline/sqlite_source.h"

#include <stdlib.h>

struct sqlite_query_rows {
    struct offline_query base;
    struct sqlite_store *store;
    struct arena arena;     /* as long as the query */
    struct arena row_arena; /* as long as a row */
    const char *what;
    struct source definition;
    struct sqlite_source source;
    value_type *types; /* [column_count]; 0: by the value */
    struct value *values;
    sqlite3_stmt *statement;
    uint64_t row;
};

static enum status bind_column(struct sqlite_query_rows *rows, size_t index,
                               const struct query_column *wanted, size_t wanted_count,
                               struct error *err)
{
    const char *name = rows->source.columns[index].written;
    struct sqlite_field field;
    value_type type = query_type_wanted(wanted, wanted_count, name);
    rows->types[index] = type;
    return type ? sqlite_source_bind(&rows->source, rows->what, name, name, type, &field, err)
                : STATUS_OK;
}

static enum status bind_columns(struct sqlite_query_rows *rows, const struct query_column *wanted,
                                size_t wanted_count, struct error *err)
{
    size_t count = rows->source.column_count;
    const char **names = arena_array(&rows->arena, count, sizeof *names);
    rows->types = arena_array(&rows->arena, count, sizeof *rows->types);
    rows->values = arena_array(&rows->arena, count, sizeof *rows->values);
    rows->base.columns = (struct query_columns){names, count};
    enum status status = STATUS_OK;
    for (size_t i = 0; i < count && !status; i++) {
        names[i] = rows->source.columns[i].written;
        status = bind_column(rows, i, wanted, wanted_count, err);
    }
    return status;
}

static enum status start(struct sqlite_query_rows *rows, struct error *err)
{
    struct buffer sql;
    buffer_init(&sql, 0);
    buffer_printf(&sql, "SELECT * FROM %s AS source", rows->source.from);
    return sqlite_prepare_read(rows->store, rows->what, &sql, &rows->statement, err);
}

enum status sqlite_query_open(struct offline_store *base, const char *sql, const char *what,
                              const struct query_column *wanted, size_t wanted_count,
                              struct offline_query **opened, struct error *err)
{
    struct sqlite_query_rows *rows = calloc(1, sizeof *rows);
    if (!rows)
        out_of_memory();
    rows->base.operations = base->operations;
    rows->store = sqlite_store_of(base);
    arena_init(&rows->arena, 0);
    arena_init(&rows->row_arena, 0);
    rows->what = arena_text(&rows->arena, what);
    rows->definition.about.name = rows->what;
    rows->definition.query = arena_text(&rows->arena, sql);
    enum status status = sqlite_begin_read(rows->store, NULL, err);
    if (!status)
        status =
            sqlite_source_resolve(rows->store, &rows->definition, &rows->arena, &rows->source, err);
    rows->source.name = "the query"; /* there is no source */
    if (!status)
        status = bind_columns(rows, wanted, wanted_count, err);
    if (!status)
        status = start(rows, err);
    if (status)
        sqlite_query_close(&rows->base);
    else
        *opened = &rows->base;
    return status;
}

static value_type natural_type(sqlite3_stmt *statement, int column)
{
    switch (sqlite3_column_type(statement, column)) {
    case SQLITE_INTEGER:
        return TYPE_INT64;
    case SQLITE_FLOAT:
        return TYPE_FLOAT64;
    case SQLITE_BLOB:
        return TYPE_BYTES;
    default:
        return TYPE_STRING;
    }
}

static enum status read_value(struct sqlite_query_rows *rows, size_t index, struct error *err)
{
    const char *misfit;
    int column = (int)index;
    value_type type =
        rows->types[index] ? rows->types[index] : natural_type(rows->statement, column);
    sqlite_read(rows->statement, column, type, &rows->row_arena, &rows->values[index], &misfit);
    if (!misfit)
        return STATUS_OK;
    return fail(
        err, STATUS_INVALID, "%s: column %s of row %llu holds %s, and is read as %s%s", rows->what,
        rows->base.columns.names[index], (unsigned long long)rows->row, misfit, type_name(type),
        type == TYPE_TIMESTAMP ? ": times are integers here, microseconds since 1970 UTC" : "");
}

enum status sqlite_query_next(struct offline_query *base, const struct value **values,
                              struct error *err)
{
    struct sqlite_query_rows *rows = (struct sqlite_query_rows *)base;
    bool row = false;
    *values = NULL;
    arena_reset(&rows->row_arena);
    enum status status = sqlite_step(rows->statement, rows->what, &row, err);
    if (status || !row)
        return status;
    rows->row++;
    for (size_t i = 0; i < rows->base.columns.count && !status; i++)
        status = read_value(rows, i, err);
    if (!status)
        *values = rows->values;
    return status;
}

void sqlite_query_close(struct offline_query *base)
{
    struct sqlite_query_rows *rows = (struct sqlite_query_rows *)base;
    sqlite3_finalize(rows->statement);
    sqlite_rollback(rows->store->connection);
    arena_release(&rows->arena);
    arena_release(&rows->row_arena);
    free(rows);
}
