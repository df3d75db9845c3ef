/* calls.c - see calls.h. */
#include "server/calls.h"

#include "base/error.h"
#include "base/timestamp.h"

#include <assert.h>
#include <stdlib.h>

enum {
    REQUESTED_PER_METHOD = 1024,
    COUNT = REQUESTED_PER_METHOD * CALLS_METHOD_COUNT,
    SMALL_BYTES = 64 * 1024,
    ANSWER_TIMEOUT_MS = 30 * 1000,
    ANSWER_TIMEOUT_PRESSED_MS = 1000,
};

static_assert((int)CALLS_METHOD_COUNT < (int)COUNTED_METHODS_MAX,
              "each method is counted, and streamed requests behind them");

void calls_init(struct calls *calls)
{
    calls->all = calloc(COUNT, sizeof *calls->all);
    if (!calls->all)
        out_of_memory();
    for (size_t i = 0; i < COUNT; i++)
        calls->all[i].method = i % CALLS_METHOD_COUNT;
    calls->live_count = COUNT;
}

void calls_release(struct calls *calls)
{
    free(calls->all);
}

static void request(struct calls *calls, struct call *call)
{
    call->ticket = 0;
    call->is_large = call->is_empty = false;
    if (!rpc_request(&call->rpc, calls->server, calls->methods[call->method], calls->queue, call))
        calls->live_count--;
}

void calls_request(struct calls *calls)
{
    for (size_t i = 0; i < COUNT; i++)
        request(calls, &calls->all[i]);
}

void calls_move(struct calls *calls, struct call *call, enum call_state state)
{
    if (call->state != CALL_REQUESTED) {
        struct call_list *from = &calls->lists[call->state];
        *(call->before ? &call->before->after : &from->first) = call->after;
        *(call->after ? &call->after->before : &from->last) = call->before;
    }
    calls->waiting_count -= call->state == CALL_WAITING;
    calls->waiting_count += state == CALL_WAITING;
    call->before = call->after = NULL;
    call->state = state;
    call->since_us = calls->now_us;
    if (state == CALL_REQUESTED)
        return;
    struct call_list *to = &calls->lists[state];
    call->before = to->last;
    *(to->last ? &to->last->after : &to->first) = call;
    to->last = call;
}

/* Whether a message may be held beside those of the other calls. */
static bool fits(const struct calls *calls, size_t held_bytes, size_t size)
{
    return size <= SMALL_BYTES || held_bytes + size <= calls->max_held_bytes;
}

static void count_answer(struct calls *calls, const struct call *call, grpc_status_code code,
                         size_t answer_size)
{
    counters_add_answer(&calls->counters->methods[call->method], (unsigned)code,
                        timestamp_monotonic_us() - call->come_us, answer_size);
}

static void begin_reply(struct calls *calls, struct call *call, grpc_status_code code,
                        size_t answer_size)
{
    if (!call->is_empty)
        count_answer(calls, call, code, answer_size);
    calls_move(calls, call, CALL_ANSWERED);
    calls->request_bytes -= call->request_bytes;
    call->request_bytes = 0;
}

void calls_fail(struct calls *calls, struct call *call, grpc_status_code code, const char *message)
{
    begin_reply(calls, call, code, 0);
    rpc_fail(&call->rpc, code, message, call);
}

static void refuse(struct calls *calls, struct call *call, enum refusal reason, const char *message)
{
    counter_bump(&calls->counters->refused[reason], 1);
    calls_fail(calls, call, GRPC_STATUS_RESOURCE_EXHAUSTED, message);
}

void calls_answer(struct calls *calls, struct call *call, struct bytes answer)
{
    if (!fits(calls, calls->answer_bytes, answer.size)) {
        refuse(calls, call, REFUSED_ANSWERS,
               "the server holds too many large answers that were not taken: try again later");
        return;
    }
    begin_reply(calls, call, GRPC_STATUS_OK, answer.size);
    calls->answer_bytes += call->answer_bytes = answer.size;
    rpc_reply(&call->rpc, answer, call);
}

int64_t calls_left_us(const struct calls *calls, const struct call *call)
{
    int64_t left_us = rpc_left_us(&call->rpc, calls->now_us);
    return left_us < calls->max_call_us ? left_us : calls->max_call_us;
}

/* Its caller may have given it up before its message came: that is known when it has ended. */
static void fail_empty(struct calls *calls, struct call *call)
{
    struct error err;
    struct bytes message;
    call->is_empty = true;
    enum status status = rpc_message(&call->rpc, 0, &message, &err);
    calls_fail(calls, call, rpc_code(status), err.message);
}

static void count_empty(struct calls *calls, const struct call *call)
{
    bool is_given_up = call->rpc.was_cancelled;
    count_answer(calls, call, is_given_up ? GRPC_STATUS_CANCELLED : GRPC_STATUS_INVALID_ARGUMENT,
                 0);
}

static void take_new(struct calls *calls, struct call *call)
{
    size_t size = rpc_request_size(&call->rpc);
    bool is_one_too_many = calls->come_count >= CALLS_MAX;
    calls->come_count++;
    call->come_us = calls->now_us;
    counter_set(&calls->counters->open_calls, calls->come_count);
    counter_bump(&calls->counters->methods[call->method].request_bytes, size);
    if (!call->rpc.payload) {
        fail_empty(calls, call);
    } else if (is_one_too_many) {
        refuse(calls, call, REFUSED_CALLS,
               "the server is at its limit of concurrent calls: try again later");
    } else if (!fits(calls, calls->request_bytes, size)) {
        refuse(calls, call, REFUSED_REQUESTS,
               "the server is at its limit of waiting requests: try again later");
    } else if (!pace_takes_in(&calls->pace, calls->now_us, calls->waiting_count,
                              calls_left_us(calls, call))) {
        refuse(calls, call, REFUSED_PACE,
               "the server has more to answer than this call's deadline leaves time for: "
               "try again later");
    } else {
        calls->request_bytes += call->request_bytes = size;
        calls_move(calls, call, CALL_WAITING);
    }
}

static void end(struct calls *calls, struct call *call)
{
    assert(call->state == CALL_ANSWERED);
    if (call->is_empty)
        count_empty(calls, call);
    calls->come_count--;
    counter_set(&calls->counters->open_calls, calls->come_count);
    calls->answer_bytes -= call->answer_bytes;
    call->answer_bytes = 0;
    calls_move(calls, call, CALL_REQUESTED);
    rpc_release(&call->rpc);
    request(calls, call);
}

void calls_take_event(struct calls *calls, struct call *call, bool success)
{
    if (call->state != CALL_REQUESTED) {
        end(calls, call);
    } else if (success) {
        take_new(calls, call);
    } else { /* the server is stopping */
        rpc_release(&call->rpc);
        calls->live_count--;
    }
}

/* Callers who are slow to take their answers have less time when others may need the room. */
int64_t calls_answer_timeout_us(const struct calls *calls)
{
    bool is_pressed =
        calls->come_count > CALLS_MAX / 2 || calls->answer_bytes > calls->max_held_bytes / 2;
    return (is_pressed ? ANSWER_TIMEOUT_PRESSED_MS : ANSWER_TIMEOUT_MS) * INT64_C(1000);
}

int64_t calls_give_up_at_us(const struct calls *calls)
{
    const struct call *oldest = calls->lists[CALL_ANSWERED].first;
    return oldest ? oldest->since_us + calls_answer_timeout_us(calls) : INT64_MAX;
}

/* Cancelling makes their event come. The rest of the list is younger. */
void calls_give_up_slow(struct calls *calls)
{
    int64_t oldest_us = calls->now_us - calls_answer_timeout_us(calls);
    struct call *call;
    while ((call = calls->lists[CALL_ANSWERED].first) && call->since_us < oldest_us) {
        grpc_call_cancel(call->rpc.call, NULL);
        calls_move(calls, call, CALL_ANSWERED); /* to the end, with a new time */
    }
}
