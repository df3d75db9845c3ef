/* sqlite.c - the registry in tables of the offline store's SQLite file: handle and reading. */
#include "store/registry/sqlite_registry.h"

#include <stdlib.h>

enum { SCHEMA_NAME_MAX = 63 };

static enum status decode(struct sqlite_registry *r, sqlite3_stmt *statement, const char *project,
                          struct arena *arena, struct catalog *catalog, struct error *err)
{
    const char *text = (const char *)sqlite3_column_text(statement, 2);
    struct bytes bytes = {text ? text : "", (size_t)sqlite3_column_bytes(statement, 2)};
    enum status status = catalog_decode(bytes, arena, catalog, err);
    if (status)
        return status;
    if (catalog->identity == r->identity &&
        catalog->project_id == sqlite3_column_int64(statement, 0) &&
        catalog->version == (uint64_t)sqlite3_column_int64(statement, 1) &&
        strcmp(catalog->definitions.project, project) == 0)
        return STATUS_OK;
    return fail(err, STATUS_CORRUPT, "%s holds another project's definitions as those of %s",
                r->name, project);
}

/* version 0: the newest. */
static enum status read_catalog(struct sqlite_registry *r, const char *project, uint64_t version,
                                struct arena *arena, struct newest *newest, struct error *err)
{
    sqlite3_stmt *statement;
    const struct parameter parameters[] = {text_parameter(project),
                                           number_parameter((int64_t)version)};
    *newest = (struct newest){0};
    enum status status = sqlite_statement_find(
        r, "reading the applied definitions",
        "SELECT v.project_id, v.version, v.catalog FROM @project p JOIN @version v"
        " ON v.project_id = p.id AND v.version = coalesce(nullif(?2, 0), p.version)"
        " WHERE p.name = ?1",
        parameters, COUNT_OF(parameters), &statement, err);
    newest->found = statement != NULL;
    if (statement)
        status = decode(r, statement, project, arena, &newest->catalog, err);
    sqlite3_finalize(statement);
    return status;
}

static enum status sqlite_read_newest(struct registry *registry, const char *project,
                                      struct arena *arena, struct newest *newest, struct error *err)
{
    return read_catalog(sqlite_registry_of(registry), project, 0, arena, newest, err);
}

static enum status sqlite_registry_read(struct registry *registry, const char *project,
                                        uint64_t version, struct arena *arena,
                                        struct catalog *catalog, struct error *err)
{
    struct sqlite_registry *r = sqlite_registry_of(registry);
    struct newest newest = {0};
    enum status status = sqlite_transaction_read(r, err);
    if (!status) {
        status = read_catalog(r, project, version, arena, &newest, err);
        sqlite_transaction_end(r);
    }
    if (status == STATUS_NOT_FOUND || (!status && !newest.found))
        return registry_fail_not_found(project, version, err);
    if (!status)
        *catalog = newest.catalog;
    return status;
}

static enum status read_version(struct sqlite_registry *r, const char *project,
                                struct registry_version *version, struct error *err)
{
    sqlite3_stmt *statement;
    const struct parameter parameters[] = {text_parameter(project)};
    enum status status = sqlite_statement_find(r, "reading the applied version",
                                               "SELECT id, version FROM @project WHERE name = ?1",
                                               parameters, COUNT_OF(parameters), &statement, err);
    if (statement)
        *version = (struct registry_version){
            .project_id = (uint32_t)sqlite3_column_int64(statement, 0),
            .number = (uint64_t)sqlite3_column_int64(statement, 1),
        };
    sqlite3_finalize(statement);
    return status;
}

static enum status sqlite_registry_version(struct registry *registry, const char *project,
                                           struct registry_version *version, struct error *err)
{
    struct sqlite_registry *r = sqlite_registry_of(registry);
    enum status status = sqlite_transaction_read(r, err);
    if (status)
        return status == STATUS_NOT_FOUND ? STATUS_OK : status;
    status = read_version(r, project, version, err);
    sqlite_transaction_end(r);
    return status;
}

static enum status sqlite_registry_identity(struct registry *registry, uint64_t *identity,
                                            struct error *err)
{
    struct sqlite_registry *r = sqlite_registry_of(registry);
    enum status status = sqlite_transaction_read(r, err);
    if (status)
        return status == STATUS_NOT_FOUND ? STATUS_OK : status;
    *identity = r->identity;
    sqlite_transaction_end(r);
    return STATUS_OK;
}

/* What this user may not do to the file, the offline store says. */
static enum status sqlite_registry_examine(struct registry *registry, struct arena *arena,
                                           struct findings *findings, struct error *err)
{
    struct sqlite_registry *r = sqlite_registry_of(registry);
    (void)arena, (void)findings;
    enum status status = sqlite_transaction_read(r, err);
    if (status)
        return status == STATUS_NOT_FOUND ? STATUS_OK : status;
    sqlite_transaction_end(r);
    return STATUS_OK;
}

static void sqlite_registry_close(struct registry *registry)
{
    struct sqlite_registry *r = sqlite_registry_of(registry);
    sqlite_registry_disconnect(r);
    buffer_release(&r->versions);
    arena_release(&r->arena);
    free(r);
}

static enum status sqlite_begin_apply(struct registry *registry, uint64_t *identity,
                                      struct error *err)
{
    struct sqlite_registry *r = sqlite_registry_of(registry);
    enum status status = sqlite_transaction_make(r, err);
    *identity = r->identity;
    return status;
}

static enum status sqlite_begin_switch(struct registry *registry, struct error *err)
{
    return sqlite_transaction_write(sqlite_registry_of(registry), err);
}

static enum status sqlite_end(struct registry *registry, enum status status, struct error *err)
{
    return sqlite_transaction_close(sqlite_registry_of(registry), status, err);
}

static const struct registry_backend backend = {
    .close = sqlite_registry_close,
    .read = sqlite_registry_read,
    .version = sqlite_registry_version,
    .identity = sqlite_registry_identity,
    .examine = sqlite_registry_examine,
    .remove = sqlite_registry_remove,
    .view_states = sqlite_registry_view_states,
    .advance = sqlite_registry_advance,
    .mark_stale = sqlite_registry_mark_stale,
    .adopt_system = sqlite_registry_adopt_system,
    .removed_rows = sqlite_registry_removed_rows,
    .forget_rows = sqlite_registry_forget_rows,
    .leave_rows = sqlite_registry_leave_rows,
    .keep_sample = sqlite_registry_keep_sample,
    .find_sample = sqlite_registry_find_sample,
    .wait = sqlite_registry_wait,
    .begin_apply = sqlite_begin_apply,
    .begin_switch = sqlite_begin_switch,
    .end = sqlite_end,
    .read_newest = sqlite_read_newest,
    .number_project = sqlite_number_project,
    .last_generations = sqlite_last_generations,
    .write_version = sqlite_write_version,
    .match_states = sqlite_match_states,
    .mark_view = sqlite_mark_view,
    .renew = sqlite_renew,
    .switch_state = sqlite_switch_state,
    .record_removed = sqlite_record_removed,
};

/* Reads nothing: a file that is not there yet, or is none of SQLite's, is told of where it matters.
 */
enum status sqlite_registry_open(const struct settings *settings, struct registry_limit limit,
                                 struct registry **registry, struct error *err)
{
    size_t length = strlen(settings->registry_schema);
    if (length == 0 || length > SCHEMA_NAME_MAX)
        return fail(err, STATUS_INVALID, "the registry's schema must have a name of 1 to %d bytes",
                    SCHEMA_NAME_MAX);
    struct sqlite_registry *r = calloc(1, sizeof *r);
    if (!r)
        out_of_memory();
    arena_init(&r->arena, 0);
    buffer_init(&r->versions, 0);
    r->registry.backend = &backend;
    r->limit = limit;
    r->path = arena_text(&r->arena, settings->offline_store.path);
    r->schema = arena_text(&r->arena, settings->registry_schema);
    r->name = arena_printf(&r->arena, "the registry %s in %s", r->schema, r->path);
    r->timeout_ms = settings->offline_store.timeout_ms;
    *registry = &r->registry;
    return STATUS_OK;
}
