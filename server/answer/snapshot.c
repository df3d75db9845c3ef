/* snapshot.c - see snapshot.h. */
#include "server/answer/snapshot.h"

#include "base/timestamp.h"

#include <assert.h>
#include <stdlib.h>

struct snapshot *snapshot_new(void)
{
    struct snapshot *snapshot = calloc(1, sizeof *snapshot);
    if (!snapshot)
        out_of_memory();
    arena_init(&snapshot->arena, 0);
    return snapshot;
}

void snapshot_free(struct snapshot *snapshot)
{
    if (!snapshot)
        return;
    arena_release(&snapshot->arena);
    free(snapshot);
}

static void resolve_service(struct snapshot *snapshot, const char *name, bool full_names,
                            struct arena *scratch, struct service_plan *made)
{
    struct error err;
    struct selection selection;
    struct plan plan;
    arena_reset(scratch);
    made->status = selection_of_service(&snapshot->catalog.definitions, name, full_names, scratch,
                                        &selection, &err);
    if (!made->status)
        made->status =
            plan_init(&plan, &selection, &snapshot->catalog, snapshot->views, scratch, &err);
    if (made->status)
        made->message = arena_text(&snapshot->arena, err.message);
    else
        plan_keep(&plan, &snapshot->arena, &made->plan);
}

static const struct served_view *resolve_views(struct snapshot *snapshot)
{
    const struct catalog *catalog = &snapshot->catalog;
    size_t count = catalog->definitions.view_count;
    struct served_view *views = arena_array(&snapshot->arena, count, sizeof *views);
    for (size_t i = 0; i < count; i++)
        served_view_init(&views[i], &catalog->views[i], &snapshot->arena);
    return views;
}

void snapshot_resolve(struct snapshot *snapshot)
{
    const struct definitions *definitions = &snapshot->catalog.definitions;
    struct arena scratch;
    arena_init(&scratch, 0);
    snapshot->views = resolve_views(snapshot);
    struct served_service *services =
        arena_array(&snapshot->arena, definitions->service_count, sizeof *services);
    for (size_t i = 0; i < definitions->service_count; i++)
        for (int full_names = 0; full_names <= 1; full_names++)
            resolve_service(snapshot, definitions->services[i].about.name, full_names, &scratch,
                            &services[i].plans[full_names]);
    snapshot->services = services;
    arena_release(&scratch);
}

/* In the words of the command line, with what the caller may have meant. */
static enum status unknown_service(const struct definitions *definitions, const char *name,
                                   struct error *err)
{
    struct arena scratch;
    struct selection selection;
    arena_init(&scratch, 0);
    enum status status = selection_of_service(definitions, name, false, &scratch, &selection, err);
    arena_release(&scratch);
    return status;
}

enum status snapshot_plan_service(const struct snapshot *snapshot, struct bytes name,
                                  bool full_names, const struct plan **plan, struct error *err)
{
    const struct definitions *definitions = &snapshot->catalog.definitions;
    char text[NAME_SIZE_MAX + 1];
    if (name.size > NAME_SIZE_MAX)
        return fail(err, STATUS_NOT_FOUND, "no feature service has a name of %zu bytes", name.size);
    if (name.size > 0)
        memcpy(text, name.data, name.size);
    text[name.size] = '\0';
    if (strlen(text) != name.size)
        return fail(err, STATUS_NOT_FOUND, "no feature service has a zero byte in its name");
    const struct feature_service *service = definitions_service(definitions, text);
    if (!service)
        return unknown_service(definitions, text, err);
    const struct service_plan *made =
        &snapshot->services[service - definitions->services].plans[full_names];
    if (made->status)
        return fail(err, made->status, "%s", made->message);
    *plan = &made->plan;
    return STATUS_OK;
}

enum status snapshot_plan_references(const struct snapshot *snapshot,
                                     const struct bytes *references, size_t count, bool full_names,
                                     struct arena *arena, const struct plan **plan,
                                     struct error *err)
{
    struct selection *selection = arena_zero(arena, sizeof *selection);
    enum status status = selection_of_references(&snapshot->catalog.definitions, references, count,
                                                 full_names, arena, selection, err);
    if (status)
        return status;
    struct plan *made = arena_alloc(arena, sizeof *made);
    *plan = made;
    return plan_init(made, selection, &snapshot->catalog, snapshot->views, arena, err);
}

void snapshot_cell_init(struct snapshot_cell *cell)
{
    memset(cell, 0, sizeof *cell);
}

void snapshot_cell_release(struct snapshot_cell *cell)
{
    for (size_t i = 0; i < SNAPSHOT_READERS_MAX; i++)
        assert(!atomic_load(&cell->places[i].held));
    snapshot_publish(cell, NULL);
}

void snapshot_publish(struct snapshot_cell *cell, struct snapshot *snapshot)
{
    struct snapshot *old = atomic_exchange(&cell->current, snapshot);
    if (old) {
        old->next_retired = cell->retired;
        cell->retired = old;
    }
    snapshot_collect(cell);
}

static bool is_held(struct snapshot_cell *cell, const struct snapshot *snapshot)
{
    for (size_t i = 0; i < SNAPSHOT_READERS_MAX; i++)
        if (atomic_load(&cell->places[i].held) == snapshot)
            return true;
    return false;
}

void snapshot_collect(struct snapshot_cell *cell)
{
    struct snapshot **link = &cell->retired;
    while (*link) {
        struct snapshot *snapshot = *link;
        if (is_held(cell, snapshot)) {
            link = &snapshot->next_retired;
            continue;
        }
        *link = snapshot->next_retired;
        snapshot_free(snapshot);
    }
}

const struct snapshot *snapshot_take(struct snapshot_cell *cell, size_t reader)
{
    assert(reader < SNAPSHOT_READERS_MAX);
    _Atomic(struct snapshot *) *held = &cell->places[reader].held;
    struct snapshot *snapshot = atomic_load(&cell->current);
    for (;;) {
        /* Announced first, then looked again: whoever publishes between the two sees the
         * announcement, or we see what was published. */
        atomic_store(held, snapshot);
        struct snapshot *again = atomic_load(&cell->current);
        if (again == snapshot)
            return snapshot;
        snapshot = again;
    }
}

void snapshot_confirm(struct snapshot_cell *cell, int64_t monotonic_us)
{
    struct snapshot *current = atomic_load(&cell->current);
    if (current)
        atomic_store(&current->newest_at_us, monotonic_us);
}

bool snapshot_is_trusted(const struct snapshot *snapshot)
{
    int64_t newest_at_us = atomic_load(&snapshot->newest_at_us);
    return newest_at_us > 0 &&
           timestamp_monotonic_us() - newest_at_us < SNAPSHOT_TRUSTED_MS * INT64_C(1000);
}

void snapshot_let_go(struct snapshot_cell *cell, size_t reader)
{
    atomic_store_explicit(&cell->places[reader].held, NULL, memory_order_release);
}
