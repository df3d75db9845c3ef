/* changes.c - see changes.h. */
#include "cli/changes.h"

#include <jansson.h>
#include <stdio.h>

static const char *const signs[] = {
    [CHANGE_ADDED] = "+", [CHANGE_REMOVED] = "-", [CHANGE_ALTERED] = "~"};
static const char *const words[] = {
    [CHANGE_ADDED] = "added", [CHANGE_REMOVED] = "removed", [CHANGE_ALTERED] = "altered"};

void changes_print(const struct difference *difference)
{
    for (size_t i = 0; i < difference->change_count; i++) {
        const struct change *change = &difference->changes[i];
        printf("%s %s %s\n", signs[change->kind], object_kind_name(change->object), change->name);
        for (size_t d = 0; d < change->detail_count; d++)
            printf("    %s\n", change->details[d]);
        if (change->needs_replace)
            printf("    needs --replace: %s\n", change->needs_replace);
        else if (change->becomes_stale)
            printf("    the next run of materialize rewrites it whole\n");
    }
}

static json_t *change_to_json(const struct change *change)
{
    json_t *details = json_array();
    for (size_t i = 0; i < change->detail_count; i++)
        json_array_append_new(details, json_string(change->details[i]));
    json_t *json =
        json_pack("{s:s, s:s, s:s, s:o}", "change", words[change->kind], "object",
                  object_kind_name(change->object), "name", change->name, "details", details);
    json_object_set_new(json, "becomes_stale", json_boolean(change->becomes_stale));
    json_object_set_new(json, "needs_replace",
                        change->needs_replace ? json_string(change->needs_replace) : json_null());
    return json;
}

struct json_t *changes_to_json(const struct difference *difference)
{
    json_t *json = json_array();
    for (size_t i = 0; i < difference->change_count; i++)
        json_array_append_new(json, change_to_json(&difference->changes[i]));
    return json;
}

enum status changes_check(const struct settings *settings, const struct definitions *definitions,
                          struct arena *arena, struct findings *findings, struct error *err)
{
    struct offline_store *store;
    enum status status = offline_store_open(settings, &store, err);
    if (status)
        return status;
    status = offline_store_check(store, definitions, arena, findings, err);
    offline_store_close(store);
    return status;
}

bool findings_have_errors(const struct findings *findings)
{
    for (size_t i = 0; i < findings->count; i++)
        if (findings->items[i].kind == FINDING_ERROR)
            return true;
    return false;
}

void findings_print(const struct findings *findings)
{
    for (size_t i = 0; i < findings->count; i++)
        fprintf(stderr, "%s: %s\n", findings->items[i].kind == FINDING_ERROR ? "error" : "hint",
                findings->items[i].text);
}

struct json_t *findings_to_json(const struct findings *findings)
{
    json_t *json = json_array();
    for (size_t i = 0; i < findings->count; i++)
        json_array_append_new(json,
                              json_pack("{s:s, s:s}", "kind",
                                        findings->items[i].kind == FINDING_ERROR ? "error" : "hint",
                                        "text", findings->items[i].text));
    return json;
}
