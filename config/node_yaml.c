/*
 * node_yaml.c - see node.h: libyaml's events into a tree.
 *
 * Events and not libyaml's documents, because those expand nothing, check no duplicate keys, and
 * would build a hostile text whole before anybody could count it.
 */
#include "base/value.h"
#include "config/name_set.h"
#include "config/node.h"
#include "config/wording.h"
#include "config/yaml_mistake.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

enum { ANCHORS_MAX = 1000, FEW_KEYS = 8 };

/* A list or mapping whose end was not read yet. */
struct open_node {
    struct node *node;
    const struct node **items; /* keys and values in turn, of a mapping */
    size_t count, capacity;
};

struct anchor {
    const char *name;
    struct node *node;
};

struct tree {
    const char *file;
    struct arena *arena;
    struct problems *problems;
    struct open_node open[NODE_DEPTH_MAX];
    size_t depth;
    struct anchor anchors[ANCHORS_MAX]; /* sorted by name */
    size_t anchor_count;
    struct node *root;
    struct place at; /* of the event that is taken */
    bool stop;       /* reading on would tell nothing true */
};

static struct place place_of(const struct tree *tree, yaml_mark_t mark)
{
    return (struct place){tree->file, (uint32_t)mark.line + 1, (uint32_t)mark.column + 1};
}

static struct node *make_node(struct tree *tree, enum node_kind kind, yaml_mark_t mark)
{
    struct node *node = arena_zero(tree->arena, sizeof *node);
    node->kind = kind;
    node->size = 1;
    node->place = place_of(tree, mark);
    node->text = node->written = "";
    return node;
}

/* Anchors */

/* Where the anchor is, or belongs. */
static size_t anchor_position(const struct tree *tree, const char *name)
{
    size_t from = 0, to = tree->anchor_count;
    while (from < to) {
        size_t middle = from + (to - from) / 2;
        if (strcmp(tree->anchors[middle].name, name) < 0)
            from = middle + 1;
        else
            to = middle;
    }
    return from;
}

static struct anchor *find_anchor(struct tree *tree, const char *name)
{
    size_t i = anchor_position(tree, name);
    bool found = i < tree->anchor_count && strcmp(tree->anchors[i].name, name) == 0;
    return found ? &tree->anchors[i] : NULL;
}

static void set_anchor(struct tree *tree, const char *name, struct node *node)
{
    struct anchor *known = find_anchor(tree, name);
    if (known) { /* YAML lets a later anchor take the name over */
        known->node = node;
        return;
    }
    if (tree->anchor_count == ANCHORS_MAX) {
        problems_add(tree->problems, node->place, "more than %d anchors in one file", ANCHORS_MAX);
        tree->stop = true;
        return;
    }
    size_t i = anchor_position(tree, name);
    memmove(&tree->anchors[i + 1], &tree->anchors[i],
            (tree->anchor_count - i) * sizeof *tree->anchors);
    tree->anchors[i] = (struct anchor){arena_text(tree->arena, name), node};
    tree->anchor_count++;
}

static struct node *resolve_alias(struct tree *tree, const char *name, yaml_mark_t mark)
{
    struct place place = place_of(tree, mark);
    struct anchor *anchor = find_anchor(tree, name);
    if (anchor && !anchor->node->open)
        return anchor->node;
    if (anchor) {
        problems_add(tree->problems, place,
                     "the anchor %s contains itself: YAML in a circle has no end",
                     quoted(tree->arena, name));
    } else {
        size_t count;
        const char *const *names =
            names_of(tree->arena, tree->anchors, tree->anchor_count, sizeof *tree->anchors,
                     offsetof(struct anchor, name), &count);
        problems_add(tree->problems, place, "no anchor is called %s%s", quoted(tree->arena, name),
                     did_you_mean(tree->arena, name, names, count));
    }
    return make_node(tree, NODE_BROKEN, mark);
}

/* Building */

static bool is_key_position(const struct open_node *open)
{
    return open->node->kind == NODE_MAP && open->count % 2 == 0;
}

static const struct node *usable_key(struct tree *tree, struct node *node)
{
    if (node->kind != NODE_LIST && node->kind != NODE_MAP)
        return node;
    problems_add(tree->problems, node->place, "a key must be a text, not %s", node_kind_name(node));
    struct node *broken = arena_zero(tree->arena, sizeof *broken);
    *broken = (struct node){.kind = NODE_BROKEN, .size = 1, .place = node->place, .text = ""};
    return broken;
}

static void stop_at_depth(struct tree *tree)
{
    problems_add(tree->problems, tree->at, "nested more than %d levels deep", NODE_DEPTH_MAX);
    tree->stop = true;
}

/* A node is whole: hand it to the list or mapping around it. */
static void deliver(struct tree *tree, struct node *node)
{
    if (tree->depth == 0) {
        tree->root = node;
        return;
    }
    if (tree->depth + node->height > NODE_DEPTH_MAX) { /* an alias at the bottom of another */
        stop_at_depth(tree);
        return;
    }
    struct open_node *around = &tree->open[tree->depth - 1];
    if (node->size > NODES_MAX - around->node->size) {
        problems_add(tree->problems, tree->at,
                     "this file expands to more than %d values: use fewer aliases, or more files",
                     NODES_MAX);
        tree->stop = true;
        return;
    }
    around->node->size += node->size;
    if (around->node->height <= node->height)
        around->node->height = node->height + 1;
    around->items = arena_grow(tree->arena, around->items, around->count, &around->capacity,
                               around->count + 1, sizeof(struct node *));
    const struct node *item = is_key_position(around) ? usable_key(tree, node) : node;
    around->items[around->count++] = item;
}

static void open_node(struct tree *tree, struct node *node)
{
    if (tree->depth == NODE_DEPTH_MAX) {
        stop_at_depth(tree);
        return;
    }
    node->open = true;
    node->height = 1;
    tree->open[tree->depth++] = (struct open_node){.node = node};
}

static bool same_key(const struct node_entry *a, const struct node_entry *b)
{
    return strcmp(a->key->text, b->key->text) == 0;
}

static void tell_duplicate(struct tree *tree, const struct node *key, const struct node *first)
{
    problems_add(tree->problems, key->place, "the key %s stands here twice: it was on line %llu",
                 quoted(tree->arena, key->text), (unsigned long long)first->place.line);
}

/* Keeps the first of two equal keys, and drops keys that were no text. */
static size_t drop_duplicates(struct tree *tree, struct node_entry *entries, size_t count)
{
    struct name_set seen;
    if (count > FEW_KEYS)
        name_set_init(&seen, tree->arena, count);
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        if (entries[i].key->kind == NODE_BROKEN)
            continue;
        size_t first = kept;
        if (count > FEW_KEYS)
            name_set_add(&seen, entries[i].key->text, &first);
        else
            for (first = 0; first < kept && !same_key(&entries[first], &entries[i]); first++)
                ;
        if (first < kept)
            tell_duplicate(tree, entries[i].key, entries[first].key);
        else
            entries[kept++] = entries[i];
    }
    return kept;
}

static void close_node(struct tree *tree)
{
    struct open_node *open = &tree->open[--tree->depth];
    struct node *node = open->node;
    node->open = false;
    if (node->kind == NODE_MAP) {
        size_t count = open->count / 2;
        struct node_entry *entries = arena_array(tree->arena, count, sizeof *entries);
        for (size_t i = 0; i < count; i++)
            entries[i] = (struct node_entry){open->items[2 * i], open->items[2 * i + 1]};
        node->count = drop_duplicates(tree, entries, count);
        node->entries = entries;
    } else {
        node->items = open->items;
        node->count = open->count;
    }
    deliver(tree, node);
}

static bool means_nothing(const char *text)
{
    static const char *const nothings[] = {"", "~", "null", "Null", "NULL"};
    for (size_t i = 0; i < COUNT_OF(nothings); i++)
        if (strcmp(text, nothings[i]) == 0)
            return true;
    return false;
}

static struct node *make_scalar(struct tree *tree, const yaml_event_t *event)
{
    struct bytes text = {event->data.scalar.value, event->data.scalar.length};
    struct node *node = make_node(tree, NODE_TEXT, event->start_mark);
    if (!text_is_valid(text)) { /* an escape can write what the file itself may not hold */
        problems_add(tree->problems, node->place, "a text may not hold the NUL character");
        node->kind = NODE_BROKEN;
        return node;
    }
    node->text = node->written = arena_text_of(tree->arena, text);
    node->plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
    if (node->plain && means_nothing(node->text))
        node->kind = NODE_EMPTY;
    return node;
}

static void refuse_tag(struct tree *tree, const yaml_char_t *tag, struct node *node)
{
    if (!tag)
        return;
    problems_add(tree->problems, node->place, "YAML tags are not read here: leave %s out",
                 quoted(tree->arena, (const char *)tag));
}

static void begin_collection(struct tree *tree, enum node_kind kind, const yaml_event_t *event,
                             const yaml_char_t *anchor, const yaml_char_t *tag)
{
    struct node *node = make_node(tree, kind, event->start_mark);
    refuse_tag(tree, tag, node);
    if (anchor)
        set_anchor(tree, (const char *)anchor, node);
    open_node(tree, node);
}

static void add_scalar(struct tree *tree, const yaml_event_t *event)
{
    struct node *node = make_scalar(tree, event);
    refuse_tag(tree, event->data.scalar.tag, node);
    if (event->data.scalar.anchor)
        set_anchor(tree, (const char *)event->data.scalar.anchor, node);
    deliver(tree, node);
}

static void begin_document(struct tree *tree, const yaml_event_t *event)
{
    if (!tree->root)
        return;
    problems_add(tree->problems, place_of(tree, event->start_mark),
                 "a second YAML document begins here: keep one in a file");
    tree->stop = true;
}

static void take_event(struct tree *tree, const yaml_event_t *event)
{
    switch (event->type) {
    case YAML_DOCUMENT_START_EVENT:
        begin_document(tree, event);
        break;
    case YAML_ALIAS_EVENT:
        deliver(tree,
                resolve_alias(tree, (const char *)event->data.alias.anchor, event->start_mark));
        break;
    case YAML_SCALAR_EVENT:
        add_scalar(tree, event);
        break;
    case YAML_SEQUENCE_START_EVENT:
        begin_collection(tree, NODE_LIST, event, event->data.sequence_start.anchor,
                         event->data.sequence_start.tag);
        break;
    case YAML_MAPPING_START_EVENT:
        begin_collection(tree, NODE_MAP, event, event->data.mapping_start.anchor,
                         event->data.mapping_start.tag);
        break;
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
        close_node(tree);
        break;
    default:
        break;
    }
}

static void read_events(struct tree *tree, struct bytes yaml)
{
    yaml_parser_t parser;
    if (!yaml_parser_initialize(&parser))
        out_of_memory();
    yaml_parser_set_input_string(&parser, yaml.data, yaml.size);
    yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
    bool ended = false;
    while (!ended && !tree->stop) {
        yaml_event_t event;
        if (!yaml_parser_parse(&parser, &event)) {
            yaml_mistake_tell(&parser, tree->file, yaml, tree->problems);
            tree->stop = true;
            break;
        }
        tree->at = place_of(tree, event.start_mark);
        take_event(tree, &event);
        ended = event.type == YAML_STREAM_END_EVENT;
        yaml_event_delete(&event);
    }
    yaml_parser_delete(&parser);
}

bool node_read_yaml(const char *file, struct bytes yaml, struct arena *arena,
                    struct problems *problems, const struct node **root)
{
    *root = NULL;
    file = arena_text(arena, file);
    if (!yaml_text_is_readable(file, &yaml, problems))
        return false;
    struct tree *tree = calloc(1, sizeof *tree); /* too large for small stacks */
    if (!tree)
        out_of_memory();
    tree->file = file;
    tree->arena = arena;
    tree->problems = problems;
    read_events(tree, yaml);
    bool whole = !tree->stop;
    if (whole && tree->root && tree->root->kind != NODE_EMPTY)
        *root = tree->root;
    free(tree);
    return whole;
}

const char *node_kind_name(const struct node *node)
{
    switch (node->kind) {
    case NODE_TEXT:
        return "a text";
    case NODE_LIST:
        return "a list";
    case NODE_MAP:
        return "a mapping";
    case NODE_EMPTY:
    case NODE_BROKEN:
        break;
    }
    return "nothing";
}
