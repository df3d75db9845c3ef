/* changes.c - see changes.h. */
#include "cli/changes.h"

#include "cli/notice.h"
#include "cli/screen.h"
#include "cli/style.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

enum { DETAIL_INDENT = 4 };

static const char *const signs[] = {
    [CHANGE_ADDED] = "+", [CHANGE_REMOVED] = "-", [CHANGE_ALTERED] = "~"};
static const char *const words[] = {
    [CHANGE_ADDED] = "added", [CHANGE_REMOVED] = "removed", [CHANGE_ALTERED] = "altered"};

static const enum paint paints[] = {
    [CHANGE_ADDED] = PAINT_GOOD, [CHANGE_REMOVED] = PAINT_BAD, [CHANGE_ALTERED] = PAINT_CARE};

/* Details carry the signs of changes, too; where there is none something is altered. */
static enum paint paint_of_detail(const char *detail)
{
    return detail[0] == '+' ? PAINT_GOOD : detail[0] == '-' ? PAINT_BAD : PAINT_CARE;
}

static void print_detail(struct style style, enum paint paint, const char *text)
{
    printf("    %s", style_begin(style, paint));
    text_wrap(stdout, text, DETAIL_INDENT, DETAIL_INDENT + 2, style_end(style, paint));
}

static void print_change(struct style style, const struct change *change, struct arena *arena)
{
    enum paint paint = paints[change->kind];
    printf("%s%s %s %s%s\n", style_begin(style, paint), signs[change->kind],
           object_kind_name(change->object), change->name, style_end(style, paint));
    for (size_t i = 0; i < change->detail_count; i++)
        print_detail(style, paint_of_detail(change->details[i]), change->details[i]);
    if (change->needs_replace)
        print_detail(style, PAINT_BAD,
                     arena_printf(arena, "needs --replace: %s", change->needs_replace));
    else if (change->rebuilds)
        print_detail(style, PAINT_FAINT,
                     "the next run of materialize rebuilds it; until then it is served as before");
    else if (change->becomes_stale)
        print_detail(style, PAINT_FAINT, "the next run of materialize rewrites it whole");
}

void changes_print(const struct difference *difference, struct arena *arena)
{
    struct style style = style_of(stdout);
    for (size_t i = 0; i < difference->change_count; i++)
        print_change(style, &difference->changes[i], arena);
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
    json_object_set_new(json, "rebuilds", json_boolean(change->rebuilds));
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
    for (size_t i = 0; i < findings->count; i++) {
        const struct finding *finding = &findings->items[i];
        if (finding->kind == FINDING_HINT)
            notice(NOTICE_HINT, "%s", finding->text);
        else if (finding->subject.place.file)
            notice_mistake(&finding->subject.place, finding->text);
        else
            notice(NOTICE_ERROR, "%s", finding->text);
    }
}

/* Of the view itself, or of the source that it reads. */
static bool is_changed(const struct subject *subject, const struct difference *difference)
{
    for (size_t i = 0; i < difference->change_count; i++) {
        const struct change *change = &difference->changes[i];
        if ((change->object == OBJECT_FEATURE_VIEW && subject->view &&
             strcmp(change->name, subject->view) == 0) ||
            (change->object == OBJECT_SOURCE && subject->source &&
             strcmp(change->name, subject->source) == 0))
            return true;
    }
    return false;
}

void findings_keep_changed(struct findings *findings, const struct difference *difference)
{
    size_t kept = 0;
    for (size_t i = 0; i < findings->count; i++)
        if (is_changed(&findings->items[i].subject, difference))
            findings->items[kept++] = findings->items[i];
    findings->count = kept;
}

static json_t *finding_to_json(const struct finding *finding)
{
    const struct place *place = &finding->subject.place;
    json_t *json =
        json_pack("{s:s, s:s?}", "kind", finding->kind == FINDING_ERROR ? "error" : "hint", "file",
                  place->file);
    json_object_set_new(json, "line",
                        place->line ? json_integer((json_int_t)place->line) : json_null());
    json_object_set_new(json, "column", place->line ? json_integer(place->column) : json_null());
    json_object_set_new(json, "text", json_string(finding->text));
    return json;
}

struct json_t *findings_to_json(const struct findings *findings)
{
    json_t *json = json_array();
    for (size_t i = 0; i < findings->count; i++)
        json_array_append_new(json, finding_to_json(&findings->items[i]));
    return json;
}
