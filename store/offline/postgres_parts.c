/* postgres_parts.c - see postgres_parts.h. */
#include "store/offline/postgres_parts.h"

#include "store/offline/join_request.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    TID_RANGES_SINCE = 140000, /* the version of PostgreSQL that reads a range of blocks alone */
    BLOCKS_MIN = 1024,         /* of a part: a statement costs something, too */
    PARTS_PER_READER = 6,      /* so that nobody waits long for the last one */
};

/* How many blocks the longest table below has; no row, or null: it is not made of blocks alone. */
static const char *const blocks_sql =
    "SELECT CASE WHEN bool_and(c.relkind IN ('r', 'p', 'm') AND coalesce(m.amname, 'heap') ="
    " 'heap') THEN max(pg_relation_size(c.oid)) / current_setting('block_size')::int END"
    " FROM (SELECT $1::regclass::oid AS oid UNION"
    "  SELECT relid::oid FROM pg_partition_tree($1::regclass)) AS tree"
    " JOIN pg_class AS c ON c.oid = tree.oid LEFT JOIN pg_am AS m ON m.oid = c.relam";

static enum status count_blocks(const struct postgres_join_sql *sql,
                                const struct postgres_view *view, int64_t *blocks,
                                struct error *err)
{
    PGresult *result = NULL;
    *blocks = 0;
    if (!view->source.source->table || PQserverVersion(sql->store->connection) < TID_RANGES_SINCE)
        return STATUS_OK;
    enum status status = postgres_query(sql->store->connection, "looking at the size of a table",
                                        blocks_sql, 1, &view->source.from, &result, err);
    if (!status && PQntuples(result) == 1 && !PQgetisnull(result, 0, 0))
        *blocks = strtoll(PQgetvalue(result, 0, 0), NULL, 10);
    PQclear(result);
    return status;
}

/* What PostgreSQL makes of a SELECT: "Seq Scan on weather  (cost=0.00..22.70 rows=1270 width=36)"
 */
struct plan {
    double cost, rows, width;
    bool is_whole; /* no index is used: it reads from end to end */
};

static enum status explain(struct postgres_store *store, const char *select, struct plan *plan,
                           struct arena *arena, struct error *err)
{
    const char *doing = "asking PostgreSQL how it would read history";
    PGresult *lines = NULL;
    enum status status = postgres_query(
        store->connection, doing, arena_printf(arena, "EXPLAIN (COSTS ON, FORMAT TEXT) %s", select),
        0, NULL, &lines, err);
    if (status)
        return status;
    const char *costs = PQntuples(lines) > 0 ? strstr(PQgetvalue(lines, 0, 0), "(cost=") : NULL;
    *plan = (struct plan){.is_whole = true};
    if (!costs || sscanf(costs, "(cost=%*f..%lf rows=%lf width=%lf", &plan->cost, &plan->rows,
                         &plan->width) != 3)
        status = fail(err, STATUS_FAILED, "%s: it says \"%s\"", doing,
                      PQntuples(lines) > 0 ? PQgetvalue(lines, 0, 0) : "");
    for (int i = 0; i < PQntuples(lines); i++) {
        const char *line = PQgetvalue(lines, i, 0);
        plan->is_whole = plan->is_whole && !strstr(line, "Index") && !strstr(line, "Bitmap");
    }
    PQclear(lines);
    return status;
}

static enum status look_at(const struct postgres_join_sql *sql, size_t view, struct arena *arena,
                           struct postgres_parts *parts, int64_t *blocks, struct error *err)
{
    struct buffer select;
    struct plan plan;
    buffer_init(&select, 0);
    postgres_append_stream(sql, view, &select);
    parts->selects[view] = arena_text_of(arena, buffer_bytes(&select));
    buffer_release(&select);
    enum status status = explain(sql->store, parts->selects[view], &plan, arena, err);
    *blocks = 0;
    return status || !plan.is_whole ? status : count_blocks(sql, &sql->views[view], blocks, err);
}

static void add_parts(struct postgres_parts *parts, size_t view, int64_t blocks, int64_t length)
{
    int64_t from = 0;
    do {
        bool is_last = length == 0 || from + length >= blocks;
        parts->parts[parts->count++] =
            (struct postgres_part){view, from, is_last ? INT64_MAX : from + length};
        from += length;
    } while (length > 0 && from < blocks);
}

enum status postgres_parts_cut(const struct postgres_join_sql *sql, size_t reader_count,
                               struct arena *arena, struct postgres_parts *parts, struct error *err)
{
    size_t view_count = sql->request->selection->view_count;
    int64_t total = 0, *blocks = arena_array(arena, view_count, sizeof *blocks);
    enum status status = STATUS_OK;
    *parts = (struct postgres_parts){
        .selects = arena_array(arena, view_count, sizeof *parts->selects),
    };
    for (size_t v = 0; v < view_count && !status; v++) {
        status = look_at(sql, v, arena, parts, &blocks[v], err);
        total += blocks[v];
    }
    if (status)
        return status;
    int64_t length = total / (int64_t)(reader_count * PARTS_PER_READER);
    length = reader_count == 1 ? 0 : length < BLOCKS_MIN ? BLOCKS_MIN : length;
    size_t most = view_count * 2 + reader_count * PARTS_PER_READER;
    parts->parts = arena_array(arena, most, sizeof *parts->parts);
    for (size_t v = 0; v < view_count; v++)
        add_parts(parts, v, blocks[v], length);
    return STATUS_OK;
}

size_t postgres_parts_append(const struct postgres_parts *parts, size_t index, struct buffer *sql)
{
    const struct postgres_part *part = &parts->parts[index];
    buffer_printf(sql, "COPY (%s", parts->selects[part->view]);
    if (part->from_block > 0)
        buffer_printf(sql, " AND source.ctid >= '(%" PRId64 ",0)'", part->from_block);
    if (part->to_block < INT64_MAX)
        buffer_printf(sql, " AND source.ctid < '(%" PRId64 ",0)'", part->to_block);
    buffer_append_text(sql, ") TO STDOUT (FORMAT binary)");
    return part->view;
}

/* Estimating ---------------------------------------------------------------------------------- */

/*
 * Microseconds for each of PostgreSQL's units of cost, and for a row and a value that are sent and
 * taken. Measured on two cores, with a connection each, with the tables in memory; what matters is
 * which side wins, and where asks are neither few nor dense the two are close anyway.
 */
static const double probe_unit_us = 0.65, stream_unit_us = 1.5, row_us = 0.25, value_us = 0.03,
                    count_unit_us = 3;
/* A probe that costs more reads much of the table. */
static const double served_below = 200;

static enum status plan_of(const struct postgres_join_sql *sql,
                           void (*append)(const struct postgres_join_sql *, size_t,
                                          struct buffer *),
                           struct plan *plan, struct arena *arena, struct error *err)
{
    struct buffer select;
    buffer_init(&select, 0);
    append(sql, 0, &select);
    const char *text = arena_text_of(arena, buffer_bytes(&select));
    buffer_release(&select);
    return explain(sql->store, text, plan, arena, err);
}

static enum status estimate_count(const struct postgres_join_sql *sql,
                                  const struct postgres_view *view, double *us, struct arena *arena,
                                  struct error *err)
{
    struct plan plan;
    const char *select = arena_printf(arena, "SELECT 1 FROM %s AS source", view->source.from);
    enum status status = explain(sql->store, select, &plan, arena, err);
    if (!status)
        *us = plan.cost * count_unit_us;
    return status;
}

static enum status estimate_view(const struct postgres_join_sql *sql,
                                 const struct postgres_view *view, struct join_estimate *estimate,
                                 struct arena *arena, struct error *err)
{
    struct plan probe, stream;
    enum status status = plan_of(sql, postgres_append_probe, &probe, arena, err);
    if (!status)
        status = plan_of(sql, postgres_append_stream, &stream, arena, err);
    if (!status)
        status = estimate_count(sql, view, &estimate->count_us, arena, err);
    if (status)
        return status;
    double values = (double)(view->view->key_count + 1 + view->feature_count);
    estimate->is_served = probe.cost < served_below;
    estimate->rows = stream.rows;
    estimate->row_bytes = stream.width;
    estimate->probe_us = probe.cost * probe_unit_us;
    estimate->stream_us = stream.cost * stream_unit_us + stream.rows * (row_us + values * value_us);
    return STATUS_OK;
}

/* A selection of that view alone stands for the whole. */
enum status postgres_join_estimate(struct offline_store *base, const struct join_request *request,
                                   size_t index, int64_t first_us, int64_t last_us,
                                   struct join_estimate *estimate, struct error *err)
{
    struct selection one = *request->selection;
    struct join_request of_one = *request;
    struct postgres_view view;
    struct arena arena;
    one.views = &request->selection->views[index];
    one.view_count = 1;
    of_one.selection = &one;
    struct postgres_join_sql sql = {.store = postgres_store_of(base),
                                    .request = &of_one,
                                    .views = &view,
                                    .first_us = first_us,
                                    .last_us = last_us};
    arena_init(&arena, 0);
    size_t count;
    const uint16_t *features = join_features_of(request->selection, index, &arena, &count);
    enum status status =
        postgres_view_bind(sql.store, one.views->view, features, count, &arena, &view, err);
    if (!status)
        status = estimate_view(&sql, &view, estimate, &arena, err);
    arena_release(&arena);
    return status;
}
