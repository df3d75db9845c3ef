/*
 * fuzz_yaml.c - any bytes as definitions and as settings: either problems, sorted and with places
 * inside the text, or definitions that survive being JSON and settings that are complete.
 */
#include "config/definitions_json.h"
#include "config/difference.h"
#include "config/node_json.h"
#include "config/repository.h"
#include "config/selection.h"

#include <jansson.h>
#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
    if (!holds)
        abort();
}

static void check_problems(const struct problems *problems, struct bytes yaml)
{
    require(problems->count > 0 && problems->count <= PROBLEMS_MAX + 1);
    for (size_t i = 0; i < problems->count; i++) {
        const struct problem *problem = &problems->items[i];
        require(problem->text && *problem->text && !strchr(problem->text, '\n'));
        require(problem->place.line <= yaml.size + 1 && problem->place.column <= yaml.size + 1);
    }
}

static char *canonical(const struct definitions *definitions)
{
    json_t *json = definitions_to_json(definitions);
    char *text = json_dumps(json, JSON_SORT_KEYS | JSON_COMPACT);
    json_decref(json);
    require(text != NULL);
    return text;
}

static void check_json(const struct definitions *before, struct arena *arena)
{
    struct definitions after;
    struct error err;
    char *first = canonical(before);
    const struct node *node = node_read_json(bytes_of_text(first), arena);
    require(node && definitions_from_node(node, arena, &after, &err) == STATUS_OK);
    char *second = canonical(&after);
    require(strcmp(first, second) == 0);
    require(definitions_difference(before, &after, arena).change_count == 0);
    free(first);
    free(second);
}

/* What validation lets pass can be asked for, and its status columns added. */
static void check_services(const struct definitions *definitions, struct arena *arena)
{
    struct selection selection;
    struct error err;
    for (size_t i = 0; i < definitions->service_count; i++) {
        const char *name = definitions->services[i].about.name;
        require(selection_of_service(definitions, name, false, arena, &selection, &err) ==
                STATUS_OK);
        require(selection_check_status_columns(&selection, arena, &err) == STATUS_OK);
    }
}

static void try_definitions(struct bytes yaml, struct arena *arena)
{
    struct problems problems;
    struct definitions definitions;
    problems_init(&problems, arena);
    if (definitions_read_yaml("fuzz.yaml", yaml, arena, &definitions, &problems)) {
        check_problems(&problems, yaml);
        require(definitions.view_count == 0 && !definitions.project);
        return;
    }
    require(problems.count == 0 && definitions.project);
    check_json(&definitions, arena);
    check_services(&definitions, arena);
}

static void try_settings(struct bytes yaml, struct arena *arena)
{
    struct problems problems;
    struct settings settings;
    problems_init(&problems, arena);
    if (settings_read_yaml("larder.yaml", yaml, arena, &settings, &problems)) {
        check_problems(&problems, yaml);
        return;
    }
    const struct store_settings *offline = &settings.offline_store;
    const struct store_settings *online = &settings.online_store;
    require(problems.count == 0);
    require(offline->url ? !offline->path : offline->path != NULL);
    require(online->url ? !online->path : online->path && online->max_size_bytes > 0);
    require(offline->timeout_ms > 0 && online->timeout_ms > 0);
    require(settings.server.max_entities > 0);
    require(!offline->url || url_without_secret(offline->url, arena) != NULL);
    require(!online->url || url_without_secret(online->url, arena) != NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena;
    struct bytes yaml = {size > 0 ? (const void *)data : "", size};
    arena_init(&arena, 0);
    try_definitions(yaml, &arena);
    try_settings(yaml, &arena);
    arena_release(&arena);
    return 0;
}
