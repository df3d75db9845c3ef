/*
 * resolve_service.c - see resolve.h: feature services, and the columns that they give.
 *
 * Columns may collide with each other, with the asking rows' own columns, and with those that a
 * training set adds for statuses; all of it is refused here, so that no request can meet it.
 */
#include "base/arena.h"
#include "config/name_set.h"
#include "config/resolve.h"
#include "config/selection.h"
#include "config/wording.h"

#include <stdlib.h>
#include <string.h>

/* Anchors let a short text name very many columns: an end to it, in one service and in all. */
enum { SERVICE_COLUMNS_MAX = UINT16_MAX, ALL_COLUMNS_MAX = 2000000 };

/* Items */

/* Drafts of views stand in the order of the views made from them. */
static bool lacks_features(const struct resolver *resolver, const struct feature_view *view)
{
    const struct draft_features *drafts =
        &resolver->draft->views[view - resolver->definitions->views].features;
    return view->feature_count == 0 || view->feature_count < drafts->count;
}

static void resolve_named_features(struct resolver *resolver, const struct draft_item *draft,
                                   struct service_item *item)
{
    uint16_t *features = arena_array(resolver->arena, draft->features.count, sizeof *features);
    for (size_t i = 0; i < draft->features.count; i++) {
        struct written name = draft->features.items[i];
        int index = feature_view_find(item->view, name.text);
        if (index >= 0)
            features[item->feature_count++] = (uint16_t)index;
        else
            tell_unknown_name(
                resolver, name,
                arena_printf(resolver->arena, "feature of \"%s\"", item->view->about.name),
                lacks_features(resolver, item->view), item->view->features,
                item->view->feature_count, sizeof(struct feature), offsetof(struct feature, name));
    }
    item->features = features;
}

static void take_all_features(struct resolver *resolver, struct service_item *item)
{
    size_t count = item->view->feature_count;
    uint16_t *features = arena_array(resolver->arena, count, sizeof *features);
    for (size_t i = 0; i < count; i++)
        features[i] = (uint16_t)i;
    item->features = features;
    item->feature_count = count;
}

static bool has_key(const struct feature_view *view, const char *name)
{
    for (size_t i = 0; i < view->key_count; i++)
        if (strcmp(view->keys[i].name, name) == 0)
            return true;
    return false;
}

/* A key that was written wrong has no name here. */
static bool lacks_keys(const struct resolver *resolver, const struct feature_view *view)
{
    for (size_t i = 0; i < view->entity_count; i++) {
        const struct entity *entity = view->entities[i];
        const struct draft_keys *drafts =
            &resolver->draft->entities[entity - resolver->definitions->entities].keys;
        if (entity->key_count == 0 || entity->key_count < drafts->count)
            return true;
    }
    return view->key_count == 0;
}

static int compare_mappings(const void *a, const void *b)
{
    return strcmp(((const struct key_mapping *)a)->join_key,
                  ((const struct key_mapping *)b)->join_key);
}

static void resolve_mappings(struct resolver *resolver, const struct draft_item *draft,
                             struct service_item *item)
{
    const struct feature_view *view = item->view;
    struct key_mapping *keys = arena_array(resolver->arena, draft->keys.count, sizeof *keys);
    for (size_t i = 0; i < draft->keys.count; i++) {
        const struct draft_mapping *mapping = &draft->keys.items[i];
        if (!has_key(view, mapping->join_key.text))
            tell_unknown_name(resolver, mapping->join_key,
                              arena_printf(resolver->arena, "join key of \"%s\"", view->about.name),
                              lacks_keys(resolver, view), view->keys, view->key_count,
                              sizeof(struct join_key), offsetof(struct join_key, name));
        keys[i] = (struct key_mapping){mapping->join_key.text, mapping->from.text};
    }
    if (draft->keys.count > 1)
        qsort(keys, draft->keys.count, sizeof *keys, compare_mappings);
    item->keys = keys;
    item->key_count = draft->keys.count;
}

static bool within_limits(struct resolver *resolver, const struct draft_item *draft,
                          const struct feature_view *view, size_t *column_count)
{
    size_t count = draft->all_features ? view->feature_count : draft->features.count;
    *column_count += count;
    resolver->column_count += count;
    if (*column_count <= SERVICE_COLUMNS_MAX && resolver->column_count <= ALL_COLUMNS_MAX)
        return true;
    problems_add(resolver->problems, draft->place,
                 *column_count > SERVICE_COLUMNS_MAX
                     ? "a feature service has at most %d features"
                     : "all feature services together name more than %d features",
                 *column_count > SERVICE_COLUMNS_MAX ? SERVICE_COLUMNS_MAX : ALL_COLUMNS_MAX);
    return false;
}

/* false: there is nothing in it to check further. */
static bool resolve_item(struct resolver *resolver, const struct draft_item *draft,
                         struct service_item *item, size_t *column_count)
{
    const struct definitions *definitions = resolver->definitions;
    if (!draft->view.text)
        return false;
    *item = (struct service_item){
        .place = draft->place, .all_features = draft->all_features, .alias = draft->alias.text};
    item->view = definitions_view(definitions, draft->view.text);
    if (!item->view) {
        tell_unknown_name(resolver, draft->view, "feature view", resolver->draft->lacks_views,
                          definitions->views, definitions->view_count, sizeof(struct feature_view),
                          offsetof(struct feature_view, about.name));
        return false;
    }
    if (!within_limits(resolver, draft, item->view, column_count))
        return false;
    if (draft->all_features)
        take_all_features(resolver, item);
    else
        resolve_named_features(resolver, draft, item);
    resolve_mappings(resolver, draft, item);
    return true;
}

/* Columns */

/* What one service's checks share; all of it in an arena of their own. */
struct columns {
    struct resolver *resolver;
    const struct feature_service *service;
    struct arena arena;
    struct name_set names; /* of columns; the number is that of the item */
    struct name_set asked; /* join keys; the number is that in types */
    value_type *types;
    size_t type_capacity;
};

static const char *use_name_of(const struct service_item *item)
{
    return item->alias ? item->alias : item->view->about.name;
}

static void check_aliases(struct columns *columns)
{
    struct name_set uses;
    name_set_init(&uses, &columns->arena, columns->service->item_count);
    for (size_t i = 0; i < columns->service->item_count; i++) {
        const struct service_item *item = &columns->service->items[i], *other;
        size_t first = i;
        if (name_set_add(&uses, use_name_of(item), &first))
            continue;
        other = &columns->service->items[first];
        if (item->alias || other->alias)
            problems_add(columns->resolver->problems, item->place,
                         "two uses of views are called \"%s\": give one another name with \"as\"%s",
                         use_name_of(item), other_place(columns->resolver, other->place));
    }
}

static const char *asked_name(const struct service_item *item, const char *join_key)
{
    for (size_t i = 0; i < item->key_count; i++)
        if (strcmp(item->keys[i].join_key, join_key) == 0)
            return item->keys[i].from;
    return join_key;
}

static void ask_key(struct columns *columns, const struct service_item *item,
                    const struct join_key *key)
{
    const char *name = asked_name(item, key->name);
    size_t number = columns->asked.count;
    columns->types = arena_grow(&columns->arena, columns->types, number, &columns->type_capacity,
                                number + 1, sizeof *columns->types);
    if (name_set_add(&columns->asked, name, &number)) {
        columns->types[number] = key->type;
        return;
    }
    value_type before = columns->types[number], both = asked_type(before, key->type);
    if (both)
        columns->types[number] = both;
    else if (key->type && before)
        problems_add(columns->resolver->problems, item->place,
                     "the asking column \"%s\" would have to be %s here, but is %s above: map one "
                     "with \"keys\"",
                     name, type_name(key->type), type_name(before));
}

static void ask_keys(struct columns *columns)
{
    name_set_init(&columns->asked, &columns->arena, 8);
    for (size_t i = 0; i < columns->service->item_count; i++) {
        const struct service_item *item = &columns->service->items[i];
        for (size_t j = 0; j < item->view->key_count; j++)
            ask_key(columns, item, &item->view->keys[j]);
    }
    if (columns->asked.count > UINT16_MAX)
        problems_add(columns->resolver->problems, columns->service->about.place,
                     "the service \"%s\" asks for more than %d join keys",
                     columns->service->about.name, UINT16_MAX);
}

static const char *column_of(struct columns *columns, const struct service_item *item, size_t i)
{
    return output_column(item->view, item->alias, item->view->features[item->features[i]].name,
                         false, &columns->arena);
}

static void add_column(struct columns *columns, size_t item_index, size_t feature)
{
    const struct service_item *item = &columns->service->items[item_index], *other;
    const char *name = column_of(columns, item, feature);
    size_t first = item_index;
    struct problems *problems = columns->resolver->problems;
    if (!name_set_add(&columns->names, name, &first) && !problems_full(problems)) {
        other = &columns->service->items[first];
        problems_add(
            problems, item->place,
            "the column \"%s\" would come twice, from \"%s\" and from \"%s\": rename a use "
            "with \"as\"%s",
            name, use_name_of(other), use_name_of(item),
            other_place(columns->resolver, other->place));
    }
    if (name_set_find(&columns->asked, name, NULL) && !problems_full(problems))
        problems_add(problems, item->place,
                     "the column \"%s\" is called like a join key that this service asks for: "
                     "rename the use with \"as\"",
                     name);
}

/* f__status and f__event_time stand beside f in training sets. */
static void check_added_columns(struct columns *columns, const struct service_item *item,
                                size_t feature)
{
    static const char *const endings[] = {"__status", "__event_time"};
    const char *name = column_of(columns, item, feature);
    for (size_t i = 0; i < COUNT_OF(endings); i++) {
        const char *added = arena_joined(&columns->arena, name, endings[i], "");
        bool taken = name_set_find(&columns->names, added, NULL) ||
                     name_set_find(&columns->asked, added, NULL);
        if (taken && !problems_full(columns->resolver->problems))
            problems_add(columns->resolver->problems, item->place,
                         "the column \"%s\" collides with what training sets add beside \"%s\": "
                         "rename a use with \"as\"",
                         added, name);
    }
}

static void check_columns(struct resolver *resolver, const struct feature_service *service)
{
    struct columns columns = {.resolver = resolver, .service = service};
    size_t column_count = 0;
    arena_init(&columns.arena, 0);
    for (size_t i = 0; i < service->item_count; i++)
        column_count += service->items[i].feature_count;
    name_set_init(&columns.names, &columns.arena, column_count);
    check_aliases(&columns);
    ask_keys(&columns);
    for (size_t i = 0; i < service->item_count; i++)
        for (size_t j = 0; j < service->items[i].feature_count; j++)
            add_column(&columns, i, j);
    for (size_t i = 0; i < service->item_count; i++)
        for (size_t j = 0; j < service->items[i].feature_count; j++)
            check_added_columns(&columns, &service->items[i], j);
    arena_release(&columns.arena);
}

void resolve_services(struct resolver *resolver)
{
    const struct draft *draft = resolver->draft;
    struct feature_service *services =
        arena_array(resolver->arena, draft->service_count, sizeof *services);
    for (size_t i = 0; i < draft->service_count; i++) {
        const struct draft_items *from = &draft->services[i].items;
        struct service_item *items = arena_array(resolver->arena, from->count, sizeof *items);
        size_t column_count = 0;
        services[i].about = described(&draft->services[i].about);
        services[i].items = items;
        for (size_t j = 0; j < from->count; j++)
            if (resolve_item(resolver, &from->items[j], &items[services[i].item_count],
                             &column_count))
                services[i].item_count++;
        check_columns(resolver, &services[i]);
    }
    resolver->definitions->services = services;
    resolver->definitions->service_count = draft->service_count;
}
