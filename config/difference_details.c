/* difference_details.c - see difference_details.h. */
#include "config/difference_details.h"

#include "base/buffer.h"
#include "base/timestamp.h"
#include "config/name_set.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Texts longer than this are said to have changed, and not shown. */
enum { SHOWN_MAX = 60 };

__attribute__((format(printf, 2, 3))) static void say(struct details *details, const char *format,
                                                      ...)
{
    char line[512];
    va_list args;
    va_start(args, format);
    vsnprintf(line, sizeof line, format, args);
    va_end(args);
    details->lines = arena_grow(details->arena, details->lines, details->count, &details->capacity,
                                details->count + 1, sizeof *details->lines);
    details->lines[details->count++] = arena_text(details->arena, line);
}

static bool same_text(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

static bool is_short(const char *text)
{
    return !text || (strlen(text) <= SHOWN_MAX && !strchr(text, '\n'));
}

/* What changed, from one text to another; either may be NULL. True if they differ. */
static bool say_text(struct details *details, const char *what, const char *before,
                     const char *after)
{
    if (same_text(before, after))
        return false;
    if (is_short(before) && is_short(after))
        say(details, "%s: %s -> %s", what, before ? before : "none", after ? after : "none");
    else
        say(details, "%s: %s", what, !before ? "added" : !after ? "removed" : "changed");
    return true;
}

/* Tags are sorted by name. */
static void say_tags(struct details *details, const char *of, const struct tag *before,
                     size_t before_count, const struct tag *after, size_t after_count)
{
    size_t i = 0, j = 0;
    while (i < before_count || j < after_count) {
        int order = i == before_count  ? 1
                    : j == after_count ? -1
                                       : strcmp(before[i].name, after[j].name);
        const struct tag *old = order <= 0 ? &before[i++] : NULL;
        const struct tag *new = order >= 0 ? &after[j++] : NULL;
        char what[160];
        snprintf(what, sizeof what, "%stag %.64s", of, old ? old->name : new->name);
        say_text(details, what, old ? old->value : NULL, new ? new->value : NULL);
    }
}

static void say_description(struct details *details, const struct description *before,
                            const struct description *after)
{
    say_text(details, "description", before->text, after->text);
    say_text(details, "owner", before->owner, after->owner);
    say_tags(details, "", before->tags, before->tag_count, after->tags, after->tag_count);
}

/* Entities */

static const char *key_list(struct arena *arena, const struct join_key *keys, size_t count)
{
    const char *text = "";
    for (size_t i = 0; i < count; i++)
        text = arena_printf(arena, "%s%s%s %s", text, i ? ", " : "", keys[i].name,
                            type_name(keys[i].type));
    return text;
}

static bool same_keys(const struct join_key *before, size_t before_count,
                      const struct join_key *after, size_t after_count)
{
    if (before_count != after_count)
        return false;
    for (size_t i = 0; i < before_count; i++)
        if (strcmp(before[i].name, after[i].name) != 0 || before[i].type != after[i].type)
            return false;
    return true;
}

void details_of_entity(const struct entity *before, const struct entity *after,
                       struct details *details)
{
    if (!same_keys(before->keys, before->key_count, after->keys, after->key_count))
        say(details, "join keys: %s -> %s",
            key_list(details->arena, before->keys, before->key_count),
            key_list(details->arena, after->keys, after->key_count));
    say_description(details, &before->about, &after->about);
}

/* Sources */

static const char *duration_text(struct arena *arena, int64_t us)
{
    char text[DURATION_TEXT_SIZE];
    duration_format(us, text);
    return arena_text(arena, text);
}

static const char *misfits_text(enum misfit_policy misfits)
{
    return misfits == MISFITS_AS_NULL ? "as_null" : "stop";
}

static void say_fields(struct details *details, const struct source *before,
                       const struct source *after)
{
    size_t i = 0, j = 0;
    while (i < before->field_count || j < after->field_count) {
        int order = i == before->field_count ? 1
                    : j == after->field_count
                        ? -1
                        : strcmp(before->fields[i].name, after->fields[j].name);
        const struct source_field *old = order <= 0 ? &before->fields[i++] : NULL;
        const struct source_field *new = order >= 0 ? &after->fields[j++] : NULL;
        const char *name = old ? old->name : new->name;
        char what[160];
        snprintf(what, sizeof what, "column of %.64s", name);
        say_text(details, what, old ? old->column : name, new ? new->column : name);
    }
}

void details_of_source(const struct source *before, const struct source *after,
                       struct details *details)
{
    say_text(details, "table", before->table, after->table);
    say_text(details, "query", before->query, after->query);
    say_text(details, "event_time", before->event_time, after->event_time);
    say_text(details, "created_time", before->created_time, after->created_time);
    if (before->lookback_us != after->lookback_us)
        say(details, "lookback: %s -> %s", duration_text(details->arena, before->lookback_us),
            duration_text(details->arena, after->lookback_us));
    say_text(details, "misfits", misfits_text(before->misfits), misfits_text(after->misfits));
    say_fields(details, before, after);
    say_description(details, &before->about, &after->about);
}

/* Feature views */

static void replace(struct details *details, const char *why)
{
    if (!details->needs_replace)
        details->needs_replace = why;
}

static void say_feature(struct details *details, const struct feature *before,
                        const struct feature *after)
{
    char of[128];
    if (before->type != after->type) {
        details->schema_changed = true;
        say(details, "~ feature %s: %s -> %s", after->name, type_name(before->type),
            type_name(after->type));
        replace(details,
                arena_printf(details->arena,
                             "the type of its feature %s changes from %s "
                             "to %s",
                             after->name, type_name(before->type), type_name(after->type)));
    }
    snprintf(of, sizeof of, "feature %s: description", after->name);
    say_text(details, of, before->text, after->text);
    snprintf(of, sizeof of, "feature %s: ", after->name);
    say_tags(details, of, before->tags, before->tag_count, after->tags, after->tag_count);
}

static bool same_order(const struct feature_view *before, const struct feature_view *after)
{
    if (before->feature_count != after->feature_count)
        return false;
    for (size_t i = 0; i < before->feature_count; i++)
        if (strcmp(before->features[i].name, after->features[i].name) != 0)
            return false;
    return true;
}

static void say_features(struct details *details, const struct feature_view *before,
                         const struct feature_view *after)
{
    bool same_set = true;
    for (size_t i = 0; i < before->feature_count; i++)
        if (feature_view_find(after, before->features[i].name) < 0) {
            say(details, "- feature %s %s", before->features[i].name,
                type_name(before->features[i].type));
            same_set = false;
        }
    for (size_t i = 0; i < after->feature_count; i++) {
        int index = feature_view_find(before, after->features[i].name);
        if (index >= 0) {
            say_feature(details, &before->features[index], &after->features[i]);
            continue;
        }
        say(details, "+ feature %s %s", after->features[i].name,
            type_name(after->features[i].type));
        same_set = false;
        details->becomes_stale = true;
    }
    bool reordered = same_set && !same_order(before, after);
    if (reordered)
        say(details, "features: in another order");
    details->schema_changed |= !same_set || reordered;
}

static const char *entity_list(struct arena *arena, const struct feature_view *view)
{
    const char *text = "";
    for (size_t i = 0; i < view->entity_count; i++)
        text = arena_printf(arena, "%s%s%s", text, i ? ", " : "", view->entities[i]->about.name);
    return text;
}

static void say_keys(struct details *details, const struct feature_view *before,
                     const struct feature_view *after)
{
    struct arena *arena = details->arena;
    say_text(details, "entities", entity_list(arena, before), entity_list(arena, after));
    if (same_keys(before->keys, before->key_count, after->keys, after->key_count))
        return;
    const char *old = key_list(arena, before->keys, before->key_count);
    const char *new = key_list(arena, after->keys, after->key_count);
    say(details, "join keys: %s -> %s", old, new);
    replace(details, arena_printf(arena, "its join keys change from %s to %s", old, new));
}

/* Whether another column is read for anything that both hold. */
static bool same_columns(const struct feature_view *before, const struct feature_view *after)
{
    const struct source *old = before->source, *new = after->source;
    for (size_t i = 0; i < after->key_count; i++)
        if (strcmp(source_column(old, after->keys[i].name),
                   source_column(new, after->keys[i].name)) != 0)
            return false;
    for (size_t i = 0; i < after->feature_count; i++)
        if (strcmp(source_column(old, after->features[i].name),
                   source_column(new, after->features[i].name)) != 0)
            return false;
    return true;
}

static void say_source(struct details *details, const struct feature_view *before,
                       const struct feature_view *after)
{
    const struct source *old = before->source, *new = after->source;
    bool named = say_text(details, "source", old->about.name, new->about.name);
    bool same = same_text(old->table, new->table) && same_text(old->query, new->query) &&
                same_text(old->event_time, new->event_time) &&
                same_text(old->created_time, new->created_time) &&
                old->misfits == new->misfits &&same_columns(before, after);
    if (!same && !named)
        say(details, "its source %s", new->about.name);
    details->rebuilds |= !same || named;
}

static void say_ttl(struct details *details, int64_t before_us, int64_t after_us)
{
    if (before_us == after_us)
        return;
    say(details, "ttl: %s -> %s", before_us ? duration_text(details->arena, before_us) : "none",
        after_us ? duration_text(details->arena, after_us) : "none");
    /* No ttl is the longest of all. */
    details->becomes_stale |= before_us != 0 && (after_us == 0 || after_us > before_us);
}

void details_of_view(const struct feature_view *before, const struct feature_view *after,
                     struct details *details)
{
    say_keys(details, before, after);
    say_source(details, before, after);
    say_ttl(details, before->ttl_us, after->ttl_us);
    if (before->online != after->online) {
        say(details, "online: %s -> %s", before->online ? "true" : "false",
            after->online ? "true" : "false");
        details->rebuilds |= after->online; /* its source may have changed while it was not */
    }
    say_features(details, before, after);
    say_description(details, &before->about, &after->about);
    details->rebuilds &= after->online; /* else there are no rows to rewrite */
    details->becomes_stale = (details->becomes_stale || details->rebuilds) && after->online;
}

/* Feature services */

/* An item as one line: "weather: [wind] as dest_weather, origin from dest". */
static const char *item_text(struct arena *arena, const struct service_item *item)
{
    struct buffer text;
    buffer_init(&text, 0);
    buffer_append_text(&text, item->view->about.name);
    for (size_t i = 0; i < item->feature_count && !item->all_features; i++)
        buffer_printf(&text, "%s%s", i ? ", " : ": [",
                      item->view->features[item->features[i]].name);
    if (!item->all_features)
        buffer_append_byte(&text, ']');
    if (item->alias)
        buffer_printf(&text, " as %s", item->alias);
    for (size_t i = 0; i < item->key_count; i++)
        buffer_printf(&text, ", %s from %s", item->keys[i].join_key, item->keys[i].from);
    const char *copy = arena_text_of(arena, buffer_bytes(&text));
    buffer_release(&text);
    return copy;
}

static const char **item_texts(struct arena *arena, const struct feature_service *service)
{
    const char **texts = arena_array(arena, service->item_count, sizeof *texts);
    for (size_t i = 0; i < service->item_count; i++)
        texts[i] = item_text(arena, &service->items[i]);
    return texts;
}

/* Items of one side that the other lacks; their number. */
static size_t say_missing(struct details *details, char sign, const char **texts, size_t count,
                          const char **others, size_t other_count)
{
    struct name_set set;
    name_set_init(&set, details->arena, other_count);
    size_t number = 0, missing = 0;
    for (size_t i = 0; i < other_count; i++)
        name_set_add(&set, others[i], &number);
    for (size_t i = 0; i < count; i++)
        if (!name_set_find(&set, texts[i], NULL)) {
            say(details, "%c %s", sign, texts[i]);
            missing++;
        }
    return missing;
}

static bool same_texts(const char **a, const char **b, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(a[i], b[i]) != 0)
            return false;
    return true;
}

void details_of_service(const struct feature_service *before, const struct feature_service *after,
                        struct details *details)
{
    const char **old = item_texts(details->arena, before),
               **new = item_texts(details->arena, after);
    size_t missing = say_missing(details, '-', old, before->item_count, new, after->item_count);
    missing += say_missing(details, '+', new, after->item_count, old, before->item_count);
    if (missing == 0 &&
        (before->item_count != after->item_count || !same_texts(old, new, after->item_count)))
        say(details, "features: in another order");
    say_description(details, &before->about, &after->about);
}
