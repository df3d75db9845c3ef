/* members.c - see members.h. */
#include "config/members.h"

#include "base/buffer.h"
#include "base/timestamp.h"
#include "config/wording.h"

#include <stdlib.h>
#include <string.h>

const char *quoted_value(struct reader *reader, const struct node *value)
{
    const char *text = value->written;
    bool is_url = strstr(text, "://") || strpbrk(text, "@=");
    if (reader->hide_urls && is_url)
        return "\"***\"";
    const char *words = quoted(reader->arena, text);
    return value->text == text
               ? words
               : arena_printf(reader->arena, "%s (as the environment fills it)", words);
}

static const struct member *find_rule(const struct member *members, size_t count, const char *key)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(members[i].key, key) == 0)
            return &members[i];
    return NULL;
}

/* "name, source and features" */
static const char *list_keys(struct arena *arena, const char *const *keys, size_t count)
{
    const char *text = count > 0 ? keys[0] : "nothing";
    for (size_t i = 1; i < count; i++)
        text = arena_printf(arena, "%s%s%s", text, i + 1 < count ? ", " : " and ", keys[i]);
    return text;
}

static void tell_unknown(struct reader *reader, const struct node *key, const char *what,
                         const struct member *members, size_t count)
{
    if (problems_full(reader->problems))
        return;
    if (key->plain && strcmp(key->text, "<<") == 0) {
        problems_add(reader->problems, key->place,
                     "merge keys (<<) are not read here: give each value an anchor instead");
        return;
    }
    const char **known = arena_array(reader->arena, count, sizeof *known);
    size_t known_count = 0;
    for (size_t i = 0; i < count; i++)
        if (!members[i].advice)
            known[known_count++] = members[i].key;
    const char *nearest = did_you_mean(reader->arena, key->text, known, known_count);
    if (!*nearest)
        nearest = arena_printf(reader->arena, ": it may hold %s",
                               list_keys(reader->arena, known, known_count));
    problems_add(reader->problems, key->place, "unknown key %s in %s%s", quoted_value(reader, key),
                 what, nearest);
}

static void read_entry(struct reader *reader, const struct node_entry *entry, const char *what,
                       const struct member *members, size_t count, void *object)
{
    const struct member *rule = find_rule(members, count, entry->key->text);
    if (!rule) {
        if (!reader->ignore_unknown)
            tell_unknown(reader, entry->key, what, members, count);
        return;
    }
    if (rule->advice) {
        problems_add(reader->problems, entry->key->place, "\"%s\" does not belong here: %s",
                     rule->key, rule->advice);
        return;
    }
    const char *outer = reader->key;
    reader->key = rule->key;
    if (entry->value->kind != NODE_BROKEN)
        rule->read(reader, entry->value, (char *)object + rule->offset);
    reader->key = outer;
}

const struct node *member_find(const struct node *map, const char *key)
{
    for (size_t i = 0; i < map->count; i++)
        if (strcmp(map->entries[i].key->text, key) == 0)
            return map->entries[i].value;
    return NULL;
}

bool members_read(struct reader *reader, const struct node *node, const char *what,
                  const struct member *members, size_t count, void *object)
{
    if (node->kind == NODE_BROKEN)
        return false;
    if (node->kind != NODE_MAP) {
        problems_add(reader->problems, node->place, "%s must be a mapping, not %s", what,
                     node_kind_name(node));
        return false;
    }
    for (size_t i = 0; i < node->count; i++)
        read_entry(reader, &node->entries[i], what, members, count, object);
    for (size_t i = 0; i < count; i++)
        if (members[i].required && !member_find(node, members[i].key))
            problems_add(reader->problems, node->place, "%s needs \"%s\"", what, members[i].key);
    return true;
}

/* Values */

void tell_kind(struct reader *reader, const struct node *value, const char *expected)
{
    if (value->kind == NODE_BROKEN || problems_full(reader->problems))
        return;
    const char *found =
        value->kind == NODE_TEXT ? quoted_value(reader, value) : node_kind_name(value);
    problems_add(reader->problems, value->place, "\"%s\" must be %s, not %s", reader->key, expected,
                 found);
}

static bool is_bare_bool(const struct node *value)
{
    return value->plain && (strcmp(value->text, "true") == 0 || strcmp(value->text, "false") == 0);
}

bool is_text(struct reader *reader, const struct node *value, const char *expected)
{
    if (value->kind == NODE_TEXT && !is_bare_bool(value))
        return true;
    if (value->kind == NODE_TEXT)
        problems_add(reader->problems, value->place, "\"%s\" must be %s: put %s in quotes",
                     reader->key, expected, value->text);
    else
        tell_kind(reader, value, expected);
    return false;
}

bool is_list(struct reader *reader, const struct node *value, const char *of)
{
    if (value->kind == NODE_LIST && value->count > 0)
        return true;
    if (value->kind == NODE_LIST)
        problems_add(reader->problems, value->place, "\"%s\" is an empty list: it needs %s",
                     reader->key, of);
    else
        tell_kind(reader, value, arena_printf(reader->arena, "a list of %s", of));
    return false;
}

static bool is_letter(char c)
{
    return c >= 'a' && c <= 'z';
}

bool name_is_valid(const char *text)
{
    size_t length = 0;
    while (is_letter(text[length]) ||
           (length > 0 && ((text[length] >= '0' && text[length] <= '9') || text[length] == '_')))
        length++;
    return length > 0 && length <= NAME_SIZE_MAX && text[length] == '\0';
}

/* The name that the text would be in lower case with "_" for what cannot stand in one. */
static const char *as_name(struct arena *arena, const char *text)
{
    char *name = arena_text(arena, text);
    for (char *c = name; *c; c++)
        if (*c >= 'A' && *c <= 'Z')
            *c = (char)(*c - 'A' + 'a');
        else if (*c == '-' || *c == ' ' || *c == '.')
            *c = '_';
    return name_is_valid(name) ? name : NULL;
}

static void tell_name(struct reader *reader, const struct node *value)
{
    if (strlen(value->text) > NAME_SIZE_MAX) {
        problems_add(reader->problems, value->place, "%s is no name: it is longer than %d",
                     quoted_value(reader, value), NAME_SIZE_MAX);
        return;
    }
    const char *nearest = as_name(reader->arena, value->text);
    problems_add(reader->problems, value->place,
                 "%s is no name: use a-z, 0-9 and _, beginning with a letter%s",
                 quoted_value(reader, value),
                 nearest && value->text == value->written
                     ? arena_printf(reader->arena, ": did you mean \"%s\"?", nearest)
                     : "");
}

struct written name_of(struct reader *reader, const struct node *value)
{
    struct written nothing = {NULL, value->place};
    if (value->kind == NODE_BROKEN || !is_text(reader, value, "a name"))
        return nothing;
    if (!name_is_valid(value->text)) {
        tell_name(reader, value);
        return nothing;
    }
    return (struct written){value->text, value->place};
}

struct written name_of_key(struct reader *reader, const struct node *key)
{
    struct node text = *key;
    text.kind = NODE_TEXT;
    text.plain = false;
    return name_of(reader, &text);
}

void read_text(struct reader *reader, const struct node *value, void *into)
{
    if (is_text(reader, value, "a text"))
        *(const char **)into = value->text;
}

void read_column(struct reader *reader, const struct node *value, void *into)
{
    if (!is_text(reader, value, "a column's name"))
        return;
    size_t length = strlen(value->text);
    if (length == 0 || length > NAME_SIZE_MAX)
        problems_add(reader->problems, value->place,
                     "\"%s\" must be a column's name, of 1 to %d bytes", reader->key,
                     NAME_SIZE_MAX);
    else
        *(const char **)into = value->text;
}

void read_name(struct reader *reader, const struct node *value, void *into)
{
    *(struct written *)into = name_of(reader, value);
}

void read_bool(struct reader *reader, const struct node *value, void *into)
{
    if (value->kind == NODE_TEXT && is_bare_bool(value))
        *(bool *)into = strcmp(value->text, "true") == 0;
    else
        tell_kind(reader, value, "true or false");
}

void read_duration(struct reader *reader, const struct node *value, void *into)
{
    int64_t us;
    if (value->kind == NODE_TEXT && duration_parse(bytes_of_text(value->text), &us))
        *(int64_t *)into = us;
    else
        tell_kind(reader, value, "a time such as 90s, 15m, 6h, 7d, 2w or 0");
}

/* What other systems call our types. */
static const char *our_name_of_type(const char *text)
{
    static const char *const pairs[][2] = {
        {"float", "float64"},      {"double", "float64"},        {"real", "float32"},
        {"numeric", "float64"},    {"decimal", "float64"},       {"int", "int64"},
        {"integer", "int32"},      {"bigint", "int64"},          {"smallint", "int32"},
        {"long", "int64"},         {"text", "string"},           {"str", "string"},
        {"varchar", "string"},     {"uuid", "string"},           {"json", "string"},
        {"boolean", "bool"},       {"bytea", "bytes"},           {"binary", "bytes"},
        {"datetime", "timestamp"}, {"timestamptz", "timestamp"}, {"date", "timestamp"},
    };
    for (size_t i = 0; i < COUNT_OF(pairs); i++)
        if (strcasecmp(text, pairs[i][0]) == 0)
            return pairs[i][1];
    return NULL;
}

void read_type(struct reader *reader, const struct node *value, void *into)
{
    static const char *const kinds[] = {"bool",    "int32",  "int64", "float32",
                                        "float64", "string", "bytes", "timestamp"};
    if (!is_text(reader, value, "a type such as float64 or list<int64>"))
        return;
    value_type type = type_parse(bytes_of_text(value->text));
    if (type) {
        *(value_type *)into = type;
        return;
    }
    if (problems_full(reader->problems))
        return;
    const char *ours = our_name_of_type(value->text);
    const char *nearest = ours ? arena_printf(reader->arena, ": did you mean \"%s\"?", ours)
                               : did_you_mean(reader->arena, value->text, kinds, COUNT_OF(kinds));
    if (!*nearest)
        nearest = arena_printf(reader->arena, ": types are %s, and list<...> of each",
                               list_keys(reader->arena, kinds, COUNT_OF(kinds)));
    problems_add(reader->problems, value->place, "%s is no type%s", quoted_value(reader, value),
                 nearest);
}

static int compare_tags(const void *a, const void *b)
{
    return strcmp(((const struct tag *)a)->name, ((const struct tag *)b)->name);
}

void read_tags(struct reader *reader, const struct node *value, void *into)
{
    if (value->kind != NODE_MAP) {
        tell_kind(reader, value, "a mapping of texts");
        return;
    }
    struct tag *tags = arena_array(reader->arena, value->count, sizeof *tags);
    size_t count = 0;
    for (size_t i = 0; i < value->count; i++) {
        const struct node_entry *entry = &value->entries[i];
        if (entry->value->kind == NODE_TEXT)
            tags[count++] = (struct tag){entry->key->text, entry->value->text};
        else if (entry->value->kind != NODE_BROKEN)
            problems_add(reader->problems, entry->value->place, "the tag %s must be a text, not %s",
                         quoted(reader->arena, entry->key->text), node_kind_name(entry->value));
    }
    if (count > 1)
        qsort(tags, count, sizeof *tags, compare_tags);
    *(struct tag_list *)into = (struct tag_list){tags, count};
}
