/*
 * postgres_apply.c - the steps of an apply, each in a transaction under the registry's lock.
 */
#include "store/registry/apply_rules.h"
#include "store/registry/postgres_registry.h"

enum status postgres_begin_apply(struct registry *registry, uint64_t *identity, struct error *err)
{
    struct postgres_registry *r = postgres_registry_of(registry);
    enum status status = transaction_begin(r, err);
    if (status)
        return status;
    status = schema_make(r, identity, err);
    if (status)
        transaction_rollback(r);
    return status;
}

enum status postgres_begin_switch(struct registry *registry, struct error *err)
{
    struct postgres_registry *r = postgres_registry_of(registry);
    enum status status = schema_check_format(r, err);
    return status ? status : transaction_begin(r, err);
}

enum status postgres_end(struct registry *registry, enum status status, struct error *err)
{
    struct postgres_registry *r = postgres_registry_of(registry);
    if (!status)
        return transaction_commit(r, err);
    transaction_rollback(r);
    return status;
}

enum status postgres_number_project(struct registry *registry, const char *project, uint32_t *id,
                                    struct error *err)
{
    PGresult *result;
    const char *const values[] = {project};
    enum status status = statement_query(
        postgres_registry_of(registry), "numbering the project",
        "WITH given AS (UPDATE @.registry SET last_project = last_project + 1"
        " RETURNING last_project)"
        " INSERT INTO @.project (id, name, version) SELECT last_project, $1, 0 FROM given"
        " RETURNING id",
        1, values, &result, err);
    if (status)
        return status;
    uint64_t given = cell_uint64(result, 0, 0);
    PQclear(result);
    if (given > UINT32_MAX)
        return fail(err, STATUS_EXHAUSTED, "no more projects can be numbered");
    *id = (uint32_t)given;
    return STATUS_OK;
}

enum status postgres_write_version(struct registry *registry, const struct catalog *catalog,
                                   struct arena *arena, struct error *err)
{
    struct postgres_registry *r = postgres_registry_of(registry);
    struct bytes text = catalog_encode(catalog, arena);
    const char *const values[] = {
        decimal(catalog->project_id, (char[DECIMAL_SIZE]){0}),
        decimal_unsigned(catalog->version, (char[DECIMAL_SIZE]){0}),
        arena_text_of(arena, text),
    };
    enum status status = statement_query(
        r, "writing the version",
        "INSERT INTO @.version (project_id, version, applied_at, applied_by, catalog)"
        " VALUES ($1, $2, clock_timestamp(), session_user, $3)",
        3, values, NULL, err);
    if (!status)
        status = statement_query(r, "writing the version",
                                 "UPDATE @.project SET version = $2 WHERE id = $1", 2, values, NULL,
                                 err);
    return status ? status : notify_version(r, catalog->definitions.project, catalog->version, err);
}

enum status postgres_last_generations(struct registry *registry, const struct catalog *catalog,
                                      uint32_t *last, struct error *err)
{
    PGresult *result;
    const char *const values[] = {decimal(catalog->project_id, (char[DECIMAL_SIZE]){0})};
    enum status status =
        statement_query(postgres_registry_of(registry), "reading the generations of feature views",
                        "SELECT view_id, last_generation FROM @.view_state WHERE project_id = $1",
                        1, values, &result, err);
    if (status)
        return status;
    for (int row = 0; row < PQntuples(result); row++) {
        const struct catalog_view *view =
            catalog_view_of_id(catalog, (uint32_t)cell_uint64(result, row, 0));
        if (view)
            last[view - catalog->views] = (uint32_t)cell_uint64(result, row, 1);
    }
    PQclear(result);
    return STATUS_OK;
}

/* "{1,2}", PostgreSQL's text of an array, of one number of each view. */
static const char *array_of_views(const struct catalog *catalog, bool generations,
                                  struct arena *arena)
{
    struct buffer text;
    buffer_init(&text, 0);
    for (size_t i = 0; i < catalog->definitions.view_count; i++) {
        const struct catalog_view *view = &catalog->views[i];
        buffer_printf(&text, "%s%u", i ? "," : "", generations ? view->generation : view->id);
    }
    const char *array =
        arena_printf(arena, "{%.*s}", (int)text.size, (const char *)buffer_bytes(&text).data);
    buffer_release(&text);
    return array;
}

enum status postgres_match_states(struct registry *registry, const struct catalog *catalog,
                                  struct arena *arena, struct error *err)
{
    struct postgres_registry *r = postgres_registry_of(registry);
    const char *const values[] = {
        decimal(catalog->project_id, (char[DECIMAL_SIZE]){0}),
        array_of_views(catalog, false, arena),
        array_of_views(catalog, true, arena),
    };
    enum status status =
        statement_query(r, "dropping the states of feature views",
                        "WITH gone AS (DELETE FROM @.view_state s WHERE project_id = $1"
                        " AND NOT EXISTS (SELECT FROM unnest($2::bigint[], $3::bigint[])"
                        " v (id, generation) WHERE v.id = s.view_id AND v.generation ="
                        " s.generation) RETURNING view_id, generation, pending_generation)"
                        " INSERT INTO @.removed_rows (project_id, view_id, generation, since_us)"
                        " SELECT $1::bigint, d.*, " SQL_NOW_US
                        " FROM (SELECT DISTINCT view_id, CASE WHEN view_id = ANY ($2::bigint[])"
                        " THEN g ELSE 0 END FROM gone,"
                        " unnest(ARRAY[generation, pending_generation]) g WHERE g <> 0) d"
                        " WHERE true" SQL_RECORD_AGAIN,
                        3, values, NULL, err);
    if (status)
        return status;
    return statement_query(
        r, "making the states of feature views",
        "INSERT INTO @.view_state (project_id, view_id, generation, last_generation)"
        " SELECT $1::bigint, v.id, v.generation, v.generation"
        " FROM unnest($2::bigint[], $3::bigint[]) v (id, generation) ON CONFLICT DO NOTHING",
        3, values, NULL, err);
}

enum status postgres_mark_view(struct registry *registry, const struct catalog *catalog,
                               const struct stale_mark *mark, struct arena *arena,
                               struct error *err)
{
    struct postgres_registry *r = postgres_registry_of(registry);
    const char *const values[] = {
        decimal(catalog->project_id, (char[DECIMAL_SIZE]){0}),
        decimal(mark->view_id, (char[DECIMAL_SIZE]){0}),
        decimal_unsigned(catalog->version, (char[DECIMAL_SIZE]){0}),
        storable_text(r, mark->reason, arena),
    };
    return statement_query(r, "marking a feature view stale",
                           "UPDATE @.view_state SET stale_version = $3, stale_reason = $4"
                           " WHERE project_id = $1 AND view_id = $2",
                           4, values, NULL, err);
}
