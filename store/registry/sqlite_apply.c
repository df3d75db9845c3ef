/*
 * sqlite_apply.c - plan, apply and removal. Each that writes reads, compares and writes in one
 * transaction, which waits for its turn first: so two at once stand one behind the other, and one
 * that is killed leaves nothing.
 */
#include "store/registry/apply_rules.h"
#include "store/registry/sqlite_registry.h"

#include "base/timestamp.h"

static const struct definitions *definitions_of(const struct newest *newest)
{
    return newest->found ? &newest->catalog.definitions : NULL;
}

enum status sqlite_registry_plan(struct registry *registry, const struct definitions *definitions,
                                 struct apply_options options, struct arena *arena,
                                 struct difference *difference, struct error *err)
{
    struct sqlite_registry *r = sqlite_registry_of(registry);
    struct newest newest = {0};
    enum status status = sqlite_transaction_read(r, err);
    if (!status) {
        status = sqlite_newest_read(r, definitions->project, arena, &newest, err);
        sqlite_transaction_end(r);
    }
    if (status && status != STATUS_NOT_FOUND)
        return status;
    *difference = definitions_difference(definitions_of(&newest), definitions, arena);
    return apply_check(difference, options, err);
}

/* Applying ------------------------------------------------------------------------------------ */

/* What one apply works on. */
struct application {
    struct sqlite_registry *r;
    struct apply_options options;
    struct arena *arena;
    struct error *err;
    struct newest before;
    struct apply_outcome *outcome; /* its catalog is the new one */
};

static enum status give_project_id(struct application *a, const char *project, uint32_t *id)
{
    static const char doing[] = "numbering the project";
    sqlite3_stmt *statement;
    const struct parameter parameters[] = {text_parameter(project)};
    enum status status = sqlite_statement_run(
        a->r, doing, "UPDATE @registry SET last_project = last_project + 1", NULL, 0, NULL, a->err);
    if (!status)
        status = sqlite_statement_run(a->r, doing,
                                      "INSERT INTO @project (id, name, version)"
                                      " SELECT last_project, ?1, 0 FROM @registry",
                                      parameters, COUNT_OF(parameters), NULL, a->err);
    if (!status)
        status = sqlite_statement_find(a->r, doing, "SELECT id FROM @project WHERE name = ?1",
                                       parameters, COUNT_OF(parameters), &statement, a->err);
    if (status)
        return status;
    int64_t given = sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    if (given <= 0 || given > UINT32_MAX)
        return fail(a->err, STATUS_EXHAUSTED, "no more projects can be numbered");
    *id = (uint32_t)given;
    return STATUS_OK;
}

enum status sqlite_version_write(struct sqlite_registry *r, const struct catalog *catalog,
                                 struct arena *arena, struct error *err)
{
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

/* --take-over: each view goes on with a generation that it never had. NULL if it is not that. */
static enum status find_generations(struct application *a, const uint32_t **generations)
{
    static const char doing[] = "reading the generations of feature views";
    *generations = NULL;
    if (!a->options.take_over || !a->before.found)
        return STATUS_OK;
    const struct catalog *before = &a->before.catalog;
    const struct parameter parameters[] = {number_parameter(before->project_id)};
    uint32_t *next = arena_array(a->arena, before->definitions.view_count, sizeof *next);
    for (size_t i = 0; i < before->definitions.view_count; i++)
        next[i] = before->views[i].generation + 1;
    sqlite3_stmt *statement;
    bool row = false;
    enum status status = sqlite_statement_open(
        a->r, doing, "SELECT view_id, last_generation FROM @view_state WHERE project_id = ?1",
        parameters, COUNT_OF(parameters), &statement, a->err);
    while (!status && !(status = sqlite_step(statement, doing, &row, a->err)) && row) {
        const struct catalog_view *view =
            catalog_view_of_id(before, (uint32_t)sqlite3_column_int64(statement, 0));
        if (view)
            next[view - before->views] = (uint32_t)sqlite3_column_int64(statement, 1) + 1;
    }
    sqlite3_finalize(statement);
    *generations = next;
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

/* The states of removed views go, those of new ones come. A view of a new generation begins anew.
 * What was online of those that go is recorded as removed. */
static enum status match_states(struct application *a)
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
    const struct catalog *catalog = &a->outcome->catalog;
    const struct parameter parameters[] = {
        number_parameter(catalog->project_id),
        text_parameter(views_as_json(catalog, a->arena)),
        number_parameter(timestamp_now()),
    };
    enum status status = STATUS_OK;
    for (size_t i = 0; i < COUNT_OF(statements) && !status; i++)
        status = sqlite_statement_run(a->r, "matching the states of feature views", statements[i],
                                      parameters, COUNT_OF(parameters), NULL, a->err);
    return status;
#undef VIEWS
#undef GOES
}

static enum status mark_view(struct application *a, const struct stale_mark *mark)
{
    const struct catalog *catalog = &a->outcome->catalog;
    const struct parameter parameters[] = {
        number_parameter(catalog->project_id),
        number_parameter(mark->view_id),
        number_parameter((int64_t)catalog->version),
        text_parameter(mark->reason),
    };
    enum status status =
        sqlite_statement_run(a->r, "marking a feature view stale",
                             "UPDATE @view_state SET stale_version = ?3, stale_reason = ?4"
                             " WHERE project_id = ?1 AND view_id = ?2",
                             parameters, COUNT_OF(parameters), NULL, a->err);
    if (status || !mark->renews_pending)
        return status;
    struct renewal renewal = {.project_id = catalog->project_id,
                              .view_id = mark->view_id,
                              .only_pending = !mark->rebuilds};
    return sqlite_generation_renew(a->r, renewal, a->err);
}

static enum status mark_views(struct application *a)
{
    struct stale_mark *marks;
    size_t count;
    enum status status = STATUS_OK;
    stale_marks(&a->outcome->difference, a->options, &a->outcome->catalog, a->arena, &marks,
                &count);
    for (size_t i = 0; i < count && !status; i++)
        status = mark_view(a, &marks[i]);
    return status;
}

static enum status write_application(struct application *a, const struct definitions *definitions)
{
    const struct catalog *before = a->before.found ? &a->before.catalog : NULL;
    struct catalog *next = &a->outcome->catalog;
    uint32_t project_id = before ? before->project_id : 0;
    const uint32_t *generations;
    enum status status = find_generations(a, &generations);
    if (!status && !before)
        status = give_project_id(a, definitions->project, &project_id);
    if (!status)
        status = catalog_next(before, definitions, &a->outcome->difference, a->r->identity,
                              project_id, generations, a->arena, next, a->err);
    if (!status)
        status = sqlite_version_write(a->r, next, a->arena, a->err);
    if (!status)
        status = match_states(a);
    return status ? status : mark_views(a);
}

static enum status apply_in_transaction(struct application *a,
                                        const struct definitions *definitions)
{
    struct difference *difference = &a->outcome->difference;
    enum status status =
        sqlite_newest_read(a->r, definitions->project, a->arena, &a->before, a->err);
    if (status)
        return status;
    *difference = definitions_difference(definitions_of(&a->before), definitions, a->arena);
    status = apply_check(difference, a->options, a->err);
    if (status)
        return status;
    if (a->before.found && difference->change_count == 0 && !a->options.take_over) {
        a->outcome->catalog = a->before.catalog;
        return STATUS_OK;
    }
    return write_application(a, definitions);
}

enum status sqlite_registry_apply(struct registry *registry, const struct definitions *definitions,
                                  struct apply_options options, struct arena *arena,
                                  struct apply_outcome *outcome, struct error *err)
{
    struct application a = {
        .r = sqlite_registry_of(registry),
        .options = options,
        .arena = arena,
        .err = err,
        .outcome = outcome,
    };
    enum status status = sqlite_transaction_make(a.r, err);
    if (status)
        return status;
    return sqlite_transaction_close(a.r, apply_in_transaction(&a, definitions), err);
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
