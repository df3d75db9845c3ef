/* postgres.c - the registry in a schema of the offline store's PostgreSQL: handle and reading. */
#include "store/registry/identity.h"
#include "store/registry/postgres_registry.h"

#include <stdio.h>
#include <stdlib.h>

/* PostgreSQL cuts longer names, and then two schemas would be one. */
enum { SCHEMA_NAME_MAX = 63 };

/* version 0: the newest. */
static enum status read_version(struct postgres_registry *r, const char *project, uint64_t version,
                                struct arena *arena, struct newest *newest, struct error *err)
{
    PGresult *result;
    char number[DECIMAL_SIZE];
    const char *const values[] = {project, version ? decimal_unsigned(version, number) : NULL};
    *newest = (struct newest){0};
    enum status status =
        statement_query(r, "reading the applied definitions",
                        "SELECT g.identity, v.project_id, v.version, v.catalog FROM @.registry g"
                        " LEFT JOIN @.project p ON p.name = $1"
                        " LEFT JOIN @.version v ON v.project_id = p.id"
                        " AND v.version = coalesce($2::bigint, p.version)",
                        2, values, &result, err);
    if (status)
        return status;
    newest->found = PQntuples(result) > 0 && !PQgetisnull(result, 0, 3);
    if (newest->found) {
        struct catalog *catalog = &newest->catalog;
        struct bytes text = {PQgetvalue(result, 0, 3), (size_t)PQgetlength(result, 0, 3)};
        status = catalog_decode(text, arena, catalog, err);
        if (!status && (catalog->identity != identity_parse(PQgetvalue(result, 0, 0)) ||
                        catalog->project_id != cell_uint64(result, 0, 1) ||
                        catalog->version != cell_uint64(result, 0, 2) ||
                        strcmp(catalog->definitions.project, project) != 0))
            status = fail(err, STATUS_CORRUPT,
                          "the registry in the schema %s holds another project's definitions as "
                          "those of %s",
                          r->quoted_schema, project);
    }
    PQclear(result);
    return status;
}

static enum status postgres_read_newest(struct registry *registry, const char *project,
                                        struct arena *arena, struct newest *newest,
                                        struct error *err)
{
    return read_version(postgres_registry_of(registry), project, 0, arena, newest, err);
}

static enum status postgres_read(struct registry *registry, const char *project, uint64_t version,
                                 struct arena *arena, struct catalog *catalog, struct error *err)
{
    struct postgres_registry *r = postgres_registry_of(registry);
    struct newest newest = {0};
    enum status status = schema_check(r, err);
    if (!status)
        status = read_version(r, project, version, arena, &newest, err);
    if (status == STATUS_NOT_FOUND || (!status && !newest.found))
        return registry_fail_not_found(project, version, err);
    if (!status)
        *catalog = newest.catalog;
    return status;
}

static enum status ask_for_standby(struct postgres_registry *r, struct error *err)
{
    PGresult *result;
    enum status status = statement_query(r, "asking for a standby", "SELECT pg_is_in_recovery()", 0,
                                         NULL, &result, err);
    if (status)
        return status;
    r->is_standby = *PQgetvalue(result, 0, 0) == 't';
    PQclear(result);
    return STATUS_OK;
}

/* Whether it is a standby is asked first: one that is promoted in between is one a look longer. */
static enum status postgres_version(struct registry *registry, const char *project,
                                    struct registry_version *version, struct error *err)
{
    struct postgres_registry *r = postgres_registry_of(registry);
    PGresult *result;
    const char *const values[] = {project};
    enum status status = ask_for_standby(r, err);
    if (status)
        return status;
    version->may_lag = r->is_standby;
    status = schema_check(r, err);
    if (!status)
        status = statement_query(r, "reading the applied version",
                                 "SELECT id, version FROM @.project WHERE name = $1", 1, values,
                                 &result, err);
    if (status)
        return status == STATUS_NOT_FOUND ? STATUS_OK : status;
    if (PQntuples(result)) {
        version->project_id = (uint32_t)cell_uint64(result, 0, 0);
        version->number = cell_uint64(result, 0, 1);
    }
    PQclear(result);
    return STATUS_OK;
}

static enum status postgres_identity(struct registry *registry, uint64_t *identity,
                                     struct error *err)
{
    enum status status = schema_read(postgres_registry_of(registry), identity, err);
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

static void postgres_close(struct registry *registry)
{
    struct postgres_registry *r = postgres_registry_of(registry);
    PQfinish(r->connection);
    free(r->schema);
    free(r->quoted_schema);
    free(r);
}

static const struct registry_backend backend = {
    .close = postgres_close,
    .read = postgres_read,
    .version = postgres_version,
    .identity = postgres_identity,
    .examine = postgres_registry_examine,
    .remove = postgres_remove,
    .view_states = postgres_view_states,
    .advance = postgres_advance,
    .mark_stale = postgres_mark_stale,
    .adopt_system = postgres_adopt_system,
    .removed_rows = postgres_removed_rows,
    .forget_rows = postgres_forget_rows,
    .leave_rows = postgres_leave_rows,
    .keep_sample = postgres_keep_sample,
    .find_sample = postgres_find_sample,
    .wait = postgres_wait,
    .begin_apply = postgres_begin_apply,
    .begin_switch = postgres_begin_switch,
    .end = postgres_end,
    .read_newest = postgres_read_newest,
    .number_project = postgres_number_project,
    .last_generations = postgres_last_generations,
    .write_version = postgres_write_version,
    .match_states = postgres_match_states,
    .mark_view = postgres_mark_view,
    .renew = postgres_renew,
    .switch_state = postgres_switch_state,
    .record_removed = postgres_record_removed,
};

static char *copied(const char *text, size_t size)
{
    char *copy = strndup(text, size);
    if (!copy)
        out_of_memory();
    return copy;
}

static void name_schema(struct postgres_registry *r, const char *schema)
{
    struct buffer quoted;
    buffer_init(&quoted, 0);
    postgres_append_identifier(r->connection, &quoted, schema);
    r->schema = copied(schema, strlen(schema));
    r->quoted_schema = copied((const char *)quoted.data, quoted.size);
    buffer_release(&quoted);
}

static enum status check_schema_name(const char *schema, struct error *err)
{
    if (*schema && strlen(schema) <= SCHEMA_NAME_MAX && text_is_valid(bytes_of_text(schema)))
        return STATUS_OK;
    return fail(err, STATUS_INVALID, "the registry's schema must have a name of 1 to %d bytes",
                SCHEMA_NAME_MAX);
}

static enum status connect_within(const struct settings *settings, struct registry_limit limit,
                                  PGconn **connection, struct error *err)
{
    struct postgres_limit connecting = {settings->offline_store.timeout_ms, limit.wake_fd};
    return postgres_connect_within(settings->offline_store.url, &connecting, connection, err);
}

/* A statement that is given up here is to end there, too, and rather there: then the connection can
 * be used on. */
static struct postgres_limit statement_limit(struct registry_limit limit)
{
    return (struct postgres_limit){limit.timeout_ms ? limit.timeout_ms + POSTGRES_GRACE_MS : 0,
                                   limit.wake_fd};
}

static enum status prepare_session(PGconn *connection, struct registry_limit limit,
                                   struct error *err)
{
    char sql[256], timeout[64] = "";
    struct postgres_limit statement = statement_limit(limit);
    if (limit.timeout_ms > 0)
        snprintf(timeout, sizeof timeout, "SET statement_timeout = %" PRIu32, limit.timeout_ms);
    snprintf(sql, sizeof sql,
             "SET search_path = pg_catalog;"
             "SET default_transaction_isolation = 'read committed';"
             "SET default_transaction_read_only = off;%s",
             timeout);
    return postgres_run_within(connection, &statement, "preparing the registry's session", sql,
                               err);
}

enum status postgres_registry_open(const struct settings *settings, struct registry_limit limit,
                                   struct registry **registry, struct error *err)
{
    PGconn *connection;
    enum status status = check_schema_name(settings->registry_schema, err);
    if (!status)
        status = connect_within(settings, limit, &connection, err);
    if (status)
        return status;
    status = prepare_session(connection, limit, err);
    if (status) {
        PQfinish(connection);
        return status;
    }
    struct postgres_registry *r = calloc(1, sizeof *r);
    if (!r)
        out_of_memory();
    r->registry.backend = &backend;
    r->connection = connection;
    r->limit = statement_limit(limit);
    name_schema(r, settings->registry_schema);
    *registry = &r->registry;
    return STATUS_OK;
}
