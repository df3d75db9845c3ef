/*
 * catalog_json.c - the text form of a catalog (catalog.h).
 *
 *     {"format": 1, "identity": "00c0ffee00c0ffee", "version": 7, "project_id": 1,
 *      "definitions": {...},                                     as config/definitions_json.h has
 * it "key_sets": ["airport:string", ...],                      key-set id less one is the index
 *      "last_view_id": 3,
 *      "views": [{"name": "weather", "id": 3, "generation": 1, "key_set": 1,
 *                 "schemas": [{"number": 1, "columns": [["wind", "float64"], ...]}, ...]}, ...]}
 *
 * Written with sorted members, no spaces and nothing but ASCII: equal catalogs make equal bytes, in
 * a database of any encoding. It is read back as hostile: the online store hands it out, too. Every
 * member that stands above must be there and agree with the others; members of other names are left
 * to newer programs, which change the format's number where an old one could go wrong.
 */
#include "store/registry/catalog.h"

#include "config/definitions_copy.h"
#include "config/definitions_json.h"
#include "config/members.h"
#include "config/name_set.h"
#include "config/node_json.h"
#include "store/registry/key_set.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>

enum { FORMAT = 1, IDENTITY_DIGITS = 16 };

/* jansson fails only without memory, or on texts that definitions never hold. */
static json_t *made(json_t *json)
{
    if (!json)
        out_of_memory();
    return json;
}

static void set(json_t *object, const char *name, json_t *value)
{
    if (json_object_set_new(object, name, made(value)) != 0)
        out_of_memory();
}

static void append(json_t *array, json_t *value)
{
    if (json_array_append_new(array, made(value)) != 0)
        out_of_memory();
}

static json_t *schema_to_json(const struct view_schema *schema)
{
    json_t *columns = made(json_array());
    for (size_t i = 0; i < schema->column_count; i++) {
        json_t *column = made(json_array());
        append(column, json_string(schema->names[i]));
        append(column, json_string(type_name(schema->layout.types[i])));
        append(columns, column);
    }
    json_t *json = made(json_object());
    set(json, "number", json_integer(schema->number));
    set(json, "columns", columns);
    return json;
}

static json_t *view_to_json(const struct catalog_view *view)
{
    json_t *schemas = made(json_array());
    for (size_t i = 0; i < view->schema_count; i++)
        append(schemas, schema_to_json(&view->schemas[i]));
    json_t *json = made(json_object());
    set(json, "name", json_string(view->view->about.name));
    set(json, "id", json_integer(view->id));
    set(json, "generation", json_integer(view->generation));
    set(json, "key_set", json_integer(view->key_set_id));
    set(json, "schemas", schemas);
    return json;
}

static json_t *catalog_to_json(const struct catalog *catalog)
{
    json_t *views = made(json_array());
    for (size_t i = 0; i < catalog->definitions.view_count; i++)
        append(views, view_to_json(&catalog->views[i]));
    json_t *key_sets = made(json_array());
    for (size_t i = 0; i < catalog->key_set_count; i++)
        append(key_sets, json_string(catalog->key_sets[i]));
    char identity[IDENTITY_DIGITS + 1];
    snprintf(identity, sizeof identity, "%016" PRIx64, catalog->identity);
    json_t *json = made(json_object());
    set(json, "format", json_integer(FORMAT));
    set(json, "identity", json_string(identity));
    set(json, "version", json_integer((json_int_t)catalog->version));
    set(json, "project_id", json_integer(catalog->project_id));
    set(json, "definitions", definitions_to_json(&catalog->definitions));
    set(json, "key_sets", key_sets);
    set(json, "last_view_id", json_integer(catalog->last_view_id));
    set(json, "views", views);
    return json;
}

struct bytes catalog_encode(const struct catalog *catalog, struct arena *arena)
{
    json_t *json = catalog_to_json(catalog);
    char *text = json_dumps(json, JSON_COMPACT | JSON_SORT_KEYS | JSON_ENSURE_ASCII);
    json_decref(json);
    if (!text)
        out_of_memory();
    struct bytes bytes = arena_bytes(arena, bytes_of_text(text));
    free(text);
    return bytes;
}

/* What decoding works on. The first thing that is wrong is told, and the rest is not read. */
struct decoder {
    struct arena *arena;  /* what is kept */
    struct arena scratch; /* what goes at the end, several times as much */
    struct arena sets;    /* names of one schema: reset for the next */
    struct error *err;
    struct catalog *catalog;
    const char *view; /* the one being read, for messages; "" outside */
};

static enum status corrupt(struct decoder *d, const char *what)
{
    return fail(d->err, STATUS_CORRUPT, "the applied definitions cannot be read: %s%s%s", what,
                *d->view ? " in feature view " : "", d->view);
}

/* NULL where it is none. */
static const char *text_of(const struct node *node)
{
    return node && node->kind == NODE_TEXT && !node->plain ? node->text : NULL;
}

static bool is_integer(const struct node *node, uint64_t *number)
{
    static const char digits[] = "0123456789";
    if (!node || node->kind != NODE_TEXT || !node->plain || !*node->text ||
        node->text[strspn(node->text, digits)])
        return false;
    errno = 0;
    *number = strtoull(node->text, NULL, 10);
    return errno == 0;
}

static enum status number_of(struct decoder *d, const struct node *object, const char *name,
                             uint64_t min, uint64_t max, uint64_t *number)
{
    if (!is_integer(member_find(object, name), number) || *number < min || *number > max)
        return corrupt(d, arena_printf(&d->scratch, "%s is missing or out of range", name));
    return STATUS_OK;
}

static enum status object_of(struct decoder *d, const struct node *node)
{
    return node->kind == NODE_MAP ? STATUS_OK : corrupt(d, "an object is none");
}

static enum status list_of(struct decoder *d, const struct node *object, const char *name,
                           const struct node **list)
{
    *list = member_find(object, name);
    return *list && (*list)->kind == NODE_LIST
               ? STATUS_OK
               : corrupt(d, arena_printf(&d->scratch, "%s is missing or no list", name));
}

static enum status decode_identity(struct decoder *d, const struct node *root)
{
    const char *text = text_of(member_find(root, "identity"));
    if (!text || strlen(text) != IDENTITY_DIGITS ||
        strspn(text, "0123456789abcdef") != IDENTITY_DIGITS)
        return corrupt(d, "identity is not 16 hexadecimal digits");
    d->catalog->identity = strtoull(text, NULL, 16);
    return d->catalog->identity ? STATUS_OK : corrupt(d, "identity is 0");
}

static enum status decode_head(struct decoder *d, const struct node *root)
{
    uint64_t format, project_id, last_view_id;
    enum status status = number_of(d, root, "format", 1, INT64_MAX, &format);
    if (status)
        return status;
    if (format != FORMAT)
        return corrupt(d, "a newer larder applied them; use that one here, too");
    status = decode_identity(d, root);
    if (!status)
        status = number_of(d, root, "version", 1, INT64_MAX, &d->catalog->version);
    if (!status)
        status = number_of(d, root, "project_id", 1, UINT32_MAX, &project_id);
    if (!status)
        status = number_of(d, root, "last_view_id", 0, UINT32_MAX, &last_view_id);
    if (status)
        return status;
    d->catalog->project_id = (uint32_t)project_id;
    d->catalog->last_view_id = (uint32_t)last_view_id;
    return STATUS_OK;
}

static enum status decode_key_sets(struct decoder *d, const struct node *root)
{
    const struct node *list;
    enum status status = list_of(d, root, "key_sets", &list);
    if (status)
        return status;
    size_t count = list->count;
    const char **texts = arena_array(d->arena, count, sizeof *texts);
    struct name_set seen;
    name_set_init(&seen, &d->scratch, count);
    for (size_t i = 0; i < count; i++) {
        texts[i] = arena_text(d->arena, text_of(list->items[i]));
        if (!texts[i] || !*texts[i])
            return corrupt(d, "a key set is no text");
        if (!name_set_add(&seen, texts[i], &(size_t){i}))
            return corrupt(d, "a key set stands twice");
    }
    d->catalog->key_sets = texts;
    d->catalog->key_set_count = (uint32_t)count;
    return STATUS_OK;
}

static enum status decode_column(struct decoder *d, const struct node *pair, const char **name,
                                 value_type *type)
{
    bool is_pair = pair->kind == NODE_LIST && pair->count == 2;
    const char *name_text = is_pair ? text_of(pair->items[0]) : NULL;
    const char *type_text = is_pair ? text_of(pair->items[1]) : NULL;
    *type = type_text ? type_parse(bytes_of_text(type_text)) : 0;
    if (!name_text || !name_is_valid(name_text) || !*type)
        return corrupt(d, "a column is not a name and a type");
    *name = arena_text(d->arena, name_text);
    return STATUS_OK;
}

static enum status decode_schema(struct decoder *d, const struct node *object,
                                 uint16_t number_before, struct view_schema *schema)
{
    uint64_t number;
    const struct node *columns;
    enum status status = object_of(d, object);
    if (!status)
        status = number_of(d, object, "number", (uint64_t)number_before + 1, UINT16_MAX, &number);
    if (!status)
        status = list_of(d, object, "columns", &columns);
    if (status)
        return status;
    size_t count = columns->count;
    if (count == 0 || count > ROW_COLUMNS_MAX)
        return corrupt(d, "a schema has no column, or too many");
    const char **names = arena_array(d->arena, count, sizeof *names);
    value_type *types = arena_array(d->arena, count, sizeof *types);
    struct name_set seen;
    arena_reset(&d->sets);
    name_set_init(&seen, &d->sets, count);
    for (size_t i = 0; i < count; i++) {
        status = decode_column(d, columns->items[i], &names[i], &types[i]);
        if (status)
            return status;
        if (!name_set_add(&seen, names[i], &(size_t){i}))
            return corrupt(d, "a column stands twice in a schema");
    }
    *schema =
        (struct view_schema){.number = (uint16_t)number, .column_count = count, .names = names};
    row_layout_init(&schema->layout, types, count, d->arena);
    return STATUS_OK;
}

static enum status decode_schemas(struct decoder *d, const struct node *object,
                                  struct catalog_view *view)
{
    const struct node *list;
    enum status status = list_of(d, object, "schemas", &list);
    if (status)
        return status;
    size_t count = list->count;
    if (count == 0 || count > UINT16_MAX)
        return corrupt(d, "there is no schema, or too many");
    struct view_schema *schemas = arena_array(d->arena, count, sizeof *schemas);
    uint16_t number = 0;
    for (size_t i = 0; i < count; i++) {
        status = decode_schema(d, list->items[i], number, &schemas[i]);
        if (status)
            return status;
        number = schemas[i].number;
    }
    view->schemas = schemas;
    view->schema_count = count;
    if (!view_schema_fits(&schemas[count - 1], view->view))
        return corrupt(d, "the newest schema is not the list of features");
    return STATUS_OK;
}

static enum status decode_view(struct decoder *d, const struct node *object,
                               struct catalog_view *view)
{
    const struct catalog *catalog = d->catalog;
    uint64_t id, generation, key_set;
    enum status status = object_of(d, object);
    if (status)
        return status;
    const char *name = text_of(member_find(object, "name"));
    if (!name || strcmp(name, view->view->about.name) != 0)
        return corrupt(d, "the numbers are of another view");
    status = number_of(d, object, "id", 1, catalog->last_view_id, &id);
    if (!status)
        status = number_of(d, object, "generation", 1, UINT32_MAX, &generation);
    if (!status)
        status = number_of(d, object, "key_set", 1, catalog->key_set_count, &key_set);
    if (status)
        return status;
    view->id = (uint32_t)id;
    view->generation = (uint32_t)generation;
    view->key_set_id = (uint32_t)key_set;
    if (strcmp(catalog->key_sets[key_set - 1], key_set_text(view->view, &d->scratch)) != 0)
        return corrupt(d, "the key set has other keys");
    return decode_schemas(d, object, view);
}

static enum status check_ids_differ(struct decoder *d)
{
    size_t count = d->catalog->definitions.view_count;
    const struct catalog_view **by_id = catalog_sort_by_id(d->catalog, &d->scratch);
    for (size_t i = 1; i < count; i++)
        if (by_id[i]->id == by_id[i - 1]->id)
            return corrupt(d, "two feature views have the same id");
    return STATUS_OK;
}

static enum status decode_views(struct decoder *d, const struct node *root)
{
    const struct definitions *definitions = &d->catalog->definitions;
    const struct node *list;
    enum status status = list_of(d, root, "views", &list);
    if (status)
        return status;
    size_t count = list->count;
    if (count != definitions->view_count)
        return corrupt(d, "views and definitions differ in number");
    d->catalog->views = arena_array(d->arena, count, sizeof *d->catalog->views);
    for (size_t i = 0; i < count; i++) {
        d->view = definitions->views[i].about.name;
        d->catalog->views[i].view = &definitions->views[i];
        status = decode_view(d, list->items[i], &d->catalog->views[i]);
        if (status)
            return status;
    }
    d->view = "";
    return check_ids_differ(d);
}

static enum status decode_definitions(struct decoder *d, const struct node *root)
{
    struct definitions found;
    const struct node *object = member_find(root, "definitions");
    if (!object || object->kind != NODE_MAP)
        return corrupt(d, "definitions are missing");
    enum status status = definitions_from_node(object, &d->scratch, &found, d->err);
    if (!status)
        d->catalog->definitions = definitions_copy(&found, d->arena);
    return status;
}

static enum status decode(struct decoder *d, const struct node *root)
{
    if (!root)
        return corrupt(d, "the text is not JSON");
    enum status status = object_of(d, root);
    if (!status)
        status = decode_head(d, root);
    if (!status)
        status = decode_definitions(d, root);
    if (!status)
        status = decode_key_sets(d, root);
    if (!status)
        status = decode_views(d, root);
    return status;
}

enum status catalog_decode(struct bytes text, struct arena *arena, struct catalog *catalog,
                           struct error *err)
{
    *catalog = (struct catalog){0};
    struct decoder d = {.arena = arena, .err = err, .catalog = catalog, .view = ""};
    arena_init(&d.scratch, 0);
    arena_init(&d.sets, 0);
    enum status status = decode(&d, node_read_json(text, &d.scratch));
    arena_release(&d.scratch);
    arena_release(&d.sets);
    return status;
}
