/* postgres_join_sql.c - see postgres_join_sql.h. */
#include "store/offline/postgres_join_sql.h"

#include "base/timestamp.h"
#include "store/offline/postgres_asks.h"

#include <inttypes.h>

#define DAY_US INT64_C(86400000000)

/*
 * The ask's side is converted and never the column, so that an index on the column serves; and only
 * in ways that cannot fail on a strange ask. Equality of char(n) ignores spaces at the end, also
 * those of the ask, so the exact comparison stands beside it.
 */
static void append_key(const struct postgres_join_sql *join, struct buffer *sql,
                       const struct postgres_field *key, unsigned ask)
{
    const struct postgres_column *column = key->column;
    bool exact = *key->cast != '\0';
    if (column->oid == PG_TYPE_UUID || column->oid == PG_TYPE_BPCHAR || !exact) {
        postgres_append_field(join->store, sql, key);
        if (column->oid == PG_TYPE_UUID)
            buffer_printf(sql,
                          " = CASE WHEN asks.k%u ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$'"
                          " THEN asks.k%u::uuid END",
                          ask, ask);
        else
            buffer_printf(sql, " = asks.k%u%s", ask, exact ? "::bpchar" : "");
        buffer_append_text(sql, " AND ");
    }
    if (exact && column->oid != PG_TYPE_UUID) {
        postgres_append_field(join->store, sql, key);
        buffer_printf(sql, "::text = asks.k%u AND ", ask);
    }
}

/* "at - ttl" could leave the range of timestamptz and fail, so it is worked out only where it lies
 * within the years that rows can have. */
static void append_oldest(const struct join_request *request, const struct feature_view *view,
                          struct buffer *sql)
{
    int64_t ttl_us = timestamp_add(view->ttl_us, request->with_status ? DAY_US : 0);
    int64_t first_us = timestamp_add(TIMESTAMP_MIN, ttl_us);
    if (view->ttl_us == 0 || first_us > TIMESTAMP_MAX) {
        postgres_append_time(sql, TIMESTAMP_MIN);
        return;
    }
    buffer_append_text(sql, "CASE WHEN asks.at >= ");
    postgres_append_time(sql, first_us);
    /* hours:minutes:seconds is exact however long, in every version. */
    buffer_printf(
        sql,
        " THEN asks.at - interval '%" PRId64 ":%02" PRId64 ":%02" PRId64 ".%06" PRId64 "' ELSE ",
        ttl_us / 3600000000, ttl_us / 60000000 % 60, ttl_us / 1000000 % 60, ttl_us % 1000000);
    postgres_append_time(sql, TIMESTAMP_MIN);
    buffer_append_text(sql, " END");
}

/*
 * created <= limit. Where a misfit stops the run, a created time that lies behind all limits
 * passes, so that it is met if its row would be the answer; where it reads as null it is unknown,
 * and known to nobody. (A misfit before all limits passes by itself.)
 */
static void append_created_limit(const struct postgres_join_sql *join, struct buffer *sql,
                                 const struct postgres_view *view, const char *limit)
{
    bool stops = view->view->source->misfits == MISFITS_STOP;
    buffer_append_text(sql, " AND (");
    postgres_append_created(join->store, sql, view);
    buffer_printf(sql, " <= %s", limit);
    if (stops) {
        buffer_append_text(sql, " OR ");
        postgres_append_field(join->store, sql, &view->created);
        buffer_append_text(sql, " > ");
        postgres_append_time(sql, TIMESTAMP_MAX);
    }
    buffer_append_text(sql, ")");
}

static void append_time_limit(const struct postgres_join_sql *join, struct buffer *sql,
                              const struct postgres_view *view, int64_t limit_us)
{
    struct buffer limit;
    buffer_init(&limit, 0);
    postgres_append_time(&limit, limit_us);
    buffer_append_byte(&limit, 0);
    append_created_limit(join, sql, view, (const char *)limit.data);
    buffer_release(&limit);
}

static void append_created_limits(const struct postgres_join_sql *join, struct buffer *sql,
                                  const struct postgres_view *view)
{
    if (join->request->as_known)
        append_created_limit(join, sql, view, "asks.at");
    if (join->request->as_of_us != AS_OF_NOW)
        append_time_limit(join, sql, view, join->request->as_of_us);
}

/* The latest row that is eligible at asks.at. */
static void append_latest(const struct postgres_join_sql *join, struct buffer *sql, size_t index)
{
    const struct postgres_view *view = &join->views[index];
    const struct selected_view *selected = &join->request->selection->views[index];
    buffer_append_text(sql, " LEFT JOIN LATERAL (SELECT ");
    postgres_append_field(join->store, sql, &view->event);
    buffer_append_text(sql, " AS event");
    if (view->created.column) {
        buffer_append_text(sql, ", ");
        postgres_append_field(join->store, sql, &view->created);
        buffer_append_text(sql, " AS created");
    }
    for (size_t i = 0; i < view->feature_count; i++) {
        buffer_append_text(sql, ", ");
        postgres_append_field(join->store, sql, &view->features[i]);
        buffer_printf(sql, " AS f%zu", i);
    }
    buffer_printf(sql, " FROM %s AS source WHERE ", view->source.from);
    for (size_t i = 0; i < view->view->key_count; i++)
        append_key(join, sql, &view->keys[i], selected->asked_keys[i]);
    postgres_append_field(join->store, sql, &view->event);
    buffer_append_text(sql, " <= asks.at AND ");
    postgres_append_field(join->store, sql, &view->event);
    buffer_append_text(sql, " >= ");
    append_oldest(join->request, view->view, sql);
    append_created_limits(join, sql, view);
    buffer_append_text(sql, " ORDER BY ");
    postgres_append_field(join->store, sql, &view->event);
    buffer_append_text(sql, " DESC");
    if (view->created.column) {
        buffer_append_text(sql, ", ");
        postgres_append_created(join->store, sql, view);
        buffer_append_text(sql, " DESC NULLS LAST");
    }
    buffer_printf(sql, " LIMIT 1) AS v%zu ON true", index);
}

void postgres_append_join(const struct postgres_join_sql *join, struct buffer *sql)
{
    size_t count = join->request->selection->view_count;
    buffer_append_text(sql, "SELECT ");
    for (size_t v = 0; v < count; v++) {
        const struct postgres_view *view = &join->views[v];
        buffer_printf(sql, "%sv%zu.event", v == 0 ? "" : ", ", v);
        if (view->created.column)
            buffer_printf(sql, ", v%zu.created", v);
        for (size_t i = 0; i < view->feature_count; i++)
            buffer_printf(sql, ", v%zu.f%zu%s", v, i, view->features[i].cast);
    }
    buffer_append_text(sql, " FROM ");
    postgres_append_asks(join->request->selection, sql);
    for (size_t v = 0; v < count; v++)
        append_latest(join, sql, v);
    buffer_append_text(sql, " ORDER BY asks.n");
}

void postgres_append_probe(const struct postgres_join_sql *join, size_t index, struct buffer *sql)
{
    buffer_append_text(sql, "SELECT * FROM ");
    postgres_append_no_ask(join->request->selection, sql);
    append_latest(join, sql, index);
}

static void append_sent(const struct postgres_join_sql *join, struct buffer *sql,
                        const struct postgres_field *field)
{
    postgres_append_field(join->store, sql, field);
    buffer_append_text(sql, field->cast);
}

/* Names of columns are not needed: what takes the rows knows their order. */
static void append_streamed_columns(const struct postgres_join_sql *join, struct buffer *sql,
                                    const struct postgres_view *view)
{
    for (size_t i = 0; i < view->view->key_count; i++) {
        append_sent(join, sql, &view->keys[i]);
        buffer_append_text(sql, ", ");
    }
    append_sent(join, sql, &view->event);
    if (view->created.column) {
        buffer_append_text(sql, ", ");
        append_sent(join, sql, &view->created);
    }
    for (size_t i = 0; i < view->feature_count; i++) {
        buffer_append_text(sql, ", ");
        append_sent(join, sql, &view->features[i]);
    }
}

void postgres_append_stream(const struct postgres_join_sql *join, size_t index, struct buffer *sql)
{
    const struct postgres_view *view = &join->views[index];
    int64_t ttl_us = timestamp_add(view->view->ttl_us, join->request->with_status ? DAY_US : 0);
    buffer_append_text(sql, "SELECT ");
    append_streamed_columns(join, sql, view);
    buffer_printf(sql, " FROM %s AS source WHERE ", view->source.from);
    postgres_append_field(join->store, sql, &view->event);
    buffer_append_text(sql, " <= ");
    postgres_append_time(sql, join->last_us);
    buffer_append_text(sql, " AND ");
    postgres_append_field(join->store, sql, &view->event);
    buffer_append_text(sql, " >= ");
    postgres_append_time(sql, view->view->ttl_us ? timestamp_subtract(join->first_us, ttl_us)
                                                 : TIMESTAMP_MIN);
    if (join->request->as_known)
        append_time_limit(join, sql, view, join->last_us);
    if (join->request->as_of_us != AS_OF_NOW)
        append_time_limit(join, sql, view, join->request->as_of_us);
}
