/* catalog.c - how one version of a catalog follows another; its text form is in catalog_json.c. */
#include "store/registry/catalog.h"

#include "config/wording.h"
#include "store/registry/key_set.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { SCHEMA_NUMBER_MAX = UINT16_MAX };

/* Two bytes of a key hold any generation up to 15,615 (base/entity_key.h). */
enum { GENERATIONS_FIRST = 15000 };

/* What catalog_next works on: the new catalog with arrays it may still write to. */
struct succession {
    struct arena *arena;
    struct error *err;
    const struct catalog *before; /* NULL for the first */
    struct catalog *next;
    const char **key_sets; /* next->key_sets */
    size_t key_set_capacity;
};

static uint32_t key_set_id(struct succession *s, const struct feature_view *view)
{
    const char *text = key_set_text(view, s->arena);
    uint32_t count = s->next->key_set_count;
    for (uint32_t i = 0; i < count; i++)
        if (strcmp(s->key_sets[i], text) == 0)
            return i + 1;
    s->key_sets = arena_grow(s->arena, (void *)s->key_sets, count, &s->key_set_capacity,
                             (size_t)count + 1, sizeof *s->key_sets);
    s->key_sets[count] = text;
    s->next->key_sets = s->key_sets;
    s->next->key_set_count = count + 1;
    return count + 1;
}

bool view_schema_fits(const struct view_schema *schema, const struct feature_view *view)
{
    if (schema->column_count != view->feature_count)
        return false;
    for (size_t i = 0; i < view->feature_count; i++)
        if (strcmp(schema->names[i], view->features[i].name) != 0 ||
            schema->layout.types[i] != view->features[i].type)
            return false;
    return true;
}

static void schema_of_view(struct view_schema *schema, uint16_t number,
                           const struct feature_view *view, struct arena *arena)
{
    size_t count = view->feature_count;
    const char **names = arena_array(arena, count, sizeof *names);
    value_type *types = arena_array(arena, count, sizeof *types);
    for (size_t i = 0; i < count; i++) {
        names[i] = view->features[i].name;
        types[i] = view->features[i].type;
    }
    *schema = (struct view_schema){.number = number, .column_count = count, .names = names};
    row_layout_init(&schema->layout, types, count, arena);
}

/* A list of columns that was there before gets a new number, too: a number is given once, so that
 * whoever cached one never has to ask which of two it was. */
static enum status extend_schemas(struct succession *s, struct catalog_view *entry,
                                  const struct catalog_view *old)
{
    size_t count = old ? old->schema_count : 0;
    uint16_t last = old ? old->schemas[count - 1].number : 0;
    if (last == SCHEMA_NUMBER_MAX)
        return fail(s->err, STATUS_EXHAUSTED,
                    "feature view %s has had %d lists of features, which is the most: make a view "
                    "of another name",
                    entry->view->about.name, SCHEMA_NUMBER_MAX);
    struct view_schema *schemas = arena_array(s->arena, count + 1, sizeof *schemas);
    if (count)
        memcpy(schemas, old->schemas, count * sizeof *schemas);
    schema_of_view(&schemas[count], (uint16_t)(last + 1), entry->view, s->arena);
    entry->schemas = schemas;
    entry->schema_count = count + 1;
    return STATUS_OK;
}

static bool says_schema_changed(const struct difference *difference, const char *view)
{
    for (size_t i = 0; i < difference->change_count; i++) {
        const struct change *change = &difference->changes[i];
        if (change->object == OBJECT_FEATURE_VIEW && strcmp(change->name, view) == 0)
            return change->schema_changed;
    }
    return false;
}

static enum status keep_view(struct succession *s, struct catalog_view *entry,
                             const struct catalog_view *old, bool schema_changed,
                             const uint32_t *generations)
{
    entry->id = old->id;
    entry->generation = generations ? generations[old - s->before->views] : old->generation;
    entry->schemas = old->schemas;
    entry->schema_count = old->schema_count;
    if (!schema_changed && view_schema_fits(&old->schemas[old->schema_count - 1], entry->view))
        return STATUS_OK;
    return extend_schemas(s, entry, old);
}

uint32_t catalog_first_generation(uint64_t identity)
{
    return 1 + (uint32_t)(identity % GENERATIONS_FIRST);
}

static enum status add_view(struct succession *s, struct catalog_view *entry)
{
    if (s->next->last_view_id == UINT32_MAX)
        return fail(s->err, STATUS_EXHAUSTED, "no more feature views can be numbered");
    entry->id = ++s->next->last_view_id;
    entry->generation = catalog_first_generation(s->next->identity);
    return extend_schemas(s, entry, NULL);
}

static void begin_succession(struct succession *s, const struct definitions *definitions,
                             uint64_t identity, uint32_t project_id)
{
    const struct catalog *before = s->before;
    uint32_t key_sets = before ? before->key_set_count : 0;
    *s->next = (struct catalog){
        .identity = identity,
        .version = before ? before->version + 1 : 1,
        .project_id = project_id,
        .definitions = *definitions,
        .last_view_id = before ? before->last_view_id : 0,
        .key_set_count = key_sets,
    };
    s->key_set_capacity = key_sets + definitions->view_count;
    s->key_sets = arena_array(s->arena, s->key_set_capacity, sizeof *s->key_sets);
    if (key_sets)
        memcpy((void *)s->key_sets, (const void *)before->key_sets, key_sets * sizeof *s->key_sets);
    s->next->key_sets = s->key_sets;
    s->next->views = arena_array(s->arena, definitions->view_count, sizeof *s->next->views);
}

enum status catalog_next(const struct catalog *before, const struct definitions *definitions,
                         const struct difference *difference, uint64_t identity,
                         uint32_t project_id, const uint32_t *generations, struct arena *arena,
                         struct catalog *next, struct error *err)
{
    assert(identity != 0 && project_id != 0);
    struct succession s = {.arena = arena, .err = err, .before = before, .next = next};
    begin_succession(&s, definitions, identity, project_id);
    for (size_t i = 0; i < definitions->view_count; i++) {
        const struct feature_view *view = &definitions->views[i];
        const char *name = view->about.name;
        struct catalog_view *entry = &next->views[i];
        const struct catalog_view *old = before ? catalog_find_view(before, name) : NULL;
        if (view->feature_count > ROW_COLUMNS_MAX)
            return fail(err, STATUS_EXHAUSTED,
                        "feature view %s has %zu features and may have %d: split it", name,
                        view->feature_count, ROW_COLUMNS_MAX);
        entry->view = view;
        entry->key_set_id = key_set_id(&s, view);
        enum status status =
            old ? keep_view(&s, entry, old, says_schema_changed(difference, name), generations)
                : add_view(&s, entry);
        if (status)
            return status;
    }
    return STATUS_OK;
}

void catalog_switch(const struct catalog *before, uint32_t view_id, uint32_t generation,
                    struct arena *arena, struct catalog *next)
{
    size_t count = before->definitions.view_count;
    struct catalog_view *views = arena_array(arena, count, sizeof *views);
    if (count > 0)
        memcpy(views, before->views, count * sizeof *views);
    for (size_t i = 0; i < count; i++)
        if (views[i].id == view_id)
            views[i].generation = generation;
    *next = *before;
    next->version++;
    next->views = views;
}

const struct catalog_view *catalog_view_of_id(const struct catalog *catalog, uint32_t id)
{
    for (size_t i = 0; i < catalog->definitions.view_count; i++)
        if (catalog->views[i].id == id)
            return &catalog->views[i];
    return NULL;
}

static int compare_ids(const void *a, const void *b)
{
    uint32_t left = (*(const struct catalog_view *const *)a)->id;
    uint32_t right = (*(const struct catalog_view *const *)b)->id;
    return (left > right) - (left < right);
}

const struct catalog_view **catalog_sort_by_id(const struct catalog *catalog, struct arena *arena)
{
    size_t count = catalog->definitions.view_count;
    const struct catalog_view **by_id = arena_array(arena, count, sizeof(struct catalog_view *));
    for (size_t i = 0; i < count; i++)
        by_id[i] = &catalog->views[i];
    if (count > 1)
        qsort(by_id, count, sizeof(struct catalog_view *), compare_ids);
    return by_id;
}

const struct catalog_view *catalog_view_among(const struct catalog *catalog,
                                              const struct catalog_view *const *by_id, uint32_t id)
{
    const struct catalog_view wanted = {.id = id}, *key = &wanted;
    const struct catalog_view *const *found = bsearch(&key, by_id, catalog->definitions.view_count,
                                                      sizeof(struct catalog_view *), compare_ids);
    return found ? *found : NULL;
}

const struct catalog_view *catalog_find_view(const struct catalog *catalog, const char *name)
{
    const struct feature_view *view = definitions_view(&catalog->definitions, name);
    return view ? &catalog->views[view - catalog->definitions.views] : NULL;
}

static enum status unknown_view(const struct catalog *catalog, const char *name,
                                struct arena *arena, struct error *err)
{
    const struct definitions *definitions = &catalog->definitions;
    const char **names = arena_array(arena, definitions->view_count + 1, sizeof *names);
    for (size_t i = 0; i < definitions->view_count; i++)
        names[i] = definitions->views[i].about.name;
    const char *near = did_you_mean(arena, name, names, definitions->view_count);
    return fail(err, STATUS_NOT_FOUND, "no feature view called %s is applied%s",
                quoted(arena, name), *near ? near : "; larder list shows those that are");
}

static bool is_chosen(const struct catalog_view *const *views, size_t count,
                      const struct catalog_view *view)
{
    for (size_t i = 0; i < count; i++)
        if (views[i] == view)
            return true;
    return false;
}

enum status catalog_choose_online(const struct catalog *catalog, const char *const *names,
                                  size_t name_count, struct arena *arena,
                                  const struct catalog_view ***views, size_t *count,
                                  struct error *err)
{
    size_t view_count = catalog->definitions.view_count;
    *views = arena_array(arena, view_count + name_count + 1, sizeof **views);
    *count = 0;
    for (size_t i = 0; !names && i < view_count; i++)
        if (catalog->views[i].view->online)
            (*views)[(*count)++] = &catalog->views[i];
    for (size_t i = 0; i < name_count; i++) {
        const struct catalog_view *view = catalog_find_view(catalog, names[i]);
        if (!view)
            return unknown_view(catalog, names[i], arena, err);
        if (!view->view->online)
            return fail(err, STATUS_INVALID, "feature view %s has online: false", names[i]);
        if (!is_chosen(*views, *count, view))
            (*views)[(*count)++] = view;
    }
    return STATUS_OK;
}

int16_t view_schema_column(const struct view_schema *schema, const struct feature *feature,
                           size_t likely)
{
    const value_type *types = schema->layout.types;
    size_t count = schema->column_count;
    for (size_t i = 0; i < count; i++) {
        size_t column = (likely + i) % count;
        if (strcmp(schema->names[column], feature->name) == 0)
            return types[column] == feature->type ? (int16_t)column : -1;
    }
    return -1;
}

const struct view_schema *catalog_view_schema(const struct catalog_view *view, uint16_t number)
{
    /* Numbers ascend, nearly always without a gap, and the newest is what is asked for. */
    size_t low = 0, high = view->schema_count;
    if (high && view->schemas[high - 1].number == number)
        return &view->schemas[high - 1];
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (view->schemas[middle].number == number)
            return &view->schemas[middle];
        if (view->schemas[middle].number < number)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}
