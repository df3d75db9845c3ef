/*
 * sqlite_state.c - what moves without an apply: watermarks, positions, stale marks, samples. What
 * becomes of generations is in sqlite_generation.c.
 *
 * An apply makes the row of a view and drops it; here rows only change, and only while they belong
 * to the generation that the caller wrote to. So a run that ends late, after its view was removed
 * or taken over, leaves no mark of rows that nobody reads.
 */
#include "store/registry/apply_rules.h"
#include "store/registry/sqlite_registry.h"

#include "base/timestamp.h"

static void take_state(sqlite3_stmt *statement, const struct catalog *catalog,
                       const struct catalog_view *const *by_id, struct view_state *states,
                       struct arena *arena)
{
    const struct catalog_view *view =
        catalog_view_among(catalog, by_id, (uint32_t)sqlite3_column_int64(statement, 0));
    if (!view || view->generation != sqlite3_column_int64(statement, 1))
        return; /* of another version than the caller's */
    states[view - catalog->views] = (struct view_state){
        .view_id = view->id,
        .has_watermark = sqlite3_column_type(statement, 2) != SQLITE_NULL,
        .watermark_us = sqlite3_column_int64(statement, 2),
        .position = sqlite3_column_int64(statement, 3),
        .stale_version = (uint64_t)sqlite3_column_int64(statement, 4),
        .stale_reason = column_text(statement, 5, arena),
        .updated_us = sqlite3_column_int64(statement, 6),
        .pending_generation = (uint32_t)sqlite3_column_int64(statement, 7),
    };
}

static enum status read_states(struct sqlite_registry *r, const struct catalog *catalog,
                               struct view_state *states, struct arena *arena, struct error *err)
{
    static const char doing[] = "reading the states of feature views";
    const struct parameter parameters[] = {number_parameter(catalog->project_id)};
    const struct catalog_view **by_id = catalog_sort_by_id(catalog, arena);
    sqlite3_stmt *statement;
    bool row = false;
    enum status status = sqlite_statement_open(
        r, doing,
        "SELECT view_id, generation, watermark_us, source_position, stale_version,"
        " stale_reason, updated_us, pending_generation FROM @view_state WHERE project_id = ?1",
        parameters, COUNT_OF(parameters), &statement, err);
    while (!status && !(status = sqlite_step(statement, doing, &row, err)) && row)
        take_state(statement, catalog, by_id, states, arena);
    sqlite3_finalize(statement);
    return status;
}

enum status sqlite_registry_view_states(struct registry *registry, const struct catalog *catalog,
                                        struct view_state *states, struct arena *arena,
                                        struct error *err)
{
    struct sqlite_registry *r = sqlite_registry_of(registry);
    enum status status = sqlite_transaction_read(r, err);
    if (status)
        return status;
    status = read_states(r, catalog, states, arena, err);
    sqlite_transaction_end(r);
    return status;
}

enum status sqlite_registry_advance(struct registry *registry, const struct catalog *catalog,
                                    const struct catalog_view *view, const struct view_state *state,
                                    bool clears_stale, bool *outdated, struct error *err)
{
    struct sqlite_registry *r = sqlite_registry_of(registry);
    const struct parameter parameters[] = {
        number_parameter(catalog->project_id),
        number_parameter(view->id),
        number_parameter(view->generation),
        state->has_watermark ? number_parameter(state->watermark_us) : null_parameter(),
        number_parameter(state->position),
        number_parameter(timestamp_now()),
        /* No mark is made by version 0, so this clears none but the unmarked. */
        number_parameter(clears_stale ? (int64_t)catalog->version : 0),
    };
    size_t changed = 0;
    enum status status = sqlite_transaction_write(r, err);
    if (status)
        return status;
    /* max() of a null is null: a run without a watermark leaves the watermark where it is. */
    status = sqlite_statement_run(
        r, "keeping the watermark",
        "UPDATE @view_state SET"
        " watermark_us = max(coalesce(watermark_us, ?4), coalesce(?4, watermark_us)),"
        " source_position = max(source_position, ?5), updated_us = max(updated_us, ?6),"
        " stale_version = CASE WHEN stale_version <= ?7 AND pending_generation = 0"
        " THEN 0 ELSE stale_version END,"
        " stale_reason = CASE WHEN stale_version > ?7 OR pending_generation <> 0"
        " THEN stale_reason END"
        " WHERE project_id = ?1 AND view_id = ?2 AND generation = ?3",
        parameters, COUNT_OF(parameters), &changed, err);
    *outdated = !status && changed == 0;
    return sqlite_transaction_close(r, status, err);
}

/* *marked false: the view has another generation by now, or another is pending. */
static enum status mark_stale(struct sqlite_registry *r, const struct catalog *catalog,
                              const struct catalog_view *view, const struct view_state *seen,
                              const char *reason, bool *marked, struct error *err)
{
    const struct parameter parameters[] = {
        number_parameter(catalog->project_id),       number_parameter(view->id),
        number_parameter(view->generation),          number_parameter(seen->pending_generation),
        number_parameter((int64_t)catalog->version), text_parameter(reason),
    };
    size_t changed = 0;
    enum status status = sqlite_statement_run(
        r, "marking a feature view stale",
        "UPDATE @view_state SET stale_version = max(stale_version, ?5), stale_reason = ?6"
        " WHERE project_id = ?1 AND view_id = ?2 AND generation = ?3 AND pending_generation = ?4",
        parameters, COUNT_OF(parameters), &changed, err);
    *marked = changed > 0;
    return status;
}

enum status sqlite_registry_mark_stale(struct registry *registry, const struct catalog *catalog,
                                       const struct catalog_view *view,
                                       const struct view_state *seen, const char *reason,
                                       bool rebuild, struct error *err)
{
    struct sqlite_registry *r = sqlite_registry_of(registry);
    bool marked;
    enum status status = sqlite_transaction_write(r, err);
    if (status)
        return status;
    status = mark_stale(r, catalog, view, seen, reason, &marked, err);
    if (!status && marked && rebuild)
        status = sqlite_renew(
            registry, (struct renewal){.project_id = catalog->project_id, .view_id = view->id},
            err);
    return sqlite_transaction_close(r, status, err);
}

/* Systems ------------------------------------------------------------------------------------- */

/* *known false: no system was kept yet. */
static enum status read_system(struct sqlite_registry *r, uint64_t *system, bool *known,
                               struct error *err)
{
    sqlite3_stmt *statement;
    enum status status = sqlite_statement_find(
        r, "reading the registry",
        "SELECT system_identifier FROM @registry WHERE system_identifier NOT NULL", NULL, 0,
        &statement, err);
    *known = statement != NULL;
    *system = statement ? (uint64_t)sqlite3_column_int64(statement, 0) : 0;
    sqlite3_finalize(statement);
    return status;
}

static enum status forget_positions(struct sqlite_registry *r, uint64_t system, struct error *err)
{
    static const char *const statements[] = {
        "DELETE FROM @sample",
        "UPDATE @view_state SET source_position = 0,"
        " stale_version = (SELECT version FROM @project p WHERE p.id = project_id),"
        " stale_reason = 'the database is another system than before'",
    };
    enum status status = STATUS_OK;
    for (size_t i = 0; i < COUNT_OF(statements) && !status; i++)
        status = sqlite_statement_run(r, "forgetting positions of another system", statements[i],
                                      NULL, 0, NULL, err);
    return status
               ? status
               : sqlite_renew(&r->registry, (struct renewal){.gap = generation_gap(system)}, err);
}

static enum status keep_system(struct sqlite_registry *r, uint64_t wanted, bool *changed,
                               struct error *err)
{
    uint64_t system;
    bool known;
    const struct parameter parameters[] = {number_parameter((int64_t)wanted)};
    enum status status = read_system(r, &system, &known, err);
    if (status || (known && system == wanted))
        return status;
    status =
        sqlite_statement_run(r, "keeping the system", "UPDATE @registry SET system_identifier = ?1",
                             parameters, COUNT_OF(parameters), NULL, err);
    if (!status && known)
        status = forget_positions(r, wanted, err);
    *changed = known && !status;
    return status;
}

enum status sqlite_registry_adopt_system(struct registry *registry, uint64_t system_identifier,
                                         bool *changed, struct error *err)
{
    struct sqlite_registry *r = sqlite_registry_of(registry);
    uint64_t system = 0;
    bool known = false;
    enum status status = sqlite_transaction_read(r, err);
    if (status)
        return status;
    status = read_system(r, &system, &known, err);
    sqlite_transaction_end(r);
    if (status || (known && system == system_identifier))
        return status; /* nearly always: nothing to write */
    status = sqlite_transaction_write(r, err);
    if (status)
        return status;
    status = keep_system(r, system_identifier, changed, err);
    return sqlite_transaction_close(r, status, err);
}

/* Samples ------------------------------------------------------------------------------------- */

/* Those of SQLite are positions themselves; others' transactions could be beyond its integers. */
static int64_t transaction_number(uint64_t transaction)
{
    return transaction < INT64_MAX ? (int64_t)transaction : INT64_MAX;
}

enum status sqlite_registry_keep_sample(struct registry *registry, struct position_sample sample,
                                        struct error *err)
{
    struct sqlite_registry *r = sqlite_registry_of(registry);
    const struct parameter parameters[] = {
        number_parameter(sample.position),
        number_parameter(transaction_number(sample.next_transaction)),
    };
    enum status status = sqlite_transaction_write(r, err);
    if (status)
        return status;
    status = sqlite_statement_run(r, "keeping a position",
                                  "INSERT OR IGNORE INTO @sample VALUES (?1, ?2)", parameters,
                                  COUNT_OF(parameters), NULL, err);
    /* A snapshot may use the newest at once: no other is ever waited for. */
    if (!status)
        status =
            sqlite_statement_run(r, "dropping old positions",
                                 "DELETE FROM @sample WHERE rowid NOT IN (SELECT rowid FROM @sample"
                                 " ORDER BY source_position DESC, next_transaction LIMIT 100)",
                                 NULL, 0, NULL, err);
    return sqlite_transaction_close(r, status, err);
}

static enum status find_sample(struct sqlite_registry *r, uint64_t snapshot_xmin,
                               struct position_sample *sample, bool *found, struct error *err)
{
    sqlite3_stmt *statement;
    const struct parameter parameters[] = {number_parameter(transaction_number(snapshot_xmin))};
    enum status status =
        sqlite_statement_find(r, "looking for a position",
                              "SELECT source_position, next_transaction FROM @sample"
                              " WHERE next_transaction <= ?1"
                              " ORDER BY source_position DESC, next_transaction LIMIT 1",
                              parameters, COUNT_OF(parameters), &statement, err);
    *found = statement != NULL;
    if (statement)
        *sample = (struct position_sample){
            .position = sqlite3_column_int64(statement, 0),
            .next_transaction = (uint64_t)sqlite3_column_int64(statement, 1),
        };
    sqlite3_finalize(statement);
    return status;
}

enum status sqlite_registry_find_sample(struct registry *registry, uint64_t snapshot_xmin,
                                        struct position_sample *sample, bool *found,
                                        struct error *err)
{
    struct sqlite_registry *r = sqlite_registry_of(registry);
    enum status status = sqlite_transaction_read(r, err);
    if (status)
        return status;
    status = find_sample(r, snapshot_xmin, sample, found, err);
    sqlite_transaction_end(r);
    return status;
}
