/*
 * application.c - plans, applies, and switches to other rows: what is the same over every backend.
 *
 * Each that writes reads, compares and writes in one transaction, in which nobody else changes the
 * registry. So two at once stand one behind the other, and one that is killed leaves nothing.
 */
#include "store/registry/apply_rules.h"
#include "store/registry/registry_backend.h"

#include <assert.h>

enum status registry_plan(struct registry *registry, const struct definitions *definitions,
                          struct apply_options options, struct arena *arena,
                          struct difference *difference, struct error *err)
{
    struct catalog before;
    *difference = (struct difference){0};
    enum status status =
        registry->backend->read(registry, definitions->project, 0, arena, &before, err);
    if (status && status != STATUS_NOT_FOUND)
        return status;
    *difference = definitions_difference(status ? NULL : &before.definitions, definitions, arena);
    return apply_check(difference, options, err);
}

/* Applying ------------------------------------------------------------------------------------- */

/* What one apply works on. */
struct application {
    struct registry *registry;
    const struct registry_backend *backend;
    struct apply_options options;
    struct arena *arena;
    struct error *err;
    uint64_t identity;
    const struct catalog *before;  /* NULL: the project is a new one */
    struct apply_outcome *outcome; /* its catalog is the new one */
};

/* --take-over: each view goes on with a generation that it never had. NULL if it is not that. */
static enum status find_generations(struct application *a, const uint32_t **generations)
{
    const struct catalog *before = a->before;
    *generations = NULL;
    if (!a->options.take_over || !before)
        return STATUS_OK;
    size_t count = before->definitions.view_count;
    uint32_t *last = arena_array(a->arena, count, sizeof *last);
    for (size_t i = 0; i < count; i++)
        last[i] = before->views[i].generation;
    enum status status = a->backend->last_generations(a->registry, before, last, a->err);
    for (size_t i = 0; i < count; i++)
        last[i]++;
    *generations = last;
    return status;
}

static enum status mark_view(struct application *a, const struct stale_mark *mark)
{
    const struct catalog *catalog = &a->outcome->catalog;
    enum status status = a->backend->mark_view(a->registry, catalog, mark, a->arena, a->err);
    if (status || !mark->renews_pending)
        return status;
    struct renewal renewal = {.project_id = catalog->project_id,
                              .view_id = mark->view_id,
                              .only_pending = !mark->rebuilds};
    return a->backend->renew(a->registry, renewal, a->err);
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
    struct catalog *next = &a->outcome->catalog;
    uint32_t project_id = a->before ? a->before->project_id : 0;
    const uint32_t *generations;
    enum status status = find_generations(a, &generations);
    if (!status && !a->before)
        status = a->backend->number_project(a->registry, definitions->project, &project_id, a->err);
    if (!status)
        status = catalog_next(a->before, definitions, &a->outcome->difference, a->identity,
                              project_id, generations, a->arena, next, a->err);
    if (!status)
        status = a->backend->write_version(a->registry, next, a->arena, a->err);
    if (!status)
        status = a->backend->match_states(a->registry, next, a->arena, a->err);
    return status ? status : mark_views(a);
}

static enum status apply_in_transaction(struct application *a,
                                        const struct definitions *definitions)
{
    struct difference *difference = &a->outcome->difference;
    struct newest newest;
    enum status status =
        a->backend->read_newest(a->registry, definitions->project, a->arena, &newest, a->err);
    if (status)
        return status;
    a->before = newest.found ? &newest.catalog : NULL;
    *difference =
        definitions_difference(a->before ? &a->before->definitions : NULL, definitions, a->arena);
    status = apply_check(difference, a->options, a->err);
    if (status)
        return status;
    if (a->before && difference->change_count == 0 && !a->options.take_over) {
        a->outcome->catalog = newest.catalog;
        return STATUS_OK;
    }
    return write_application(a, definitions);
}

enum status registry_apply(struct registry *registry, const struct definitions *definitions,
                           struct apply_options options, struct arena *arena,
                           struct apply_outcome *outcome, struct error *err)
{
    struct application a = {
        .registry = registry,
        .backend = registry->backend,
        .options = options,
        .arena = arena,
        .err = err,
        .outcome = outcome,
    };
    *outcome = (struct apply_outcome){0};
    enum status status = a.backend->begin_apply(registry, &a.identity, err);
    if (status)
        return status;
    return a.backend->end(registry, apply_in_transaction(&a, definitions), err);
}

/* Switching ------------------------------------------------------------------------------------ */

/* One switch. */
struct switching {
    struct registry *registry;
    const struct registry_backend *backend;
    const struct catalog *catalog; /* the caller's */
    const struct catalog_view *view;
    const struct view_state *seen;
    int64_t watermark_us, position;
    struct arena arena;
    struct error *err;
};

/* The definitions are the newest; whatever else has changed in them leaves this view's rows alone,
 * or another generation were pending. */
static enum status switch_catalog(struct switching *s)
{
    struct newest newest;
    struct catalog next;
    enum status status = s->backend->read_newest(s->registry, s->catalog->definitions.project,
                                                 &s->arena, &newest, s->err);
    if (!status && (!newest.found || !catalog_view_of_id(&newest.catalog, s->view->id)))
        status = fail(s->err, STATUS_CORRUPT,
                      "the registry has a state of feature view %s, but no definition",
                      s->view->view->about.name);
    if (status)
        return status;
    catalog_switch(&newest.catalog, s->view->id, s->seen->pending_generation, &s->arena, &next);
    return s->backend->write_version(s->registry, &next, &s->arena, s->err);
}

static enum status switch_in_transaction(struct switching *s, bool *outdated)
{
    enum status status = s->backend->switch_state(s->registry, s->catalog, s->view, s->seen,
                                                  s->watermark_us, s->position, outdated, s->err);
    if (status || *outdated)
        return status;
    status = switch_catalog(s);
    return status ? status : s->backend->record_removed(s->registry, s->catalog, s->view, s->err);
}

enum status registry_switch_rows(struct registry *registry, const struct catalog *catalog,
                                 const struct view_state *seen, int64_t watermark_us,
                                 int64_t position, bool *outdated, struct error *err)
{
    struct switching s = {
        .registry = registry,
        .backend = registry->backend,
        .catalog = catalog,
        .view = catalog_view_of_id(catalog, seen->view_id),
        .seen = seen,
        .watermark_us = watermark_us,
        .position = position,
        .err = err,
    };
    assert(s.view && seen->pending_generation != 0);
    *outdated = false;
    enum status status = s.backend->begin_switch(registry, err);
    if (status)
        return status;
    arena_init(&s.arena, 0);
    status = switch_in_transaction(&s, outdated);
    arena_release(&s.arena);
    return s.backend->end(registry, status, err);
}
