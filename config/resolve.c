/* resolve.c - see draft.h and resolve.h: entities, sources and feature views. */
#include "config/resolve.h"

#include "base/row.h"
#include "config/name_set.h"
#include "config/wording.h"

#include <stdlib.h>
#include <string.h>

/* PostgreSQL's indexes take 32 columns, so more could never be looked up. */
enum { KEYS_MAX = 32 };

struct description described(const struct draft_about *about)
{
    return (struct description){
        .name = about->name.text,
        .text = about->text,
        .owner = about->owner,
        .tags = about->tags.items,
        .tag_count = about->tags.count,
        .place = about->place,
    };
}

void tell_unknown_name(struct resolver *resolver, struct written name, const char *noun,
                       bool lacking, const void *candidates, size_t count, size_t stride,
                       size_t offset)
{
    resolver->failed = true;
    if (lacking || problems_full(resolver->problems))
        return;
    size_t name_count;
    const char *const *names =
        names_of(resolver->arena, candidates, count, stride, offset, &name_count);
    problems_add(resolver->problems, name.place, "no %s is called \"%s\"%s", noun, name.text,
                 did_you_mean(resolver->arena, name.text, names, name_count));
}

const char *other_place(struct resolver *resolver, struct place place)
{
    const char *text = place_text(place, resolver->arena);
    return *text ? arena_printf(resolver->arena, "; the other is at %s", text) : "";
}

/* One name, one object */

static int compare_abouts(const void *a, const void *b)
{
    return strcmp(((const struct draft_about *)a)->name.text,
                  ((const struct draft_about *)b)->name.text);
}

/* Sorts drafts of one kind, each of which begins with a draft_about; tells names that stand twice
 * and keeps their first. Returns how many are left. */
static size_t sort_objects(struct resolver *resolver, const char *plural, void *objects,
                           size_t count, size_t size)
{
    struct name_set seen;
    name_set_init(&seen, resolver->arena, count);
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        char *object = (char *)objects + i * size;
        const struct draft_about *about = (const void *)object;
        size_t first = kept;
        if (name_set_add(&seen, about->name.text, &first)) {
            memmove((char *)objects + kept++ * size, object, size);
            continue;
        }
        const struct draft_about *other = (const void *)((char *)objects + first * size);
        problems_add(resolver->problems, about->name.place, "two %s are called \"%s\"%s", plural,
                     about->name.text, other_place(resolver, other->name.place));
    }
    if (kept > 1)
        qsort(objects, kept, size, compare_abouts);
    return kept;
}

/* Entities */

static int compare_keys(const void *a, const void *b)
{
    return strcmp(((const struct join_key *)a)->name, ((const struct join_key *)b)->name);
}

static void resolve_entity(struct resolver *resolver, const struct draft_entity *draft,
                           struct entity *entity)
{
    entity->about = described(&draft->about);
    struct join_key *keys = arena_array(resolver->arena, draft->keys.count, sizeof *keys);
    if (draft->keys.count > KEYS_MAX) {
        problems_add(resolver->problems, draft->about.place,
                     "the entity \"%s\" has more than %d join keys", draft->about.name.text,
                     KEYS_MAX);
        return;
    }
    for (size_t i = 0; i < draft->keys.count; i++)
        if (draft->keys.items[i].name.text)
            keys[entity->key_count++] =
                (struct join_key){draft->keys.items[i].name.text, draft->keys.items[i].type};
    if (entity->key_count > 1)
        qsort(keys, entity->key_count, sizeof *keys, compare_keys);
    entity->keys = keys;
}

static void resolve_entities(struct resolver *resolver)
{
    const struct draft *draft = resolver->draft;
    struct entity *entities = arena_array(resolver->arena, draft->entity_count, sizeof *entities);
    for (size_t i = 0; i < draft->entity_count; i++)
        resolve_entity(resolver, &draft->entities[i], &entities[i]);
    resolver->definitions->entities = entities;
    resolver->definitions->entity_count = draft->entity_count;
}

/* Sources */

static int compare_fields(const void *a, const void *b)
{
    return strcmp(((const struct source_field *)a)->name, ((const struct source_field *)b)->name);
}

static void resolve_sources(struct resolver *resolver)
{
    const struct draft *draft = resolver->draft;
    struct source *sources = arena_array(resolver->arena, draft->source_count, sizeof *sources);
    for (size_t i = 0; i < draft->source_count; i++) {
        const struct draft_source *from = &draft->sources[i];
        size_t count = from->fields.count;
        struct source_field *fields = arena_array(resolver->arena, count, sizeof *fields);
        for (size_t j = 0; j < count; j++)
            fields[j] = (struct source_field){from->fields.items[j].name.text,
                                              from->fields.items[j].column};
        if (count > 1)
            qsort(fields, count, sizeof *fields, compare_fields);
        sources[i] = from->source;
        sources[i].about = described(&from->about);
        sources[i].fields = fields;
        sources[i].field_count = count;
    }
    resolver->definitions->sources = sources;
    resolver->definitions->source_count = draft->source_count;
}

/* Feature views */

/* A join key and the entity that gives it. */
struct given_key {
    const struct join_key *key;
    const struct entity *entity;
};

static int compare_given(const void *a, const void *b)
{
    return strcmp(((const struct given_key *)a)->key->name,
                  ((const struct given_key *)b)->key->name);
}

/* Keys of all the view's entities, each once. */
static void join_keys_of(struct resolver *resolver, const struct draft_view *draft,
                         struct feature_view *view)
{
    size_t total = 0;
    for (size_t i = 0; i < view->entity_count; i++)
        total += view->entities[i]->key_count;
    struct given_key *given = arena_array(resolver->arena, total, sizeof *given);
    size_t count = 0;
    for (size_t i = 0; i < view->entity_count; i++)
        for (size_t j = 0; j < view->entities[i]->key_count; j++)
            given[count++] = (struct given_key){&view->entities[i]->keys[j], view->entities[i]};
    if (count > 1)
        qsort(given, count, sizeof *given, compare_given);
    struct join_key *keys = arena_array(resolver->arena, count, sizeof *keys);
    for (size_t i = 0; i < count; i++) {
        bool again = i > 0 && compare_given(&given[i - 1], &given[i]) == 0;
        if (!again)
            keys[view->key_count++] = *given[i].key;
        else if (given[i].key->type != given[i - 1].key->type && given[i].key->type &&
                 given[i - 1].key->type)
            problems_add(resolver->problems, draft->entities.items[0].place,
                         "the join key \"%s\" is %s in the entity \"%s\" but %s in \"%s\"",
                         given[i].key->name, type_name(given[i - 1].key->type),
                         given[i - 1].entity->about.name, type_name(given[i].key->type),
                         given[i].entity->about.name);
    }
    view->keys = keys;
    if (view->key_count > KEYS_MAX) {
        problems_add(resolver->problems, draft->about.place,
                     "the feature view \"%s\" has more than %d join keys", view->about.name,
                     KEYS_MAX);
        view->key_count = 0;
    }
}

static void resolve_view_entities(struct resolver *resolver, const struct draft_view *draft,
                                  struct feature_view *view)
{
    const struct definitions *definitions = resolver->definitions;
    if (draft->entities.count > KEYS_MAX) {
        problems_add(resolver->problems, draft->about.place,
                     "the feature view \"%s\" has more than %d entities", view->about.name,
                     KEYS_MAX);
        return;
    }
    const struct entity **entities =
        arena_array(resolver->arena, draft->entities.count, sizeof(struct entity *));
    struct name_set seen;
    arena_reset(&resolver->sets);
    name_set_init(&seen, &resolver->sets, draft->entities.count);
    for (size_t i = 0; i < draft->entities.count; i++) {
        struct written name = draft->entities.items[i];
        const struct entity *entity = definitions_entity(definitions, name.text);
        if (!entity)
            tell_unknown_name(resolver, name, "entity", resolver->draft->lacks_entities,
                              definitions->entities, definitions->entity_count,
                              sizeof(struct entity), offsetof(struct entity, about.name));
        else if (!name_set_add(&seen, name.text, &(size_t){i}))
            problems_add(resolver->problems, name.place, "the entity \"%s\" stands here twice",
                         name.text);
        else
            entities[view->entity_count++] = entity;
    }
    view->entities = entities;
    view->entities_place =
        draft->entities.count ? draft->entities.items[0].place : draft->about.place;
    if (view->entity_count == draft->entities.count)
        join_keys_of(resolver, draft, view);
}

static int compare_by_name(const void *a, const void *b, void *features)
{
    const struct feature *list = features;
    return strcmp(list[*(const uint16_t *)a].name, list[*(const uint16_t *)b].name);
}

static const uint16_t *index_by_name(struct arena *arena, struct feature *features, size_t count)
{
    uint16_t *by_name = arena_array(arena, count, sizeof *by_name);
    for (size_t i = 0; i < count; i++)
        by_name[i] = (uint16_t)i;
    if (count > 1)
        qsort_r(by_name, count, sizeof *by_name, compare_by_name, features);
    return by_name;
}

/* false: it stands in the view already. */
static bool check_feature_name(struct resolver *resolver, const struct draft_view *draft,
                               const struct feature_view *view, struct name_set *seen, size_t i)
{
    struct written name = draft->features.items[i].name;
    size_t first = i;
    if (!name_set_add(seen, name.text, &first)) {
        problems_add(resolver->problems, name.place, "the feature \"%s\" stands here twice%s",
                     name.text, other_place(resolver, draft->features.items[first].name.place));
        return false;
    }
    for (size_t j = 0; j < view->key_count; j++)
        if (strcmp(view->keys[j].name, name.text) == 0)
            problems_add(
                resolver->problems, name.place,
                "the feature \"%s\" is called like a join key of its view: give it another "
                "name, and its column under the source's \"fields\"",
                name.text);
    return true;
}

static void resolve_features(struct resolver *resolver, const struct draft_view *draft,
                             struct feature_view *view)
{
    if (draft->features.count > ROW_COLUMNS_MAX) {
        problems_add(resolver->problems, draft->about.place,
                     "the feature view \"%s\" has more than %d features: split it",
                     view->about.name, ROW_COLUMNS_MAX);
        return;
    }
    struct feature *features =
        arena_array(resolver->arena, draft->features.count, sizeof *features);
    struct name_set seen;
    arena_reset(&resolver->sets);
    name_set_init(&seen, &resolver->sets, draft->features.count);
    for (size_t i = 0; i < draft->features.count; i++) {
        const struct draft_feature *from = &draft->features.items[i];
        if (!from->name.text || !check_feature_name(resolver, draft, view, &seen, i))
            continue;
        features[view->feature_count++] =
            (struct feature){from->name.text,  from->text, from->tags.items,
                             from->tags.count, from->type, from->name.place};
    }
    view->features = features;
    view->by_name = index_by_name(resolver->arena, features, view->feature_count);
}

static void resolve_view(struct resolver *resolver, const struct draft_view *draft,
                         struct feature_view *view)
{
    const struct definitions *definitions = resolver->definitions;
    view->about = described(&draft->about);
    view->ttl_us = draft->ttl_us;
    view->online = draft->online;
    resolve_view_entities(resolver, draft, view);
    resolve_features(resolver, draft, view);
    if (!draft->source.text)
        return;
    view->source = definitions_source(definitions, draft->source.text);
    if (!view->source)
        tell_unknown_name(resolver, draft->source, "source", resolver->draft->lacks_sources,
                          definitions->sources, definitions->source_count, sizeof(struct source),
                          offsetof(struct source, about.name));
}

static void resolve_views(struct resolver *resolver)
{
    const struct draft *draft = resolver->draft;
    struct feature_view *views = arena_array(resolver->arena, draft->view_count, sizeof *views);
    for (size_t i = 0; i < draft->view_count; i++)
        resolve_view(resolver, &draft->views[i], &views[i]);
    resolver->definitions->views = views;
    resolver->definitions->view_count = draft->view_count;
}

/* A source's fields */

/* Names that views take from one source: features and join keys. */
struct used_names {
    struct name_set set;
    size_t most; /* that there can be */
    const char **names;
    size_t count, capacity;
    bool unsure; /* a view on it could not be read whole */
};

static void use_name(struct arena *arena, struct used_names *used, const char *name)
{
    if (used->set.slot_count == 0)
        name_set_init(&used->set, arena, used->most);
    size_t number = used->count;
    if (!name_set_add(&used->set, name, &number))
        return;
    used->names = arena_grow(arena, used->names, used->count, &used->capacity, used->count + 1,
                             sizeof *used->names);
    used->names[used->count++] = name;
}

static void check_fields(struct resolver *resolver, const struct draft_source *source,
                         const struct used_names *used)
{
    for (size_t i = 0; i < source->fields.count; i++) {
        struct written name = source->fields.items[i].name;
        if (name_set_find(&used->set, name.text, NULL) || problems_full(resolver->problems))
            continue;
        problems_add(resolver->problems, name.place,
                     "no view on this source has a feature or join key called \"%s\"%s", name.text,
                     did_you_mean(resolver->arena, name.text, used->names, used->count));
    }
}

/* A field that nothing reads is a name spelt wrong. A source without views has nothing to compare
 * with. */
static void check_all_fields(struct resolver *resolver)
{
    const struct definitions *definitions = resolver->definitions;
    struct used_names *used = arena_array(resolver->arena, definitions->source_count, sizeof *used);
    for (size_t i = 0; i < definitions->view_count; i++) {
        const struct feature_view *view = &definitions->views[i];
        if (view->source)
            used[view->source - definitions->sources].most += view->key_count + view->feature_count;
    }
    for (size_t i = 0; i < definitions->view_count; i++) {
        const struct feature_view *view = &definitions->views[i];
        if (!view->source)
            continue;
        struct used_names *names = &used[view->source - definitions->sources];
        names->unsure |= view->key_count == 0 || view->feature_count == 0 ||
                         view->feature_count < resolver->draft->views[i].features.count;
        for (size_t j = 0; j < view->key_count; j++)
            use_name(resolver->arena, names, view->keys[j].name);
        for (size_t j = 0; j < view->feature_count; j++)
            use_name(resolver->arena, names, view->features[j].name);
    }
    for (size_t i = 0; i < definitions->source_count; i++)
        if (used[i].count > 0 && !used[i].unsure && !resolver->draft->lacks_views)
            check_fields(resolver, &resolver->draft->sources[i], &used[i]);
}

bool draft_resolve(struct draft *draft, struct arena *arena, struct problems *problems,
                   struct definitions *definitions)
{
    *definitions = (struct definitions){.project = draft->project.text};
    struct resolver resolver = {
        .draft = draft, .arena = arena, .problems = problems, .definitions = definitions};
    size_t before = problems->count;
    arena_init(&resolver.sets, 0);
    draft->entity_count = sort_objects(&resolver, "entities", draft->entities, draft->entity_count,
                                       sizeof *draft->entities);
    draft->source_count = sort_objects(&resolver, "sources", draft->sources, draft->source_count,
                                       sizeof *draft->sources);
    draft->view_count = sort_objects(&resolver, "feature views", draft->views, draft->view_count,
                                     sizeof *draft->views);
    draft->service_count = sort_objects(&resolver, "feature services", draft->services,
                                        draft->service_count, sizeof *draft->services);
    resolve_entities(&resolver);
    resolve_sources(&resolver);
    resolve_views(&resolver);
    check_all_fields(&resolver);
    resolve_services(&resolver);
    arena_release(&resolver.sets);
    return !resolver.failed && problems->count == before && !problems_full(problems);
}
