/* sqlite_statement.c - statements of the SQLite registry. */
#include "store/registry/sqlite_registry.h"

#include <ctype.h>

/* "@project" becomes "larder_project", quoted. */
static const char *append_table(struct sqlite_registry *r, const char *at, struct buffer *text)
{
    struct buffer name;
    buffer_init(&name, 0);
    buffer_printf(&name, "%s_", r->schema);
    for (at++; islower((unsigned char)*at) || *at == '_'; at++)
        buffer_append_byte(&name, (uint8_t)*at);
    buffer_append_byte(&name, 0);
    sqlite_append_identifier(text, (const char *)name.data);
    buffer_release(&name);
    return at;
}

static void expand(struct sqlite_registry *r, const char *sql, struct buffer *text)
{
    while (*sql)
        if (*sql == '@')
            sql = append_table(r, sql, text);
        else
            buffer_append_byte(text, (uint8_t)*sql++);
    buffer_append_byte(text, 0);
}

/* A statement that does not fit the tables: an owner has dropped one, or has one of that name. */
static enum status explain(struct sqlite_registry *r, const char *doing, enum status status,
                           struct error *err)
{
    if ((sqlite3_errcode(r->connection) & 0xff) != SQLITE_ERROR)
        return status;
    return fail(err, STATUS_FAILED,
                "%s: the tables of %s are not as larder made them: SQLite says: %s; drop what is "
                "left of them, or set another registry schema in larder.yaml",
                doing, r->name, sqlite3_errmsg(r->connection));
}

static void bind(sqlite3_stmt *statement, const struct parameter *parameters, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        int index = (int)i + 1;
        if (parameters[i].is_null)
            sqlite3_bind_null(statement, index);
        else if (parameters[i].text)
            sqlite3_bind_text(statement, index, parameters[i].text, -1, SQLITE_STATIC);
        else
            sqlite3_bind_int64(statement, index, parameters[i].number);
    }
}

enum status sqlite_statement_open(struct sqlite_registry *r, const char *doing, const char *sql,
                                  const struct parameter *parameters, size_t count,
                                  sqlite3_stmt **statement, struct error *err)
{
    struct buffer text;
    buffer_init(&text, 0);
    expand(r, sql, &text);
    enum status status =
        sqlite_prepare(r->connection, doing, (const char *)text.data, statement, err);
    buffer_release(&text);
    if (status)
        return explain(r, doing, status, err);
    bind(*statement, parameters, count);
    return STATUS_OK;
}

enum status sqlite_statement_find(struct sqlite_registry *r, const char *doing, const char *sql,
                                  const struct parameter *parameters, size_t count,
                                  sqlite3_stmt **statement, struct error *err)
{
    bool row = false;
    enum status status = sqlite_statement_open(r, doing, sql, parameters, count, statement, err);
    if (!status)
        status = sqlite_step(*statement, doing, &row, err);
    if (row)
        return STATUS_OK;
    sqlite3_finalize(*statement);
    *statement = NULL;
    return status;
}

enum status sqlite_statement_run(struct sqlite_registry *r, const char *doing, const char *sql,
                                 const struct parameter *parameters, size_t count, size_t *changed,
                                 struct error *err)
{
    sqlite3_stmt *statement;
    bool row;
    enum status status = sqlite_statement_open(r, doing, sql, parameters, count, &statement, err);
    if (!status)
        status = sqlite_step(statement, doing, &row, err);
    if (!status && changed)
        *changed = (size_t)sqlite3_changes64(r->connection);
    sqlite3_finalize(statement);
    return status;
}

const char *column_text(sqlite3_stmt *statement, int column, struct arena *arena)
{
    const char *text = (const char *)sqlite3_column_text(statement, column);
    return text ? arena_text(arena, text) : NULL;
}
