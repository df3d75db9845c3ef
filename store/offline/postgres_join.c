/* postgres_join.c - the point-in-time join: asking rows up, the latest eligible rows down; some of
 * them at a time, over several connections. */
#include "base/timestamp.h"
#include "store/offline/join_request.h"
#include "store/offline/postgres_asks.h"
#include "store/offline/postgres_join_sql.h"
#include "store/offline/postgres_left_out.h"
#include "store/offline/postgres_peer.h"
#include "store/offline/row_text.h"

#include <assert.h>
#include <stdlib.h>

enum {
    TARGETS_MAX = 1664,        /* columns of one SELECT */
    ASKS_AT_ONCE = 256,        /* in one statement: it costs something, too ... */
    ANSWERS_SIZE = 1 << 20,    /* ... and about so much is held of its answers */
    ASKS_PER_CONNECTION = 512, /* that make it worth its while */
};

static const char doing[] = "joining features";

/* A connection that answers, some rows at a time. While their answers are handed out, it is already
 * at work on the rows behind those that the others have. */
struct prober {
    struct postgres_peer peer;
    struct postgres_asks asked;    /* under way; none: nothing is */
    struct postgres_asks answered; /* those of the answers */
    PGresult *answers;
};

struct postgres_join {
    struct offline_join base;
    struct postgres_store *store;
    struct join_request request;
    struct join_asks asks;
    struct arena arena;     /* as long as the join */
    struct arena row_arena; /* as long as a row */
    struct postgres_view *views;
    struct prober *probers; /* they take turns */
    size_t prober_count, turn;
    size_t next_answer; /* of whose turn it is */
    size_t asks_at_once;
    struct joined_view *joined;
    struct value **values; /* [view_count][feature_count], what joined->values points to */
    struct joined_row row;
    bool ended;
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

/* Whatever the asks of one statement are, the next ones are answered in the same way: it is planned
 * once. The protocol takes one statement: whatever a query holds, it cannot end this one and begin
 * another. */
static enum status prepare(struct postgres_join *join, struct prober *prober, const char *sql,
                           struct error *err)
{
    enum status status = postgres_run(prober->peer.connection, doing,
                                      "SET LOCAL plan_cache_mode = force_generic_plan", err);
    return status ? status
                  : postgres_asks_prepare(join->request.selection, prober->peer.connection, doing,
                                          sql, err);
}

static enum status send(struct postgres_join *join, struct prober *prober, struct error *err)
{
    enum status status = postgres_asks_take(&prober->asked, &join->asks, join->asks_at_once, err);
    if (status || prober->asked.count == 0)
        return status;
    return postgres_asks_send(&prober->asked, prober->peer.connection, doing, err);
}

static const char *statement_of(struct postgres_join *join)
{
    struct postgres_join_sql statement = {
        .store = join->store, .request = &join->request, .views = join->views};
    struct buffer sql;
    buffer_init(&sql, 0);
    postgres_append_join(&statement, &sql);
    const char *text = arena_text_of(&join->arena, buffer_bytes(&sql));
    buffer_release(&sql);
    return text;
}

/* Its peer stands already. */
static enum status start(struct postgres_join *join, struct prober *prober, const char *sql,
                         struct error *err)
{
    postgres_asks_init(&prober->asked, join->request.selection);
    postgres_asks_init(&prober->answered, join->request.selection);
    join->turn = join->prober_count++; /* the next turn is that of the first */
    enum status status = prepare(join, prober, sql, err);
    return status ? status : send(join, prober, err);
}

/* The store's own connection is at work while the others are made. */
static enum status start_all(struct postgres_join *join, size_t connection_max, struct error *err)
{
    const char *sql = statement_of(join), *snapshot;
    bool opened = true;
    size_t most = (size_t)(join->asks.count / ASKS_PER_CONNECTION) + 1;
    most = most < connection_max ? most : connection_max;
    join->probers = arena_array(&join->arena, most, sizeof *join->probers);
    enum status status = STATUS_OK;
    if (most > 1)
        status = postgres_snapshot_share(join->store, &join->arena, &snapshot, err);
    if (status)
        return status;
    postgres_peer_init(&join->probers[0].peer, join->store);
    status = start(join, &join->probers[0], sql, err);
    while (join->prober_count < most && opened && !status) {
        struct prober *prober = &join->probers[join->prober_count];
        status = postgres_peer_open(&prober->peer, join->store, snapshot, &opened, err);
        if (!status && opened)
            status = start(join, prober, sql, err);
        else if (opened)
            postgres_peer_close(&prober->peer);
    }
    return status;
}

/* The views are bound inside the transaction that reads: types may have changed before. */
static enum status open_join(struct postgres_join *join, size_t connection_max, struct error *err)
{
    enum status status = check_targets(join->request.selection, err);
    if (!status)
        status = bind_views(join, err);
    join->base.counts.is_uncounted = join->request.leaves_uncounted;
    if (!status && !join->request.leaves_uncounted)
        status = postgres_count_left_out(join->store, &join->request, join->views,
                                         &join->base.counts, err);
    return status ? status : start_all(join, connection_max, err);
}

enum status postgres_join_open(struct offline_store *base, const struct join_request *request,
                               const struct join_asks *asks, size_t connection_max,
                               struct offline_join **opened, struct error *err)
{
    struct postgres_join *join = calloc(1, sizeof *join);
    if (!join)
        out_of_memory();
    assert(PQtransactionStatus(postgres_store_of(base)->connection) != PQTRANS_IDLE);
    init_join(join, base, request);
    join->asks = *asks;
    join->asks_at_once = ASKS_AT_ONCE;
    enum status status = open_join(join, connection_max, err);
    if (status)
        postgres_join_close(&join->base);
    else
        *opened = &join->base;
    return status;
}

/* Answers ------------------------------------------------------------------------------------- */

static enum status stop_at(struct postgres_join *join, size_t index,
                           const struct postgres_field *field, enum copy_misfit misfit,
                           struct error *err)
{
    const struct selected_view *selected = &join->request.selection->views[index];
    const struct postgres_asks *asks = &join->probers[join->turn].answered;
    const struct value *asked = postgres_asks_keys(asks, join->next_answer);
    size_t key_count = selected->view->key_count;
    struct value *keys = arena_array(&join->row_arena, key_count, sizeof *keys);
    char at[TIMESTAMP_TEXT_SIZE];
    for (size_t i = 0; i < key_count; i++)
        keys[i] = asked[selected->asked_keys[i]];
    timestamp_format(asks->times[join->next_answer], at);
    const char *row =
        arena_printf(&join->row_arena, "%sasked at %s",
                     row_keys_text(selected->view, keys, key_count, &join->row_arena), at);
    return postgres_misfit(&join->views[index], field, misfit, row, err);
}

/* Takes the next field of the answer. */
static enum status decode(struct postgres_join *join, size_t index,
                          const struct postgres_field *field, int *place, struct value *value,
                          struct error *err)
{
    const PGresult *answers = join->probers[join->turn].answers;
    int row = (int)join->next_answer, column = (*place)++;
    struct bytes bytes = {0};
    enum copy_misfit misfit;
    if (!PQgetisnull(answers, row, column))
        bytes = (struct bytes){PQgetvalue(answers, row, column),
                               (size_t)PQgetlength(answers, row, column)};
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

/* Takes a view's fields from *place on. Where nothing was found they are all null. */
static enum status decode_view(struct postgres_join *join, size_t index, int *place,
                               struct error *err)
{
    const struct postgres_view *view = &join->views[index];
    struct value event, created = value_null(TYPE_TIMESTAMP);
    enum status status = decode(join, index, &view->event, place, &event, err);
    if (!status && view->created.column)
        status = decode(join, index, &view->created, place, &created, err);
    for (size_t i = 0; i < view->feature_count && !status; i++)
        status = decode(join, index, &view->features[i], place, &join->values[index][i], err);
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

/* Rows may turn out larger or smaller than they were thought. */
static void measure_answers(struct postgres_join *join, const struct prober *prober)
{
    size_t size = PQresultMemorySize(prober->answers) / prober->answered.count + 1;
    size_t fit = ANSWERS_SIZE / size + 1;
    join->asks_at_once = fit < ASKS_AT_ONCE ? fit : ASKS_AT_ONCE;
}

/* Waits for what is under way, and gives the connection more to do meanwhile. */
static enum status take_answers(struct postgres_join *join, struct prober *prober,
                                struct error *err)
{
    PGconn *connection = prober->peer.connection;
    struct postgres_asks asked = prober->asked;
    PQclear(prober->answers);
    prober->answers = PQgetResult(connection);
    while (PQstatus(connection) == CONNECTION_OK) {
        PGresult *behind = PQgetResult(connection);
        if (!behind)
            break;
        PQclear(behind);
    }
    prober->asked = prober->answered;
    prober->answered = asked;
    prober->asked.count = 0;
    if (PQresultStatus(prober->answers) != PGRES_TUPLES_OK)
        return postgres_fail(connection, prober->answers, doing, err);
    if ((size_t)PQntuples(prober->answers) != asked.count)
        return fail(err, STATUS_CORRUPT, "%zu rows asked, and PostgreSQL answered %d", asked.count,
                    PQntuples(prober->answers));
    measure_answers(join, prober);
    return send(join, prober, err);
}

static enum status next_row(struct postgres_join *join, const struct joined_row **row,
                            struct error *err)
{
    enum status status = STATUS_OK;
    if (join->row_arena.used_bytes > 0)
        arena_reset(&join->row_arena);
    if (++join->next_answer >= join->probers[join->turn].answered.count) {
        join->turn = (join->turn + 1) % join->prober_count;
        join->next_answer = 0;
        join->ended = join->probers[join->turn].asked.count == 0;
        if (!join->ended)
            status = take_answers(join, &join->probers[join->turn], err);
    }
    for (size_t i = 0; i < join->prober_count && join->ended; i++)
        postgres_peer_leave(&join->probers[i].peer);
    if (status || join->ended)
        return status;
    int place = 0;
    for (size_t v = 0; v < join->request.selection->view_count && !status; v++)
        status = decode_view(join, v, &place, err);
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
    if (join->ended)
        return STATUS_OK;
    return join->failed = next_row(join, row, err);
}

/* What is under way is of no use any more, and the connection of some. */
static void close_prober(struct prober *prober)
{
    if (prober->asked.count > 0) {
        postgres_peer_stop(&prober->peer);
        for (PGresult *result; (result = PQgetResult(prober->peer.connection));)
            PQclear(result);
    }
    PQclear(prober->answers);
    postgres_peer_close(&prober->peer);
    postgres_asks_release(&prober->asked);
    postgres_asks_release(&prober->answered);
}

void postgres_join_close(struct offline_join *base)
{
    struct postgres_join *join = (struct postgres_join *)base;
    for (size_t i = 0; i < join->prober_count; i++)
        close_prober(&join->probers[i]);
    arena_release(&join->arena);
    arena_release(&join->row_arena);
    free(join);
}
