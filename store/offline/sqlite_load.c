/* sqlite_load.c - rows into a source's table, which is made if it is not there. */
#include "store/offline/row_text.h"
#include "store/offline/sqlite_source.h"

#include "base/value_text.h"

#include <stdlib.h>

struct sqlite_load {
    struct offline_load base;
    struct sqlite_store *store;
    const char *doing;
    struct arena arena;
    struct sqlite_source source;
    struct load_columns given;
    sqlite3_stmt *insert;
    struct buffer text; /* of one value */
    uint64_t rows;
};

/* Making the table ---------------------------------------------------------------------------- */

static void append_columns(struct buffer *sql, const struct load_columns *columns)
{
    for (size_t i = 0; i < columns->count; i++) {
        const struct load_column *column = &columns->columns[i];
        buffer_append_text(sql, i == 0 ? "" : ", ");
        sqlite_append_identifier(sql, column->column);
        buffer_printf(sql, " %s%s", sqlite_declaration(column->type),
                      column->role == LOAD_KEY || column->role == LOAD_EVENT_TIME ? " NOT NULL"
                                                                                  : "");
    }
}

static void append_role(struct buffer *sql, const struct load_columns *columns, enum load_role role,
                        const char *separator)
{
    for (size_t i = 0; i < columns->count; i++) {
        if (columns->columns[i].role != role)
            continue;
        buffer_append_text(sql, separator);
        sqlite_append_identifier(sql, columns->columns[i].column);
        separator = ", ";
    }
}

/* The order of the index is that in which a point-in-time read looks for the latest row; it is
 * walked backwards. An index is named in its table's database, and its ON takes no other. */
static void append_index(struct sqlite_load *load, struct buffer *sql,
                         const struct load_columns *columns)
{
    const char *table = load->source.source->table;
    buffer_append_text(sql, "CREATE INDEX ");
    sqlite_append_table(sql, arena_printf(&load->arena, "%s_larder", table));
    buffer_append_text(sql, " ON ");
    sqlite_append_identifier(sql, sqlite_table_name(table));
    append_role(sql, columns, LOAD_KEY, " (");
    append_role(sql, columns, LOAD_EVENT_TIME, ", ");
    append_role(sql, columns, LOAD_CREATED_TIME, ", ");
    buffer_append_text(sql, ")");
}

static enum status make_table(struct sqlite_load *load, const struct load_column *all, size_t count,
                              struct error *err)
{
    const char *doing = arena_printf(&load->arena, "making table %s", load->source.name);
    struct load_columns columns;
    struct buffer sql;
    enum status status = load_columns_distinct(load->source.source, all, count, sqlite3_stricmp,
                                               &load->arena, &columns, err);
    if (status)
        return status;
    buffer_init(&sql, 0);
    buffer_printf(&sql, "CREATE TABLE %s (", load->source.from);
    append_columns(&sql, &columns);
    buffer_append_text(&sql, "); ");
    append_index(load, &sql, &columns);
    return sqlite_run_buffer(load->store, doing, &sql, err);
}

/* Opening ------------------------------------------------------------------------------------- */

/* Where ANY keeps what it is given; elsewhere it is a word like any other, and means NUMERIC. */
static enum status is_strict(struct sqlite_load *load, bool *is, struct error *err)
{
    const char *table = sqlite_table_name(load->source.source->table);
    sqlite3_stmt *statement;
    struct buffer sql;
    buffer_init(&sql, 0);
    buffer_append_text(&sql, "SELECT 1 FROM pragma_table_list WHERE name = ? COLLATE NOCASE"
                             " AND schema <> 'temp' AND strict");
    enum status status =
        sqlite_prepare_read(load->store, "looking at tables", &sql, &statement, err);
    if (!status) {
        sqlite3_bind_text(statement, 1, table, -1, SQLITE_STATIC);
        status = sqlite_step(statement, "looking at tables", is, err);
    }
    sqlite3_finalize(statement);
    return status;
}

static enum status check_column(struct sqlite_load *load, const struct load_column *given,
                                bool strict, struct error *err)
{
    const char *who = arena_printf(&load->arena, "source %s", load->source.source->about.name);
    const char *what = arena_printf(&load->arena, "what is loaded into %s", given->column);
    struct sqlite_field field;
    enum status status =
        sqlite_source_bind(&load->source, who, what, given->column, given->type, &field, err);
    if (status)
        return status;
    enum sqlite_affinity affinity = sqlite_affinity_of(field.column->declared, strict);
    if (sqlite_affinity_keeps(affinity, given->type))
        return STATUS_OK;
    return fail(
        err, STATUS_INVALID,
        "%s: %s.%s is declared %s, which makes numbers of texts that look like one; declare "
        "it TEXT",
        who, load->source.name, given->column, field.column->declared);
}

static enum status check_columns(struct sqlite_load *load, struct error *err)
{
    bool strict = false;
    enum status status = is_strict(load, &strict, err);
    for (size_t i = 0; i < load->given.count && !status; i++)
        status = check_column(load, &load->given.columns[i], strict, err);
    return status;
}

static enum status find_or_make_table(struct sqlite_load *load, const struct source *source,
                                      const struct load_column *all, size_t all_count, bool *made,
                                      struct error *err)
{
    struct error missing = {0};
    enum status status =
        sqlite_source_resolve(load->store, source, &load->arena, &load->source, &missing);
    if (!status)
        return check_columns(load, err);
    if (status != STATUS_NOT_FOUND)
        return fail(err, status, "%s", missing.message);
    status = make_table(load, all, all_count, err);
    *made = !status;
    return status;
}

static enum status prepare_insert(struct sqlite_load *load, struct error *err)
{
    struct buffer sql;
    buffer_init(&sql, 0);
    load->doing = arena_printf(&load->arena, "loading %s", load->source.name);
    buffer_printf(&sql, "INSERT INTO %s ", load->source.from);
    for (size_t i = 0; i < load->given.count; i++) {
        buffer_append_text(&sql, i == 0 ? "(" : ", ");
        sqlite_append_identifier(&sql, load->given.columns[i].column);
    }
    buffer_append_text(&sql, ") VALUES ");
    for (size_t i = 0; i < load->given.count; i++)
        buffer_append_text(&sql, i == 0 ? "(?" : ", ?");
    buffer_append(&sql, ")", 2);
    enum status status = sqlite_prepare(load->store->connection, load->doing,
                                        (const char *)sql.data, &load->insert, err);
    buffer_release(&sql);
    return status;
}

/* In KiB: keys come in any order, and each finds its page of the index. */
static const char set_cache[] = "PRAGMA cache_size = -65536";

enum status sqlite_load_open(struct offline_store *base, const struct source *source,
                             const struct load_column *all, size_t all_count,
                             const struct load_column *given, size_t given_count, bool *made,
                             struct offline_load **opened, struct error *err)
{
    struct sqlite_load *load = calloc(1, sizeof *load);
    if (!load)
        out_of_memory();
    load->base.operations = base->operations;
    load->store = sqlite_store_of(base);
    arena_init(&load->arena, 0);
    buffer_init(&load->text, 0);
    load->given = load_columns_keep(given, given_count, &load->arena);
    enum status status = sqlite_begin_making(load->store, "beginning a load", err);
    if (!status)
        status = sqlite_run(load->store->connection, "beginning a load", set_cache, err);
    if (!status)
        status = find_or_make_table(load, source, all, all_count, made, err);
    if (!status)
        status = prepare_insert(load, err);
    if (status)
        sqlite_load_close(&load->base);
    else
        *opened = &load->base;
    return status;
}

/* Rows ---------------------------------------------------------------------------------------- */

static enum status bind_first(struct sqlite_load *load, sqlite3_stmt *statement,
                              const struct value *values, struct error *err)
{
    enum status status = STATUS_OK;
    int place = 0;
    for (size_t i = 0; i < load->given.count && !status; i++)
        if (load->given.columns[i].role != LOAD_FEATURE)
            status = sqlite_bind(statement, ++place, &values[i], &load->text, err);
    return status;
}

static enum status look_at_table(struct sqlite_load *load, const struct value *values,
                                 struct error *err)
{
    sqlite3_stmt *statement = NULL;
    struct buffer sql;
    bool row = false;
    buffer_init(&sql, 0);
    buffer_printf(&sql,
                  "SELECT (SELECT count(*) FROM (SELECT 1 FROM %s LIMIT %d)),"
                  " EXISTS (SELECT 1 FROM %s WHERE true",
                  load->source.from, LOAD_BEFORE_MAX, load->source.from);
    for (size_t i = 0; i < load->given.count; i++) {
        if (load->given.columns[i].role == LOAD_FEATURE)
            continue;
        buffer_append_text(&sql, " AND ");
        sqlite_append_identifier(&sql, load->given.columns[i].column);
        buffer_append_text(&sql, " IS ?");
    }
    buffer_append(&sql, ")", 2);
    enum status status = sqlite_prepare(load->store->connection, load->doing,
                                        (const char *)sql.data, &statement, err);
    if (!status)
        status = bind_first(load, statement, values, err);
    if (!status)
        status = sqlite_step(statement, load->doing, &row, err);
    if (!status && row)
        load->base.before = (struct load_before){
            .is_known = true,
            .rows = (uint64_t)sqlite3_column_int64(statement, 0),
            .has_first = sqlite3_column_int(statement, 1),
        };
    sqlite3_finalize(statement);
    buffer_release(&sql);
    bool matters = status == STATUS_UNAVAILABLE || status == STATUS_CANCELLED;
    return matters ? status : STATUS_OK;
}

enum status sqlite_load_row(struct offline_load *base, const struct value *values, size_t *culprit,
                            struct error *err)
{
    struct sqlite_load *load = (struct sqlite_load *)base;
    enum status status = STATUS_OK;
    bool row;
    if (load->rows == 0)
        status = look_at_table(load, values, err);
    for (size_t i = 0; i < load->given.count && !status; i++) {
        *culprit = i;
        status = sqlite_bind(load->insert, (int)i + 1, &values[i], &load->text, err);
    }
    if (!status)
        status = sqlite_step(load->insert, load->doing, &row, err);
    sqlite3_reset(load->insert);
    load->rows += !status;
    return status;
}

enum status sqlite_load_finish(struct offline_load *base, uint64_t *rows, struct error *err)
{
    struct sqlite_load *load = (struct sqlite_load *)base;
    *rows = load->rows;
    return sqlite_commit(load->store->connection, load->doing, err);
}

void sqlite_load_close(struct offline_load *base)
{
    struct sqlite_load *load = (struct sqlite_load *)base;
    sqlite3_finalize(load->insert);
    sqlite_rollback(load->store->connection);
    buffer_release(&load->text);
    arena_release(&load->arena);
    free(load);
}
