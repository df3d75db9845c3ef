/* definitions.c - see definitions.h: finding things by name. */
#include "config/definitions.h"

#include "base/timestamp.h"

#include <string.h>

/* Objects begin with their description, so one search serves all kinds. */
static const void *find(const void *objects, size_t count, size_t size, const char *name)
{
    size_t from = 0, to = count;
    while (from < to) {
        size_t middle = from + (to - from) / 2;
        const struct description *about = (const void *)((const char *)objects + middle * size);
        int order = strcmp(about->name, name);
        if (order == 0)
            return about;
        if (order < 0)
            from = middle + 1;
        else
            to = middle;
    }
    return NULL;
}

const struct entity *definitions_entity(const struct definitions *definitions, const char *name)
{
    return find(definitions->entities, definitions->entity_count, sizeof(struct entity), name);
}

const struct source *definitions_source(const struct definitions *definitions, const char *name)
{
    return find(definitions->sources, definitions->source_count, sizeof(struct source), name);
}

const struct feature_view *definitions_view(const struct definitions *definitions, const char *name)
{
    return find(definitions->views, definitions->view_count, sizeof(struct feature_view), name);
}

const struct feature_service *definitions_service(const struct definitions *definitions,
                                                  const char *name)
{
    return find(definitions->services, definitions->service_count, sizeof(struct feature_service),
                name);
}

static int find_in_turn(const struct feature_view *view, const char *feature)
{
    for (size_t i = 0; i < view->feature_count; i++)
        if (strcmp(view->features[i].name, feature) == 0)
            return (int)i;
    return -1;
}

int feature_view_find(const struct feature_view *view, const char *feature)
{
    if (!view->by_name)
        return find_in_turn(view, feature);
    size_t from = 0, to = view->feature_count;
    while (from < to) {
        size_t middle = from + (to - from) / 2;
        int order = strcmp(view->features[view->by_name[middle]].name, feature);
        if (order == 0)
            return view->by_name[middle];
        if (order < 0)
            from = middle + 1;
        else
            to = middle;
    }
    return -1;
}

int64_t feature_view_oldest(const struct feature_view *view, int64_t now_us)
{
    static const int64_t day_us = INT64_C(86400000000);
    if (view->ttl_us == 0)
        return INT64_MIN;
    return timestamp_subtract(timestamp_subtract(now_us, view->ttl_us), day_us);
}

const char *source_column(const struct source *source, const char *name)
{
    size_t from = 0, to = source->field_count;
    while (from < to) {
        size_t middle = from + (to - from) / 2;
        int order = strcmp(source->fields[middle].name, name);
        if (order == 0)
            return source->fields[middle].column;
        if (order < 0)
            from = middle + 1;
        else
            to = middle;
    }
    return name;
}
