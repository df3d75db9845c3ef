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

static enum status write_version(struct application *a)
{
    const struct catalog *catalog = &a->outcome->catalog;
    struct bytes text = catalog_encode(catalog, a->arena);
    const char *const values[] = {
        decimal(catalog->project_id, (char[DECIMAL_SIZE]){0}),
        decimal_unsigned(catalog->version, (char[DECIMAL_SIZE]){0}),
        arena_text_of(a->arena, text),
    };
    enum status status = statement_query(
        a->r, "writing the version",
        "INSERT INTO @.version (project_id, version, applied_at, applied_by, catalog)"
        " VALUES ($1, $2, clock_timestamp(), session_user, $3)",
        3, values, NULL, a->err);
    if (status)
        return status;
    return statement_query(a->r, "writing the version",
                           "UPDATE @.project SET version = $2 WHERE id = $1", 2, values, NULL,
                           a->err);
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

/* The rows of removed views go, those of new ones come. A view of a new generation begins anew. */
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
                        "DELETE FROM @.view_state s WHERE project_id = $1 AND NOT EXISTS"
                        " (SELECT FROM unnest($2::bigint[], $3::bigint[]) v (id, generation)"
                        " WHERE v.id = s.view_id AND v.generation = s.generation)",
                        3, values, NULL, a->err);
    if (status)
        return status;
    return statement_query(
        a->r, "making the states of feature views",
        "INSERT INTO @.view_state (project_id, view_id, generation)"
        " SELECT $1::bigint, v.id, v.generation FROM unnest($2::bigint[], $3::bigint[])"
        " v (id, generation) ON CONFLICT DO NOTHING",
        3, values, NULL, a->err);
}

static enum status mark_view(struct application *a, uint32_t view_id, const char *reason)
{
    const struct catalog *catalog = &a->outcome->catalog;
    const char *const values[] = {
        decimal(catalog->project_id, (char[DECIMAL_SIZE]){0}),
        decimal(view_id, (char[DECIMAL_SIZE]){0}),
        decimal_unsigned(catalog->version, (char[DECIMAL_SIZE]){0}),
        storable_text(a->r, reason, a->arena),
    };
    return statement_query(a->r, "marking a feature view stale",
                           "UPDATE @.view_state SET stale_version = $3, stale_reason = $4"
                           " WHERE project_id = $1 AND view_id = $2",
                           4, values, NULL, a->err);
}

/* Also a view without a watermark is marked: its first run may be under way, under the definitions
 * of before. */
static enum status mark_changed(struct application *a)
{
    const struct difference *difference = &a->outcome->difference;
    enum status status = STATUS_OK;
    for (size_t i = 0; i < difference->change_count && !status; i++) {
        const struct change *change = &difference->changes[i];
        if (change->object == OBJECT_FEATURE_VIEW && change->becomes_stale &&
            change->kind == CHANGE_ALTERED)
            status = mark_view(a, catalog_find_view(&a->outcome->catalog, change->name)->id,
                               stale_reason(change, a->arena));
    }
    return status;
}

static enum status mark_taken_over(struct application *a)
{
    const struct catalog *catalog = &a->outcome->catalog;
    enum status status = STATUS_OK;
    for (size_t i = 0; i < catalog->definitions.view_count && !status; i++)
        status = mark_view(a, catalog->views[i].id, "taken over");
    return status;
}

static void list_removed(struct application *a)
{
    const struct difference *difference = &a->outcome->difference;
    struct catalog_view *removed = arena_array(a->arena, difference->change_count, sizeof *removed);
    for (size_t i = 0; i < difference->change_count; i++) {
        const struct change *change = &difference->changes[i];
        if (change->object == OBJECT_FEATURE_VIEW && change->kind == CHANGE_REMOVED)
            removed[a->outcome->removed_count++] =
                *catalog_find_view(&a->before.catalog, change->name);
    }
    a->outcome->removed = removed;
}

static enum status write_application(struct application *a, const struct definitions *definitions)
{
    const struct catalog *before = a->before.found ? &a->before.catalog : NULL;
    struct catalog *next = &a->outcome->catalog;
    uint32_t project_id = before ? before->project_id : 0;
    enum status status = STATUS_OK;
    if (!before)
        status = give_project_id(a, definitions->project, &project_id);
    if (!status)
        status = catalog_next(before, definitions, &a->outcome->difference, a->before.identity,
                              project_id, a->options.take_over, a->arena, next, a->err);
    if (!status)
        status = write_version(a);
    if (!status)
        status = match_states(a);
    if (!status)
        status = a->options.take_over ? mark_taken_over(a) : mark_changed(a);
    if (!status)
        status = notify_version(a->r, definitions->project, next->version, a->err);
    if (!status)
        list_removed(a);
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
