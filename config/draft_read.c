/* draft_read.c - see draft.h: nodes into drafts of entities, sources and views. */
#include "config/draft.h"
#include "config/query_text.h"
#include "config/wording.h"

#include <string.h>

/* A name that the project itself uses for a column of asking rows. */
static void refuse_reserved(struct reader *reader, struct written name, const char *what)
{
    if (name.text && strcmp(name.text, "event_timestamp") == 0)
        problems_add(
            reader->problems, name.place,
            "%s cannot be called \"event_timestamp\": that column of the asking rows holds "
            "their time",
            what);
}

/* Entities */

static void refuse_unfit_key(struct reader *reader, const struct draft_key *key,
                             struct place type_place)
{
    if (key->type && !type_is_key(key->type))
        problems_add(reader->problems, type_place,
                     "a join key cannot be %s: use string, int32, int64, bool, timestamp or bytes",
                     type_name(key->type));
}

static void read_join_keys(struct reader *reader, const struct node *value, void *into)
{
    struct draft_keys *keys = into;
    if (value->kind != NODE_MAP) {
        tell_kind(reader, value, "a mapping such as {driver_id: int64}");
        return;
    }
    if (value->count == 0)
        problems_add(reader->problems, value->place,
                     "\"join_keys\" is empty: an entity needs at least one, such as "
                     "{driver_id: int64}");
    keys->items = arena_array(reader->arena, value->count, sizeof *keys->items);
    for (size_t i = 0; i < value->count; i++) {
        struct draft_key *key = &keys->items[keys->count++];
        key->name = name_of_key(reader, value->entries[i].key);
        refuse_reserved(reader, key->name, "a join key");
        if (value->entries[i].value->kind == NODE_BROKEN)
            continue;
        read_type(reader, value->entries[i].value, &key->type);
        refuse_unfit_key(reader, key, value->entries[i].value->place);
    }
}

static bool read_entity(struct reader *reader, const struct node *node, struct draft_entity *entity)
{
    static const struct member members[] = {
        {"name", true, read_name, offsetof(struct draft_entity, about.name), NULL},
        {"description", false, read_text, offsetof(struct draft_entity, about.text), NULL},
        {"owner", false, read_text, offsetof(struct draft_entity, about.owner), NULL},
        {"tags", false, read_tags, offsetof(struct draft_entity, about.tags), NULL},
        {"join_keys", true, read_join_keys, offsetof(struct draft_entity, keys), NULL},
    };
    entity->about.place = node->place;
    return members_read(reader, node, "an entity", members, COUNT_OF(members), entity) &&
           entity->about.name.text;
}

/* Sources */

static void read_query(struct reader *reader, const struct node *value, void *into)
{
    if (!is_text(reader, value, "a SELECT"))
        return;
    const char *mistake = query_text_mistake(value->text);
    if (mistake)
        problems_add(reader->problems, value->place, "\"query\" %s", mistake);
    *(const char **)into = value->text;
}

static void read_table(struct reader *reader, const struct node *value, void *into)
{
    if (!is_text(reader, value, "a table's name"))
        return;
    const char *mistake = table_text_mistake(value->text);
    if (mistake)
        problems_add(reader->problems, value->place, "\"table\" %s", mistake);
    *(const char **)into = value->text;
}

static void read_misfits(struct reader *reader, const struct node *value, void *into)
{
    if (value->kind == NODE_TEXT && strcmp(value->text, "stop") == 0)
        *(enum misfit_policy *)into = MISFITS_STOP;
    else if (value->kind == NODE_TEXT && strcmp(value->text, "as_null") == 0)
        *(enum misfit_policy *)into = MISFITS_AS_NULL;
    else
        tell_kind(reader, value, "stop or as_null");
}

static void read_fields(struct reader *reader, const struct node *value, void *into)
{
    struct draft_fields *fields = into;
    if (value->kind != NODE_MAP) {
        tell_kind(reader, value, "a mapping such as {feature: column}");
        return;
    }
    fields->items = arena_array(reader->arena, value->count, sizeof *fields->items);
    for (size_t i = 0; i < value->count; i++) {
        const struct node_entry *entry = &value->entries[i];
        struct draft_field field = {.name = name_of_key(reader, entry->key)};
        if (entry->value->kind != NODE_BROKEN)
            read_column(reader, entry->value, &field.column);
        if (field.name.text && field.column)
            fields->items[fields->count++] = field;
    }
}

static void check_table_or_query(struct reader *reader, const struct node *node)
{
    const struct node *table = member_find(node, "table"), *query = member_find(node, "query");
    if (table && query)
        problems_add(reader->problems, query->place,
                     "a source has a table or a query, not both: leave one out");
    if (!table && !query)
        problems_add(reader->problems, node->place, "a source needs \"table\" or \"query\"");
}

static struct place place_of(const struct node *node, const char *key)
{
    const struct node *value = member_find(node, key);
    return value ? value->place : node->place;
}

static bool read_source(struct reader *reader, const struct node *node, struct draft_source *source)
{
    static const struct member members[] = {
        {"name", true, read_name, offsetof(struct draft_source, about.name), NULL},
        {"description", false, read_text, offsetof(struct draft_source, about.text), NULL},
        {"owner", false, read_text, offsetof(struct draft_source, about.owner), NULL},
        {"tags", false, read_tags, offsetof(struct draft_source, about.tags), NULL},
        {"table", false, read_table, offsetof(struct draft_source, source.table), NULL},
        {"query", false, read_query, offsetof(struct draft_source, source.query), NULL},
        {"event_time", true, read_column, offsetof(struct draft_source, source.event_time), NULL},
        {"created_time", false, read_column, offsetof(struct draft_source, source.created_time),
         NULL},
        {"lookback", false, read_duration, offsetof(struct draft_source, source.lookback_us), NULL},
        {"fields", false, read_fields, offsetof(struct draft_source, fields), NULL},
        {"misfits", false, read_misfits, offsetof(struct draft_source, source.misfits), NULL},
    };
    source->about.place = node->place;
    source->source.lookback_us = INT64_C(3600) * 1000000;
    if (!members_read(reader, node, "a source", members, COUNT_OF(members), source))
        return false;
    check_table_or_query(reader, node);
    source->source.from_place = place_of(node, source->source.query ? "query" : "table");
    source->source.event_time_place = place_of(node, "event_time");
    source->source.created_time_place = place_of(node, "created_time");
    return source->about.name.text;
}

/* Feature views */

static void read_names(struct reader *reader, const struct node *value, void *into)
{
    struct written_list *list = into;
    if (!is_list(reader, value, "names"))
        return;
    list->items = arena_array(reader->arena, value->count, sizeof *list->items);
    for (size_t i = 0; i < value->count; i++) {
        struct written name = name_of(reader, value->items[i]);
        if (name.text)
            list->items[list->count++] = name;
    }
}

static void read_feature(struct reader *reader, const struct node *node,
                         struct draft_feature *feature)
{
    static const struct member members[] = {
        {"name", true, read_name, offsetof(struct draft_feature, name), NULL},
        {"type", true, read_type, offsetof(struct draft_feature, type), NULL},
        {"description", false, read_text, offsetof(struct draft_feature, text), NULL},
        {"tags", false, read_tags, offsetof(struct draft_feature, tags), NULL},
    };
    if (node->kind == NODE_TEXT) {
        problems_add(reader->problems, node->place,
                     "a feature needs its type: write {name: %s, type: float64}",
                     name_is_valid(node->text) ? node->text : "x");
        return;
    }
    members_read(reader, node, "a feature", members, COUNT_OF(members), feature);
    refuse_reserved(reader, feature->name, "a feature");
}

static void read_features(struct reader *reader, const struct node *value, void *into)
{
    struct draft_features *features = into;
    if (!is_list(reader, value, "features such as {name: wind, type: float64}"))
        return;
    features->items = arena_array(reader->arena, value->count, sizeof *features->items);
    for (size_t i = 0; i < value->count; i++)
        read_feature(reader, value->items[i], &features->items[features->count++]);
}

static bool read_view(struct reader *reader, const struct node *node, struct draft_view *view)
{
    static const struct member members[] = {
        {"name", true, read_name, offsetof(struct draft_view, about.name), NULL},
        {"description", false, read_text, offsetof(struct draft_view, about.text), NULL},
        {"owner", false, read_text, offsetof(struct draft_view, about.owner), NULL},
        {"tags", false, read_tags, offsetof(struct draft_view, about.tags), NULL},
        {"entities", true, read_names, offsetof(struct draft_view, entities), NULL},
        {"source", true, read_name, offsetof(struct draft_view, source), NULL},
        {"ttl", false, read_duration, offsetof(struct draft_view, ttl_us), NULL},
        {"online", false, read_bool, offsetof(struct draft_view, online), NULL},
        {"features", true, read_features, offsetof(struct draft_view, features), NULL},
    };
    view->about.place = node->place;
    view->online = true;
    return members_read(reader, node, "a feature view", members, COUNT_OF(members), view) &&
           view->about.name.text;
}

static bool read_service(struct reader *reader, const struct node *node,
                         struct draft_service *service)
{
    static const struct member members[] = {
        {"name", true, read_name, offsetof(struct draft_service, about.name), NULL},
        {"description", false, read_text, offsetof(struct draft_service, about.text), NULL},
        {"owner", false, read_text, offsetof(struct draft_service, about.owner), NULL},
        {"tags", false, read_tags, offsetof(struct draft_service, about.tags), NULL},
        {"features", true, read_service_items, offsetof(struct draft_service, items), NULL},
    };
    service->about.place = node->place;
    return members_read(reader, node, "a feature service", members, COUNT_OF(members), service) &&
           service->about.name.text;
}

/* The document */

static bool is_object_list(struct reader *reader, const struct node *value)
{
    if (value->kind != NODE_LIST && value->kind != NODE_EMPTY)
        tell_kind(reader, value, "a list");
    return value->kind == NODE_LIST;
}

/* The four below read a list into the draft's array. What has no usable name is checked and
 * dropped. */

static void read_entities(struct reader *reader, const struct node *value, void *into)
{
    struct draft *draft = into;
    if (!is_object_list(reader, value))
        return;
    for (size_t i = 0; i < value->count; i++) {
        struct draft_entity entity = {0};
        if (!read_entity(reader, value->items[i], &entity)) {
            draft->lacks_entities = true;
            continue;
        }
        draft->entities =
            arena_grow(reader->arena, draft->entities, draft->entity_count, &draft->entity_capacity,
                       draft->entity_count + 1, sizeof *draft->entities);
        draft->entities[draft->entity_count++] = entity;
    }
}

static void read_sources(struct reader *reader, const struct node *value, void *into)
{
    struct draft *draft = into;
    if (!is_object_list(reader, value))
        return;
    for (size_t i = 0; i < value->count; i++) {
        struct draft_source source = {0};
        if (!read_source(reader, value->items[i], &source)) {
            draft->lacks_sources = true;
            continue;
        }
        draft->sources =
            arena_grow(reader->arena, draft->sources, draft->source_count, &draft->source_capacity,
                       draft->source_count + 1, sizeof *draft->sources);
        draft->sources[draft->source_count++] = source;
    }
}

static void read_views(struct reader *reader, const struct node *value, void *into)
{
    struct draft *draft = into;
    if (!is_object_list(reader, value))
        return;
    for (size_t i = 0; i < value->count; i++) {
        struct draft_view view = {0};
        if (!read_view(reader, value->items[i], &view)) {
            draft->lacks_views = true;
            continue;
        }
        draft->views =
            arena_grow(reader->arena, draft->views, draft->view_count, &draft->view_capacity,
                       draft->view_count + 1, sizeof *draft->views);
        draft->views[draft->view_count++] = view;
    }
}

static void read_services(struct reader *reader, const struct node *value, void *into)
{
    struct draft *draft = into;
    if (!is_object_list(reader, value))
        return;
    for (size_t i = 0; i < value->count; i++) {
        struct draft_service service = {0};
        if (!read_service(reader, value->items[i], &service))
            continue; /* nothing names a service */
        draft->services =
            arena_grow(reader->arena, draft->services, draft->service_count,
                       &draft->service_capacity, draft->service_count + 1, sizeof *draft->services);
        draft->services[draft->service_count++] = service;
    }
}

static void read_project(struct reader *reader, const struct node *value, void *into)
{
    draft_set_project(into, name_of(reader, value), reader);
}

static const struct member document_members[] = {
    {"project", false, read_project, 0, NULL},
    {"entities", false, read_entities, 0, NULL},
    {"sources", false, read_sources, 0, NULL},
    {"feature_views", false, read_views, 0, NULL},
    {"feature_services", false, read_services, 0, NULL},
    {"offline_store", false, NULL, 0, "it stands in larder.yaml"},
    {"online_store", false, NULL, 0, "it stands in larder.yaml"},
    {"registry", false, NULL, 0, "it stands in larder.yaml"},
    {"server", false, NULL, 0, "it stands in larder.yaml"},
};

void draft_lacks_all(struct draft *draft)
{
    draft->lacks_entities = draft->lacks_sources = draft->lacks_views = true;
}

static bool is_known_key(const char *key)
{
    for (size_t i = 0; i < COUNT_OF(document_members); i++)
        if (strcmp(key, document_members[i].key) == 0)
            return true;
    return false;
}

/* An unknown key may be any of the lists, misspelt; a list that is none holds nobody knows what. */
static void note_what_is_lacking(struct draft *draft, const struct node_entry *entry,
                                 const struct reader *reader)
{
    const char *key = entry->key->text;
    if (!is_known_key(key) && !reader->ignore_unknown)
        draft_lacks_all(draft);
    if (entry->value->kind == NODE_LIST || entry->value->kind == NODE_EMPTY)
        return;
    draft->lacks_entities |= strcmp(key, "entities") == 0;
    draft->lacks_sources |= strcmp(key, "sources") == 0;
    draft->lacks_views |= strcmp(key, "feature_views") == 0;
}

void draft_read(struct draft *draft, const struct node *root, struct reader *reader)
{
    if (!root)
        return;
    if (root->kind != NODE_MAP)
        draft_lacks_all(draft);
    for (size_t i = 0; root->kind == NODE_MAP && i < root->count; i++)
        note_what_is_lacking(draft, &root->entries[i], reader);
    members_read(reader, root, "a file of definitions", document_members,
                 COUNT_OF(document_members), draft);
}

void draft_set_project(struct draft *draft, struct written project, struct reader *reader)
{
    if (!project.text)
        return;
    if (!draft->project.text)
        draft->project = project;
    else if (strcmp(draft->project.text, project.text) != 0)
        problems_add(reader->problems, project.place,
                     "the project is \"%s\" here but \"%s\" in %s: they must agree", project.text,
                     draft->project.text, place_text(draft->project.place, reader->arena));
}
