/*
 * postgres_schema.c - the schema of the registry: made by the first apply, dropped with the last
 * project.
 *
 *     registry     one row: the format, the identity, the last project id given, the system that
 *                  positions belong to, and whether the schema itself is ours
 *     project      the newest version of each
 *     version      every version's catalog, as text
 *     view_state   watermark, position and stale mark of each feature view of the newest version;
 *                  the generation that is read, the one that is pending (0: none), the last given
 *     removed_rows what nobody reads any more and may still be online
 *     sample       positions of the WAL that runs have sampled
 *
 * An owner may have made the schema for us, and may have made views on our tables: such things
 * stay.
 *
 * The format's number says what the tables hold. An apply brings tables of an older one up to date,
 * so that a change of a table is two things here: its text in `tables`, and what `upgrade` does.
 * Until then servers read them as they are, and what needs more says to apply. An older larder
 * refuses a newer format.
 */
#include "store/registry/identity.h"
#include "store/registry/postgres_registry.h"

#define REMOVED_ROWS                                                                               \
    "CREATE TABLE @.removed_rows (project_id bigint NOT NULL REFERENCES @.project ON DELETE"       \
    " CASCADE, view_id bigint NOT NULL, generation bigint NOT NULL, since_us bigint NOT NULL,"     \
    " PRIMARY KEY (project_id, view_id, generation))"

static const char *const tables[] = {
    "CREATE TABLE @.registry (format int NOT NULL, identity text NOT NULL,"
    " last_project bigint NOT NULL DEFAULT 0, system_identifier numeric(20, 0),"
    " made_schema boolean NOT NULL)",

    "CREATE TABLE @.project (id bigint PRIMARY KEY, name text NOT NULL UNIQUE,"
    " version bigint NOT NULL)",

    "CREATE TABLE @.version (project_id bigint NOT NULL REFERENCES @.project ON DELETE CASCADE,"
    " version bigint NOT NULL, applied_at timestamptz NOT NULL, applied_by text NOT NULL,"
    " catalog text NOT NULL, PRIMARY KEY (project_id, version))",

    "CREATE TABLE @.view_state (project_id bigint NOT NULL REFERENCES @.project ON DELETE CASCADE,"
    " view_id bigint NOT NULL, generation bigint NOT NULL, watermark_us bigint,"
    " source_position bigint NOT NULL DEFAULT 0, stale_version bigint NOT NULL DEFAULT 0,"
    " stale_reason text, updated_us bigint NOT NULL DEFAULT 0,"
    " pending_generation bigint NOT NULL DEFAULT 0, last_generation bigint NOT NULL,"
    " PRIMARY KEY (project_id, view_id))",

    REMOVED_ROWS,

    "CREATE TABLE @.sample (source_position bigint NOT NULL, next_transaction numeric(20, 0)"
    " NOT NULL, taken_at timestamptz NOT NULL, PRIMARY KEY (source_position, next_transaction))",
};

/* From format 1. Why a view is stale is not known of it, so that it is rebuilt. */
static const char *const upgrade[] = {
    "ALTER TABLE @.view_state ADD COLUMN pending_generation bigint NOT NULL DEFAULT 0,"
    " ADD COLUMN last_generation bigint NOT NULL DEFAULT 0",
    "UPDATE @.view_state SET last_generation = generation + (stale_version <> 0)::int,"
    " pending_generation = CASE WHEN stale_version = 0 THEN 0 ELSE generation + 1 END",
    "ALTER TABLE @.view_state ALTER COLUMN last_generation DROP DEFAULT",
    REMOVED_ROWS,
};

enum status schema_read(struct postgres_registry *r, uint64_t *identity, struct error *err)
{
    PGresult *result;
    *identity = 0;
    enum status status =
        statement_query(r, "reading the registry", "SELECT format, identity FROM @.registry", 0,
                        NULL, &result, err);
    if (status)
        return status;
    r->format = PQntuples(result) ? cell_int64(result, 0, 0) : 0;
    if (PQntuples(result))
        *identity = identity_parse(PQgetvalue(result, 0, 1));
    PQclear(result);
    if (r->format > POSTGRES_REGISTRY_FORMAT)
        return fail(err, STATUS_CONFLICT,
                    "the registry in the schema %s has format %" PRId64
                    ", made by a newer larder; this one knows format %d: use the newer one",
                    r->quoted_schema, r->format, POSTGRES_REGISTRY_FORMAT);
    return STATUS_OK;
}

enum status schema_check(struct postgres_registry *r, struct error *err)
{
    uint64_t identity;
    if (r->format_known)
        return STATUS_OK;
    enum status status = schema_read(r, &identity, err);
    if (!status && identity == 0)
        return fail(err, STATUS_NOT_FOUND,
                    "nothing is applied in the registry of the schema %s: run larder apply",
                    r->quoted_schema);
    r->format_known = status == STATUS_OK;
    return status;
}

enum status schema_check_format(struct postgres_registry *r, struct error *err)
{
    r->format_known &= r->format == POSTGRES_REGISTRY_FORMAT; /* another may have seen to it */
    enum status status = schema_check(r, err);
    if (!status && r->format < POSTGRES_REGISTRY_FORMAT)
        return fail(err, STATUS_CONFLICT,
                    "the registry in the schema %s was made by an older larder: run larder apply, "
                    "which brings it up to date",
                    r->quoted_schema);
    return status;
}

static enum status look(struct postgres_registry *r, bool *has_schema, bool *has_table,
                        struct error *err)
{
    PGresult *result;
    const char *const values[] = {r->schema};
    enum status status = statement_query(
        r, "looking for the registry",
        "SELECT count(DISTINCT n.oid), count(c.oid) FROM pg_namespace n LEFT JOIN pg_class c"
        " ON c.relnamespace = n.oid AND c.relname = 'registry' WHERE n.nspname = $1",
        1, values, &result, err);
    if (status)
        return status;
    *has_schema = cell_int64(result, 0, 0) > 0;
    *has_table = cell_int64(result, 0, 1) > 0;
    PQclear(result);
    return STATUS_OK;
}

enum status fail_to_make_schema(struct postgres_registry *r, struct error *err)
{
    struct buffer words;
    buffer_init(&words, 0);
    buffer_append_text(&words, "GRANT CREATE ON DATABASE ");
    postgres_append_identifier(r->connection, &words, PQdb(r->connection));
    buffer_append_text(&words, " TO ");
    postgres_append_identifier(r->connection, &words, PQuser(r->connection));
    buffer_printf(&words, ", or CREATE SCHEMA %s AUTHORIZATION ", r->quoted_schema);
    postgres_append_identifier(r->connection, &words, PQuser(r->connection));
    fail(
        err, STATUS_FAILED,
        "the user %s may not make the registry's schema %s; let an owner of the database run: %.*s",
        PQuser(r->connection), r->quoted_schema, (int)words.size, (const char *)words.data);
    buffer_release(&words);
    return STATUS_FAILED;
}

static enum status make_schema(struct postgres_registry *r, struct error *err)
{
    enum status status = statement_run(r, "making the registry's schema", "CREATE SCHEMA @", err);
    return status && strcmp(r->sqlstate, "42501") == 0 ? fail_to_make_schema(r, err) : status;
}

static enum status make_tables(struct postgres_registry *r, const char *const *statements,
                               size_t count, struct error *err)
{
    for (size_t i = 0; i < count; i++) {
        enum status status = statement_run(r, "making the registry's tables", statements[i], err);
        if (status && strcmp(r->sqlstate, "42P07") == 0)
            return fail(err, STATUS_CONFLICT,
                        "the schema %s holds a table that larder needs the name of: set another "
                        "registry schema in larder.yaml",
                        r->quoted_schema);
        if (status)
            return status;
    }
    return STATUS_OK;
}

/* An emptied registry, whose tables had to stay, says nothing of its format: the tables do. */
static enum status upgrade_tables(struct postgres_registry *r, struct error *err)
{
    PGresult *result;
    const char *const values[] = {r->schema};
    enum status status =
        statement_query(r, "looking at the registry's tables",
                        "SELECT count(*) FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid"
                        " JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = $1"
                        " AND c.relname = 'view_state' AND a.attname = 'pending_generation'",
                        1, values, &result, err);
    if (status)
        return status;
    bool upgraded = cell_int64(result, 0, 0) > 0;
    PQclear(result);
    if (!upgraded)
        status = make_tables(r, upgrade, COUNT_OF(upgrade), err);
    const char *const format[] = {decimal(POSTGRES_REGISTRY_FORMAT, (char[DECIMAL_SIZE]){0})};
    if (!status)
        status = statement_query(r, "bringing the registry up to date",
                                 "UPDATE @.registry SET format = $1", 1, format, NULL, err);
    r->format_known = false;
    if (status && strcmp(r->sqlstate, "42501") == 0)
        return fail(err, status,
                    "the registry in the schema %s was made by an older larder, and only the owner "
                    "of its tables can bring it up to date: let that user run larder apply once",
                    r->quoted_schema);
    return status;
}

static enum status make_identity(struct postgres_registry *r, bool made_schema, uint64_t *identity,
                                 struct error *err)
{
    char text[IDENTITY_TEXT_SIZE];
    enum status status = identity_make(identity, err);
    if (status)
        return status;
    identity_format(*identity, text);
    const char *const values[] = {
        decimal(POSTGRES_REGISTRY_FORMAT, (char[DECIMAL_SIZE]){0}),
        text,
        made_schema ? "true" : "false",
    };
    return statement_query(
        r, "making the registry",
        "INSERT INTO @.registry (format, identity, made_schema) VALUES ($1, $2, $3)", 3, values,
        NULL, err);
}

enum status schema_make(struct postgres_registry *r, uint64_t *identity, struct error *err)
{
    bool has_schema, has_table;
    enum status status = look(r, &has_schema, &has_table, err);
    if (!status && !has_schema)
        status = make_schema(r, err);
    if (!status && !has_table)
        status = make_tables(r, tables, COUNT_OF(tables), err);
    if (!status)
        status = schema_read(r, identity, err);
    if (!status && r->format < POSTGRES_REGISTRY_FORMAT && has_table)
        status = upgrade_tables(r, err);
    if (!status && *identity == 0)
        status = make_identity(r, !has_schema, identity, err);
    return status;
}

/* Somebody else's object stands on it, or it is somebody else's. */
static bool must_stay(const struct postgres_registry *r)
{
    return strcmp(r->sqlstate, "2BP01") == 0 || strcmp(r->sqlstate, "42501") == 0;
}

/* An owner may have dropped what is ours. */
static bool is_missing(const struct postgres_registry *r)
{
    return strcmp(r->sqlstate, "42P01") == 0;
}

/* Runs a statement, or leaves all as it is where that may be. */
static enum status try_removal(struct postgres_registry *r, const char *sql,
                               bool (*may_fail)(const struct postgres_registry *r), bool *done,
                               struct error *err)
{
    enum status status = statement_run(r, "removing the registry", "SAVEPOINT removal", err);
    if (status)
        return status;
    status = statement_run(r, "removing the registry", sql, err);
    *done = status == STATUS_OK;
    if (status && may_fail(r))
        status = statement_run(r, "removing the registry", "ROLLBACK TO removal", err);
    return status;
}

enum status schema_drop(struct postgres_registry *r, struct error *err)
{
    PGresult *result;
    enum status status =
        statement_query(r, "removing the registry", "DELETE FROM @.registry RETURNING made_schema",
                        0, NULL, &result, err);
    if (status)
        return status;
    bool made_schema = PQntuples(result) && *PQgetvalue(result, 0, 0) == 't';
    PQclear(result);
    bool dropped = false, emptied;
    status = try_removal(r, "DELETE FROM @.sample", is_missing, &emptied, err);
    /* In the order in which a reader's statement locks them: in any other, both may wait for each
     * other. */
    if (!status)
        status = try_removal(
            r,
            "DROP TABLE IF EXISTS @.registry, @.project, @.version, @.view_state, @.removed_rows,"
            " @.sample",
            must_stay, &dropped, err);
    if (!status && dropped && made_schema)
        status = try_removal(r, "DROP SCHEMA @", must_stay, &dropped, err);
    return status;
}
