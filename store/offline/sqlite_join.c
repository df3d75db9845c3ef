/*
 * sqlite_join.c - the point-in-time join: asking rows are put aside, then answered one by one.
 *
 * They are kept in a temporary table, which SQLite spills to the disk, so that their number does
 * not matter; the history is then probed for each (sqlite_probe.h).
 */
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
    const char *asks; /* the temporary table's name; NULL until it is made */
    sqlite3_stmt *ask, *answer;
    uint64_t asked, answered;
    struct sqlite_view *views;
    struct sqlite_probe *probes;
    struct value *keys;      /* [selection->key_count], of the ask under way */
    struct value *view_keys; /* the same, as a view orders them */
    struct joined_view *joined;
    struct value **values; /* [view_count][feature_count], what joined->values points to */
    struct joined_row row;
    enum status failed;
};

static const char asking[] = "keeping the rows that ask", answering[] = "joining features";

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

static enum status make_asks(struct sqlite_join *join, struct error *err)
{
    size_t key_count = join->request.selection->key_count;
    const char *table =
        arena_printf(&join->arena, "temp.larder_asks_%u", ++join->store->table_count);
    struct buffer sql;
    buffer_init(&sql, 0);
    /* In one transaction, which touches nothing but temporary tables. */
    buffer_printf(&sql, "BEGIN; CREATE TABLE %s (n INTEGER PRIMARY KEY, at", table);
    for (size_t i = 0; i < key_count; i++)
        buffer_printf(&sql, ", k%zu", i);
    buffer_append_text(&sql, ")");
    enum status status = sqlite_run_buffer(join->store, asking, &sql, err);
    if (status)
        return status;
    join->asks = table;
    buffer_init(&sql, 0);
    buffer_printf(&sql, "INSERT INTO %s VALUES (NULL, ?", table);
    for (size_t i = 0; i < key_count; i++)
        buffer_append_text(&sql, ", ?");
    buffer_append(&sql, ")", 2);
    status =
        sqlite_prepare(join->store->connection, asking, (const char *)sql.data, &join->ask, err);
    buffer_release(&sql);
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
    join->keys = arena_array(&join->arena, selection->key_count, sizeof *join->keys);
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

enum status sqlite_join_open(struct offline_store *base, const struct join_request *request,
                             struct offline_join **opened, struct error *err)
{
    struct sqlite_join *join = calloc(1, sizeof *join);
    if (!join)
        out_of_memory();
    init_join(join, base, request);
    enum status status = make_asks(join, err);
    if (status)
        sqlite_join_close(&join->base);
    else
        *opened = &join->base;
    return status;
}

enum status sqlite_join_ask(struct offline_join *base, const struct value *keys, int64_t at_us,
                            struct error *err)
{
    struct sqlite_join *join = (struct sqlite_join *)base;
    enum status status = STATUS_OK;
    bool row;
    if (!timestamp_in_range(at_us))
        return fail(err, STATUS_INVALID, "a row asks for a time outside the years 1 to 9999");
    sqlite3_bind_int64(join->ask, 1, at_us);
    for (size_t i = 0; i < join->request.selection->key_count && !status; i++)
        status = sqlite_bind(join->ask, (int)i + 2, &keys[i], &join->scratch, err);
    if (!status)
        status = sqlite_step(join->ask, asking, &row, err);
    sqlite3_reset(join->ask);
    join->asked += !status;
    return status;
}

enum status sqlite_join_asked(struct offline_join *base, struct error *err)
{
    struct sqlite_join *join = (struct sqlite_join *)base;
    sqlite3_finalize(join->ask);
    join->ask = NULL;
    return sqlite_commit(join->store->connection, asking, err);
}

/* Running ------------------------------------------------------------------------------------- */

static enum status open_probes(struct sqlite_join *join, struct error *err)
{
    enum status status = STATUS_OK;
    for (size_t i = 0; i < join->request.selection->view_count && !status; i++)
        status = sqlite_probe_open(&join->probes[i], join->store, &join->request, &join->views[i],
                                   &join->arena, err);
    return status;
}

static enum status open_answers(struct sqlite_join *join, struct error *err)
{
    struct buffer sql;
    buffer_init(&sql, 0);
    buffer_printf(&sql, "SELECT * FROM %s ORDER BY n", join->asks);
    return sqlite_prepare_read(join->store, answering, &sql, &join->answer, err);
}

/* The views are bound inside the transaction that reads: a table may have changed before. */
enum status sqlite_join_run(struct offline_join *base, struct error *err)
{
    struct sqlite_join *join = (struct sqlite_join *)base;
    enum status status = bind_views(join, err);
    if (!status)
        status = open_probes(join, err);
    if (!status)
        status = open_answers(join, err);
    return join->failed = status;
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

static void read_ask(struct sqlite_join *join, int64_t *at_us)
{
    const struct selection *selection = join->request.selection;
    const char *ignored;
    *at_us = sqlite3_column_int64(join->answer, 1);
    for (size_t i = 0; i < selection->key_count; i++)
        sqlite_read(join->answer, (int)i + 2, selection->keys[i].type, &join->row_arena,
                    &join->keys[i], &ignored);
}

static enum status next_row(struct sqlite_join *join, const struct joined_row **row,
                            struct error *err)
{
    bool is_row = join->answered < join->asked;
    int64_t at_us;
    enum status status = STATUS_OK;
    if (is_row)
        status = sqlite_step(join->answer, answering, &is_row, err);
    if (status)
        return status;
    if (!is_row)
        return join->answered++ == join->asked ? finish(join, err) : STATUS_OK;
    if (join->row_arena.used_bytes > 0)
        arena_reset(&join->row_arena);
    join->answered++;
    read_ask(join, &at_us);
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
    struct buffer sql;
    for (size_t i = 0; i < join->request.selection->view_count; i++)
        sqlite_probe_close(&join->probes[i]);
    sqlite3_finalize(join->ask);
    sqlite3_finalize(join->answer);
    sqlite_rollback(join->store->connection);
    if (join->asks) {
        buffer_init(&sql, 0);
        buffer_printf(&sql, "DROP TABLE IF EXISTS %s", join->asks);
        sqlite_run_buffer(join->store, asking, &sql, NULL);
    }
    buffer_release(&join->scratch);
    arena_release(&join->arena);
    arena_release(&join->row_arena);
    free(join);
}
