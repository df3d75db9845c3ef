/*
 * difference.c - see difference.h. Both sides are sorted by name, so each kind is one merge.
 */
#include "config/difference.h"

#include "config/difference_details.h"

#include <string.h>

const char *object_kind_name(enum object_kind kind)
{
    static const char *const names[] = {"entity", "source", "feature view", "feature service"};
    return names[kind];
}

/* Changes while they are collected. */
struct collector {
    struct arena *arena;
    struct change *changes;
    size_t count, capacity;
};

static struct change *add_change(struct collector *collector)
{
    collector->changes =
        arena_grow(collector->arena, collector->changes, collector->count, &collector->capacity,
                   collector->count + 1, sizeof *collector->changes);
    return &collector->changes[collector->count++];
}

/* The objects of one kind, on one side. All begin with their description. */
struct object_list {
    const void *objects;
    size_t count, size;
};

static const void *object_at(struct object_list list, size_t i)
{
    return (const char *)list.objects + i * list.size;
}

static const char *name_of_object(const void *object)
{
    return ((const struct description *)object)->name;
}

/* Fills what an altered object's change says; false if nothing differs. */
static bool compare(enum object_kind kind, const void *before, const void *after,
                    struct arena *arena, struct change *change)
{
    struct details details = {.arena = arena};
    switch (kind) {
    case OBJECT_ENTITY:
        details_of_entity(before, after, &details);
        break;
    case OBJECT_SOURCE:
        details_of_source(before, after, &details);
        break;
    case OBJECT_FEATURE_VIEW:
        details_of_view(before, after, &details);
        break;
    case OBJECT_FEATURE_SERVICE:
        details_of_service(before, after, &details);
        break;
    }
    change->details = details.lines;
    change->detail_count = details.count;
    change->schema_changed = details.schema_changed;
    change->becomes_stale = details.becomes_stale;
    change->rebuilds = details.rebuilds;
    change->needs_replace = details.needs_replace;
    return details.count > 0;
}

static void merge(struct collector *collector, enum object_kind kind, struct object_list before,
                  struct object_list after)
{
    size_t i = 0, j = 0;
    while (i < before.count || j < after.count) {
        const void *old = i < before.count ? object_at(before, i) : NULL;
        const void *new = j < after.count ? object_at(after, j) : NULL;
        int order = !old ? 1 : !new ? -1 : strcmp(name_of_object(old), name_of_object(new));
        i += order <= 0;
        j += order >= 0;
        struct change change = {.object = kind, .name = name_of_object(order < 0 ? old : new)};
        change.kind = order < 0 ? CHANGE_REMOVED : order > 0 ? CHANGE_ADDED : CHANGE_ALTERED;
        if (order != 0 || compare(kind, old, new, collector->arena, &change))
            *add_change(collector) = change;
    }
}

struct difference definitions_difference(const struct definitions *before,
                                         const struct definitions *after, struct arena *arena)
{
    static const struct definitions nothing = {0};
    struct collector collector = {.arena = arena};
    const struct definitions *a = before ? before : &nothing, *b = after ? after : &nothing;
    merge(&collector, OBJECT_ENTITY,
          (struct object_list){a->entities, a->entity_count, sizeof(struct entity)},
          (struct object_list){b->entities, b->entity_count, sizeof(struct entity)});
    merge(&collector, OBJECT_SOURCE,
          (struct object_list){a->sources, a->source_count, sizeof(struct source)},
          (struct object_list){b->sources, b->source_count, sizeof(struct source)});
    merge(&collector, OBJECT_FEATURE_VIEW,
          (struct object_list){a->views, a->view_count, sizeof(struct feature_view)},
          (struct object_list){b->views, b->view_count, sizeof(struct feature_view)});
    merge(&collector, OBJECT_FEATURE_SERVICE,
          (struct object_list){a->services, a->service_count, sizeof(struct feature_service)},
          (struct object_list){b->services, b->service_count, sizeof(struct feature_service)});
    return (struct difference){collector.changes, collector.count};
}
