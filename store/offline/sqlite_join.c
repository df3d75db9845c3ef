/* sqlite_join.c - the point-in-time join: history is probed for each row that asks
 * (sqlite_probe.h). */
#include "base/entity_key.h"
#include "base/timestamp.h"
#include "store/offline/join_request.h"
#include "store/offline/row_text.h"
#include "store/offline/sqlite_left_out.h"
#include "store/offline/sqlite_probe.h"

#include <stdlib.h>

struct sqlite_join {
    struct offline_join base;
    struct sqlite_store *store;
    struct join_request request;
    struct arena arena;     /* as long as the join */
    struct arena row_arena; /* as long as a row */
    struct buffer scratch;
    struct join_asks asks;
    struct sqlite_view *views;
    struct sqlite_probe *probes;
    const struct value *keys; /* [selection->key_count], of the ask under way */
    struct value *view_keys;  /* the same, as a view orders them */
    struct joined_view *joined;
    struct value **values; /* [view_count][feature_count], what joined->values points to */
    struct joined_row row;
    bool ended;
    enum status failed;
};

/* Opening ------------------------------------------------------------------------------------- */

static enum status bind_view(struct sqlite_join *join, size_t index, struct error *err)
{
    const struct selection *selection = join->request.selection;
    size_t count;
    const uint16_t *features = join_features_of(selection, index, &join->arena, &count);
    join->values[index] = arena_array(&join->arena, count, sizeof *join->values[index]);
    return sqlite_view_bind(join->store, selection->views[index].view, features, count,
                            &join->arena, &join->views[index], err);
}

static enum status bind_views(struct sqlite_join *join, struct error *err)
{
    enum status status = STATUS_OK;
    for (size_t i = 0; i < join->request.selection->view_count && !status; i++)
        status = bind_view(join, i, err);
    return status;
}

static void init_join(struct sqlite_join *join, struct offline_store *base,
                      const struct join_request *request)
{
    const struct selection *selection = request->selection;
    size_t count = selection->view_count;
    join->base.operations = base->operations;
    join->store = sqlite_store_of(base);
    join->request = *request;
    arena_init(&join->arena, 0);
    arena_init(&join->row_arena, 0);
    buffer_init(&join->scratch, 0);
    join->views = arena_array(&join->arena, count, sizeof *join->views);
    join->probes = arena_array(&join->arena, count, sizeof *join->probes);
    join->joined = arena_array(&join->arena, count, sizeof *join->joined);
    join->values = arena_array(&join->arena, count, sizeof *join->values);
    join->view_keys = arena_array(&join->arena, selection->key_count, sizeof *join->view_keys);
    join->row.views = join->joined;
}

enum status sqlite_join_check(struct offline_store *base, const struct join_request *request,
                              struct error *err)
{
    struct sqlite_join join = {0};
    init_join(&join, base, request);
    enum status status = sqlite_begin_read(join.store, NULL, err);
    if (!status)
        status = bind_views(&join, err);
    sqlite_rollback(join.store->connection);
    if (!status)
        status = join_request_check(request, timestamp_now(), err);
    arena_release(&join.arena);
    arena_release(&join.row_arena);
    buffer_release(&join.scratch);
    return status;
}

static enum status open_probes(struct sqlite_join *join, struct error *err)
{
    enum status status = STATUS_OK;
    for (size_t i = 0; i < join->request.selection->view_count && !status; i++)
        status = sqlite_probe_open(&join->probes[i], join->store, &join->request, &join->views[i],
                                   &join->arena, err);
    return status;
}

/* A connection is in this process, and one is enough. */
enum status sqlite_join_open(struct offline_store *base, const struct join_request *request,
                             const struct join_asks *asks, size_t connection_max,
                             struct offline_join **opened, struct error *err)
{
    struct sqlite_join *join = calloc(1, sizeof *join);
    if (!join)
        out_of_memory();
    (void)connection_max;
    init_join(join, base, request);
    join->asks = *asks;
    enum status status = bind_views(join, err);
    if (!status)
        status = open_probes(join, err);
    if (status)
        sqlite_join_close(&join->base);
    else
        *opened = &join->base;
    return status;
}

/* Answers ------------------------------------------------------------------------------------- */

static enum status stop_at(struct sqlite_join *join, size_t index, const struct sqlite_field *field,
                           const char *misfit, int64_t at_us, struct error *err)
{
    const struct feature_view *view = join->views[index].view;
    char at[TIMESTAMP_TEXT_SIZE];
    timestamp_format(at_us, at);
    const char *row =
        arena_printf(&join->row_arena, "%sasked at %s",
                     row_keys_text(view, join->view_keys, view->key_count, &join->row_arena), at);
    return sqlite_misfit(&join->views[index], field, misfit, row, err);
}

static enum status read(struct sqlite_join *join, size_t index, const struct sqlite_field *field,
                        int column, int64_t at_us, struct value *value, struct error *err)
{
    const char *misfit;
    sqlite_read(join->probes[index].statement, column, field->type, &join->row_arena, value,
                &misfit);
    if (!misfit)
        return STATUS_OK;
    if (join->views[index].view->source->misfits == MISFITS_STOP)
        return stop_at(join, index, field, misfit, at_us, err);
    join->base.counts.misfits++;
    return STATUS_OK;
}

/* The row that the probe stands on. */
static enum status read_view(struct sqlite_join *join, size_t index, int64_t at_us,
                             struct error *err)
{
    const struct sqlite_view *view = &join->views[index];
    int column = (int)view->view->key_count;
    struct value event, created = value_null(TYPE_TIMESTAMP);
    enum status status = read(join, index, &view->event, column++, at_us, &event, err);
    if (!status && view->created.column)
        status = read(join, index, &view->created, column++, at_us, &created, err);
    for (size_t i = 0; i < view->feature_count && !status; i++)
        status =
            read(join, index, &view->features[i], column++, at_us, &join->values[index][i], err);
    join->joined[index] = (struct joined_view){
        .found = !event.is_null,
        .event_time_us = event.int64,
        .created_time_us = created.is_null ? TIMESTAMP_UNKNOWN : created.int64,
        .values = join->values[index],
    };
    return status;
}

static void find_nothing(struct sqlite_join *join, size_t index)
{
    const struct sqlite_view *view = &join->views[index];
    for (size_t i = 0; i < view->feature_count; i++)
        join->values[index][i] = value_null(view->features[i].type);
    join->joined[index] = (struct joined_view){
        .created_time_us = TIMESTAMP_UNKNOWN,
        .values = join->values[index],
    };
}

/* The ask's keys as the view has them; false: with a null, or too long to be online. */
static bool take_keys(struct sqlite_join *join, size_t index)
{
    const struct selected_view *selected = &join->request.selection->views[index];
    size_t count = selected->view->key_count;
    for (size_t i = 0; i < count; i++) {
        join->view_keys[i] = join->keys[selected->asked_keys[i]];
        if (join->view_keys[i].is_null)
            return false;
    }
    return entity_key_size(&join->request.key_ids[index], join->view_keys, count) <= ENTITY_KEY_MAX;
}

static enum status answer_view(struct sqlite_join *join, size_t index, int64_t at_us,
                               struct error *err)
{
    bool found = false;
    enum status status = STATUS_OK;
    if (take_keys(join, index))
        status = sqlite_probe_ask(&join->probes[index], join->view_keys, at_us, &join->scratch,
                                  &found, err);
    if (!status && found)
        return read_view(join, index, at_us, err);
    find_nothing(join, index);
    return status;
}

/* In the snapshot that answered; a view used twice leaves its rows out once. */
static enum status finish(struct sqlite_join *join, struct error *err)
{
    const struct join_request *request = &join->request;
    bool created_matters = request->as_known || request->as_of_us != AS_OF_NOW;
    enum status status = STATUS_OK;
    join->base.counts.is_uncounted = request->leaves_uncounted;
    for (size_t i = 0; i < request->selection->view_count && !status; i++)
        if (!request->leaves_uncounted && !join_used_before(request->selection, i))
            status = sqlite_count_left_out(join->store, &join->views[i], &request->key_ids[i],
                                           created_matters, &join->base.counts, err);
    return status;
}

static enum status next_row(struct sqlite_join *join, const struct joined_row **row,
                            struct error *err)
{
    int64_t at_us;
    if (join->ended)
        return STATUS_OK;
    enum status status = join->asks.next(join->asks.context, &join->keys, &at_us, err);
    if (status)
        return status;
    join->ended = !join->keys;
    if (join->ended)
        return finish(join, err);
    if (join->row_arena.used_bytes > 0)
        arena_reset(&join->row_arena);
    for (size_t v = 0; v < join->request.selection->view_count && !status; v++)
        status = answer_view(join, v, at_us, err);
    if (!status)
        *row = &join->row;
    return status;
}

enum status sqlite_join_next(struct offline_join *base, const struct joined_row **row,
                             struct error *err)
{
    struct sqlite_join *join = (struct sqlite_join *)base;
    *row = NULL;
    if (join->failed)
        return fail(err, join->failed, "joining features: it has failed before");
    return join->failed = next_row(join, row, err);
}

void sqlite_join_close(struct offline_join *base)
{
    struct sqlite_join *join = (struct sqlite_join *)base;
    for (size_t i = 0; i < join->request.selection->view_count; i++)
        sqlite_probe_close(&join->probes[i]);
    buffer_release(&join->scratch);
    arena_release(&join->arena);
    arena_release(&join->row_arena);
    free(join);
}
