/*
 * sqlite_schema.c - the tables of the registry: made by the first apply, dropped with the last
 * project. Each name begins with the registry's schema: larder_registry, larder_project, ...
 *
 *     registry     one row: the format, the identity, the last project id given, the system that
 *                  positions belong to
 *     project      the newest version of each
 *     version      every version's catalog, as text
 *     view_state   watermark, position and stale mark of each feature view of the newest version;
 *                  the generation that is read, the one that is pending (0: none), the last given
 *     removed_rows what nobody reads any more and may still be online
 *     sample       positions that runs have sampled
 *
 * Times are integers, microseconds since 1970. No foreign key holds them together: SQLite heeds
 * them only in sessions that ask for it, and an owner's may not.
 *
 * An owner's tables have other names, and whatever else an owner made of ours stays: then so do
 * they, emptied. A format greater than ours is a newer larder's.
 */
#include "store/registry/sqlite_registry.h"

#include "store/registry/identity.h"

#include <ctype.h>

static const char *const tables[] = {
    "CREATE TABLE @registry (format INTEGER NOT NULL, identity TEXT NOT NULL,"
    " last_project INTEGER NOT NULL DEFAULT 0, system_identifier INTEGER)",

    "CREATE TABLE @project (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE,"
    " version INTEGER NOT NULL)",

    "CREATE TABLE @version (project_id INTEGER NOT NULL, version INTEGER NOT NULL,"
    " applied_us INTEGER NOT NULL, catalog TEXT NOT NULL, PRIMARY KEY (project_id, version))",

    "CREATE TABLE @view_state (project_id INTEGER NOT NULL, view_id INTEGER NOT NULL,"
    " generation INTEGER NOT NULL, watermark_us INTEGER,"
    " source_position INTEGER NOT NULL DEFAULT 0, stale_version INTEGER NOT NULL DEFAULT 0,"
    " stale_reason TEXT, updated_us INTEGER NOT NULL DEFAULT 0,"
    " pending_generation INTEGER NOT NULL DEFAULT 0, last_generation INTEGER NOT NULL,"
    " PRIMARY KEY (project_id, view_id))",

    "CREATE TABLE @removed_rows (project_id INTEGER NOT NULL, view_id INTEGER NOT NULL,"
    " generation INTEGER NOT NULL, since_us INTEGER NOT NULL,"
    " PRIMARY KEY (project_id, view_id, generation))",

    "CREATE TABLE @sample (source_position INTEGER NOT NULL, next_transaction INTEGER NOT NULL,"
    " PRIMARY KEY (source_position, next_transaction))",
};

static const char *const table_names[] = {"registry",   "project",      "version",
                                          "view_state", "removed_rows", "sample"};

/* Whether the table that says what the others are is there. */
static enum status look(struct sqlite_registry *r, bool *has_table, struct error *err)
{
    sqlite3_stmt *statement;
    struct buffer name;
    buffer_init(&name, 0);
    buffer_printf(&name, "%s_registry", r->schema);
    buffer_append_byte(&name, 0);
    const struct parameter parameters[] = {text_parameter((const char *)name.data)};
    enum status status =
        sqlite_statement_find(r, "looking for the registry",
                              "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ?1",
                              parameters, COUNT_OF(parameters), &statement, err);
    *has_table = statement != NULL;
    sqlite3_finalize(statement);
    buffer_release(&name);
    return status;
}

enum status sqlite_schema_read(struct sqlite_registry *r, uint64_t *identity, struct error *err)
{
    sqlite3_stmt *statement = NULL;
    int64_t format = 0;
    bool has_table;
    *identity = 0;
    enum status status = look(r, &has_table, err);
    if (!status && has_table)
        status = sqlite_statement_find(r, "reading the registry",
                                       "SELECT format, identity FROM @registry", NULL, 0,
                                       &statement, err);
    if (statement) {
        format = sqlite3_column_int64(statement, 0);
        *identity = identity_parse((const char *)sqlite3_column_text(statement, 1));
    }
    sqlite3_finalize(statement);
    if (format > SQLITE_REGISTRY_FORMAT)
        return fail(err, STATUS_CONFLICT,
                    "%s has format %lld, made by a newer larder; this one knows format %d: use the "
                    "newer one",
                    r->name, (long long)format, SQLITE_REGISTRY_FORMAT);
    return status;
}

static enum status make_tables(struct sqlite_registry *r, struct error *err)
{
    enum status status = STATUS_OK;
    for (size_t i = 0; i < COUNT_OF(tables) && !status; i++)
        status =
            sqlite_statement_run(r, "making the registry's tables", tables[i], NULL, 0, NULL, err);
    if (status == STATUS_FAILED && strstr(sqlite3_errmsg(r->connection), "already"))
        return fail(err, STATUS_CONFLICT,
                    "%s: SQLite says: %s, and larder needs the name: set another registry schema "
                    "in larder.yaml",
                    r->name, sqlite3_errmsg(r->connection));
    return status;
}

static enum status make_identity(struct sqlite_registry *r, struct error *err)
{
    char text[IDENTITY_TEXT_SIZE];
    enum status status = identity_make(&r->identity, err);
    if (status)
        return status;
    identity_format(r->identity, text);
    const struct parameter parameters[] = {number_parameter(SQLITE_REGISTRY_FORMAT),
                                           text_parameter(text)};
    return sqlite_statement_run(r, "making the registry",
                                "INSERT INTO @registry (format, identity) VALUES (?1, ?2)",
                                parameters, COUNT_OF(parameters), NULL, err);
}

enum status sqlite_schema_make(struct sqlite_registry *r, struct error *err)
{
    bool has_table;
    enum status status = look(r, &has_table, err);
    if (!status && !has_table)
        status = make_tables(r, err);
    if (!status)
        status = sqlite_schema_read(r, &r->identity, err);
    return status || r->identity ? status : make_identity(r, err);
}

static bool is_of_name(char byte)
{
    return isalnum((unsigned char)byte) || byte == '_' || byte == '$' ||
           (unsigned char)byte >= 0x80;
}

/* However it is quoted, and in whatever case. It may only seem so. */
static bool names(const char *sql, const char *table)
{
    int size = (int)strlen(table);
    for (const char *at = sql; *at; at++)
        if (sqlite3_strnicmp(at, table, size) == 0 && !is_of_name(at[size]) &&
            (at == sql || !is_of_name(at[-1])))
            return true;
    return false;
}

/* Whether it is somebody else's, and stands on a table of ours. */
static bool is_use(const struct sqlite_registry *r, const char *name, const char *sql,
                   struct arena *arena)
{
    bool is_ours = false, uses = false;
    for (size_t i = 0; i < COUNT_OF(table_names); i++) {
        const char *table = arena_printf(arena, "%s_%s", r->schema, table_names[i]);
        is_ours = is_ours || strcmp(name, table) == 0;
        uses = uses || names(sql, table);
    }
    return uses && !is_ours;
}

/* *is_used: a view, a trigger or a table of somebody else's names one of ours. */
static enum status is_used_by_others(struct sqlite_registry *r, bool *is_used, struct error *err)
{
    static const char doing[] = "looking for what others made of the registry";
    struct arena arena;
    sqlite3_stmt *statement;
    bool row = false;
    arena_init(&arena, 0);
    *is_used = false;
    enum status status = sqlite_statement_open(
        r, doing, "SELECT name, sql FROM sqlite_schema WHERE type <> 'index' AND sql NOT NULL",
        NULL, 0, &statement, err);
    while (!status && !(status = sqlite_step(statement, doing, &row, err)) && row && !*is_used) {
        *is_used = is_use(r, (const char *)sqlite3_column_text(statement, 0),
                          (const char *)sqlite3_column_text(statement, 1), &arena);
        arena_reset(&arena);
    }
    sqlite3_finalize(statement);
    arena_release(&arena);
    return status;
}

static enum status for_each_table(struct sqlite_registry *r, const char *verb, struct error *err)
{
    enum status status = STATUS_OK;
    for (size_t i = 0; i < COUNT_OF(table_names) && !status; i++) {
        struct buffer sql;
        buffer_init(&sql, 0);
        buffer_printf(&sql, "%s @%s", verb, table_names[i]);
        buffer_append_byte(&sql, 0);
        status = sqlite_statement_run(r, "removing the registry", (const char *)sql.data, NULL, 0,
                                      NULL, err);
        buffer_release(&sql);
    }
    return status;
}

enum status sqlite_schema_drop(struct sqlite_registry *r, struct error *err)
{
    bool is_used;
    enum status status = is_used_by_others(r, &is_used, err);
    return status ? status
                  : for_each_table(r, is_used ? "DELETE FROM" : "DROP TABLE IF EXISTS", err);
}
