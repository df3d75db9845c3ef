/* load_columns.c - see load_columns.h. */
#include "cli/load_columns.h"

#include "config/wording.h"

enum { NAMES_TOLD = 12 }; /* in a message */

struct gathering {
    struct arena *arena;
    const struct source *source;
    struct load_column *items;
    const char **names;
    size_t count, capacity, name_capacity;
};

static struct load_column *find(const struct gathering *gathering, const char *column)
{
    for (size_t i = 0; i < gathering->count; i++)
        if (strcmp(gathering->items[i].column, column) == 0)
            return &gathering->items[i];
    return NULL;
}

static bool is_integer(value_type type)
{
    return type == TYPE_INT32 || type == TYPE_INT64;
}

static enum status gather(struct gathering *gathering, const char *name, const char *column,
                          enum load_role role, value_type type, struct error *err)
{
    struct load_column *known = find(gathering, column);
    if (known && known->type == type)
        return STATUS_OK;
    if (known && is_integer(known->type) && is_integer(type)) {
        known->type = TYPE_INT64;
        return STATUS_OK;
    }
    if (known)
        return fail(err, STATUS_INVALID,
                    "source %s: column %s is wanted as %s and as %s; make "
                    "the table yourself",
                    gathering->source->about.name, column, type_name(known->type), type_name(type));
    gathering->items =
        arena_grow(gathering->arena, gathering->items, gathering->count, &gathering->capacity,
                   gathering->count + 1, sizeof *gathering->items);
    gathering->names =
        arena_grow(gathering->arena, gathering->names, gathering->count, &gathering->name_capacity,
                   gathering->count + 1, sizeof *gathering->names);
    gathering->items[gathering->count] = (struct load_column){column, role, type};
    gathering->names[gathering->count++] = name;
    return STATUS_OK;
}

static enum status gather_keys(struct gathering *gathering, const struct feature_view *view,
                               struct error *err)
{
    enum status status = STATUS_OK;
    for (size_t i = 0; i < view->key_count && !status; i++)
        status = gather(gathering, view->keys[i].name,
                        source_column(gathering->source, view->keys[i].name), LOAD_KEY,
                        view->keys[i].type, err);
    return status;
}

static enum status gather_features(struct gathering *gathering, const struct feature_view *view,
                                   struct error *err)
{
    enum status status = STATUS_OK;
    for (size_t i = 0; i < view->feature_count && !status; i++)
        status = gather(gathering, view->features[i].name,
                        source_column(gathering->source, view->features[i].name), LOAD_FEATURE,
                        view->features[i].type, err);
    return status;
}

static enum status gather_times(struct gathering *gathering, struct error *err)
{
    const struct source *source = gathering->source;
    enum status status = gather(gathering, source->event_time, source->event_time, LOAD_EVENT_TIME,
                                TYPE_TIMESTAMP, err);
    if (!status && source->created_time)
        status = gather(gathering, source->created_time, source->created_time, LOAD_CREATED_TIME,
                        TYPE_TIMESTAMP, err);
    return status;
}

enum status load_columns_of(const struct definitions *definitions, const struct source *source,
                            struct arena *arena, struct load_columns *columns, struct error *err)
{
    struct gathering gathering = {.arena = arena, .source = source};
    enum status status = STATUS_OK;
    for (size_t i = 0; i < definitions->view_count && !status; i++)
        if (definitions->views[i].source == source)
            status = gather_keys(&gathering, &definitions->views[i], err);
    if (!status && gathering.count == 0)
        return fail(err, STATUS_INVALID,
                    "no feature view uses source %s, so its columns are "
                    "not known",
                    source->about.name);
    if (!status)
        status = gather_times(&gathering, err);
    for (size_t i = 0; i < definitions->view_count && !status; i++)
        if (definitions->views[i].source == source)
            status = gather_features(&gathering, &definitions->views[i], err);
    *columns = (struct load_columns){gathering.items, gathering.names, gathering.count};
    return status;
}

static const struct load_column *match(const struct load_columns *columns, struct bytes name)
{
    for (size_t i = 0; i < columns->count; i++)
        if (bytes_equal(bytes_of_text(columns->names[i]), name))
            return &columns->items[i];
    for (size_t i = 0; i < columns->count; i++)
        if (bytes_equal(bytes_of_text(columns->items[i].column), name))
            return &columns->items[i];
    return NULL;
}

static enum status unknown_name(const struct load_columns *columns, const char *file,
                                const struct csv_field *field, struct arena *arena,
                                struct error *err)
{
    const char *name = arena_text_of(arena, field->text);
    if (strpbrk(name, ";\t|")) {
        fail(err, STATUS_INVALID,
             "%s is no key, feature or time of the source: names, and values, "
             "are separated by commas",
             quoted(arena, name));
        return fail_at(err, file, field->line, field->column);
    }
    const char *advice = did_you_mean(arena, name, columns->names, columns->count);
    bool near = *advice;
    for (size_t i = 0; !near && i < columns->count && i < NAMES_TOLD; i++)
        advice = arena_printf(arena, "%s%s%s", advice, i ? ", " : ": it has ", columns->names[i]);
    bool more = !near && columns->count > NAMES_TOLD;
    fail(err, STATUS_INVALID, "%s is no key, feature or time of the source%s%s",
         quoted(arena, name), advice, more ? ", ..." : "");
    return fail_at(err, file, field->line, field->column);
}

static enum status check_needed(const struct load_columns *columns, const char *file,
                                const struct load_column *given, size_t count, struct error *err)
{
    for (size_t i = 0; i < columns->count; i++) {
        if (columns->items[i].role != LOAD_KEY && columns->items[i].role != LOAD_EVENT_TIME)
            continue;
        bool found = false;
        for (size_t g = 0; g < count; g++)
            found = found || strcmp(given[g].column, columns->items[i].column) == 0;
        if (!found) {
            fail(err, STATUS_INVALID, "the header has no column %s", columns->names[i]);
            return fail_at(err, file, 1, 1);
        }
    }
    return STATUS_OK;
}

enum status load_columns_match(const struct load_columns *columns, const char *file,
                               const struct csv_field *header, size_t count, struct arena *arena,
                               const struct load_column **given, struct error *err)
{
    struct load_column *matched = arena_array(arena, count + 1, sizeof *matched);
    for (size_t i = 0; i < count; i++) {
        const struct load_column *column = match(columns, header[i].text);
        if (!column)
            return unknown_name(columns, file, &header[i], arena, err);
        for (size_t j = 0; j < i; j++)
            if (strcmp(matched[j].column, column->column) == 0) {
                fail(err, STATUS_INVALID, "column %s stands twice in the header", column->column);
                return fail_at(err, file, header[i].line, header[i].column);
            }
        matched[i] = *column;
    }
    *given = matched;
    return check_needed(columns, file, matched, count, err);
}
