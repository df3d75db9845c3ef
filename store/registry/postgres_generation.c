/*
 * postgres_generation.c - which generation of a view's rows is pending, which is read, and which
 * rows nobody reads any more (registry.h).
 *
 * What gives a generation, or moves readers to it, does so in a transaction under the registry's
 * lock; so a number is given once, and what is neither read nor pending never is again.
 */
#include "store/registry/postgres_registry.h"

enum status postgres_renew(struct registry *registry, struct renewal renewal, struct error *err)
{
    struct postgres_registry *r = postgres_registry_of(registry);
#define WHICH                                                                                      \
    " WHERE $1::bigint IN (0, project_id) AND $2::bigint IN (0, view_id)"                          \
    " AND (pending_generation <> 0 OR NOT $3::boolean)"
    const char *const values[] = {
        decimal(renewal.project_id, (char[DECIMAL_SIZE]){0}),
        decimal(renewal.view_id, (char[DECIMAL_SIZE]){0}),
        renewal.only_pending ? "true" : "false",
        decimal((int64_t)renewal.gap + 1, (char[DECIMAL_SIZE]){0}),
    };
    enum status status =
        statement_query(r, "giving up a generation",
                        "INSERT INTO @.removed_rows (project_id, view_id, generation, since_us)"
                        " SELECT project_id, view_id, pending_generation, " SQL_NOW_US
                        " FROM @.view_state" WHICH " AND pending_generation <> 0" SQL_RECORD_AGAIN,
                        3, values, NULL, err);
    if (status)
        return status;
    return statement_query(r, "giving a generation",
                           "UPDATE @.view_state SET pending_generation = last_generation +"
                           " $4::bigint, last_generation = last_generation + $4::bigint" WHICH,
                           4, values, NULL, err);
#undef WHICH
}

enum status postgres_switch_state(struct registry *registry, const struct catalog *catalog,
                                  const struct catalog_view *view, const struct view_state *seen,
                                  int64_t watermark_us, int64_t position, bool *outdated,
                                  struct error *err)
{
    PGresult *result;
    const char *const values[] = {
        decimal(catalog->project_id, (char[DECIMAL_SIZE]){0}),
        decimal(view->id, (char[DECIMAL_SIZE]){0}),
        decimal(view->generation, (char[DECIMAL_SIZE]){0}),
        decimal(seen->pending_generation, (char[DECIMAL_SIZE]){0}),
        seen->has_watermark ? decimal(seen->watermark_us, (char[DECIMAL_SIZE]){0}) : NULL,
        decimal(watermark_us, (char[DECIMAL_SIZE]){0}),
        decimal(position, (char[DECIMAL_SIZE]){0}),
    };
    enum status status = statement_query(
        postgres_registry_of(registry), "switching to the pending generation",
        "UPDATE @.view_state SET generation = pending_generation, pending_generation = 0,"
        " watermark_us = $6, source_position = $7, stale_version = 0, stale_reason = NULL,"
        " updated_us = GREATEST(updated_us, " SQL_NOW_US ")"
        " WHERE project_id = $1 AND view_id = $2 AND generation = $3 AND pending_generation = $4"
        " AND watermark_us IS NOT DISTINCT FROM $5::bigint",
        COUNT_OF(values), values, &result, err);
    if (status)
        return status;
    *outdated = statement_rows(result) == 0;
    PQclear(result);
    return STATUS_OK;
}

enum status postgres_record_removed(struct registry *registry, const struct catalog *catalog,
                                    const struct catalog_view *view, struct error *err)
{
    const char *const values[] = {
        decimal(catalog->project_id, (char[DECIMAL_SIZE]){0}),
        decimal(view->id, (char[DECIMAL_SIZE]){0}),
        decimal(view->generation, (char[DECIMAL_SIZE]){0}),
    };
    return statement_query(postgres_registry_of(registry), "recording removed rows",
                           "INSERT INTO @.removed_rows (project_id, view_id, generation, since_us)"
                           " VALUES ($1, $2, $3, " SQL_NOW_US ")" SQL_RECORD_AGAIN,
                           COUNT_OF(values), values, NULL, err);
}

enum status postgres_removed_rows(struct registry *registry, const struct catalog *catalog,
                                  struct arena *arena, struct removed_rows **rows, size_t *count,
                                  struct error *err)
{
    struct postgres_registry *r = postgres_registry_of(registry);
    PGresult *result;
    const char *const values[] = {decimal(catalog->project_id, (char[DECIMAL_SIZE]){0})};
    enum status status = schema_check_format(r, err);
    if (!status)
        status = statement_query(r, "reading which rows were removed",
                                 "SELECT view_id, generation, since_us, " SQL_NOW_US " - since_us"
                                 " FROM @.removed_rows WHERE project_id = $1",
                                 1, values, &result, err);
    if (status)
        return status;
    *count = (size_t)PQntuples(result);
    *rows = arena_array(arena, *count, sizeof **rows);
    for (int row = 0; row < PQntuples(result); row++)
        (*rows)[row] = (struct removed_rows){
            .view_id = (uint32_t)cell_uint64(result, row, 0),
            .generation = (uint32_t)cell_uint64(result, row, 1),
            .since_us = cell_int64(result, row, 2),
            .age_us = cell_int64(result, row, 3),
        };
    PQclear(result);
    return STATUS_OK;
}

enum status postgres_forget_rows(struct registry *registry, const struct catalog *catalog,
                                 const struct removed_rows *rows, size_t count, struct error *err)
{
    struct postgres_registry *r = postgres_registry_of(registry);
    enum status status = schema_check_format(r, err);
    for (size_t i = 0; i < count && !status; i++) {
        const char *const values[] = {
            decimal(catalog->project_id, (char[DECIMAL_SIZE]){0}),
            decimal(rows[i].view_id, (char[DECIMAL_SIZE]){0}),
            decimal(rows[i].generation, (char[DECIMAL_SIZE]){0}),
            decimal(rows[i].since_us, (char[DECIMAL_SIZE]){0}),
        };
        status = statement_query(r, "striking removed rows off",
                                 "DELETE FROM @.removed_rows WHERE project_id = $1"
                                 " AND view_id = $2 AND generation = $3 AND since_us = $4",
                                 COUNT_OF(values), values, NULL, err);
    }
    return status;
}

/* A generation that is not read or pending stays so: nothing has to be locked. */
enum status postgres_leave_rows(struct registry *registry, const struct catalog *catalog,
                                uint32_t view_id, uint32_t generation, bool *unread,
                                struct error *err)
{
    struct postgres_registry *r = postgres_registry_of(registry);
    PGresult *result;
    const char *const values[] = {
        decimal(catalog->project_id, (char[DECIMAL_SIZE]){0}),
        decimal(view_id, (char[DECIMAL_SIZE]){0}),
        decimal(generation, (char[DECIMAL_SIZE]){0}),
    };
    enum status status = schema_check_format(r, err);
    if (!status)
        status = statement_query(
            r, "recording removed rows",
            "INSERT INTO @.removed_rows (project_id, view_id, generation, since_us)"
            " SELECT p.id, $2::bigint, $3::bigint, " SQL_NOW_US " FROM @.project p WHERE p.id = $1"
            " AND NOT EXISTS (SELECT FROM @.view_state s WHERE s.project_id = $1"
            " AND s.view_id = $2::bigint AND $3::bigint IN (s.generation, "
            "s.pending_generation))" SQL_RECORD_AGAIN,
            COUNT_OF(values), values, &result, err);
    if (status)
        return status;
    *unread = statement_rows(result) > 0;
    PQclear(result);
    return STATUS_OK;
}
