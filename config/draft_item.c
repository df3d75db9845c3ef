/*
 * draft_item.c - the items of a feature service, which come in three shapes:
 *
 *     - airport_weather                                        all features of a view
 *     - airport_weather: [wind]                                some of them
 *     - {view: airport_weather, features: [wind], as: dest_weather, keys: {origin: dest}}
 */
#include "config/draft.h"
#include "config/wording.h"

#include <string.h>

static const char *const shapes =
    "write \"- view\", \"- view: [feature, ...]\" or \"- {view: ..., features: [...], as: ..., "
    "keys: {...}}\"";

static void read_feature_names(struct reader *reader, const struct node *value, void *into)
{
    struct draft_item *item = into;
    item->all_features = false;
    if (!is_list(reader, value, "features' names"))
        return;
    item->features.items = arena_array(reader->arena, value->count, sizeof(struct written));
    for (size_t i = 0; i < value->count; i++) {
        struct written name = name_of(reader, value->items[i]);
        if (name.text)
            item->features.items[item->features.count++] = name;
    }
}

static void read_key_mappings(struct reader *reader, const struct node *value, void *into)
{
    struct draft_mappings *keys = into;
    if (value->kind != NODE_MAP) {
        tell_kind(reader, value, "a mapping such as {join_key: asking_column}");
        return;
    }
    keys->items = arena_array(reader->arena, value->count, sizeof *keys->items);
    for (size_t i = 0; i < value->count; i++) {
        const struct node_entry *entry = &value->entries[i];
        struct draft_mapping mapping = {name_of_key(reader, entry->key),
                                        name_of(reader, entry->value)};
        if (mapping.from.text && strcmp(mapping.from.text, "event_timestamp") == 0)
            problems_add(reader->problems, mapping.from.place,
                         "\"event_timestamp\" holds the time of the asking rows and cannot stand "
                         "for a join key");
        if (mapping.join_key.text && mapping.from.text)
            keys->items[keys->count++] = mapping;
    }
}

static void read_long_form(struct reader *reader, const struct node *node, struct draft_item *item)
{
    static const struct member members[] = {
        {"view", true, read_name, offsetof(struct draft_item, view), NULL},
        {"features", false, read_feature_names, 0, NULL},
        {"as", false, read_name, offsetof(struct draft_item, alias), NULL},
        {"keys", false, read_key_mappings, offsetof(struct draft_item, keys), NULL},
    };
    members_read(reader, node, "an item of a feature service", members, COUNT_OF(members), item);
}

/* A view's name and the list of some of its features. */
static bool is_short_form(const struct node *node)
{
    return node->kind == NODE_MAP && node->count == 1 && node->entries[0].value->kind == NODE_LIST;
}

/* As --features has it: view:feature. */
static bool is_reference(struct reader *reader, const struct node *node)
{
    const char *colon = strpbrk(node->text, ":.");
    if (!colon || !name_is_valid(colon + 1))
        return false;
    struct bytes view = {node->text, (size_t)(colon - node->text)};
    const char *name = arena_text_of(reader->arena, view);
    if (!name_is_valid(name))
        return false;
    problems_add(reader->problems, node->place,
                 "%s is no item of a feature service: write \"- %s: [%s]\"",
                 quoted_value(reader, node), name, colon + 1);
    return true;
}

static void read_item(struct reader *reader, const struct node *node, struct draft_item *item)
{
    *item = (struct draft_item){.place = node->place, .all_features = true};
    if (node->kind == NODE_BROKEN)
        return;
    if (node->kind == NODE_TEXT) {
        if (!is_reference(reader, node))
            item->view = name_of(reader, node);
    } else if (is_short_form(node)) {
        item->view = name_of_key(reader, node->entries[0].key);
        read_feature_names(reader, node->entries[0].value, item);
    } else if (node->kind == NODE_MAP && (node->count > 1 || member_find(node, "view"))) {
        read_long_form(reader, node, item);
    } else {
        problems_add(reader->problems, node->place, "this is no item of a feature service: %s",
                     shapes);
    }
}

void read_service_items(struct reader *reader, const struct node *value, void *into)
{
    struct draft_items *items = into;
    if (!is_list(reader, value, "feature views"))
        return;
    items->items = arena_array(reader->arena, value->count, sizeof *items->items);
    for (size_t i = 0; i < value->count; i++)
        read_item(reader, value->items[i], &items->items[items->count++]);
}
