/* worker.c - see worker.h. */
#include "server/worker.h"

#include "base/log.h"
#include "base/timestamp.h"
#include "server/batch.h"
#include "server/rpc.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>

enum {
    CALLS_PER_METHOD = 1024, /* requested from gRPC */
    CALLS_MAX = 768,         /* that have come */
    EVENTS_MAX = 2048,       /* taken before the next batch */
    SMALL_BYTES = 64 * 1024, /* a message that always fits: their number has its limit */
    ANSWER_TIMEOUT_MS = 30 * 1000,
    ANSWER_TIMEOUT_PRESSED_MS = 1000,
    SET_ASIDE_MAX_MS = 1000,
    SET_ASIDE_LOOK_MS = 2,
    CORRUPT_LOG_INTERVAL_MS = 10 * 1000,
};

const struct api *const worker_apis[WORKER_API_COUNT] = {&larder_v1_api, &feast_serving_api};

/* Where a call is on its way, which is the list that it is on. */
enum call_state {
    CALL_REQUESTED, /* of gRPC; on no list */
    CALL_WAITING,   /* for the next batch */
    CALL_SET_ASIDE, /* until its ticket of the reload is done */
    CALL_ANSWERED,  /* until gRPC has sent the answer; the oldest first */
    CALL_STATE_COUNT,
};

struct call {
    struct rpc rpc;
    size_t method;
    enum call_state state;
    struct call *before, *after;
    int64_t since_us;                   /* in this state */
    uint64_t ticket;                    /* 0: definitions were not asked for yet */
    size_t request_bytes, answer_bytes; /* what it holds of the worker's */
};

struct call_list {
    struct call *first, *last;
};

struct worker {
    const struct worker_context *context;
    size_t number;
    grpc_completion_queue *queue;
    struct online_store *store;
    struct batch batch;
    struct wire_writer writer;
    pthread_t thread;
    bool is_running;
    bool is_shut; /* the queue; nothing may be started on it any more */

    struct call *calls; /* all of them */
    size_t live_count;  /* those that gRPC still knows of */
    size_t come_count;
    size_t request_bytes, answer_bytes; /* held for the calls that have come */
    struct call_list lists[CALL_STATE_COUNT];
    int64_t now_us; /* monotonic, of this round */
    int64_t corrupt_logged_us;
    struct call *batch_calls[BATCH_REQUESTS_MAX]; /* by their number in the batch */
};

/* The one place where a call changes its state. */
static void move_call(struct worker *worker, struct call *call, enum call_state state)
{
    if (call->state != CALL_REQUESTED) {
        struct call_list *from = &worker->lists[call->state];
        *(call->before ? &call->before->after : &from->first) = call->after;
        *(call->after ? &call->after->before : &from->last) = call->before;
    }
    call->before = call->after = NULL;
    call->state = state;
    call->since_us = worker->now_us;
    if (state == CALL_REQUESTED)
        return;
    struct call_list *to = &worker->lists[state];
    call->before = to->last;
    *(to->last ? &to->last->after : &to->first) = call;
    to->last = call;
}

static void request_next(struct worker *worker, struct call *call)
{
    const struct worker_context *context = worker->context;
    call->ticket = 0;
    if (!rpc_request(&call->rpc, context->server, context->methods[call->method], worker->queue,
                     call))
        worker->live_count--;
}

/* Whether a message may be held beside those of the other calls. */
static bool fits(size_t held_bytes, size_t size, size_t max_bytes)
{
    return size <= SMALL_BYTES || held_bytes + size <= max_bytes;
}

/* The request is gone with the reply, whatever becomes of that. */
static void reply(struct worker *worker, struct call *call, grpc_status_code code,
                  const char *message)
{
    move_call(worker, call, CALL_ANSWERED);
    worker->request_bytes -= call->request_bytes;
    call->request_bytes = 0;
    if (code == GRPC_STATUS_OK)
        rpc_reply(&call->rpc, wire_written(&worker->writer), call);
    else
        rpc_fail(&call->rpc, code, message, call);
}

static void refuse(struct worker *worker, struct call *call, const char *message)
{
    reply(worker, call, GRPC_STATUS_RESOURCE_EXHAUSTED, message);
}

static void reply_with_answer(struct worker *worker, struct call *call)
{
    size_t size = wire_written(&worker->writer).size;
    if (!fits(worker->answer_bytes, size, worker->context->max_held_bytes)) {
        refuse(worker, call,
               "the server holds too many large answers that were not taken: try again later");
        return;
    }
    worker->answer_bytes += call->answer_bytes = size;
    reply(worker, call, GRPC_STATUS_OK, NULL);
}

static void take_new_call(struct worker *worker, struct call *call)
{
    size_t size = rpc_request_size(&call->rpc);
    bool is_admitted = worker->come_count < CALLS_MAX;
    worker->come_count++;
    if (!is_admitted) {
        refuse(worker, call, "the server is at its limit of concurrent calls: try again later");
    } else if (!fits(worker->request_bytes, size, worker->context->max_held_bytes)) {
        refuse(worker, call, "the server is at its limit of waiting requests: try again later");
    } else {
        worker->request_bytes += call->request_bytes = size;
        move_call(worker, call, CALL_WAITING);
    }
}

static void handle_event(struct worker *worker, const grpc_event *event)
{
    struct call *call = event->tag;
    if (call->state == CALL_REQUESTED) {
        if (event->success) {
            take_new_call(worker, call);
        } else { /* the server is stopping */
            rpc_release(&call->rpc);
            worker->live_count--;
        }
        return;
    }
    assert(call->state == CALL_ANSWERED);
    worker->come_count--;
    worker->answer_bytes -= call->answer_bytes;
    call->answer_bytes = 0;
    move_call(worker, call, CALL_REQUESTED);
    rpc_release(&call->rpc);
    request_next(worker, call);
}

/* Callers who are slow to take their answers have less time when others may need the room. */
static int64_t answer_timeout_us(const struct worker *worker)
{
    bool is_pressed = worker->come_count > CALLS_MAX / 2 ||
                      worker->answer_bytes > worker->context->max_held_bytes / 2;
    return (is_pressed ? ANSWER_TIMEOUT_PRESSED_MS : ANSWER_TIMEOUT_MS) * INT64_C(1000);
}

/* How long the wait for an event may be: callers that do not take their answers and calls set aside
 * have their time; calls that wait already have none. */
static gpr_timespec wait_until(const struct worker *worker)
{
    const struct call *answered = worker->lists[CALL_ANSWERED].first;
    int64_t wait_us = INT64_MAX;
    if (worker->lists[CALL_WAITING].first)
        return gpr_inf_past(GPR_CLOCK_MONOTONIC);
    if (answered)
        wait_us = answered->since_us + answer_timeout_us(worker) - timestamp_monotonic_us();
    if (worker->lists[CALL_SET_ASIDE].first && wait_us > SET_ASIDE_LOOK_MS * 1000)
        wait_us = SET_ASIDE_LOOK_MS * 1000;
    if (wait_us == INT64_MAX)
        return gpr_inf_future(GPR_CLOCK_MONOTONIC);
    return gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC),
                        gpr_time_from_micros(wait_us > 0 ? wait_us : 0, GPR_TIMESPAN));
}

/* Waits for one event, then takes what is ready. false: the queue is shut down and empty. */
static bool take_events(struct worker *worker)
{
    gpr_timespec until = wait_until(worker);
    for (size_t taken = 0; taken < EVENTS_MAX; taken++) {
        grpc_event event = grpc_completion_queue_next(worker->queue, until, NULL);
        if (event.type == GRPC_QUEUE_SHUTDOWN)
            return false;
        if (taken == 0)
            worker->now_us = timestamp_monotonic_us();
        if (event.type == GRPC_QUEUE_TIMEOUT)
            break;
        handle_event(worker, &event);
        until = gpr_inf_past(GPR_CLOCK_MONOTONIC);
    }
    return true;
}

/* Answers that nobody takes: cancelling makes their event come. The rest of the list is younger. */
static void give_up_slow_callers(struct worker *worker)
{
    int64_t oldest_us = worker->now_us - answer_timeout_us(worker);
    struct call *call;
    while ((call = worker->lists[CALL_ANSWERED].first) && call->since_us < oldest_us) {
        grpc_call_cancel(call->rpc.call, NULL);
        move_call(worker, call, CALL_ANSWERED); /* to the end, with a new time */
    }
}

/* Calls whose reading of the definitions has ended, or has taken too long, are tried once more. */
static void take_up_again(struct worker *worker)
{
    int64_t oldest_us = worker->now_us - SET_ASIDE_MAX_MS * INT64_C(1000);
    for (struct call *call = worker->lists[CALL_SET_ASIDE].first, *after; call; call = after) {
        after = call->after;
        if (reload_is_done(worker->context->reload, call->ticket) || call->since_us < oldest_us)
            move_call(worker, call, CALL_WAITING);
    }
}

/* Adds one waiting call to the batch, or answers at once where there is nothing to look up. false:
 * it has to wait for the next batch. */
static bool add_to_batch(struct worker *worker, struct call *call, gpr_timespec now)
{
    struct error err;
    struct bytes message;
    struct batch *batch = &worker->batch;
    size_t max_size = worker->context->settings->server.max_message_bytes;
    if (rpc_deadline_passed(&call->rpc, now)) {
        reply(worker, call, GRPC_STATUS_DEADLINE_EXCEEDED, "the call's deadline has passed");
        return true;
    }
    if (store_watch_state(worker->context->store_watch) == STORE_FOREIGN) {
        reply(worker, call, GRPC_STATUS_FAILED_PRECONDITION,
              "the online store belongs to another registry");
        return true;
    }
    if (rpc_message(&call->rpc, max_size, &message, &err)) {
        batch_count_message(batch, message.size);
        reply(worker, call, rpc_code(err.status), err.message);
        return true;
    }
    worker->batch_calls[batch->count] = call;
    if (batch_add(batch, worker_apis[call->method], message))
        return true;
    rpc_forget_message(&call->rpc);
    return false;
}

/* Rows that are not what was written: told once in a while, whoever asks for them. */
static void log_corruption(struct worker *worker, const char *message)
{
    if (worker->corrupt_logged_us &&
        worker->now_us < worker->corrupt_logged_us + CORRUPT_LOG_INTERVAL_MS * INT64_C(1000))
        return;
    worker->corrupt_logged_us = worker->now_us;
    char quoted[2 * ERROR_MESSAGE_SIZE];
    log_line(LOG_ERROR, "a stored row is corrupt", "reason=%s",
             log_quote(message, quoted, sizeof quoted));
}

static void answer(struct worker *worker, size_t number)
{
    struct error err;
    bool needs_definitions;
    struct call *call = worker->batch_calls[number];
    enum status status =
        batch_answer(&worker->batch, number, &worker->writer, &needs_definitions, &err);
    if (needs_definitions && !call->ticket) {
        call->ticket = reload_ask(worker->context->reload);
        rpc_forget_message(&call->rpc);
        move_call(worker, call, CALL_SET_ASIDE);
        return;
    }
    if (needs_definitions && !reload_is_done(worker->context->reload, call->ticket))
        status = STATUS_UNAVAILABLE; /* nobody knows yet whether there are newer ones */
    if (status == STATUS_CORRUPT)
        log_corruption(worker, err.message);
    if (status)
        reply(worker, call, rpc_code(status), err.message);
    else
        reply_with_answer(worker, call);
}

static void run_batch(struct worker *worker)
{
    struct batch *batch = &worker->batch;
    struct call_list *waiting = &worker->lists[CALL_WAITING];
    if (!waiting->first)
        return;
    const struct snapshot *snapshot = snapshot_take(worker->context->cell, worker->number);
    gpr_timespec now = gpr_now(GPR_CLOCK_MONOTONIC);
    batch_begin(batch, snapshot, timestamp_now());
    /* What is added stays on its list until it is answered; the rest of the list comes after it. */
    bool goes_on = true;
    for (struct call *call = waiting->first, *after; call && goes_on && batch_has_room(batch);
         call = after) {
        after = call->after;
        goes_on = add_to_batch(worker, call, now);
    }
    batch_read(batch, worker->store);
    for (size_t i = 0; i < batch->count; i++)
        answer(worker, i);
    online_store_let_go(worker->store);
    snapshot_let_go(worker->context->cell, worker->number);
}

static void *run(void *arg)
{
    struct worker *worker = arg;
    bool is_open = true;
    for (size_t i = 0; i < WORKER_API_COUNT * CALLS_PER_METHOD; i++)
        request_next(worker, &worker->calls[i]);
    while (is_open) {
        /* Nothing may be started on a queue that is shut down, so that waits for the last call. */
        if (worker->live_count == 0 && !worker->is_shut) {
            grpc_completion_queue_shutdown(worker->queue);
            worker->is_shut = true;
        }
        is_open = take_events(worker);
        give_up_slow_callers(worker);
        take_up_again(worker);
        run_batch(worker);
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
    wire_writer_init(&worker->writer, context->max_answer_bytes);
    worker->queue = grpc_completion_queue_create_for_next(NULL);
    grpc_server_register_completion_queue(context->server, worker->queue, NULL);
    *out = worker;
    return online_store_open(context->settings, &worker->store, err);
}

enum status worker_start(struct worker *worker, struct error *err)
{
    size_t count = WORKER_API_COUNT * CALLS_PER_METHOD;
    worker->calls = calloc(count, sizeof *worker->calls);
    if (!worker->calls)
        out_of_memory();
    for (size_t i = 0; i < count; i++)
        worker->calls[i].method = i % WORKER_API_COUNT;
    worker->live_count = count;
    worker->now_us = timestamp_monotonic_us();
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
        rpc_shut_queue(worker->queue);
    grpc_completion_queue_destroy(worker->queue);
    online_store_close(worker->store);
    wire_writer_release(&worker->writer);
    batch_release(&worker->batch);
    free(worker->calls);
    free(worker);
}
