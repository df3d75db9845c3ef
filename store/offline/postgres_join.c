/* postgres_join.c - the point-in-time join: asking rows up, the latest eligible rows down. */
#include "base/timestamp.h"
#include "store/offline/join_request.h"
#include "store/offline/postgres_asks.h"
#include "store/offline/postgres_copy.h"
#include "store/offline/postgres_join_sql.h"
#include "store/offline/postgres_left_out.h"

#include <assert.h>
#include <stdlib.h>

enum { TARGETS_MAX = 1664 }; /* columns of one SELECT */

struct postgres_join {
    struct offline_join base;
    struct postgres_store *store;
    struct join_request request;
    struct arena arena;     /* as long as the join */
    struct arena row_arena; /* as long as a row */
    struct postgres_asks asks;
    struct postgres_view *views;
    struct postgres_copy copy;
    struct bytes *fields;
    struct joined_view *joined;
    struct value **values; /* [view_count][feature_count], what joined->values points to */
    struct joined_row row;
    uint64_t answered;
    enum status failed;
};

/* Opening ------------------------------------------------------------------------------------- */

static enum status check_targets(const struct selection *selection, struct error *err)
{
    size_t targets = selection->feature_count + 2 * selection->view_count;
    if (targets <= TARGETS_MAX)
        return STATUS_OK;
    return fail(err, STATUS_EXHAUSTED,
                "%zu features of %zu views are more than PostgreSQL gives at once (%d, where a "
                "view counts 2 and a feature 1): ask for fewer",
                selection->feature_count, selection->view_count, TARGETS_MAX);
}

static enum status bind_view(struct postgres_join *join, size_t index, struct error *err)
{
    const struct selection *selection = join->request.selection;
    size_t count;
    const uint16_t *features = join_features_of(selection, index, &join->arena, &count);
    join->values[index] = arena_array(&join->arena, count, sizeof *join->values[index]);
    return postgres_view_bind(join->store, selection->views[index].view, features, count,
                              &join->arena, &join->views[index], err);
}

static enum status bind_views(struct postgres_join *join, struct error *err)
{
    enum status status = STATUS_OK;
    for (size_t i = 0; i < join->request.selection->view_count && !status; i++)
        status = bind_view(join, i, err);
    return status;
}

static void init_join(struct postgres_join *join, struct offline_store *base,
                      const struct join_request *request)
{
    size_t count = request->selection->view_count;
    join->base.operations = base->operations;
    join->store = postgres_store_of(base);
    join->request = *request;
    arena_init(&join->arena, 0);
    arena_init(&join->row_arena, 0);
    join->views = arena_array(&join->arena, count, sizeof *join->views);
    join->joined = arena_array(&join->arena, count, sizeof *join->joined);
    join->values = arena_array(&join->arena, count, sizeof *join->values);
    join->row.views = join->joined;
}

enum status postgres_join_check(struct offline_store *base, const struct join_request *request,
                                struct error *err)
{
    struct postgres_join join = {0};
    int64_t now_us = 0;
    init_join(&join, base, request);
    enum status status = postgres_begin_read(join.store, NULL, err);
    if (!status)
        status = bind_views(&join, err);
    if (!status)
        status = postgres_clock(join.store, &now_us, err);
    if (!status)
        status = join_request_check(request, now_us, err);
    postgres_rollback(join.store);
    arena_release(&join.arena);
    arena_release(&join.row_arena);
    return status;
}

enum status postgres_join_open(struct offline_store *base, const struct join_request *request,
                               struct offline_join **opened, struct error *err)
{
    struct postgres_join *join = calloc(1, sizeof *join);
    if (!join)
        out_of_memory();
    init_join(join, base, request);
    enum status status = check_targets(request->selection, err);
    if (!status)
        status =
            postgres_asks_open(&join->asks, join->store, request->selection, &join->arena, err);
    if (status)
        postgres_join_close(&join->base);
    else
        *opened = &join->base;
    return status;
}

enum status postgres_join_ask(struct offline_join *base, const struct value *keys, int64_t at_us,
                              struct error *err)
{
    return postgres_asks_add(&((struct postgres_join *)base)->asks, keys, at_us, err);
}

enum status postgres_join_asked(struct offline_join *base, struct error *err)
{
    return postgres_asks_finish(&((struct postgres_join *)base)->asks, err);
}

/* Running ------------------------------------------------------------------------------------- */

static enum status start_copy(struct postgres_join *join, struct error *err)
{
    size_t count = 0;
    for (size_t v = 0; v < join->request.selection->view_count; v++)
        count += 1u + (join->views[v].created.column ? 1 : 0) + join->views[v].feature_count;
    join->fields = arena_array(&join->arena, count, sizeof *join->fields);
    struct postgres_join_sql statement = {
        .store = join->store,
        .request = &join->request,
        .views = join->views,
        .table = join->asks.table,
    };
    struct buffer sql;
    buffer_init(&sql, 0);
    postgres_append_join(&statement, &sql);
    return postgres_copy_open(&join->copy, join->store->connection, "joining features", &sql,
                              join->fields, count, err);
}

/* The views are bound inside the transaction that reads: types may have changed before. */
enum status postgres_join_run(struct offline_join *base, struct error *err)
{
    struct postgres_join *join = (struct postgres_join *)base;
    assert(PQtransactionStatus(join->store->connection) != PQTRANS_IDLE);
    enum status status = bind_views(join, err);
    join->base.counts.is_uncounted = join->request.leaves_uncounted;
    if (!status && !join->request.leaves_uncounted)
        status = postgres_count_left_out(join->store, &join->request, join->views,
                                         &join->base.counts, err);
    if (!status)
        status = start_copy(join, err);
    return join->failed = status;
}

/* Answers ------------------------------------------------------------------------------------- */

static enum status stop_at(struct postgres_join *join, size_t index,
                           const struct postgres_field *field, enum copy_misfit misfit,
                           struct error *err)
{
    postgres_copy_close(&join->copy);
    postgres_rollback(join->store);
    const char *row = postgres_asks_text(&join->asks, &join->request.selection->views[index],
                                         join->answered, &join->row_arena);
    return postgres_misfit(&join->views[index], field, misfit, row, err);
}

static enum status decode(struct postgres_join *join, size_t index,
                          const struct postgres_field *field, struct bytes bytes,
                          struct value *value, struct error *err)
{
    enum copy_misfit misfit;
    enum status status = copy_decode(&field->decoder, bytes, &join->row_arena, value, &misfit, err);
    if (status)
        return fail_within(err, "feature view %s", join->views[index].view->about.name);
    if (misfit == COPY_FITS)
        return STATUS_OK;
    if (join->views[index].view->source->misfits == MISFITS_STOP)
        return stop_at(join, index, field, misfit, err);
    join->base.counts.misfits++;
    return STATUS_OK;
}

/* Takes a view's fields from *fields on. Where nothing was found they are all null. */
static enum status decode_view(struct postgres_join *join, size_t index,
                               const struct bytes **fields, struct error *err)
{
    const struct postgres_view *view = &join->views[index];
    struct value event, created = value_null(TYPE_TIMESTAMP);
    enum status status = decode(join, index, &view->event, *(*fields)++, &event, err);
    if (!status && view->created.column)
        status = decode(join, index, &view->created, *(*fields)++, &created, err);
    for (size_t i = 0; i < view->feature_count && !status; i++)
        status =
            decode(join, index, &view->features[i], *(*fields)++, &join->values[index][i], err);
    if (status)
        return status;
    join->joined[index] = (struct joined_view){
        .found = !event.is_null,
        .event_time_us = event.is_null ? 0 : event.int64,
        .created_time_us = created.is_null ? TIMESTAMP_UNKNOWN : created.int64,
        .values = join->values[index],
    };
    return STATUS_OK;
}

static enum status finish(struct postgres_join *join, struct error *err)
{
    postgres_rollback(join->store);
    if (join->answered == join->asks.count)
        return STATUS_OK;
    return fail(err, STATUS_CORRUPT, "%llu rows asked, and PostgreSQL answered %llu",
                (unsigned long long)join->asks.count, (unsigned long long)join->answered);
}

static enum status next_row(struct postgres_join *join, const struct joined_row **row,
                            struct error *err)
{
    bool end = false;
    enum status status = postgres_copy_next(&join->copy, &end, err);
    if (status)
        return status;
    if (end)
        return PQtransactionStatus(join->store->connection) == PQTRANS_IDLE ? STATUS_OK
                                                                            : finish(join, err);
    if (join->row_arena.used_bytes > 0)
        arena_reset(&join->row_arena);
    join->answered++;
    const struct bytes *fields = join->fields;
    for (size_t v = 0; v < join->request.selection->view_count && !status; v++)
        status = decode_view(join, v, &fields, err);
    if (!status)
        *row = &join->row;
    return status;
}

enum status postgres_join_next(struct offline_join *base, const struct joined_row **row,
                               struct error *err)
{
    struct postgres_join *join = (struct postgres_join *)base;
    *row = NULL;
    if (join->failed)
        return fail(err, join->failed, "joining features: it has failed before");
    return join->failed = next_row(join, row, err);
}

void postgres_join_close(struct offline_join *base)
{
    struct postgres_join *join = (struct postgres_join *)base;
    postgres_copy_close(&join->copy);
    postgres_asks_close(&join->asks);
    postgres_rollback(join->store);
    arena_release(&join->arena);
    arena_release(&join->row_arena);
    free(join);
}
