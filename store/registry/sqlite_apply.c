/*
 * sqlite_apply.c - the steps of an apply, and removal. Each writes within a transaction that has
 * waited for its turn first.
 */
#include "store/registry/apply_rules.h"
#include "store/registry/sqlite_registry.h"

#include "base/timestamp.h"

enum status sqlite_number_project(struct registry *registry, const char *project, uint32_t *id,
                                  struct error *err)
{
    static const char doing[] = "numbering the project";
    struct sqlite_registry *r = sqlite_registry_of(registry);
    sqlite3_stmt *statement;
    const struct parameter parameters[] = {text_parameter(project)};
    enum status status = sqlite_statement_run(
        r, doing, "UPDATE @registry SET last_project = last_project + 1", NULL, 0, NULL, err);
    if (!status)
        status = sqlite_statement_run(r, doing,
                                      "INSERT INTO @project (id, name, version)"
                                      " SELECT last_project, ?1, 0 FROM @registry",
                                      parameters, COUNT_OF(parameters), NULL, err);
    if (!status)
        status = sqlite_statement_find(r, doing, "SELECT id FROM @project WHERE name = ?1",
                                       parameters, COUNT_OF(parameters), &statement, err);
    if (status)
        return status;
    int64_t given = sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    if (given <= 0 || given > UINT32_MAX)
        return fail(err, STATUS_EXHAUSTED, "no more projects can be numbered");
    *id = (uint32_t)given;
    return STATUS_OK;
}

enum status sqlite_write_version(struct registry *registry, const struct catalog *catalog,
                                 struct arena *arena, struct error *err)
{
    struct sqlite_registry *r = sqlite_registry_of(registry);
    const struct parameter parameters[] = {
        number_parameter(catalog->project_id),
        number_parameter((int64_t)catalog->version),
        number_parameter(timestamp_now()),
        text_parameter(arena_text_of(arena, catalog_encode(catalog, arena))),
    };
    enum status status = sqlite_statement_run(r, "writing the version",
                                              "INSERT INTO @version VALUES (?1, ?2, ?3, ?4)",
                                              parameters, COUNT_OF(parameters), NULL, err);
    if (status)
        return status;
    return sqlite_statement_run(r, "writing the version",
                                "UPDATE @project SET version = ?2 WHERE id = ?1", parameters, 2,
                                NULL, err);
}

enum status sqlite_last_generations(struct registry *registry, const struct catalog *catalog,
                                    uint32_t *last, struct error *err)
{
    static const char doing[] = "reading the generations of feature views";
    const struct parameter parameters[] = {number_parameter(catalog->project_id)};
    sqlite3_stmt *statement;
    bool row = false;
    enum status status = sqlite_statement_open(
        sqlite_registry_of(registry), doing,
        "SELECT view_id, last_generation FROM @view_state WHERE project_id = ?1", parameters,
        COUNT_OF(parameters), &statement, err);
    while (!status && !(status = sqlite_step(statement, doing, &row, err)) && row) {
        const struct catalog_view *view =
            catalog_view_of_id(catalog, (uint32_t)sqlite3_column_int64(statement, 0));
        if (view)
            last[view - catalog->views] = (uint32_t)sqlite3_column_int64(statement, 1);
    }
    sqlite3_finalize(statement);
    return status;
}

/* "[[1,7],[2,7]]": each view's id and generation, for json_each. */
static const char *views_as_json(const struct catalog *catalog, struct arena *arena)
{
    struct buffer text;
    buffer_init(&text, 0);
    for (size_t i = 0; i < catalog->definitions.view_count; i++)
        buffer_printf(&text, "%s[%u,%u]", i ? "," : "[", catalog->views[i].id,
                      catalog->views[i].generation);
    buffer_append_text(&text, text.size ? "]" : "[]");
    const char *json = arena_text_of(arena, buffer_bytes(&text));
    buffer_release(&text);
    return json;
}

enum status sqlite_match_states(struct registry *registry, const struct catalog *catalog,
                                struct arena *arena, struct error *err)
{
#define VIEWS "WITH v AS (SELECT value ->> 0 AS id, value ->> 1 AS generation FROM json_each(?2)) "
#define GOES                                                                                       \
    " project_id = ?1 AND NOT EXISTS (SELECT 1 FROM v WHERE v.id = view_id"                        \
    " AND v.generation = @view_state.generation)"
    static const char *const statements[] = {
        VIEWS "INSERT INTO @removed_rows (project_id, view_id, generation, since_us)"
              " SELECT DISTINCT project_id, view_id,"
              " CASE WHEN view_id IN (SELECT id FROM v) THEN g.value ELSE 0 END, ?3"
              " FROM @view_state, json_each(json_array(generation, pending_generation)) g"
              " WHERE g.value <> 0 AND" GOES SQL_RECORD_AGAIN,
        VIEWS "DELETE FROM @view_state WHERE" GOES,
        VIEWS "INSERT OR IGNORE INTO @view_state (project_id, view_id, generation, last_generation)"
              " SELECT ?1, id, generation, generation FROM v",
    };
    const struct parameter parameters[] = {
        number_parameter(catalog->project_id),
        text_parameter(views_as_json(catalog, arena)),
        number_parameter(timestamp_now()),
    };
    enum status status = STATUS_OK;
    for (size_t i = 0; i < COUNT_OF(statements) && !status; i++)
        status = sqlite_statement_run(sqlite_registry_of(registry),
                                      "matching the states of feature views", statements[i],
                                      parameters, COUNT_OF(parameters), NULL, err);
    return status;
#undef VIEWS
#undef GOES
}

enum status sqlite_mark_view(struct registry *registry, const struct catalog *catalog,
                             const struct stale_mark *mark, struct arena *arena, struct error *err)
{
    (void)arena;
    const struct parameter parameters[] = {
        number_parameter(catalog->project_id),
        number_parameter(mark->view_id),
        number_parameter((int64_t)catalog->version),
        text_parameter(mark->reason),
    };
    return sqlite_statement_run(sqlite_registry_of(registry), "marking a feature view stale",
                                "UPDATE @view_state SET stale_version = ?3, stale_reason = ?4"
                                " WHERE project_id = ?1 AND view_id = ?2",
                                parameters, COUNT_OF(parameters), NULL, err);
}

/* Removing ------------------------------------------------------------------------------------ */

static enum status remove_project(struct sqlite_registry *r, const char *project, struct error *err)
{
#define ITS " WHERE project_id IN (SELECT id FROM @project WHERE name = ?1)"
    static const char *const statements[] = {
        "DELETE FROM @removed_rows" ITS,
        "DELETE FROM @view_state" ITS,
        "DELETE FROM @version" ITS,
        "DELETE FROM @project WHERE name = ?1",
    };
#undef ITS
    const struct parameter parameters[] = {text_parameter(project)};
    sqlite3_stmt *statement;
    enum status status = STATUS_OK;
    for (size_t i = 0; i < COUNT_OF(statements) && !status; i++)
        status = sqlite_statement_run(r, "removing the project", statements[i], parameters,
                                      COUNT_OF(parameters), NULL, err);
    if (!status)
        status = sqlite_statement_find(r, "looking for other projects",
                                       "SELECT 1 FROM @project LIMIT 1", NULL, 0, &statement, err);
    if (status)
        return status;
    bool was_last = statement == NULL;
    sqlite3_finalize(statement);
    return was_last ? sqlite_schema_drop(r, err) : STATUS_OK;
}

enum status sqlite_registry_remove(struct registry *registry, const char *project,
                                   struct error *err)
{
    struct sqlite_registry *r = sqlite_registry_of(registry);
    /* Where there is nothing to remove, the file stays as it is. */
    enum status status = sqlite_transaction_read(r, err);
    if (!status) {
        sqlite_transaction_end(r);
        status = sqlite_transaction_write(r, err);
    }
    if (status)
        return status == STATUS_NOT_FOUND ? STATUS_OK : status;
    return sqlite_transaction_close(r, remove_project(r, project, err), err);
}
