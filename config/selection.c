/* selection.c - see selection.h. The server meets this with each request that lists its features.
 */
#include "config/selection.h"

#include "config/name_set.h"
#include "config/wording.h"

#include <assert.h>
#include <string.h>

const char *output_column(const struct feature_view *view, const char *alias, const char *feature,
                          bool full_names, struct arena *arena)
{
    const char *use = alias ? alias : full_names ? view->about.name : NULL;
    return use ? arena_joined(arena, use, "__", feature) : feature;
}

value_type asked_type(value_type a, value_type b)
{
    bool integers = (a == TYPE_INT32 || a == TYPE_INT64) && (b == TYPE_INT32 || b == TYPE_INT64);
    if (a == b)
        return a;
    return integers ? TYPE_INT64 : 0;
}

/* A selection while it grows. */
struct builder {
    const struct definitions *definitions;
    struct arena *arena;
    struct error *err;
    bool full_names;
    struct asked_key *keys;
    size_t key_count, key_capacity;
    struct name_set key_names;
    struct selected_view *views;
    size_t view_count, view_capacity;
    struct selected_feature *features;
    size_t feature_count, feature_capacity;
    struct name_set columns; /* the number is that of the feature */
};

static void builder_init(struct builder *builder, const struct definitions *definitions,
                         size_t feature_count, bool full_names, struct arena *arena,
                         struct error *err)
{
    *builder = (struct builder){.definitions = definitions,
                                .arena = arena,
                                .err = err,
                                .full_names = full_names,
                                .feature_capacity = feature_count};
    builder->features = arena_array(arena, feature_count, sizeof *builder->features);
    name_set_init(&builder->columns, arena, feature_count);
    name_set_init(&builder->key_names, arena, 8);
}

static enum status ask_key(struct builder *builder, const struct feature_view *view,
                           const char *name, value_type type, uint16_t *index)
{
    size_t number = builder->key_count;
    if (name_set_add(&builder->key_names, name, &number)) {
        if (number >= UINT16_MAX)
            return fail(builder->err, STATUS_INVALID, "more than %d join keys are asked for",
                        UINT16_MAX);
        builder->keys = arena_grow(builder->arena, builder->keys, number, &builder->key_capacity,
                                   number + 1, sizeof *builder->keys);
        builder->keys[builder->key_count++] = (struct asked_key){name, type};
    }
    struct asked_key *asked = &builder->keys[number];
    value_type both = asked_type(asked->type, type);
    if (!both)
        return fail(builder->err, STATUS_INVALID,
                    "the key \"%s\" would have to be %s and, for the feature view \"%s\", %s", name,
                    type_name(asked->type), view->about.name, type_name(type));
    asked->type = both;
    *index = (uint16_t)number;
    return STATUS_OK;
}

static const char *mapped_name(const struct key_mapping *mappings, size_t count,
                               const char *join_key)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(mappings[i].join_key, join_key) == 0)
            return mappings[i].from;
    return join_key;
}

static enum status add_view(struct builder *builder, const struct feature_view *view,
                            const char *alias, const struct key_mapping *mappings,
                            size_t mapping_count)
{
    if (builder->view_count >= UINT16_MAX)
        return fail(builder->err, STATUS_INVALID, "more than %d views are asked for", UINT16_MAX);
    uint16_t *asked = arena_array(builder->arena, view->key_count, sizeof *asked);
    for (size_t i = 0; i < view->key_count; i++) {
        const char *name = mapped_name(mappings, mapping_count, view->keys[i].name);
        enum status status = ask_key(builder, view, name, view->keys[i].type, &asked[i]);
        if (status)
            return status;
    }
    builder->views =
        arena_grow(builder->arena, builder->views, builder->view_count, &builder->view_capacity,
                   builder->view_count + 1, sizeof *builder->views);
    builder->views[builder->view_count++] = (struct selected_view){view, alias, asked};
    return STATUS_OK;
}

/* "airport_weather:wind", or with its alias "dest_weather:wind". */
static const char *describe_use(struct builder *builder, const struct selected_feature *feature)
{
    const struct selected_view *use = &builder->views[feature->view];
    return arena_printf(builder->arena, "%s:%s", use->alias ? use->alias : use->view->about.name,
                        use->view->features[feature->feature].name);
}

static const char *full_name(struct builder *builder, const struct selected_feature *feature)
{
    const struct selected_view *use = &builder->views[feature->view];
    return output_column(use->view, use->alias, use->view->features[feature->feature].name, true,
                         builder->arena);
}

static enum status fail_twice(struct builder *builder, const struct selected_feature *first,
                              const struct selected_feature *second)
{
    if (first->view == second->view && first->feature == second->feature)
        return fail(builder->err, STATUS_INVALID, "%s is asked for twice",
                    describe_use(builder, first));
    bool full_names_differ = strcmp(full_name(builder, first), full_name(builder, second)) != 0;
    return fail(builder->err, STATUS_INVALID, "\"%s\" would come twice, from %s and %s: ask for %s",
                second->name, describe_use(builder, first), describe_use(builder, second),
                full_names_differ ? "one, or for full names" : "one of them");
}

static enum status add_feature(struct builder *builder, size_t view, size_t index)
{
    const struct selected_view *use = &builder->views[view];
    const struct feature *feature = &use->view->features[index];
    struct selected_feature selected = {
        .name = output_column(use->view, use->alias, feature->name, builder->full_names,
                              builder->arena),
        .view = (uint16_t)view,
        .feature = (uint16_t)index,
        .type = feature->type,
    };
    assert(builder->feature_count < builder->feature_capacity);
    size_t number = builder->feature_count;
    if (!name_set_add(&builder->columns, selected.name, &number))
        return fail_twice(builder, &builder->features[number], &selected);
    builder->features[builder->feature_count++] = selected;
    return STATUS_OK;
}

static enum status finish(struct builder *builder, struct selection *selection)
{
    for (size_t i = 0; i < builder->key_count; i++) {
        size_t number;
        if (!name_set_find(&builder->columns, builder->keys[i].name, &number))
            continue;
        const struct selected_feature *feature = &builder->features[number];
        bool is_full = strcmp(feature->name, full_name(builder, feature)) == 0;
        return fail(builder->err, STATUS_INVALID,
                    "\"%s\" is a join key that is asked with, and the name of a feature, %s: "
                    "leave it out, or %s",
                    builder->keys[i].name, describe_use(builder, feature),
                    is_full ? "give it another name" : "ask for full names");
    }
    *selection =
        (struct selection){builder->keys,       builder->key_count, builder->views,
                           builder->view_count, builder->features,  builder->feature_count};
    return STATUS_OK;
}

/* Feature services */

static bool same_mappings(const struct service_item *a, const struct service_item *b)
{
    if (a->key_count != b->key_count)
        return false;
    for (size_t i = 0; i < a->key_count; i++)
        if (strcmp(a->keys[i].join_key, b->keys[i].join_key) != 0 ||
            strcmp(a->keys[i].from, b->keys[i].from) != 0)
            return false;
    return true;
}

/* Two lists of one view's features, without an alias and with the same keys, are one use of it. */
static bool is_same_use(const struct service_item *a, const struct service_item *b)
{
    return a->view == b->view && !a->alias && !b->alias && same_mappings(a, b);
}

static enum status add_item(struct builder *builder, const struct feature_service *service,
                            size_t item_index, struct name_set *uses, size_t *views)
{
    const struct service_item *item = &service->items[item_index];
    size_t first = item_index;
    bool known = !name_set_add(uses, item->alias ? item->alias : item->view->about.name, &first) &&
                 is_same_use(&service->items[first], item);
    views[item_index] = known ? views[first] : builder->view_count;
    enum status status = STATUS_OK;
    if (!known)
        status = add_view(builder, item->view, item->alias, item->keys, item->key_count);
    for (size_t i = 0; i < item->feature_count && !status; i++)
        status = add_feature(builder, views[item_index], item->features[i]);
    return status;
}

static enum status unknown(struct builder *builder, const char *noun, const char *name,
                           const void *candidates, size_t count, size_t stride, size_t offset)
{
    size_t name_count;
    const char *const *names =
        names_of(builder->arena, candidates, count, stride, offset, &name_count);
    return fail(builder->err, STATUS_NOT_FOUND, "no %s is called %s%s", noun,
                quoted(builder->arena, name),
                did_you_mean_one(builder->arena, name, names, name_count));
}

enum status selection_of_service(const struct definitions *definitions, const char *service_name,
                                 bool full_names, struct arena *arena, struct selection *selection,
                                 struct error *err)
{
    *selection = (struct selection){0};
    const struct feature_service *service = definitions_service(definitions, service_name);
    size_t feature_count = 0;
    for (size_t i = 0; service && i < service->item_count; i++)
        feature_count += service->items[i].feature_count;
    struct builder builder;
    builder_init(&builder, definitions, feature_count, full_names, arena, err);
    const struct feature_view *view = definitions_view(definitions, service_name);
    if (!service && view)
        return fail(err, STATUS_NOT_FOUND,
                    "no feature service is called %s, but a feature view is: ask for its features, "
                    "such as %s:%s",
                    quoted(arena, service_name), view->about.name, view->features[0].name);
    if (!service)
        return unknown(&builder, "feature service", service_name, definitions->services,
                       definitions->service_count, sizeof(struct feature_service),
                       offsetof(struct feature_service, about.name));
    struct name_set uses;
    name_set_init(&uses, arena, service->item_count);
    size_t *views = arena_array(arena, service->item_count, sizeof *views);
    enum status status = STATUS_OK;
    for (size_t i = 0; i < service->item_count && !status; i++)
        status = add_item(&builder, service, i, &uses, views);
    return status ? status : finish(&builder, selection);
}

/* References */

/* The first; NULL if none has it. */
static const struct feature_view *view_with_feature(const struct definitions *definitions,
                                                    const char *name)
{
    for (size_t i = 0; i < definitions->view_count; i++)
        if (feature_view_find(&definitions->views[i], name) >= 0)
            return &definitions->views[i];
    return NULL;
}

static enum status no_reference(struct builder *builder, struct bytes reference)
{
    bool is_name = reference.size > 0 && !memchr(reference.data, '\0', reference.size);
    const char *name = is_name ? arena_text_of(builder->arena, reference) : "";
    const char *what = quoted_bytes(builder->arena, reference);
    const struct feature_view *view = definitions_view(builder->definitions, name);
    if (view)
        return fail(builder->err, STATUS_INVALID, "%s is no feature but a view: write %s:%s", what,
                    view->about.name, view->features[0].name);
    view = view_with_feature(builder->definitions, name);
    if (view)
        return fail(builder->err, STATUS_INVALID, "%s lacks its view: did you mean \"%s:%s\"?",
                    what, view->about.name, name);
    return fail(builder->err, STATUS_INVALID, "%s is no feature: write view:feature", what);
}

/* Takes "view:feature" apart, into copies. */
static enum status split_reference(struct builder *builder, struct bytes reference,
                                   const char **view, const char **feature)
{
    const char *text = reference.data;
    const char *colon = reference.size ? memchr(text, ':', reference.size) : NULL;
    size_t before = colon ? (size_t)(colon - text) : 0;
    size_t behind = colon ? reference.size - before - 1 : 0;
    bool whole = before > 0 && behind > 0 && !memchr(colon + 1, ':', behind) &&
                 !memchr(text, '\0', reference.size);
    if (!whole)
        return no_reference(builder, reference);
    *view = arena_text_of(builder->arena, (struct bytes){text, before});
    *feature = arena_text_of(builder->arena, (struct bytes){colon + 1, behind});
    return STATUS_OK;
}

static enum status add_reference(struct builder *builder, struct bytes reference,
                                 struct name_set *uses)
{
    const char *view_name = NULL, *feature_name = NULL;
    enum status status = split_reference(builder, reference, &view_name, &feature_name);
    if (status)
        return status;
    const struct definitions *definitions = builder->definitions;
    const struct feature_view *view = definitions_view(definitions, view_name);
    if (!view)
        return unknown(builder, "feature view", view_name, definitions->views,
                       definitions->view_count, sizeof(struct feature_view),
                       offsetof(struct feature_view, about.name));
    int feature = feature_view_find(view, feature_name);
    if (feature < 0)
        return unknown(builder, arena_printf(builder->arena, "feature of \"%s\"", view_name),
                       feature_name, view->features, view->feature_count, sizeof(struct feature),
                       offsetof(struct feature, name));
    size_t use = builder->view_count;
    if (name_set_add(uses, view->about.name, &use))
        status = add_view(builder, view, NULL, NULL, 0);
    return status ? status : add_feature(builder, use, (size_t)feature);
}

enum status selection_of_references(const struct definitions *definitions,
                                    const struct bytes *references, size_t count, bool full_names,
                                    struct arena *arena, struct selection *selection,
                                    struct error *err)
{
    *selection = (struct selection){0};
    if (count == 0)
        return fail(err, STATUS_INVALID, "no features are asked for");
    struct builder builder;
    builder_init(&builder, definitions, count, full_names, arena, err);
    struct name_set uses;
    name_set_init(&uses, arena, 8);
    enum status status = STATUS_OK;
    for (size_t i = 0; i < count && !status; i++)
        status = add_reference(&builder, references[i], &uses);
    return status ? status : finish(&builder, selection);
}

enum status selection_check_status_columns(const struct selection *selection, struct arena *arena,
                                           struct error *err)
{
    static const char *const endings[] = {"__status", "__event_time"};
    struct name_set taken;
    name_set_init(&taken, arena, selection->feature_count + selection->key_count);
    size_t number = 0;
    for (size_t i = 0; i < selection->feature_count; i++)
        name_set_add(&taken, selection->features[i].name, &number);
    for (size_t i = 0; i < selection->key_count; i++)
        name_set_add(&taken, selection->keys[i].name, &number);
    for (size_t i = 0; i < selection->feature_count; i++)
        for (size_t j = 0; j < COUNT_OF(endings); j++) {
            const char *added = arena_joined(arena, selection->features[i].name, endings[j], "");
            if (name_set_find(&taken, added, NULL))
                return fail(
                    err, STATUS_INVALID,
                    "the column \"%s\" is both asked for and added beside \"%s\": leave one "
                    "out",
                    added, selection->features[i].name);
        }
    return STATUS_OK;
}
