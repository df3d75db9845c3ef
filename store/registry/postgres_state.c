/*
 * postgres_state.c - what moves without an apply: watermarks, positions, stale marks, samples. What
 * becomes of generations is in postgres_generation.c.
 *
 * An apply makes the row of a view and drops it; here rows only change, and only while they belong
 * to the generation that the caller wrote to. So a run that ends late, after its view was removed
 * or taken over, leaves no mark of rows that nobody reads.
 */
#include "store/registry/apply_rules.h"
#include "store/registry/postgres_registry.h"

enum status postgres_view_states(struct registry *registry, const struct catalog *catalog,
                                 struct view_state *states, struct arena *arena, struct error *err)
{
    struct postgres_registry *r = postgres_registry_of(registry);
    PGresult *result;
    const char *const values[] = {decimal(catalog->project_id, (char[DECIMAL_SIZE]){0})};
    enum status status = schema_check_format(r, err);
    if (!status)
        status = statement_query(
            r, "reading the states of feature views",
            "SELECT view_id, generation, watermark_us, source_position, stale_version,"
            " stale_reason, updated_us, pending_generation FROM @.view_state WHERE project_id = $1",
            1, values, &result, err);
    if (status)
        return status;
    const struct catalog_view **by_id = catalog_sort_by_id(catalog, arena);
    for (int row = 0; row < PQntuples(result); row++) {
        const struct catalog_view *view =
            catalog_view_among(catalog, by_id, (uint32_t)cell_uint64(result, row, 0));
        if (!view || view->generation != cell_uint64(result, row, 1))
            continue; /* of another version than the caller's */
        states[view - catalog->views] = (struct view_state){
            .view_id = view->id,
            .has_watermark = !PQgetisnull(result, row, 2),
            .watermark_us = cell_int64(result, row, 2),
            .position = cell_int64(result, row, 3),
            .stale_version = cell_uint64(result, row, 4),
            .stale_reason =
                PQgetisnull(result, row, 5) ? NULL : arena_text(arena, PQgetvalue(result, row, 5)),
            .updated_us = cell_int64(result, row, 6),
            .pending_generation = (uint32_t)cell_uint64(result, row, 7),
        };
    }
    PQclear(result);
    return STATUS_OK;
}

enum status postgres_advance(struct registry *registry, const struct catalog *catalog,
                             const struct catalog_view *view, const struct view_state *state,
                             bool clears_stale, bool *outdated, struct error *err)
{
    struct postgres_registry *r = postgres_registry_of(registry);
    const char *const values[] = {
        decimal(catalog->project_id, (char[DECIMAL_SIZE]){0}),
        decimal(view->id, (char[DECIMAL_SIZE]){0}),
        decimal(view->generation, (char[DECIMAL_SIZE]){0}),
        state->has_watermark ? decimal(state->watermark_us, (char[DECIMAL_SIZE]){0}) : NULL,
        decimal(state->position, (char[DECIMAL_SIZE]){0}),
        /* No mark is made by version 0, so this clears none but the unmarked. */
        decimal_unsigned(clears_stale ? catalog->version : 0, (char[DECIMAL_SIZE]){0}),
    };
    PGresult *result;
    enum status status = schema_check_format(r, err);
    /* GREATEST leaves nulls out: a run without a watermark leaves the watermark where it is. */
    if (!status)
        status = statement_query(
            r, "keeping the watermark",
            "UPDATE @.view_state SET watermark_us = GREATEST(watermark_us, $4::bigint),"
            " source_position = GREATEST(source_position, $5::bigint),"
            " updated_us = GREATEST(updated_us, " SQL_NOW_US "),"
            " stale_version = CASE WHEN stale_version <= $6::bigint AND pending_generation = 0"
            " THEN 0 ELSE stale_version END,"
            " stale_reason = CASE WHEN stale_version > $6::bigint OR pending_generation <> 0"
            " THEN stale_reason END"
            " WHERE project_id = $1 AND view_id = $2 AND generation = $3",
            COUNT_OF(values), values, &result, err);
    if (status)
        return status;
    *outdated = statement_rows(result) == 0;
    PQclear(result);
    return STATUS_OK;
}

/* *marked false: the view has another generation by now, or another is pending. */
static enum status mark_stale(struct postgres_registry *r, const struct catalog *catalog,
                              const struct catalog_view *view, const struct view_state *seen,
                              const char *reason, bool *marked, struct error *err)
{
    struct arena arena;
    arena_init(&arena, 0);
    PGresult *result;
    const char *const values[] = {
        decimal(catalog->project_id, (char[DECIMAL_SIZE]){0}),
        decimal(view->id, (char[DECIMAL_SIZE]){0}),
        decimal(view->generation, (char[DECIMAL_SIZE]){0}),
        decimal(seen->pending_generation, (char[DECIMAL_SIZE]){0}),
        decimal_unsigned(catalog->version, (char[DECIMAL_SIZE]){0}),
        storable_text(r, reason, &arena),
    };
    enum status status = statement_query(
        r, "marking a feature view stale",
        "UPDATE @.view_state SET stale_version = GREATEST(stale_version, $5::bigint),"
        " stale_reason = $6 WHERE project_id = $1 AND view_id = $2 AND generation = $3"
        " AND pending_generation = $4",
        COUNT_OF(values), values, &result, err);
    arena_release(&arena);
    if (status)
        return status;
    *marked = statement_rows(result) > 0;
    PQclear(result);
    return STATUS_OK;
}

static enum status mark_for_rebuild(struct postgres_registry *r, const struct catalog *catalog,
                                    const struct catalog_view *view, const struct view_state *seen,
                                    const char *reason, struct error *err)
{
    bool marked;
    enum status status = transaction_begin(r, err);
    if (status)
        return status;
    status = mark_stale(r, catalog, view, seen, reason, &marked, err);
    if (!status && marked)
        status = postgres_renew(
            &r->registry, (struct renewal){.project_id = catalog->project_id, .view_id = view->id},
            err);
    if (!status)
        return transaction_commit(r, err);
    transaction_rollback(r);
    return status;
}

enum status postgres_mark_stale(struct registry *registry, const struct catalog *catalog,
                                const struct catalog_view *view, const struct view_state *seen,
                                const char *reason, bool rebuild, struct error *err)
{
    struct postgres_registry *r = postgres_registry_of(registry);
    bool marked;
    enum status status = schema_check_format(r, err);
    if (status)
        return status;
    return rebuild ? mark_for_rebuild(r, catalog, view, seen, reason, err)
                   : mark_stale(r, catalog, view, seen, reason, &marked, err);
}

/* *known false: no system was kept yet. */
static enum status read_system(struct postgres_registry *r, uint64_t *system, bool *known,
                               struct error *err)
{
    PGresult *result;
    enum status status =
        statement_query(r, "reading the registry", "SELECT system_identifier FROM @.registry", 0,
                        NULL, &result, err);
    if (status)
        return status;
    *known = PQntuples(result) && !PQgetisnull(result, 0, 0);
    *system = *known ? cell_uint64(result, 0, 0) : 0;
    PQclear(result);
    return STATUS_OK;
}

static enum status forget_positions(struct postgres_registry *r, uint64_t system, struct error *err)
{
    static const char *const statements[] = {
        "DELETE FROM @.sample",
        "UPDATE @.view_state s SET source_position = 0, stale_version = p.version,"
        " stale_reason = 'the database is another system than before'"
        " FROM @.project p WHERE p.id = s.project_id",
    };
    enum status status = STATUS_OK;
    for (size_t i = 0; i < COUNT_OF(statements) && !status; i++)
        status = statement_run(r, "forgetting positions of another system", statements[i], err);
    if (status)
        return status;
    return postgres_renew(&r->registry, (struct renewal){.gap = generation_gap(system)}, err);
}

static enum status keep_system(struct postgres_registry *r, uint64_t wanted, bool *changed,
                               struct error *err)
{
    uint64_t system;
    bool known;
    enum status status = read_system(r, &system, &known, err);
    if (status || (known && system == wanted))
        return status;
    const char *const values[] = {decimal_unsigned(wanted, (char[DECIMAL_SIZE]){0})};
    status = statement_query(r, "keeping the system",
                             "UPDATE @.registry SET system_identifier = $1", 1, values, NULL, err);
    if (!status && known)
        status = forget_positions(r, wanted, err);
    *changed = known && !status;
    return status;
}

enum status postgres_adopt_system(struct registry *registry, uint64_t system_identifier,
                                  bool *changed, struct error *err)
{
    struct postgres_registry *r = postgres_registry_of(registry);
    uint64_t system = 0;
    bool known = false;
    enum status status = schema_check_format(r, err);
    if (!status)
        status = read_system(r, &system, &known, err);
    if (status || (known && system == system_identifier))
        return status; /* nearly always: nothing to lock */
    status = transaction_begin(r, err);
    if (status)
        return status;
    status = keep_system(r, system_identifier, changed, err);
    if (!status)
        return transaction_commit(r, err);
    transaction_rollback(r);
    return status;
}

/* The newest hundred, and the newest that a snapshot may use now: while a transaction stays open
 * for longer than a hundred runs, that one is all that runs have. */
static const char *const drop_old_samples =
    "DELETE FROM @.sample WHERE (source_position, next_transaction) NOT IN"
    " (SELECT source_position, next_transaction FROM @.sample"
    " ORDER BY source_position DESC, next_transaction LIMIT 100)"
    " AND (source_position, next_transaction) NOT IN"
    " (SELECT source_position, next_transaction FROM @.sample"
    " WHERE next_transaction <= pg_snapshot_xmin(pg_current_snapshot())::text::numeric"
    " ORDER BY source_position DESC, next_transaction LIMIT 1)";

enum status postgres_keep_sample(struct registry *registry, struct position_sample sample,
                                 struct error *err)
{
    struct postgres_registry *r = postgres_registry_of(registry);
    const char *const values[] = {
        decimal(sample.position, (char[DECIMAL_SIZE]){0}),
        decimal_unsigned(sample.next_transaction, (char[DECIMAL_SIZE]){0}),
    };
    enum status status = schema_check(r, err);
    if (!status)
        status = statement_query(r, "keeping a position",
                                 "INSERT INTO @.sample (source_position, next_transaction,"
                                 " taken_at) VALUES ($1, $2, clock_timestamp())"
                                 " ON CONFLICT DO NOTHING",
                                 COUNT_OF(values), values, NULL, err);
    if (!status)
        status = statement_run(r, "dropping old positions", drop_old_samples, err);
    return status;
}

enum status postgres_find_sample(struct registry *registry, uint64_t snapshot_xmin,
                                 struct position_sample *sample, bool *found, struct error *err)
{
    struct postgres_registry *r = postgres_registry_of(registry);
    PGresult *result;
    const char *const values[] = {decimal_unsigned(snapshot_xmin, (char[DECIMAL_SIZE]){0})};
    enum status status = schema_check(r, err);
    if (!status)
        status = statement_query(r, "looking for a position",
                                 "SELECT source_position, next_transaction FROM @.sample"
                                 " WHERE next_transaction <= $1::numeric"
                                 " ORDER BY source_position DESC, next_transaction LIMIT 1",
                                 1, values, &result, err);
    if (status)
        return status;
    *found = PQntuples(result) == 1;
    if (*found)
        *sample = (struct position_sample){.position = cell_int64(result, 0, 0),
                                           .next_transaction = cell_uint64(result, 0, 1)};
    PQclear(result);
    return STATUS_OK;
}
