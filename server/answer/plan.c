/* plan.c - see plan.h. */
#include "server/answer/plan.h"

#include "base/entity_key.h"

#include <stdlib.h>

static void served_schema_init(struct served_schema *served, const struct view_schema *schema,
                               const struct feature_view *view, struct arena *arena)
{
    int16_t *columns = arena_array(arena, view->feature_count, sizeof *columns);
    for (size_t i = 0; i < view->feature_count; i++)
        columns[i] = view_schema_column(schema, &view->features[i], i);
    *served = (struct served_schema){schema->number, &schema->layout, columns};
}

void served_view_init(struct served_view *served, const struct catalog_view *view,
                      struct arena *arena)
{
    struct served_schema *schemas = arena_array(arena, view->schema_count, sizeof *schemas);
    for (size_t i = 0; i < view->schema_count; i++)
        served_schema_init(&schemas[i], &view->schemas[i], view->view, arena);
    struct buffer key_end;
    buffer_init(&key_end, 0);
    entity_key_end(&key_end, view->id, view->generation);
    *served = (struct served_view){.in_catalog = view,
                                   .key_end = arena_bytes(arena, buffer_bytes(&key_end)),
                                   .schemas = schemas,
                                   .schema_count = view->schema_count};
    buffer_release(&key_end);
}

static int compare_schema(const void *number, const void *schema)
{
    return (int)*(const uint16_t *)number - (int)((const struct served_schema *)schema)->number;
}

const struct served_schema *served_view_schema(const struct served_view *view, uint16_t number)
{
    if (view->schema_count == 0)
        return NULL;
    const struct served_schema *current = &view->schemas[view->schema_count - 1];
    if (current->number == number)
        return current;
    return bsearch(&number, view->schemas, view->schema_count, sizeof *view->schemas,
                   compare_schema);
}

static const struct plan_key *plan_keys(const struct selection *selection, struct arena *arena)
{
    struct plan_key *keys = arena_array(arena, selection->key_count, sizeof *keys);
    for (size_t i = 0; i < selection->key_count; i++)
        keys[i] =
            (struct plan_key){bytes_of_text(selection->keys[i].name), selection->keys[i].type};
    return keys;
}

static const struct plan_feature *plan_features(const struct selection *selection,
                                                struct arena *arena)
{
    struct plan_feature *features = arena_array(arena, selection->feature_count, sizeof *features);
    for (size_t i = 0; i < selection->feature_count; i++) {
        const struct selected_feature *from = &selection->features[i];
        features[i] =
            (struct plan_feature){bytes_of_text(from->name), from->view, from->feature, from->type};
    }
    return features;
}

static enum status plan_views(struct plan *plan, const struct selection *selection,
                              const struct catalog *catalog, const struct served_view *served,
                              struct arena *arena, struct error *err)
{
    struct plan_view *views = arena_array(arena, selection->view_count, sizeof *views);
    for (size_t i = 0; i < selection->view_count; i++) {
        const struct selected_view *from = &selection->views[i];
        if (!from->view->online)
            return fail(err, STATUS_INVALID,
                        "feature view %s is not served: its definition says online: false",
                        from->view->about.name);
        size_t index = (size_t)(from->view - catalog->definitions.views);
        const char *name = from->alias ? from->alias : from->view->about.name;
        views[i] = (struct plan_view){&served[index], bytes_of_text(name)};
    }
    plan->views = views;
    plan->view_count = selection->view_count;
    return STATUS_OK;
}

/* A use of a view, with what decides which others its keys begin like. */
struct grouped_use {
    const struct selected_view *use;
    uint32_t key_set_id;
    uint16_t view;
};

static int compare_beginnings(const struct grouped_use *a, const struct grouped_use *b)
{
    if (a->key_set_id != b->key_set_id)
        return a->key_set_id < b->key_set_id ? -1 : 1;
    /* Views of one key set have equally many keys. */
    return memcmp(a->use->asked_keys, b->use->asked_keys,
                  a->use->view->key_count * sizeof *a->use->asked_keys);
}

static int compare_uses(const void *left, const void *right)
{
    const struct grouped_use *a = left, *b = right;
    int order = compare_beginnings(a, b);
    return order ? order : (int)a->view - (int)b->view;
}

static void plan_groups(struct plan *plan, const struct selection *selection, struct arena *arena)
{
    size_t count = plan->view_count;
    struct grouped_use *uses = arena_array(arena, count, sizeof *uses);
    for (size_t i = 0; i < count; i++)
        uses[i] = (struct grouped_use){&selection->views[i],
                                       plan->views[i].served->in_catalog->key_set_id, (uint16_t)i};
    qsort(uses, count, sizeof *uses, compare_uses);

    uint16_t *order = arena_array(arena, count, sizeof *order);
    struct plan_group *groups = arena_array(arena, count, sizeof *groups);
    struct plan_group *group = groups;
    for (size_t i = 0; i < count; i++) {
        order[i] = uses[i].view;
        if (i == 0 || compare_beginnings(&uses[i - 1], &uses[i]) != 0) {
            group = &groups[plan->group_count++];
            *group = (struct plan_group){.key_set_id = uses[i].key_set_id,
                                         .key_count = uses[i].use->view->key_count,
                                         .asked_keys = uses[i].use->asked_keys,
                                         .views = &order[i]};
        }
        group->view_count++;
    }
    plan->groups = groups;
}

enum status plan_init(struct plan *plan, const struct selection *selection,
                      const struct catalog *catalog, const struct served_view *served,
                      struct arena *arena, struct error *err)
{
    *plan = (struct plan){.project_id = catalog->project_id};
    enum status status = plan_views(plan, selection, catalog, served, arena, err);
    if (status)
        return status;
    plan->keys = plan_keys(selection, arena);
    plan->key_count = selection->key_count;
    plan->features = plan_features(selection, arena);
    plan->feature_count = selection->feature_count;
    plan_groups(plan, selection, arena);
    return STATUS_OK;
}

static void *copy_array(const void *array, size_t count, size_t size, struct arena *arena)
{
    return memcpy(arena_array(arena, count, size), array, count * size);
}

/* Names of aliased uses, and full ones, are the selection's own; all are packed into one text. */
static const struct plan_feature *copy_features(const struct plan *plan, struct arena *arena)
{
    size_t size = 0;
    struct plan_feature *features =
        copy_array(plan->features, plan->feature_count, sizeof *features, arena);
    for (size_t i = 0; i < plan->feature_count; i++)
        size += features[i].name.size;
    char *text = arena_alloc(arena, size);
    for (size_t i = 0; i < plan->feature_count; i++) {
        struct bytes *name = &features[i].name;
        name->data = memcpy(text, name->data, name->size);
        text += name->size;
    }
    return features;
}

static const struct plan_group *copy_groups(const struct plan *plan, struct arena *arena)
{
    struct plan_group *groups = copy_array(plan->groups, plan->group_count, sizeof *groups, arena);
    for (size_t i = 0; i < plan->group_count; i++) {
        struct plan_group *group = &groups[i];
        group->asked_keys =
            copy_array(group->asked_keys, group->key_count, sizeof *group->asked_keys, arena);
        group->views = copy_array(group->views, group->view_count, sizeof *group->views, arena);
    }
    return groups;
}

void plan_keep(const struct plan *plan, struct arena *arena, struct plan *kept)
{
    *kept = *plan;
    kept->keys = copy_array(plan->keys, plan->key_count, sizeof *plan->keys, arena);
    kept->groups = copy_groups(plan, arena);
    kept->views = copy_array(plan->views, plan->view_count, sizeof *plan->views, arena);
    kept->features = copy_features(plan, arena);
}
