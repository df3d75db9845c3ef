/*
 * definitions_json.c - see definitions_json.h.
 *
 * What is read takes the same way as YAML from the nodes on, so that nothing is valid in one and
 * not in the other.
 */
#include "config/definitions_json.h"

#include "base/timestamp.h"
#include "config/draft.h"

#include <jansson.h>
#include <string.h>

/* Writing */

static void put(json_t *object, const char *key, json_t *value)
{
    if (!value || json_object_set_new(object, key, value) < 0)
        out_of_memory();
}

static void put_text(json_t *object, const char *key, const char *text)
{
    if (text)
        put(object, key, json_string(text));
}

static void put_duration(json_t *object, const char *key, int64_t us)
{
    char text[DURATION_TEXT_SIZE];
    duration_format(us, text);
    put_text(object, key, text);
}

static void add(json_t *array, json_t *value)
{
    if (!value || json_array_append_new(array, value) < 0)
        out_of_memory();
}

static void put_tags(json_t *object, const struct tag *tags, size_t count)
{
    if (count == 0)
        return;
    json_t *map = json_object();
    for (size_t i = 0; i < count; i++)
        put_text(map, tags[i].name, tags[i].value);
    put(object, "tags", map);
}

static json_t *about_to_json(const struct description *about)
{
    json_t *object = json_object();
    put_text(object, "name", about->name);
    put_text(object, "description", about->text);
    put_text(object, "owner", about->owner);
    put_tags(object, about->tags, about->tag_count);
    return object;
}

json_t *entity_to_json(const struct entity *entity)
{
    json_t *object = about_to_json(&entity->about);
    json_t *keys = json_object();
    for (size_t i = 0; i < entity->key_count; i++)
        put_text(keys, entity->keys[i].name, type_name(entity->keys[i].type));
    put(object, "join_keys", keys);
    return object;
}

json_t *source_to_json(const struct source *source)
{
    json_t *object = about_to_json(&source->about);
    put_text(object, "table", source->table);
    put_text(object, "query", source->query);
    put_text(object, "event_time", source->event_time);
    put_text(object, "created_time", source->created_time);
    put_duration(object, "lookback", source->lookback_us);
    put_text(object, "misfits", source->misfits == MISFITS_AS_NULL ? "as_null" : "stop");
    json_t *fields = json_object();
    for (size_t i = 0; i < source->field_count; i++)
        put_text(fields, source->fields[i].name, source->fields[i].column);
    put(object, "fields", fields);
    return object;
}

static json_t *feature_to_json(const struct feature *feature)
{
    json_t *object = json_object();
    put_text(object, "name", feature->name);
    put_text(object, "type", type_name(feature->type));
    put_text(object, "description", feature->text);
    put_tags(object, feature->tags, feature->tag_count);
    return object;
}

json_t *feature_view_to_json(const struct feature_view *view)
{
    json_t *object = about_to_json(&view->about);
    json_t *entities = json_array();
    for (size_t i = 0; i < view->entity_count; i++)
        add(entities, json_string(view->entities[i]->about.name));
    put(object, "entities", entities);
    put_text(object, "source", view->source->about.name);
    put_duration(object, "ttl", view->ttl_us);
    put(object, "online", json_boolean(view->online));
    json_t *features = json_array();
    for (size_t i = 0; i < view->feature_count; i++)
        add(features, feature_to_json(&view->features[i]));
    put(object, "features", features);
    return object;
}

/* Features are left out where all were meant, so that they are still all when the view has more. */
static json_t *item_to_json(const struct service_item *item)
{
    json_t *object = json_object();
    put_text(object, "view", item->view->about.name);
    put_text(object, "as", item->alias);
    if (!item->all_features) {
        json_t *features = json_array();
        for (size_t i = 0; i < item->feature_count; i++)
            add(features, json_string(item->view->features[item->features[i]].name));
        put(object, "features", features);
    }
    if (item->key_count > 0) {
        json_t *keys = json_object();
        for (size_t i = 0; i < item->key_count; i++)
            put_text(keys, item->keys[i].join_key, item->keys[i].from);
        put(object, "keys", keys);
    }
    return object;
}

json_t *feature_service_to_json(const struct feature_service *service)
{
    json_t *object = about_to_json(&service->about);
    json_t *items = json_array();
    for (size_t i = 0; i < service->item_count; i++)
        add(items, item_to_json(&service->items[i]));
    put(object, "features", items);
    return object;
}

json_t *definitions_to_json(const struct definitions *definitions)
{
    json_t *entities = json_array(), *sources = json_array();
    json_t *views = json_array(), *services = json_array();
    for (size_t i = 0; i < definitions->entity_count; i++)
        add(entities, entity_to_json(&definitions->entities[i]));
    for (size_t i = 0; i < definitions->source_count; i++)
        add(sources, source_to_json(&definitions->sources[i]));
    for (size_t i = 0; i < definitions->view_count; i++)
        add(views, feature_view_to_json(&definitions->views[i]));
    for (size_t i = 0; i < definitions->service_count; i++)
        add(services, feature_service_to_json(&definitions->services[i]));
    json_t *object = json_object();
    put_text(object, "project", definitions->project);
    put(object, "entities", entities);
    put(object, "sources", sources);
    put(object, "feature_views", views);
    put(object, "feature_services", services);
    return object;
}

/* Reading */

enum status definitions_from_node(const struct node *node, struct arena *arena,
                                  struct definitions *definitions, struct error *err)
{
    *definitions = (struct definitions){0};
    struct problems problems;
    problems_init(&problems, arena);
    struct draft draft = {0};
    struct reader reader = {.arena = arena, .problems = &problems, .ignore_unknown = true};
    struct definitions found;
    draft_read(&draft, node->kind == NODE_MAP ? node : NULL, &reader);
    bool resolved = draft_resolve(&draft, arena, &problems, &found);
    if (!resolved || problems.count > 0 || !found.project)
        return fail(err, STATUS_CORRUPT, "stored definitions cannot be read: %s",
                    problems.count > 0 ? problems.items[0].text : "they name no project");
    *definitions = found;
    return STATUS_OK;
}
