/* postgres_load.c - rows into a source's table, which is made if it is not there. */
#include "base/value_text.h"
#include "store/offline/copy_target.h"
#include "store/offline/postgres_source.h"
#include "store/offline/postgres_upload.h"
#include "store/offline/row_text.h"
#include "store/offline/source_text.h"

#include <stdlib.h>

struct postgres_load {
    struct offline_load base;
    struct postgres_store *store;
    struct arena arena;
    struct postgres_source source;
    struct load_columns given;
    struct copy_target *targets; /* [given_count]: the columns that given values go to */
    const struct postgres_field
        *fields; /* of an existing table: what those columns are; else NULL, and they fit exactly */
    bool copies; /* from the first row on */
    struct postgres_upload upload;
    struct buffer text; /* of one value, before it is escaped for COPY */
};

/* Making the table ---------------------------------------------------------------------------- */

static const char *sql_type(value_type type)
{
    static const char *const names[] = {
        [TYPE_BOOL] = "boolean", [TYPE_INT32] = "integer",
        [TYPE_INT64] = "bigint", [TYPE_FLOAT32] = "real",
        [TYPE_STRING] = "text",  [TYPE_FLOAT64] = "double precision",
        [TYPE_BYTES] = "bytea",  [TYPE_TIMESTAMP] = "timestamptz",
    };
    return names[type_element(type)];
}

static void append_column(struct postgres_store *store, struct buffer *sql,
                          const struct load_column *column)
{
    postgres_append_identifier(store->connection, sql, column->column);
    buffer_printf(sql, " %s%s%s", sql_type(column->type), type_is_list(column->type) ? "[]" : "",
                  column->role == LOAD_KEY || column->role == LOAD_EVENT_TIME ? " NOT NULL" : "");
}

static void append_columns(struct postgres_store *store, struct buffer *sql,
                           const struct load_columns *columns)
{
    for (size_t i = 0; i < columns->count; i++) {
        buffer_append_text(sql, i == 0 ? "" : ", ");
        append_column(store, sql, &columns->columns[i]);
    }
}

static void append_role(struct postgres_store *store, struct buffer *sql,
                        const struct load_columns *columns, enum load_role role,
                        const char *separator, const char *order)
{
    for (size_t i = 0; i < columns->count; i++) {
        if (columns->columns[i].role != role)
            continue;
        buffer_append_text(sql, separator);
        postgres_append_identifier(store->connection, sql, columns->columns[i].column);
        buffer_append_text(sql, order);
        separator = ", ";
    }
}

/* The order of the index is that in which a point-in-time read looks for the latest row. */
static void append_index(struct postgres_load *load, struct buffer *sql,
                         const struct load_columns *columns)
{
    buffer_printf(sql, "CREATE INDEX ON %s ", load->source.from);
    append_role(load->store, sql, columns, LOAD_KEY, "(", "");
    append_role(load->store, sql, columns, LOAD_EVENT_TIME, ", ", " DESC");
    append_role(load->store, sql, columns, LOAD_CREATED_TIME, ", ", " DESC NULLS LAST");
    buffer_append_text(sql, ")");
}

static enum status make_table(struct postgres_load *load, const struct load_column *all,
                              size_t count, struct error *err)
{
    const char *doing = arena_printf(&load->arena, "making table %s", load->source.name);
    struct load_columns columns;
    struct buffer sql;
    enum status status =
        load_columns_distinct(load->source.source, all, count, strcmp, &load->arena, &columns, err);
    if (status)
        return status;
    buffer_init(&sql, 0);
    buffer_printf(&sql, "CREATE TABLE %s (", load->source.from);
    append_columns(load->store, &sql, &columns);
    buffer_append_text(&sql, ")");
    status = postgres_query_buffer(load->store, doing, &sql, NULL, err);
    if (status)
        return status;
    buffer_init(&sql, 0);
    append_index(load, &sql, &columns);
    return postgres_query_buffer(load->store, doing, &sql, NULL, err);
}

/* Opening ------------------------------------------------------------------------------------- */

static enum status bind_fields(struct postgres_load *load, struct error *err)
{
    struct postgres_field *fields = arena_array(&load->arena, load->given.count, sizeof *fields);
    const char *who = arena_printf(&load->arena, "source %s", load->source.source->about.name);
    enum status status = STATUS_OK;
    for (size_t i = 0; i < load->given.count && !status; i++) {
        const struct load_column *given = &load->given.columns[i];
        status = postgres_source_bind(
            &load->source, who, arena_printf(&load->arena, "what is loaded into %s", given->column),
            given->column, given->type, &fields[i], err);
        if (!status)
            load->targets[i] =
                (struct copy_target){fields[i].column->oid, fields[i].column->modifier};
    }
    load->fields = fields;
    return status;
}

static enum status find_or_make_table(struct postgres_load *load, const struct source *source,
                                      const struct load_column *all, size_t all_count, bool *made,
                                      struct error *err)
{
    struct postgres_store *store = load->store;
    struct error missing = {0};
    enum status status =
        postgres_run(store->connection, "looking for a table", "SAVEPOINT larder_load", err);
    if (status)
        return status;
    status = postgres_source_resolve(store, source, &load->arena, &load->source, &missing);
    if (!status)
        return bind_fields(load, err);
    if (status != STATUS_NOT_FOUND)
        return fail(err, status, "%s", missing.message);
    status = postgres_run(store->connection, "looking for a table",
                          "ROLLBACK TO SAVEPOINT larder_load", err);
    if (!status)
        status = make_table(load, all, all_count, err);
    *made = !status;
    return status;
}

static enum status start_copy(struct postgres_load *load, struct error *err)
{
    load->copies = true;
    struct buffer sql;
    buffer_init(&sql, 0);
    buffer_printf(&sql, "COPY %s ", load->source.from);
    for (size_t i = 0; i < load->given.count; i++) {
        buffer_append_text(&sql, i == 0 ? "(" : ", ");
        postgres_append_identifier(load->store->connection, &sql, load->given.columns[i].column);
    }
    buffer_append_text(&sql, ") FROM STDIN");
    return postgres_upload_open(&load->upload, load->store->connection,
                                arena_printf(&load->arena, "loading %s", load->source.name), &sql,
                                err);
}

enum status postgres_load_open(struct offline_store *base, const struct source *source,
                               const struct load_column *all, size_t all_count,
                               const struct load_column *given, size_t given_count, bool *made,
                               struct offline_load **opened, struct error *err)
{
    struct postgres_load *load = calloc(1, sizeof *load);
    if (!load)
        out_of_memory();
    load->base.operations = base->operations;
    load->store = postgres_store_of(base);
    arena_init(&load->arena, 0);
    buffer_init(&load->text, 0);
    load->given = load_columns_keep(given, given_count, &load->arena);
    load->targets = arena_array(&load->arena, given_count, sizeof *load->targets);
    enum status status = postgres_begin_write(load->store, err);
    if (!status)
        status = find_or_make_table(load, source, all, all_count, made, err);
    if (status)
        postgres_load_close(&load->base);
    else
        *opened = &load->base;
    return status;
}

/* Rows ---------------------------------------------------------------------------------------- */

/* COPY's text format: a backslash before what ends fields and lines, and before itself. */
static void append_escaped(struct buffer *row, struct bytes text)
{
    const char *data = text.data;
    size_t from = 0;
    for (size_t i = 0; i < text.size; i++) {
        const char *escape = data[i] == '\\'   ? "\\\\"
                             : data[i] == '\n' ? "\\n"
                             : data[i] == '\r' ? "\\r"
                             : data[i] == '\t' ? "\\t"
                                               : NULL;
        if (!escape)
            continue;
        buffer_append(row, data + from, i - from);
        buffer_append_text(row, escape);
        from = i + 1;
    }
    buffer_append(row, data + from, text.size - from);
}

/* Every element of an array literal may be quoted; within, a backslash stands before quotes and
 * itself. */
static void append_element(struct buffer *text, struct bytes element)
{
    const uint8_t *data = element.data;
    buffer_append_byte(text, '"');
    for (size_t i = 0; i < element.size; i++) {
        if (data[i] == '"' || data[i] == '\\')
            buffer_append_byte(text, '\\');
        buffer_append_byte(text, data[i]);
    }
    buffer_append_byte(text, '"');
}

static void format_list(const struct copy_target *target, const struct value *list,
                        struct buffer *text)
{
    struct buffer scratch;
    struct list_cursor cursor = list_begin(list->type, list->bytes);
    const char *separator = "{";
    buffer_init(&scratch, 0);
    for (struct value element; list_next(&cursor, &element); separator = ",") {
        buffer_clear(&scratch);
        copy_target_format(target, &element, &scratch);
        buffer_append_text(text, separator);
        append_element(text, buffer_bytes(&scratch));
    }
    buffer_append_text(text, *separator == '{' ? "{}" : "}");
    buffer_release(&scratch);
}

static void append_value(struct postgres_load *load, size_t index, const struct value *value)
{
    if (value->is_null) {
        buffer_append_text(&load->upload.rows, "\\N");
        return;
    }
    buffer_clear(&load->text);
    if (type_is_list(value->type))
        format_list(&load->targets[index], value, &load->text);
    else
        copy_target_format(&load->targets[index], value, &load->text);
    append_escaped(&load->upload.rows, buffer_bytes(&load->text));
}

static enum status not_kept(struct postgres_load *load, size_t index, const struct value *culprit,
                            struct error *err)
{
    struct bytes text;
    buffer_clear(&load->text);
    value_format(culprit, &load->text);
    text = buffer_bytes(&load->text);
    size_t size = row_text_cut(text.data, text.size);
    return fail(
        err, STATUS_INVALID, "%s is %s, which does not keep %.*s%s as it is: %s",
        source_column_text(load->source.source, load->given.columns[index].column, &load->arena),
        load->fields[index].column->type_text, (int)size, (const char *)text.data,
        size < text.size ? "..." : "", copy_target_advice(&load->targets[index]));
}

/* Before anything of the row is sent. */
static enum status check_row(struct postgres_load *load, const struct value *values,
                             size_t *culprit, struct error *err)
{
    struct value value;
    for (size_t i = 0; i < load->given.count && load->fields; i++) {
        *culprit = i;
        if (!values[i].is_null && !copy_target_keeps(&load->targets[i], &values[i], &value))
            return not_kept(load, i, &value, err);
    }
    return STATUS_OK;
}

/* As COPY would take it. */
static const char *text_of(struct postgres_load *load, size_t index, const struct value *value)
{
    buffer_clear(&load->text);
    copy_target_format(&load->targets[index], value, &load->text);
    return arena_text_of(&load->arena, buffer_bytes(&load->text));
}

static enum status look_at_table(struct postgres_load *load, const struct value *values,
                                 struct error *err)
{
    const char **texts = arena_array(&load->arena, load->given.count, sizeof *texts);
    PGresult *result = NULL;
    struct buffer sql;
    int count = 0;
    buffer_init(&sql, 0);
    buffer_printf(&sql,
                  "SELECT (SELECT count(*) FROM (SELECT FROM %s LIMIT %d) AS held),"
                  " EXISTS (SELECT FROM %s WHERE true",
                  load->source.from, LOAD_BEFORE_MAX, load->source.from);
    for (size_t i = 0; i < load->given.count; i++) {
        if (load->given.columns[i].role == LOAD_FEATURE)
            continue;
        buffer_append_text(&sql, " AND ");
        postgres_append_identifier(load->store->connection, &sql, load->given.columns[i].column);
        if (values[i].is_null) {
            buffer_append_text(&sql, " IS NULL");
            continue;
        }
        texts[count++] = text_of(load, i, &values[i]);
        buffer_printf(&sql, " = $%d", count);
    }
    buffer_append(&sql, ")", 2);
    enum status status = postgres_query(load->store->connection, "looking at the table",
                                        (const char *)sql.data, count, texts, &result, err);
    if (!status)
        load->base.before = (struct load_before){
            .is_known = true,
            .rows = strtoull(PQgetvalue(result, 0, 0), NULL, 10),
            .has_first = *PQgetvalue(result, 0, 1) == 't',
        };
    buffer_release(&sql);
    PQclear(result);
    return status;
}

/* Who may add rows may perhaps not read them, and a json has no equal: then it stays unknown. */
static enum status begin_rows(struct postgres_load *load, const struct value *values,
                              struct error *err)
{
    PGconn *connection = load->store->connection;
    static const char doing[] = "looking at the table";
    enum status status = postgres_run(connection, doing, "SAVEPOINT larder_look", err);
    if (status)
        return status;
    status = look_at_table(load, values, err);
    if (status && status != STATUS_UNAVAILABLE && status != STATUS_CANCELLED)
        status = postgres_run(connection, doing, "ROLLBACK TO SAVEPOINT larder_look", err);
    return status ? status : start_copy(load, err);
}

enum status postgres_load_row(struct offline_load *base, const struct value *values,
                              size_t *culprit, struct error *err)
{
    struct postgres_load *load = (struct postgres_load *)base;
    enum status status = check_row(load, values, culprit, err);
    if (!status && !load->copies)
        status = begin_rows(load, values, err);
    if (status)
        return status;
    for (size_t i = 0; i < load->given.count; i++) {
        if (i > 0)
            buffer_append_byte(&load->upload.rows, '\t');
        append_value(load, i, &values[i]);
    }
    buffer_append_byte(&load->upload.rows, '\n');
    return postgres_upload_row(&load->upload, err);
}

enum status postgres_load_finish(struct offline_load *base, uint64_t *rows, struct error *err)
{
    struct postgres_load *load = (struct postgres_load *)base;
    enum status status = load->copies ? STATUS_OK : start_copy(load, err);
    const char *doing = load->upload.doing;
    if (!status)
        status = postgres_upload_finish(&load->upload, rows, err);
    return status ? status : postgres_commit(load->store, doing, err);
}

void postgres_load_close(struct offline_load *base)
{
    struct postgres_load *load = (struct postgres_load *)base;
    postgres_upload_close(&load->upload);
    postgres_rollback(load->store);
    buffer_release(&load->text);
    arena_release(&load->arena);
    free(load);
}
