/* postgres_query.c - rows of a caller's own query, each column as what it holds. */
#include "store/offline/postgres_copy.h"
#include "store/offline/postgres_source.h"

#include <stdlib.h>

struct postgres_query_rows {
    struct offline_query base;
    struct postgres_store *store;
    struct arena arena;     /* as long as the query */
    struct arena row_arena; /* as long as a row */
    const char *what;
    struct source definition;
    struct postgres_source source;
    struct postgres_field *fields; /* [column_count] */
    struct bytes *sent;
    struct value *values;
    struct postgres_copy copy;
    uint64_t row;
};

/* What nothing here reads comes as PostgreSQL writes it: a numeric keeps its digits. */
static value_type natural_type(const struct postgres_column *column)
{
    static const struct {
        uint32_t oid;
        value_type type;
    } types[] = {
        {PG_TYPE_BOOL, TYPE_BOOL},           {PG_TYPE_BYTEA, TYPE_BYTES},
        {PG_TYPE_INT2, TYPE_INT32},          {PG_TYPE_INT4, TYPE_INT32},
        {PG_TYPE_INT8, TYPE_INT64},          {PG_TYPE_FLOAT4, TYPE_FLOAT32},
        {PG_TYPE_FLOAT8, TYPE_FLOAT64},      {PG_TYPE_TEXT, TYPE_STRING},
        {PG_TYPE_VARCHAR, TYPE_STRING},      {PG_TYPE_BPCHAR, TYPE_STRING},
        {PG_TYPE_UUID, TYPE_STRING},         {PG_TYPE_JSON, TYPE_STRING},
        {PG_TYPE_JSONB, TYPE_STRING},        {PG_TYPE_DATE, TYPE_TIMESTAMP},
        {PG_TYPE_TIMESTAMP, TYPE_TIMESTAMP}, {PG_TYPE_TIMESTAMPTZ, TYPE_TIMESTAMP},
    };
    if (column->is_enum)
        return column->is_array ? TYPE_STRING | TYPE_LIST : TYPE_STRING;
    for (size_t i = 0; i < COUNT_OF(types); i++)
        if (types[i].oid == column->oid)
            return (value_type)(column->is_array ? types[i].type | TYPE_LIST : types[i].type);
    return 0;
}

static enum status bind_column(struct postgres_query_rows *rows, size_t index,
                               const struct query_column *wanted, size_t wanted_count,
                               struct error *err)
{
    const struct postgres_column *column = &rows->source.columns[index];
    struct postgres_field *field = &rows->fields[index];
    value_type type = query_type_wanted(wanted, wanted_count, column->name);
    type = type ? type : natural_type(column);
    if (type)
        return postgres_source_bind(&rows->source, rows->what, column->name, column->name, type,
                                    field, err);
    *field = (struct postgres_field){.what = column->name, .column = column, .cast = "::text"};
    copy_column_init(&field->decoder, PG_TYPE_TEXT, TYPE_STRING);
    return STATUS_OK;
}

static enum status bind_columns(struct postgres_query_rows *rows, const struct query_column *wanted,
                                size_t wanted_count, struct error *err)
{
    size_t count = rows->source.column_count;
    const char **names = arena_array(&rows->arena, count, sizeof *names);
    rows->fields = arena_array(&rows->arena, count, sizeof *rows->fields);
    rows->values = arena_array(&rows->arena, count, sizeof *rows->values);
    rows->sent = arena_array(&rows->arena, count, sizeof *rows->sent);
    rows->base.columns = (struct query_columns){names, count};
    enum status status = STATUS_OK;
    for (size_t i = 0; i < count && !status; i++) {
        names[i] = rows->source.columns[i].name;
        status = bind_column(rows, i, wanted, wanted_count, err);
    }
    return status;
}

static enum status start(struct postgres_query_rows *rows, struct error *err)
{
    struct buffer sql;
    buffer_init(&sql, 0);
    buffer_append_text(&sql, "COPY (SELECT ");
    for (size_t i = 0; i < rows->base.columns.count; i++) {
        buffer_append_text(&sql, i ? ", " : "");
        postgres_append_field(rows->store, &sql, &rows->fields[i]);
        buffer_append_text(&sql, rows->fields[i].cast);
    }
    buffer_printf(&sql, " FROM %s AS source) TO STDOUT (FORMAT binary)", rows->source.from);
    return postgres_copy_open(&rows->copy, rows->store->connection, rows->what, &sql, rows->sent,
                              rows->base.columns.count, err);
}

enum status postgres_query_open(struct offline_store *base, const char *sql, const char *what,
                                const struct query_column *wanted, size_t wanted_count,
                                struct offline_query **opened, struct error *err)
{
    struct postgres_query_rows *rows = calloc(1, sizeof *rows);
    if (!rows)
        out_of_memory();
    rows->base.operations = base->operations;
    rows->store = postgres_store_of(base);
    arena_init(&rows->arena, 0);
    arena_init(&rows->row_arena, 0);
    rows->what = arena_text(&rows->arena, what);
    rows->definition.about.name = rows->what;
    rows->definition.query = arena_text(&rows->arena, sql);
    enum status status = postgres_begin_read(rows->store, NULL, err);
    if (!status)
        status = postgres_source_resolve(rows->store, &rows->definition, &rows->arena,
                                         &rows->source, err);
    rows->source.name = "the query"; /* there is no source */
    if (!status)
        status = bind_columns(rows, wanted, wanted_count, err);
    if (!status)
        status = start(rows, err);
    if (status)
        postgres_query_close(&rows->base);
    else
        *opened = &rows->base;
    return status;
}

static enum status decode(struct postgres_query_rows *rows, size_t index, struct error *err)
{
    enum copy_misfit misfit;
    enum status status = copy_decode(&rows->fields[index].decoder, rows->sent[index],
                                     &rows->row_arena, &rows->values[index], &misfit, err);
    if (status || misfit == COPY_FITS)
        return status;
    return fail(err, STATUS_INVALID, "%s: column %s of row %llu holds %s, which no value can be",
                rows->what, rows->fields[index].column->name, (unsigned long long)rows->row,
                copy_misfit_text(misfit));
}

enum status postgres_query_next(struct offline_query *base, const struct value **values,
                                struct error *err)
{
    struct postgres_query_rows *rows = (struct postgres_query_rows *)base;
    bool end = false;
    *values = NULL;
    arena_reset(&rows->row_arena);
    enum status status = postgres_copy_next(&rows->copy, &end, err);
    if (status || end)
        return status;
    rows->row++;
    for (size_t i = 0; i < rows->base.columns.count && !status; i++)
        status = decode(rows, i, err);
    if (!status)
        *values = rows->values;
    return status;
}

void postgres_query_close(struct offline_query *base)
{
    struct postgres_query_rows *rows = (struct postgres_query_rows *)base;
    postgres_copy_close(&rows->copy);
    postgres_rollback(rows->store);
    arena_release(&rows->arena);
    arena_release(&rows->row_arena);
    free(rows);
}
