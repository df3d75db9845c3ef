/* lookup.c - see lookup.h. */
#include "server/answer/lookup.h"

#include "base/entity_key.h"
#include "base/timestamp.h"

#define NO_KEY UINT32_MAX
#define DAY_US (INT64_C(24) * 60 * 60 * 1000000)

/* The values of one row's key, in the order of the group. false: one is null, or so long that the
 * whole key would be, which is seen here before it is encoded. */
static bool gather_key(const struct query *query, const struct plan_group *group, size_t row,
                       struct value *values)
{
    for (size_t i = 0; i < group->key_count; i++) {
        values[i] = query->keys[group->asked_keys[i]][row];
        if (values[i].is_null)
            return false;
        if (type_width(values[i].type) == 0 && values[i].bytes.size > ENTITY_KEY_MAX)
            return false;
    }
    return true;
}

static uint32_t add_key(struct key_list *list, struct bytes begin, struct bytes end,
                        struct arena *arena)
{
    size_t size = begin.size + end.size;
    if (size > ENTITY_KEY_MAX)
        return NO_KEY;
    uint8_t *key = arena_alloc(arena, size);
    memcpy(key, begin.data, begin.size);
    memcpy(key + begin.size, end.data, end.size);
    list->keys[list->count] = (struct bytes){key, size};
    return (uint32_t)list->count++;
}

static enum status add_group(struct lookup *lookup, const struct plan_group *group,
                             struct key_list *list, struct arena *arena, struct error *err)
{
    const struct query *query = lookup->query;
    const struct plan *plan = query->plan;
    struct value *values = arena_array(arena, group->key_count, sizeof *values);
    for (size_t row = 0; row < query->row_count; row++) {
        bool has_key = gather_key(query, group, row, values);
        buffer_clear(&list->encoded);
        if (has_key)
            entity_key_begin(&list->encoded, plan->project_id, group->key_set_id, values,
                             group->key_count);
        for (size_t i = 0; i < group->view_count; i++) {
            uint16_t view = group->views[i];
            lookup->key_numbers[view * query->row_count + row] =
                has_key ? add_key(list, buffer_bytes(&list->encoded),
                                  plan->views[view].served->key_end, arena)
                        : NO_KEY;
        }
        enum status status = query_check_memory(query, arena, err);
        if (status)
            return status;
    }
    return STATUS_OK;
}

enum status lookup_begin(struct lookup *lookup, const struct query *query, struct key_list *list,
                         struct arena *arena, struct error *err)
{
    const struct plan *plan = query->plan;
    size_t count = plan->view_count * query->row_count;
    enum status status = STATUS_OK;
    *lookup = (struct lookup){.query = query, .first_key = list->count};
    lookup->key_numbers = arena_alloc(arena, count * sizeof *lookup->key_numbers);
    list->keys = arena_grow(arena, list->keys, list->count, &list->capacity, list->count + count,
                            sizeof *list->keys);
    for (size_t i = 0; !status && i < plan->group_count; i++)
        status = add_group(lookup, &plan->groups[i], list, arena, err);
    if (status)
        list->count = lookup->first_key;
    lookup->key_count = list->count - lookup->first_key;
    return status;
}

static enum feature_status judge_age(const struct feature_view *view, int64_t event_time_us,
                                     int64_t now_us)
{
    if (view->ttl_us == 0)
        return FEATURE_PRESENT;
    int64_t oldest_us = timestamp_subtract(now_us, view->ttl_us);
    if (event_time_us >= oldest_us)
        return FEATURE_PRESENT;
    if (event_time_us >= timestamp_subtract(oldest_us, DAY_US))
        return FEATURE_OUTSIDE_MAX_AGE;
    return FEATURE_NOT_FOUND;
}

/* Opens one stored row. */
static enum status judge_row(struct lookup *lookup, const struct served_view *view,
                             struct bytes row, int64_t now_us, struct found_row *found,
                             struct error *err)
{
    static const struct row_layout no_columns = {.tail_offset = ROW_HEADER_SIZE};
    const char *name = view->in_catalog->view->about.name;
    struct row_header header;
    if (!row_peek(row, &header))
        return fail(err, STATUS_CORRUPT, "feature view %s: the stored bytes are no row", name);
    bool is_tombstone = header.flags & ROW_TOMBSTONE;
    const struct served_schema *schema =
        is_tombstone ? NULL : served_view_schema(view, header.schema);
    if (!is_tombstone && !schema) {
        lookup->needs_definitions = true;
        return fail(err, STATUS_FAILED,
                    "feature view %s: a row has schema number %u, which version %llu of the "
                    "definitions does not have",
                    name, header.schema,
                    (unsigned long long)lookup->query->snapshot->catalog.version);
    }
    if (row_open(row, schema ? schema->layout : &no_columns, &header, err))
        return fail_within(err, "feature view %s", name);
    if (is_tombstone)
        return STATUS_OK;
    enum feature_status status = judge_age(view->in_catalog->view, header.event_time_us, now_us);
    if (status != FEATURE_NOT_FOUND)
        *found = (struct found_row){row, schema, header.event_time_us, status};
    return STATUS_OK;
}

enum status lookup_finish(struct lookup *lookup, const struct bytes *rows, int64_t now_us,
                          struct arena *arena, struct error *err)
{
    const struct plan *plan = lookup->query->plan;
    size_t row_count = lookup->query->row_count;
    lookup->found = arena_alloc(arena, plan->view_count * row_count * sizeof *lookup->found);
    lookup->null_counts = arena_zero(arena, plan->view_count * sizeof *lookup->null_counts);
    for (size_t i = 0; i < plan->view_count * row_count; i++) {
        struct found_row *found = &lookup->found[i];
        *found = (struct found_row){.status = FEATURE_NOT_FOUND};
        uint32_t number = lookup->key_numbers[i];
        if (number == NO_KEY)
            continue;
        if (!rows[number].data) {
            lookup->lacks_rows = true;
            continue;
        }
        enum status status =
            judge_row(lookup, plan->views[i / row_count].served, rows[number], now_us, found, err);
        if (status)
            return status;
    }
    return STATUS_OK;
}

void lookup_count_nulls(const struct lookup *lookup, const struct plan_feature *feature,
                        const uint8_t *statuses)
{
    uint64_t count = 0;
    for (size_t i = 0; i < lookup->query->row_count; i++)
        count += statuses[i] == FEATURE_NULL_VALUE;
    lookup->null_counts[feature->view] += count;
}

/* Whether a row has the feature, null or not, and then in which column. */
static inline enum feature_status find_column(const struct found_row *found,
                                              const struct plan_feature *feature, size_t *column)
{
    if (found->status != FEATURE_PRESENT)
        return found->status;
    int16_t at = found->schema->columns[feature->feature];
    *column = (size_t)at;
    return at < 0 ? FEATURE_NOT_FOUND : FEATURE_PRESENT;
}

size_t lookup_column(const struct lookup *lookup, const struct plan_feature *feature,
                     struct value *values, uint8_t *statuses)
{
    size_t row_count = lookup->query->row_count;
    size_t present_count = 0, column;
    for (size_t i = 0; i < row_count; i++) {
        const struct found_row *found = lookup_row(lookup, feature->view, i);
        enum feature_status status = find_column(found, feature, &column);
        values[i] = (struct value){.type = feature->type, .is_null = true, .bytes = {NULL, 0}};
        if (status == FEATURE_PRESENT) {
            values[i] = row_get(found->row, found->schema->layout, column);
            if (values[i].is_null)
                status = FEATURE_NULL_VALUE;
        }
        present_count += status == FEATURE_PRESENT;
        statuses[i] = (uint8_t)status;
    }
    return present_count;
}

size_t lookup_slots(const struct lookup *lookup, const struct plan_feature *feature,
                    const uint8_t **slots, uint8_t *statuses)
{
    size_t row_count = lookup->query->row_count;
    size_t present_count = 0, column;
    for (size_t i = 0; i < row_count; i++) {
        const struct found_row *found = lookup_row(lookup, feature->view, i);
        enum feature_status status = find_column(found, feature, &column);
        slots[i] = NULL;
        if (status == FEATURE_PRESENT) {
            slots[i] = row_fixed(found->row, found->schema->layout, column);
            if (!slots[i])
                status = FEATURE_NULL_VALUE;
        }
        present_count += status == FEATURE_PRESENT;
        statuses[i] = (uint8_t)status;
    }
    return present_count;
}
