/* definitions_copy.c - see definitions_copy.h. */
#include "config/definitions_copy.h"

#include <string.h>

/* Arrays of `count` structs, as they are; what their pointers point at is the caller's to copy. */
static void *copied(struct arena *arena, const void *array, size_t count, size_t size)
{
    void *copy = arena_array(arena, count, size);
    if (count > 0)
        memcpy(copy, array, count * size);
    return copy;
}

static const struct tag *copy_tags(const struct tag *from, size_t count, struct arena *arena)
{
    if (count == 0)
        return NULL;
    struct tag *tags = arena_array(arena, count, sizeof *tags);
    for (size_t i = 0; i < count; i++)
        tags[i] = (struct tag){arena_text(arena, from[i].name), arena_text(arena, from[i].value)};
    return tags;
}

static void copy_about(struct description *about, struct arena *arena)
{
    about->name = arena_text(arena, about->name);
    about->text = arena_text(arena, about->text);
    about->owner = arena_text(arena, about->owner);
    about->tags = copy_tags(about->tags, about->tag_count, arena);
}

static const struct join_key *copy_keys(const struct join_key *from, size_t count,
                                        struct arena *arena)
{
    struct join_key *keys = copied(arena, from, count, sizeof *keys);
    for (size_t i = 0; i < count; i++)
        keys[i].name = arena_text(arena, keys[i].name);
    return keys;
}

static void copy_entities(const struct definitions *from, struct definitions *to,
                          struct arena *arena)
{
    struct entity *entities = copied(arena, from->entities, from->entity_count, sizeof *entities);
    for (size_t i = 0; i < from->entity_count; i++) {
        copy_about(&entities[i].about, arena);
        entities[i].keys = copy_keys(entities[i].keys, entities[i].key_count, arena);
    }
    to->entities = entities;
    to->entity_count = from->entity_count;
}

static void copy_sources(const struct definitions *from, struct definitions *to,
                         struct arena *arena)
{
    struct source *sources = copied(arena, from->sources, from->source_count, sizeof *sources);
    for (size_t i = 0; i < from->source_count; i++) {
        struct source *source = &sources[i];
        struct source_field *fields =
            copied(arena, source->fields, source->field_count, sizeof *fields);
        for (size_t j = 0; j < source->field_count; j++)
            fields[j] = (struct source_field){arena_text(arena, fields[j].name),
                                              arena_text(arena, fields[j].column)};
        copy_about(&source->about, arena);
        source->table = arena_text(arena, source->table);
        source->query = arena_text(arena, source->query);
        source->event_time = arena_text(arena, source->event_time);
        source->created_time = arena_text(arena, source->created_time);
        source->fields = fields;
    }
    to->sources = sources;
    to->source_count = from->source_count;
}

static const struct feature *copy_features(const struct feature_view *view, struct arena *arena)
{
    struct feature *features = copied(arena, view->features, view->feature_count, sizeof *features);
    for (size_t i = 0; i < view->feature_count; i++) {
        features[i].name = arena_text(arena, features[i].name);
        features[i].text = arena_text(arena, features[i].text);
        features[i].tags = copy_tags(features[i].tags, features[i].tag_count, arena);
    }
    return features;
}

/* The entities and sources of `to` stand in the same order as those of `from`. */
static void copy_views(const struct definitions *from, struct definitions *to, struct arena *arena)
{
    struct feature_view *views = copied(arena, from->views, from->view_count, sizeof *views);
    for (size_t i = 0; i < from->view_count; i++) {
        struct feature_view *view = &views[i];
        const struct entity **entities =
            arena_array(arena, view->entity_count, sizeof(struct entity *));
        for (size_t j = 0; j < view->entity_count; j++)
            entities[j] = &to->entities[view->entities[j] - from->entities];
        copy_about(&view->about, arena);
        view->entities = entities;
        view->keys = copy_keys(view->keys, view->key_count, arena);
        view->source = &to->sources[view->source - from->sources];
        view->features = copy_features(view, arena);
        if (view->by_name)
            view->by_name =
                copied(arena, view->by_name, view->feature_count, sizeof *view->by_name);
    }
    to->views = views;
    to->view_count = from->view_count;
}

static void copy_item(struct service_item *item, const struct definitions *from,
                      const struct definitions *to, struct arena *arena)
{
    struct key_mapping *keys = copied(arena, item->keys, item->key_count, sizeof *keys);
    for (size_t i = 0; i < item->key_count; i++)
        keys[i] = (struct key_mapping){arena_text(arena, keys[i].join_key),
                                       arena_text(arena, keys[i].from)};
    item->view = &to->views[item->view - from->views];
    item->features = copied(arena, item->features, item->feature_count, sizeof *item->features);
    item->alias = arena_text(arena, item->alias);
    item->keys = keys;
}

static void copy_services(const struct definitions *from, struct definitions *to,
                          struct arena *arena)
{
    struct feature_service *services =
        copied(arena, from->services, from->service_count, sizeof *services);
    for (size_t i = 0; i < from->service_count; i++) {
        struct feature_service *service = &services[i];
        struct service_item *items =
            copied(arena, service->items, service->item_count, sizeof *items);
        for (size_t j = 0; j < service->item_count; j++)
            copy_item(&items[j], from, to, arena);
        copy_about(&service->about, arena);
        service->items = items;
    }
    to->services = services;
    to->service_count = from->service_count;
}

struct definitions definitions_copy(const struct definitions *from, struct arena *arena)
{
    struct definitions to = {.project = arena_text(arena, from->project)};
    copy_entities(from, &to, arena);
    copy_sources(from, &to, arena);
    copy_views(from, &to, arena);
    copy_services(from, &to, arena);
    return to;
}
