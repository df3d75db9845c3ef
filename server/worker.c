/* worker.c - see worker.h. */
#include "server/worker.h"

#include "base/log.h"
#include "base/timestamp.h"
#include "server/answer/batch.h"
#include "server/rpc.h"
#include "server/streams.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>

enum {
    EVENTS_MAX = 2048, /* taken before the next batch */
    LOOKS_IN_VAIN_MAX = 8,
    LOOK_WORTH_US = 150,
    BATCHES_MS = 4, /* then what has come meanwhile has its turn */
    SET_ASIDE_MAX_MS = 1000,
    SET_ASIDE_LOOK_MS = 2,
    CORRUPT_LOG_INTERVAL_MS = 10 * 1000,
};

const struct api *const worker_apis[WORKER_API_COUNT] = {&larder_v1_api, &feast_serving_api};

struct worker {
    const struct worker_context *context;
    size_t number;
    struct online_store *store;
    struct calls calls;
    struct streams streams;
    struct batch batch;
    int64_t round_us; /* what the last took: its events and its batches */
    int64_t batch_began_us;
    int64_t batch_left_us; /* to the first deadline of its calls */
    bool is_batch_full;    /* calls wait that it had no room or no time for */
    struct call *batch_calls[BATCH_REQUESTS_MAX]; /* by their number in the batch */
    struct batch large;                           /* of the one call that is CALL_READING */
    struct wire_writer writer;
    int64_t corrupt_logged_us;
    pthread_t thread;
    bool is_running;
    bool is_shut; /* the queue; nothing may be started on it any more */
};

/* Waiting and reading calls are looked at once a round, so here their time is up. */
static bool is_late(const struct worker *worker, const struct call *call)
{
    return worker->calls.now_us - call->come_us > worker->calls.max_call_us;
}

static struct call *reading_call(const struct worker *worker)
{
    return worker->calls.lists[CALL_READING].first;
}

/* How long the wait for an event may be: callers that do not take their answers and calls set aside
 * have their time; calls that can go on have none. */
static gpr_timespec wait_until(const struct worker *worker)
{
    const struct call_list *lists = worker->calls.lists;
    if (lists[CALL_WAITING].first || lists[CALL_READING].first)
        return gpr_inf_past(GPR_CLOCK_MONOTONIC);
    int64_t wait_us = calls_give_up_at_us(&worker->calls);
    int64_t streams_wait_us = streams_give_up_at_us(&worker->streams);
    if (wait_us > streams_wait_us)
        wait_us = streams_wait_us;
    if (wait_us < INT64_MAX)
        wait_us -= timestamp_monotonic_us();
    if (lists[CALL_SET_ASIDE].first && wait_us > SET_ASIDE_LOOK_MS * 1000)
        wait_us = SET_ASIDE_LOOK_MS * 1000;
    if (wait_us == INT64_MAX)
        return gpr_inf_future(GPR_CLOCK_MONOTONIC);
    return gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC),
                        gpr_time_from_micros(wait_us > 0 ? wait_us : 0, GPR_TIMESPAN));
}

/* How often gRPC may say that it has nothing before that is believed. It looks at one ready socket
 * at a time and says so, too, where that one brought nothing for us: room in a window, a piece of a
 * message. A request that is not read joins no batch, and many such are late unseen. But where few
 * are on their way, to look again is to wait for one more while client and store stand still: so
 * the longer the last round took, the more looks are worth it. */
static size_t looks_in_vain(const struct worker *worker)
{
    int64_t count = 1 + worker->round_us / LOOK_WORTH_US;
    return count < LOOKS_IN_VAIN_MAX ? (size_t)count : LOOKS_IN_VAIN_MAX;
}

/* Waits for one event, then takes what is ready. false: the queue is shut down and empty. */
static bool take_events(struct worker *worker)
{
    gpr_timespec until = wait_until(worker);
    size_t looks = looks_in_vain(worker);
    for (size_t taken = 0; taken < EVENTS_MAX && looks > 0; taken++) {
        grpc_event event = grpc_completion_queue_next(worker->calls.queue, until, NULL);
        if (event.type == GRPC_QUEUE_SHUTDOWN)
            return false;
        if (taken == 0)
            worker->calls.now_us = timestamp_monotonic_us();
        if (event.type == GRPC_QUEUE_TIMEOUT)
            looks--;
        else if (streams_own(event.tag))
            streams_take_event(event.tag, event.success);
        else
            calls_take_event(&worker->calls, event.tag, event.success);
        until = gpr_inf_past(GPR_CLOCK_MONOTONIC);
    }
    return true;
}

/* Calls whose reading of the definitions has ended, or has taken too long, are tried once more. */
static void take_up_again(struct worker *worker)
{
    int64_t oldest_us = worker->calls.now_us - SET_ASIDE_MAX_MS * INT64_C(1000);
    for (struct call *call = worker->calls.lists[CALL_SET_ASIDE].first, *after; call;
         call = after) {
        after = call->after;
        if (reload_is_done(worker->context->reload, call->ticket) || call->since_us < oldest_us)
            calls_move(&worker->calls, call, CALL_WAITING);
    }
}

static void fail_call(struct worker *worker, struct call *call, grpc_status_code code,
                      const char *message)
{
    if (call->stream)
        streams_fail(&worker->streams, call, code, message);
    else
        calls_fail(&worker->calls, call, code, message);
}

static void answer_call(struct worker *worker, struct call *call, struct bytes answer)
{
    if (call->stream)
        streams_answer(&worker->streams, call, answer);
    else
        calls_answer(&worker->calls, call, answer);
}

static enum status read_message(const struct worker *worker, struct call *call,
                                struct bytes *message, struct error *err)
{
    if (!call->stream)
        return rpc_message(&call->rpc, worker->context->settings->server.max_message_bytes, message,
                           err);
    *message = call->asked;
    return STATUS_OK;
}

static void refuse_call(struct worker *worker, struct call *call, enum refusal reason,
                        grpc_status_code code, const char *message)
{
    counter_bump(&worker->calls.counters->refused[reason], 1);
    fail_call(worker, call, code, message);
}

static void fail_late(struct worker *worker, struct call *call)
{
    struct error err;
    fail(&err, STATUS_EXHAUSTED,
         "the server could not answer this within %g s, its server.max_call: try again later, or "
         "ask for less",
         (double)worker->calls.max_call_us / 1e6);
    refuse_call(worker, call, REFUSED_LATE, rpc_code(err.status), err.message);
}

/* Answers a call for which nothing is to be looked up, or not any more. */
static bool fail_early(struct worker *worker, struct call *call, int64_t now_us)
{
    if (rpc_left_us(&call->rpc, now_us) <= 0)
        refuse_call(worker, call, REFUSED_DEADLINE, GRPC_STATUS_DEADLINE_EXCEEDED,
                    "the call's deadline has passed");
    else if (call->is_gone)
        fail_call(worker, call, GRPC_STATUS_CANCELLED, "its stream is over");
    else if (is_late(worker, call))
        fail_late(worker, call);
    else if (store_watch_state(worker->context->store_watch) == STORE_FOREIGN)
        refuse_call(worker, call, REFUSED_FOREIGN, GRPC_STATUS_FAILED_PRECONDITION,
                    "the online store belongs to another registry");
    else
        return false;
    return true;
}

/* Places in the snapshot cell: of the batch, and of the large one. */
static size_t batch_place(const struct worker *worker)
{
    return 2 * worker->number;
}

static size_t large_place(const struct worker *worker)
{
    return 2 * worker->number + 1;
}

static void begin_large(struct worker *worker, struct call *call, struct bytes message)
{
    const struct snapshot *snapshot = snapshot_take(worker->context->cell, large_place(worker));
    batch_begin(&worker->large, snapshot, timestamp_now());
    batch_add_alone(&worker->large, worker_apis[call->method], message);
    calls_move(&worker->calls, call, CALL_READING);
}

/* Whether the round could have one more call, if all in it are to be answered within that time. */
static bool has_time(const struct worker *worker, int64_t left_us)
{
    const struct calls *calls = &worker->calls;
    return pace_has_time(&calls->pace, calls->now_us, worker->batch.count, left_us);
}

/* Adds one waiting call to the batch, or begins a large one whose turn it is, or leaves it. */
static void take_up(struct worker *worker, struct call *call, int64_t now_us)
{
    struct error err;
    struct bytes message;
    struct batch *batch = &worker->batch;
    if (fail_early(worker, call, now_us) || (call->is_large && reading_call(worker)))
        return;
    int64_t left_us = rpc_left_us(&call->rpc, now_us);
    if (!call->is_large && !has_time(worker, left_us)) {
        refuse_call(worker, call, REFUSED_PACE, GRPC_STATUS_RESOURCE_EXHAUSTED,
                    "the server has more to answer than this call's deadline leaves time for: "
                    "try again later");
        return;
    }
    if (read_message(worker, call, &message, &err)) {
        batch_count_message(batch, message.size);
        fail_call(worker, call, rpc_code(err.status), err.message);
        return;
    }
    worker->batch_calls[batch->count] = call;
    call->is_large = call->is_large || !batch_add(batch, worker_apis[call->method], message);
    if (!call->is_large) {
        worker->batch_left_us = left_us < worker->batch_left_us ? left_us : worker->batch_left_us;
        return;
    }
    if (reading_call(worker))
        rpc_forget_message(&call->rpc);
    else
        begin_large(worker, call, message);
}

/* Rows that are not what was written: told once in a while, whoever asks for them. */
static void log_corruption(struct worker *worker, const char *message)
{
    int64_t now_us = worker->calls.now_us;
    if (worker->corrupt_logged_us &&
        now_us < worker->corrupt_logged_us + CORRUPT_LOG_INTERVAL_MS * INT64_C(1000))
        return;
    worker->corrupt_logged_us = now_us;
    char quoted[2 * ERROR_MESSAGE_SIZE];
    log_line(LOG_ERROR, "a stored row is corrupt", "reason=%s",
             log_quote(message, quoted, sizeof quoted));
}

/* With definitions that were published meanwhile, or with those of a reading that is asked for
 * once; its deadline ends this. */
static bool try_again(struct worker *worker, const struct batch *batch, struct call *call)
{
    bool is_replaced = atomic_load(&worker->context->cell->current) != batch->snapshot;
    if (!is_replaced && call->ticket)
        return false;
    if (!is_replaced)
        call->ticket = reload_ask(worker->context->reload);
    rpc_forget_message(&call->rpc);
    calls_move(&worker->calls, call, is_replaced ? CALL_WAITING : CALL_SET_ASIDE);
    return true;
}

static void answer(struct worker *worker, struct batch *batch, size_t number, struct call *call)
{
    struct error err;
    bool needs_definitions;
    enum status status = batch_answer(batch, number, &worker->writer, &needs_definitions, &err);
    if (needs_definitions && try_again(worker, batch, call))
        return;
    if (needs_definitions && !reload_is_done(worker->context->reload, call->ticket))
        status = STATUS_UNAVAILABLE; /* nobody knows yet whether there are newer ones */
    if (status == STATUS_CORRUPT)
        log_corruption(worker, err.message);
    if (status)
        fail_call(worker, call, rpc_code(status), err.message);
    else
        answer_call(worker, call, wire_written(&worker->writer));
}

static void note_pace(struct worker *worker, bool left_some, int64_t now_us)
{
    pace_note(&worker->calls.pace, worker->batch.count, left_some, worker->batch_began_us, now_us);
}

static void run_batch(struct worker *worker)
{
    struct batch *batch = &worker->batch;
    const struct snapshot *snapshot = snapshot_take(worker->context->cell, batch_place(worker));
    int64_t now_us = worker->calls.now_us = timestamp_monotonic_us();
    if (worker->is_batch_full) /* it was not waited since then: all that time was work */
        note_pace(worker, true, now_us);
    worker->batch_began_us = now_us;
    worker->batch_left_us = INT64_MAX;
    batch_begin(batch, snapshot, timestamp_now());
    /* What is added stays on its list until it is answered; the rest of the list comes after it. */
    struct call *call = worker->calls.lists[CALL_WAITING].first;
    while (call && batch_has_room(batch) && has_time(worker, worker->batch_left_us)) {
        struct call *after = call->after;
        take_up(worker, call, now_us);
        call = after;
    }
    worker->is_batch_full = call != NULL;
    if (batch->count > 0)
        histogram_add(&worker->calls.counters->batch_requests, &batch_bounds, batch->count,
                      batch->count);
    batch_read(batch, worker->store);
    for (size_t i = 0; i < batch->count; i++)
        answer(worker, batch, i, worker->batch_calls[i]);
    online_store_let_go(worker->store);
    snapshot_let_go(worker->context->cell, batch_place(worker));
}

/* A batch that is small enough for the caches of a core answers the most, a look at the sockets
 * costs the least where much has come. So, while calls are left waiting, several batches follow. */
static void run_batches(struct worker *worker)
{
    int64_t begin_us = worker->calls.now_us;
    bool has_calls = worker->calls.lists[CALL_WAITING].first;
    if (has_calls) {
        int64_t until_us = timestamp_monotonic_us() + BATCHES_MS * 1000;
        do
            run_batch(worker);
        while (worker->is_batch_full && worker->calls.now_us < until_us);
    }
    int64_t end_us = timestamp_monotonic_us();
    worker->round_us = end_us - begin_us;
    if (has_calls && !worker->is_batch_full) /* but streams may hold more than they may send */
        note_pace(worker, worker->streams.is_held_back, end_us);
}

/* One step of the large call, if there is one: the others need not wait for all of them. */
static void run_large(struct worker *worker)
{
    struct call *call = reading_call(worker);
    if (!call)
        return;
    if (!fail_early(worker, call, timestamp_monotonic_us())) {
        if (!batch_read_step(&worker->large, worker->store))
            return;
        answer(worker, &worker->large, 0, call);
    }
    batch_begin(&worker->large, NULL, 0); /* which gives its memory back */
    snapshot_let_go(worker->context->cell, large_place(worker));
}

static void *run(void *arg)
{
    struct worker *worker = arg;
    bool is_open = true;
    calls_request(&worker->calls);
    streams_request(&worker->streams);
    while (is_open) {
        /* Nothing may be started on a queue that is shut down, so that waits for the last call. */
        if (worker->calls.live_count + worker->streams.live_count == 0 && !worker->is_shut) {
            grpc_completion_queue_shutdown(worker->calls.queue);
            worker->is_shut = true;
        }
        standby_off(worker->context->standby, worker->number);
        is_open = take_events(worker);
        standby_on(worker->context->standby, worker->number);
        calls_give_up_slow(&worker->calls);
        streams_give_up_slow(&worker->streams);
        take_up_again(worker);
        run_batches(worker);
        run_large(worker);
        streams_end_round(&worker->streams);
    }
    return NULL;
}

enum status worker_open(const struct worker_context *context, size_t number, struct worker **out,
                        struct error *err)
{
    struct worker *worker = calloc(1, sizeof *worker);
    if (!worker)
        out_of_memory();
    worker->context = context;
    worker->number = number;
    batch_init(&worker->batch, &context->limits);
    batch_init(&worker->large, &context->limits);
    wire_writer_init(&worker->writer, context->max_answer_bytes);
    worker->calls = (struct calls){
        .server = context->server,
        .methods = context->methods,
        .queue = grpc_completion_queue_create_for_next(NULL),
        .max_held_bytes = context->max_held_bytes,
        .max_call_us = context->settings->server.max_call_ms * INT64_C(1000),
        .counters = &context->counters->workers[number],
    };
    worker->batch.counters = worker->large.counters = worker->calls.counters;
    grpc_server_register_completion_queue(context->server, worker->calls.queue, NULL);
    worker->streams = (struct streams){
        .calls = &worker->calls,
        .method = context->stream_method,
        .max_message_bytes = context->settings->server.max_message_bytes,
    };
    *out = worker;
    return near_cache_open_store(context->near_cache, context->settings, &worker->store, err);
}

enum status worker_start(struct worker *worker, struct error *err)
{
    worker->calls.now_us = timestamp_monotonic_us();
    calls_init(&worker->calls);
    streams_init(&worker->streams);
    if (pthread_create(&worker->thread, NULL, run, worker) != 0)
        return fail(err, STATUS_FAILED, "cannot start a thread");
    worker->is_running = true;
    return STATUS_OK;
}

void worker_join(struct worker *worker)
{
    if (worker->is_running)
        pthread_join(worker->thread, NULL);
    worker->is_running = false;
}

void worker_close(struct worker *worker)
{
    if (!worker)
        return;
    assert(!worker->is_running);
    if (!worker->is_shut)
        rpc_shut_queue(worker->calls.queue);
    grpc_completion_queue_destroy(worker->calls.queue);
    online_store_close(worker->store);
    wire_writer_release(&worker->writer);
    batch_release(&worker->large);
    batch_release(&worker->batch);
    streams_release(&worker->streams);
    calls_release(&worker->calls);
    free(worker);
}
