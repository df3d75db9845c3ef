/*
 * postgres_apply.c - plan and apply. An apply reads, compares and writes in one transaction under
 * the registry's lock, so that two at once stand one behind the other, and one that is killed
 * leaves nothing.
 */
#include "store/registry/apply_rules.h"
#include "store/registry/postgres_registry.h"

static const struct definitions *definitions_of(const struct newest *newest)
{
    return newest->found ? &newest->catalog.definitions : NULL;
}

enum status postgres_plan(struct registry *registry, const struct definitions *definitions,
                          struct apply_options options, struct arena *arena,
                          struct difference *difference, struct error *err)
{
    struct postgres_registry *r = postgres_registry_of(registry);
    struct newest newest = {0};
    enum status status = schema_check(r, err);
    if (!status)
        status = newest_read(r, definitions->project, arena, &newest, err);
    if (status && status != STATUS_NOT_FOUND)
        return status;
    *difference = definitions_difference(definitions_of(&newest), definitions, arena);
    return apply_check(difference, options, err);
}

/* What one apply works on. */
struct application {
    struct postgres_registry *r;
    struct apply_options options;
    struct arena *arena;
    struct error *err;
    struct newest before;
    struct apply_outcome *outcome; /* its catalog is the new one */
};

static enum status give_project_id(struct application *a, const char *project, uint32_t *id)
{
    PGresult *result;
    const char *const values[] = {project};
    enum status status = statement_query(
        a->r, "numbering the project",
        "WITH given AS (UPDATE @.registry SET last_project = last_project + 1"
        " RETURNING last_project)"
        " INSERT INTO @.project (id, name, version) SELECT last_project, $1, 0 FROM given"
        " RETURNING id",
        1, values, &result, a->err);
    if (status)
        return status;
    uint64_t given = cell_uint64(result, 0, 0);
    PQclear(result);
    if (given > UINT32_MAX)
        return fail(a->err, STATUS_EXHAUSTED, "no more projects can be numbered");
    *id = (uint32_t)given;
    return STATUS_OK;
}

enum status version_write(struct postgres_registry *r, const struct catalog *catalog,
                          struct arena *arena, struct error *err)
{
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
    if (status)
        return status;
    return statement_query(r, "writing the version",
                           "UPDATE @.project SET version = $2 WHERE id = $1", 2, values, NULL, err);
}

/* --take-over: each view goes on with a generation that it never had. NULL if it is not that. */
static enum status find_generations(struct application *a, const uint32_t **generations)
{
    *generations = NULL;
    if (!a->options.take_over || !a->before.found)
        return STATUS_OK;
    const struct catalog *before = &a->before.catalog;
    PGresult *result;
    const char *const values[] = {decimal(before->project_id, (char[DECIMAL_SIZE]){0})};
    enum status status =
        statement_query(a->r, "reading the generations of feature views",
                        "SELECT view_id, last_generation FROM @.view_state WHERE project_id = $1",
                        1, values, &result, a->err);
    if (status)
        return status;
    size_t count = before->definitions.view_count;
    uint32_t *next = arena_array(a->arena, count, sizeof *next);
    for (size_t i = 0; i < count; i++)
        next[i] = before->views[i].generation + 1;
    for (int row = 0; row < PQntuples(result); row++) {
        const struct catalog_view *view =
            catalog_view_of_id(before, (uint32_t)cell_uint64(result, row, 0));
        if (view)
            next[view - before->views] = (uint32_t)cell_uint64(result, row, 1) + 1;
    }
    PQclear(result);
    *generations = next;
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

/* The states of removed views go, those of new ones come. A view of a new generation begins anew.
 * What was online of those that go is recorded as removed. */
static enum status match_states(struct application *a)
{
    const struct catalog *catalog = &a->outcome->catalog;
    const char *const values[] = {
        decimal(catalog->project_id, (char[DECIMAL_SIZE]){0}),
        array_of_views(catalog, false, a->arena),
        array_of_views(catalog, true, a->arena),
    };
    enum status status =
        statement_query(a->r, "dropping the states of feature views",
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
                        3, values, NULL, a->err);
    if (status)
        return status;
    return statement_query(
        a->r, "making the states of feature views",
        "INSERT INTO @.view_state (project_id, view_id, generation, last_generation)"
        " SELECT $1::bigint, v.id, v.generation, v.generation"
        " FROM unnest($2::bigint[], $3::bigint[]) v (id, generation) ON CONFLICT DO NOTHING",
        3, values, NULL, a->err);
}

static enum status mark_view(struct application *a, const struct stale_mark *mark)
{
    const struct catalog *catalog = &a->outcome->catalog;
    const char *const values[] = {
        decimal(catalog->project_id, (char[DECIMAL_SIZE]){0}),
        decimal(mark->view_id, (char[DECIMAL_SIZE]){0}),
        decimal_unsigned(catalog->version, (char[DECIMAL_SIZE]){0}),
        storable_text(a->r, mark->reason, a->arena),
    };
    enum status status =
        statement_query(a->r, "marking a feature view stale",
                        "UPDATE @.view_state SET stale_version = $3, stale_reason = $4"
                        " WHERE project_id = $1 AND view_id = $2",
                        4, values, NULL, a->err);
    if (status || !mark->renews_pending)
        return status;
    struct renewal renewal = {.project_id = catalog->project_id,
                              .view_id = mark->view_id,
                              .only_pending = !mark->rebuilds};
    return generation_renew(a->r, renewal, a->err);
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
        status = catalog_next(before, definitions, &a->outcome->difference, a->before.identity,
                              project_id, generations, a->arena, next, a->err);
    if (!status)
        status = version_write(a->r, next, a->arena, a->err);
    if (!status)
        status = match_states(a);
    if (!status)
        status = mark_views(a);
    if (!status)
        status = notify_version(a->r, definitions->project, next->version, a->err);
    return status;
}

static enum status apply_in_transaction(struct application *a,
                                        const struct definitions *definitions)
{
    uint64_t identity;
    struct difference *difference = &a->outcome->difference;
    enum status status = schema_make(a->r, &identity, a->err);
    if (!status)
        status = newest_read(a->r, definitions->project, a->arena, &a->before, a->err);
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

enum status postgres_apply(struct registry *registry, const struct definitions *definitions,
                           struct apply_options options, struct arena *arena,
                           struct apply_outcome *outcome, struct error *err)
{
    struct application a = {
        .r = postgres_registry_of(registry),
        .options = options,
        .arena = arena,
        .err = err,
        .outcome = outcome,
    };
    enum status status = transaction_begin(a.r, err);
    if (status)
        return status;
    status = apply_in_transaction(&a, definitions);
    if (!status)
        return transaction_commit(a.r, err);
    transaction_rollback(a.r);
    return status;
}
