/* query.c - see query.h. */
#include "server/answer/query.h"

#include "base/timestamp.h"
#include "server/answer/asked.h"

#include <stdio.h>

void query_begin(struct query *query, const struct query_limits *limits, const struct arena *arena)
{
    *query = (struct query){.arena_max = arena->used_bytes + limits->max_bytes};
}

enum status query_plan(struct query *query, const struct snapshot *snapshot,
                       const struct asked *asked, const struct query_limits *limits,
                       struct arena *arena, struct error *err)
{
    enum status status;
    query->snapshot = snapshot;
    if (asked->service.data)
        status =
            snapshot_plan_service(snapshot, asked->service, asked->full_names, &query->plan, err);
    else if (asked->reference_count > 0)
        status = snapshot_plan_references(snapshot, asked->references, asked->reference_count,
                                          asked->full_names, arena, &query->plan, err);
    else
        status = fail(err, STATUS_INVALID,
                      "the request names neither a feature service nor "
                      "features");
    if (status)
        return status;
    if (query->plan->feature_count > limits->max_features)
        return fail(err, STATUS_EXHAUSTED,
                    "a request may ask for at most %zu features; these are %zu",
                    limits->max_features, query->plan->feature_count);
    query->keys = arena_array(arena, query->plan->key_count, sizeof *query->keys);
    return STATUS_OK;
}

int query_find_key(const struct query *query, struct bytes name)
{
    for (size_t i = 0; i < query->plan->key_count; i++)
        if (bytes_equal(query->plan->keys[i].name, name))
            return (int)i;
    return -1;
}

/* All of them at once: who corrects one would only meet the next. */
static enum status lacks_keys(const struct query *query, struct error *err)
{
    enum { KEYS_TOLD = 8 };
    const struct plan *plan = query->plan;
    size_t count = 0;
    char names[KEYS_TOLD * (NAME_SIZE_MAX + 16)] = "";
    size_t size = 0;
    for (size_t i = 0; i < plan->key_count; i++)
        if (!query->keys[i] && count++ < KEYS_TOLD)
            size += (size_t)snprintf(names + size, sizeof names - size, "%s%.*s (%s)",
                                     count > 1 ? ", " : "", NAME_SHOWN(plan->keys[i].name),
                                     type_name(plan->keys[i].type));
    return fail(err, STATUS_INVALID, "the request lacks the join key%s %s%s", count > 1 ? "s" : "",
                names, count > KEYS_TOLD ? ", ..." : "");
}

enum status query_check_columns(struct query *query, const size_t *row_counts,
                                const struct query_limits *limits, struct error *err)
{
    const struct plan *plan = query->plan;
    for (size_t i = 0; i < plan->key_count; i++) {
        const struct plan_key *key = &plan->keys[i];
        if (!query->keys[i])
            return lacks_keys(query, err);
        if (row_counts[i] != row_counts[0])
            return fail(err, STATUS_INVALID,
                        "the entity columns differ in length: %.*s has %zu values, %.*s has %zu",
                        NAME_SHOWN(plan->keys[0].name), row_counts[0], NAME_SHOWN(key->name),
                        row_counts[i]);
    }
    query->row_count = row_counts[0];
    if (query->row_count == 0)
        return fail(err, STATUS_INVALID, "the request has no entities");
    if (query->row_count > limits->max_lookups / plan->view_count)
        return fail(
            err, STATUS_EXHAUSTED,
            "%zu entities in %zu feature views are %zu rows; a request may read at most %zu",
            query->row_count, plan->view_count, query->row_count * plan->view_count,
            limits->max_lookups);
    return STATUS_OK;
}

enum status query_check_rows(size_t row_count, const struct query_limits *limits, struct error *err)
{
    if (row_count < limits->max_entities)
        return STATUS_OK;
    return fail(err, STATUS_EXHAUSTED, "a request may ask for at most %zu entities",
                limits->max_entities);
}

enum status query_check_memory(const struct query *query, const struct arena *arena,
                               struct error *err)
{
    if (arena->used_bytes <= query->arena_max)
        return STATUS_OK;
    return fail(err, STATUS_EXHAUSTED,
                "the request's keys take more memory than one request may: ask for fewer entities "
                "or features");
}

enum status query_check_value(const struct plan_key *key, const struct value *value, size_t row,
                              struct error *err)
{
    const char *wrong = NULL;
    if (key->type == TYPE_STRING && !text_is_valid(value->bytes))
        wrong = "is not UTF-8 text, or holds a NUL";
    else if (key->type == TYPE_TIMESTAMP && !timestamp_in_range(value->int64))
        wrong = "lies outside the years 1 to 9999";
    if (!wrong)
        return STATUS_OK;
    return fail(err, STATUS_INVALID, "join key %.*s: value %zu %s", NAME_SHOWN(key->name), row,
                wrong);
}
