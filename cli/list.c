/* list.c - `larder list`: what is applied. */
#include "base/timestamp.h"
#include "cli/applied.h"
#include "cli/table.h"

#include <jansson.h>
#include <stdio.h>

static json_t *names_to_json(const struct definitions *definitions)
{
    json_t *entities = json_array(), *sources = json_array();
    json_t *views = json_array(), *services = json_array();
    for (size_t i = 0; i < definitions->entity_count; i++)
        json_array_append_new(entities, json_string(definitions->entities[i].about.name));
    for (size_t i = 0; i < definitions->source_count; i++)
        json_array_append_new(sources, json_string(definitions->sources[i].about.name));
    for (size_t i = 0; i < definitions->view_count; i++)
        json_array_append_new(views, json_string(definitions->views[i].about.name));
    for (size_t i = 0; i < definitions->service_count; i++)
        json_array_append_new(services, json_string(definitions->services[i].about.name));
    return json_pack("{s:s, s:o, s:o, s:o, s:o}", "project", definitions->project, "entities",
                     entities, "sources", sources, "feature_views", views, "feature_services",
                     services);
}

static const char *key_names(const struct feature_view *view, struct arena *arena)
{
    const char *text = "";
    for (size_t i = 0; i < view->key_count; i++)
        text = arena_printf(arena, "%s%s%s", text, i ? "," : "", view->keys[i].name);
    return text;
}

static void print_views(const struct definitions *definitions, struct arena *arena)
{
    static const char *const titles[] = {"FEATURE VIEW", "KEYS", "FEATURES", "TTL", "SOURCE"};
    static const bool right[] = {false, false, true, true, false};
    struct table table;
    table_init(&table, arena, COUNT_OF(titles), titles, right);
    for (size_t i = 0; i < definitions->view_count; i++) {
        const struct feature_view *view = &definitions->views[i];
        char ttl[DURATION_TEXT_SIZE] = "-";
        if (view->ttl_us)
            duration_format(view->ttl_us, ttl);
        const char *const cells[] = {view->about.name, key_names(view, arena),
                                     arena_printf(arena, "%zu", view->feature_count), ttl,
                                     view->source->about.name};
        table_add(&table, cells);
    }
    table_print(&table, stdout, "");
}

/* One that is used under several aliases is one view. */
static size_t count_views(const struct feature_service *service)
{
    size_t count = 0;
    for (size_t i = 0; i < service->item_count; i++) {
        size_t first = 0;
        while (service->items[first].view != service->items[i].view)
            first++;
        count += first == i;
    }
    return count;
}

static void print_services(const struct definitions *definitions, struct arena *arena)
{
    static const char *const titles[] = {"FEATURE SERVICE", "FEATURES", "VIEWS"};
    static const bool right[] = {false, true, true};
    struct table table;
    table_init(&table, arena, COUNT_OF(titles), titles, right);
    for (size_t i = 0; i < definitions->service_count; i++) {
        const struct feature_service *service = &definitions->services[i];
        size_t features = 0;
        for (size_t item = 0; item < service->item_count; item++)
            features += service->items[item].feature_count;
        const char *const cells[] = {service->about.name, arena_printf(arena, "%zu", features),
                                     arena_printf(arena, "%zu", count_views(service))};
        table_add(&table, cells);
    }
    printf("\n");
    table_print(&table, stdout, "");
}

static int run(const struct options *options)
{
    struct applied applied;
    int code = applied_open(options, &applied);
    if (code)
        return code;
    const struct definitions *definitions = &applied.catalog.definitions;
    if (options->json) {
        code = command_print_json(names_to_json(definitions));
    } else {
        print_views(definitions, options->arena);
        if (definitions->service_count)
            print_services(definitions, options->arena);
    }
    applied_close(&applied);
    return code;
}

const struct command command_list = {
    .name = "list",
    .summary = "the feature views and services that are applied",
    .synopsis = "[-C DIR]",
    .text = "Shows what is registered. larder describe NAME tells more about each.\n",
    .run = run,
};
