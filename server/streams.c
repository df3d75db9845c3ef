/* streams.c - see streams.h. */
#include "server/streams.h"

#include "base/error.h"
#include "base/timestamp.h"
#include "server/answer/larder_v1_stream.h"
#include "server/stream.h"

#include <assert.h>
#include <grpc/support/alloc.h>
#include <stdlib.h>
#include <string.h>

enum {
    REQUESTED = STREAMS_MAX + 64, /* so that those too many can be refused */
    FAILURE_MAX = 2 * ERROR_MESSAGE_SIZE,
    WAITING_ALWAYS = 16,
    WAITING_BYTES_ENOUGH = 256 * 1024,
    WAITING_US = 200 * 1000, /* the pace lets a quarter of it be ahead of whoever comes now */
};

const char streams_method[] = "/larder.v1.FeatureService/StreamFeatures";

/* What came out of the queue for a stream: the lowest bits of its tag. */
enum event_kind { EVENT_CAME = 1, EVENT_RECEIVED, EVENT_SENT, EVENT_CLOSED };

struct stream_call {
    struct stream stream;
    struct rpc rpc;
    struct streams *streams;
    char *peer; /* gRPC's; NULL until the stream has come */
    /* [STREAM_REQUESTS_MAX] of one that was let in: free, in hand, or unsent in their order. */
    struct call *requests;
    struct call *free, *unsent, *unsent_last;
    grpc_byte_buffer *received;
    grpc_status_code ending_code;
    grpc_slice ending; /* the words to that */
    bool is_due, is_sending;
    struct stream_call *next_due;
    struct stream_call *sending_before, *sending_after;
    int64_t sending_since_us;
};

static void *tag_of(struct stream_call *call, enum event_kind kind)
{
    return (char *)call + kind;
}

/* What they hold ------------------------------------------------------------------------------ */

void streams_init(struct streams *streams)
{
    streams->all = calloc(REQUESTED, sizeof *streams->all);
    if (!streams->all)
        out_of_memory();
    for (size_t i = 0; i < REQUESTED; i++)
        streams->all[i] = (struct stream_call){.streams = streams, .ending = grpc_empty_slice()};
    streams->live_count = REQUESTED;
    wire_writer_init(&streams->failure, FAILURE_MAX);
}

void streams_release(struct streams *streams)
{
    wire_writer_release(&streams->failure);
    free(streams->all);
}

/* Whether so many calls that wait are work for less time than streams may have ahead. */
static bool is_soon_done(const struct calls *calls, size_t waiting_count)
{
    return pace_takes_in(&calls->pace, calls->now_us, waiting_count, WAITING_US);
}

/* A few always wait, or one where they are heavy, so that unary calls without end do not keep
 * streams from their turn. */
static bool has_room(const struct streams *streams)
{
    const struct calls *calls = streams->calls;
    if (calls->request_bytes >= calls->max_held_bytes / 2)
        return false;
    if (streams->waiting_count < WAITING_ALWAYS)
        return is_soon_done(calls, streams->waiting_count);
    return streams->waiting_count < STREAMED_WAITING_MAX &&
           streams->waiting_bytes < WAITING_BYTES_ENOUGH &&
           is_soon_done(calls, calls->waiting_count);
}

static void make_requests(struct stream_call *call)
{
    call->requests = calloc(STREAM_REQUESTS_MAX, sizeof *call->requests);
    if (!call->requests)
        out_of_memory();
    for (size_t i = 0; i < STREAM_REQUESTS_MAX; i++) {
        struct call *request = &call->requests[i];
        request->stream = call;
        request->rpc.merged = grpc_empty_slice();
        request->after = call->free;
        call->free = request;
    }
}

static struct call *take_request(struct stream_call *call)
{
    struct call *request = call->free;
    assert(request && request->state == CALL_REQUESTED);
    call->free = request->after;
    request->ticket = 0;
    request->is_large = request->is_gone = false;
    return request;
}

/* An answer that was sent, or is not wanted any more. */
static void put_back(struct stream_call *call, struct call *request)
{
    call->streams->calls->answer_bytes -= request->answer_bytes;
    request->answer_bytes = 0;
    rpc_release(&request->rpc);
    request->after = call->free;
    call->free = request;
}

static void put_back_oldest(struct stream_call *call)
{
    struct call *request = call->unsent;
    call->unsent = request->after;
    if (!call->unsent)
        call->unsent_last = NULL;
    put_back(call, request);
}

/* What is done next --------------------------------------------------------------------------- */

static void make_due(struct stream_call *call)
{
    struct stream_list *due = &call->streams->due;
    if (call->is_due)
        return;
    call->is_due = true;
    call->next_due = NULL;
    *(due->last ? &due->last->next_due : &due->first) = call;
    due->last = call;
}

static void begin_sending(struct stream_call *call)
{
    struct stream_list *sending = &call->streams->sending;
    call->sending_since_us = call->streams->calls->now_us;
    call->sending_after = NULL;
    call->sending_before = sending->last;
    *(sending->last ? &sending->last->sending_after : &sending->first) = call;
    sending->last = call;
}

static void end_sending(struct stream_call *call)
{
    struct stream_list *sending = &call->streams->sending;
    *(call->sending_before ? &call->sending_before->sending_after : &sending->first) =
        call->sending_after;
    *(call->sending_after ? &call->sending_after->sending_before : &sending->last) =
        call->sending_before;
}

static void receive(struct stream_call *call)
{
    grpc_op op = {.op = GRPC_OP_RECV_MESSAGE};
    op.data.recv_message.recv_message = &call->received;
    rpc_start(&call->rpc, &op, 1, tag_of(call, EVENT_RECEIVED));
}

/* Where another answer waits behind this one, gRPC need not write before it has that, too. */
static void send(struct stream_call *call)
{
    grpc_op op = {.op = GRPC_OP_SEND_MESSAGE};
    op.flags = call->unsent->after ? GRPC_WRITE_BUFFER_HINT : 0;
    op.data.send_message.send_message = call->unsent->rpc.answer;
    begin_sending(call);
    rpc_start(&call->rpc, &op, 1, tag_of(call, EVENT_SENT));
}

static void send_status(struct stream_call *call)
{
    grpc_op op = {.op = GRPC_OP_SEND_STATUS_FROM_SERVER};
    op.data.send_status_from_server.status = call->ending_code;
    op.data.send_status_from_server.status_details = &call->ending;
    begin_sending(call);
    rpc_start(&call->rpc, &op, 1, tag_of(call, EVENT_SENT));
}

static void request_next(struct stream_call *call);

static void release(struct stream_call *call)
{
    struct streams *streams = call->streams;
    while (call->unsent)
        put_back_oldest(call);
    streams->open_count -= call->requests != NULL;
    counter_set(&streams->calls->counters->open_streams, streams->open_count);
    free(call->requests);
    gpr_free(call->peer);
    grpc_slice_unref(call->ending);
    rpc_release(&call->rpc);
    *call = (struct stream_call){.streams = streams, .ending = grpc_empty_slice()};
    request_next(call);
}

static void go_on(struct stream_call *call)
{
    for (;;) {
        switch (stream_next(&call->stream, has_room(call->streams))) {
        case STREAM_RECEIVE:
            receive(call);
            break;
        case STREAM_SEND:
            send(call);
            break;
        case STREAM_END:
            send_status(call);
            break;
        case STREAM_PAUSE:
            call->streams->is_held_back = true;
            make_due(call);
            return;
        case STREAM_REST:
            return;
        case STREAM_RELEASE:
            if (!call->is_due) /* else its turn is still to come */
                release(call);
            return;
        }
    }
}

/* Nothing more is taken in; what is in hand is answered first. The first reason counts. */
static void finish(struct stream_call *call, grpc_status_code code, const char *message)
{
    if (!call->stream.has_all) {
        call->ending_code = code;
        call->ending = grpc_slice_from_copied_string(message);
    }
    stream_finish(&call->stream);
}

static void finish_for_stop(struct stream_call *call)
{
    finish(call, GRPC_STATUS_UNAVAILABLE,
           "the server is stopping: connect again, and ask again for what was not answered");
}

static void stop(struct streams *streams)
{
    if (streams->is_stopping)
        return;
    streams->is_stopping = true;
    for (size_t i = 0; i < REQUESTED; i++) {
        struct stream_call *call = &streams->all[i];
        if (!call->peer)
            continue;
        finish_for_stop(call);
        go_on(call);
    }
}

static void request_next(struct stream_call *call)
{
    struct streams *streams = call->streams;
    if (rpc_request_stream(&call->rpc, streams->calls->server, streams->method,
                           streams->calls->queue, tag_of(call, EVENT_CAME)))
        return;
    streams->live_count--;
    stop(streams);
}

void streams_request(struct streams *streams)
{
    for (size_t i = 0; i < REQUESTED; i++)
        request_next(&streams->all[i]);
}

/* What has happened --------------------------------------------------------------------------- */

/* The peer's name is its connection's, where that has an address. */
static bool is_of_same_connection(const struct stream_call *a, const struct stream_call *b)
{
    return a->requests && b->peer && strncmp(b->peer, "ip", 2) == 0 &&
           strcmp(a->peer, b->peer) == 0;
}

static size_t count_of_connection(const struct stream_call *call)
{
    size_t count = 0;
    for (size_t i = 0; i < REQUESTED; i++)
        count += is_of_same_connection(&call->streams->all[i], call);
    return count;
}

static struct method_counters *counters_of(const struct streams *streams)
{
    return &streams->calls->counters->methods[CALLS_METHOD_COUNT];
}

static void count_refusal(const struct streams *streams, enum refusal reason)
{
    counter_bump(&streams->calls->counters->refused[reason], 1);
}

static void let_in(struct stream_call *call)
{
    struct streams *streams = call->streams;
    if (streams->is_stopping) { /* it came with the stop, and we heard of that first */
        finish_for_stop(call);
    } else if (streams->open_count >= STREAMS_MAX) {
        count_refusal(streams, REFUSED_STREAMS);
        finish(call, GRPC_STATUS_RESOURCE_EXHAUSTED,
               "the server is at its limit of streams: try again later");
    } else if (count_of_connection(call) >= STREAMS_PER_CONNECTION_MAX) {
        count_refusal(streams, REFUSED_STREAMS);
        finish(call, GRPC_STATUS_RESOURCE_EXHAUSTED,
               "the connection is at its limit of streams: use one for many requests");
    } else {
        streams->open_count++;
        counter_set(&streams->calls->counters->open_streams, streams->open_count);
        make_requests(call);
    }
}

static void on_came(struct stream_call *call, bool success)
{
    if (!success) { /* the server is stopping */
        rpc_release(&call->rpc);
        call->streams->live_count--;
        stop(call->streams);
        return;
    }
    grpc_op ops[2] = {{.op = GRPC_OP_RECV_CLOSE_ON_SERVER}, {.op = GRPC_OP_SEND_INITIAL_METADATA}};
    ops[0].data.recv_close_on_server.cancelled = &call->rpc.was_cancelled;
    call->peer = grpc_call_get_peer(call->rpc.call);
    rpc_start(&call->rpc, ops, 2, tag_of(call, EVENT_CLOSED));
    let_in(call);
}

static gpr_timespec deadline_of(const struct stream_call *call, uint32_t timeout_ms)
{
    if (timeout_ms == 0)
        return call->rpc.deadline;
    return gpr_time_min(
        call->rpc.deadline,
        gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC), gpr_time_from_millis(timeout_ms, GPR_TIMESPAN)));
}

/* What is held of requests is counted when they are in hand; so is that they wait. */
static void take_in(struct stream_call *call, const struct rpc *rpc,
                    const struct streamed_request *streamed)
{
    struct streams *streams = call->streams;
    struct calls *calls = streams->calls;
    struct call *request = take_request(call);
    request->rpc = *rpc;
    request->rpc.deadline = deadline_of(call, streamed->timeout_ms);
    request->id = streamed->id;
    request->asked = streamed->request;
    request->request_bytes = rpc_request_size(rpc);
    request->come_us = calls->now_us;
    counter_bump(&counters_of(streams)->request_bytes, request->request_bytes);
    streams->waiting_count++;
    streams->waiting_bytes += request->request_bytes;
    calls->request_bytes += request->request_bytes;
    if (calls->request_bytes <= calls->max_held_bytes) {
        calls_move(calls, request, CALL_WAITING);
        return;
    }
    count_refusal(streams, REFUSED_REQUESTS);
    streams_fail(streams, request, GRPC_STATUS_RESOURCE_EXHAUSTED,
                 "the server is at its limit of waiting requests: try again later");
}

/* A message that cannot be read has no id by which its sender could be told. */
static void take_message(struct stream_call *call, grpc_byte_buffer *message)
{
    struct error err;
    struct bytes bytes;
    struct streamed_request streamed;
    struct rpc rpc = {.payload = message, .merged = grpc_empty_slice()};
    if (rpc_message_whole(&rpc, call->streams->max_message_bytes, &bytes, &err) ||
        streamed_request_read(bytes, &streamed, &err))
        finish(call, rpc_code(err.status), err.message);
    if (stream_took(&call->stream))
        take_in(call, &rpc, &streamed);
    else
        rpc_release(&rpc);
}

static void on_received(struct stream_call *call)
{
    grpc_byte_buffer *message = call->received;
    call->received = NULL;
    if (message) {
        take_message(call, message);
        return;
    }
    finish(call, GRPC_STATUS_OK, "");
    stream_took(&call->stream);
}

static void on_sent(struct stream_call *call, bool success)
{
    end_sending(call);
    if (call->unsent)
        put_back_oldest(call);
    stream_sent(&call->stream, success);
}

/* But for the one that gRPC has. */
static void drop_unsent(struct stream_call *call)
{
    struct call *sent = call->stream.is_sending ? call->unsent : NULL;
    if (sent)
        call->unsent = sent->after;
    while (call->unsent)
        put_back_oldest(call);
    if (sent)
        sent->after = NULL;
    call->unsent = call->unsent_last = sent;
}

/* What is in hand is not looked up any more. */
static void on_closed(struct stream_call *call)
{
    drop_unsent(call);
    stream_closed(&call->stream);
    for (size_t i = 0; call->requests && i < STREAM_REQUESTS_MAX; i++)
        call->requests[i].is_gone = true;
}

void streams_take_event(void *tag, bool success)
{
    enum event_kind kind = (uintptr_t)tag & 7;
    struct stream_call *call = (struct stream_call *)(void *)((char *)tag - kind);
    if (kind == EVENT_CAME)
        on_came(call, success);
    else if (kind == EVENT_RECEIVED)
        on_received(call);
    else if (kind == EVENT_SENT)
        on_sent(call, success);
    else
        on_closed(call);
    if (call->peer)
        go_on(call);
}

/* What the worker has done -------------------------------------------------------------------- */

/* The request is gone with its answer. */
static void end_waiting(struct streams *streams, struct call *request)
{
    streams->waiting_count--;
    streams->waiting_bytes -= request->request_bytes;
    streams->calls->request_bytes -= request->request_bytes;
    request->request_bytes = 0;
    rpc_forget_request(&request->rpc);
    calls_move(streams->calls, request, CALL_REQUESTED); /* on no list of the worker's */
    make_due(request->stream);
}

static void put_answer(struct streams *streams, struct call *request, grpc_status_code code,
                       struct bytes head, struct bytes rest)
{
    struct stream_call *call = request->stream;
    counters_add_answer(counters_of(streams), (unsigned)code,
                        timestamp_monotonic_us() - request->come_us, head.size + rest.size);
    end_waiting(streams, request);
    if (!stream_answered(&call->stream)) {
        put_back(call, request);
        return;
    }
    request->rpc.answer = rpc_buffer_of_parts(head, rest);
    request->answer_bytes = head.size + rest.size;
    streams->calls->answer_bytes += request->answer_bytes;
    request->after = NULL;
    *(call->unsent_last ? &call->unsent_last->after : &call->unsent) = request;
    call->unsent_last = request;
}

void streams_fail(struct streams *streams, struct call *request, grpc_status_code code,
                  const char *message)
{
    streamed_failure_write(request->id, (int)code, message, &streams->failure);
    put_answer(streams, request, code, (struct bytes){"", 0}, wire_written(&streams->failure));
}

void streams_answer(struct streams *streams, struct call *request, struct bytes answer)
{
    uint8_t head[STREAMED_HEAD_MAX];
    struct calls *calls = streams->calls;
    if (calls->answer_bytes + answer.size > calls->max_held_bytes) {
        count_refusal(streams, REFUSED_ANSWERS);
        streams_fail(
            streams, request, GRPC_STATUS_RESOURCE_EXHAUSTED,
            "the server holds too many large answers that were not taken: try again later");
        return;
    }
    size_t head_size = streamed_answer_head(request->id, answer.size, head);
    put_answer(streams, request, GRPC_STATUS_OK, (struct bytes){head, head_size}, answer);
}

void streams_end_round(struct streams *streams)
{
    struct stream_call *call = streams->due.first;
    streams->due = (struct stream_list){0};
    streams->is_held_back = false;
    for (struct stream_call *after; call; call = after) {
        after = call->next_due;
        call->is_due = false;
        go_on(call);
    }
}

int64_t streams_give_up_at_us(const struct streams *streams)
{
    const struct stream_call *oldest = streams->sending.first;
    return oldest ? oldest->sending_since_us + calls_answer_timeout_us(streams->calls) : INT64_MAX;
}

/* Cancelling makes their events come. The rest of the list is younger. */
void streams_give_up_slow(struct streams *streams)
{
    int64_t oldest_us = streams->calls->now_us - calls_answer_timeout_us(streams->calls);
    struct stream_call *call;
    while ((call = streams->sending.first) && call->sending_since_us < oldest_us) {
        grpc_call_cancel(call->rpc.call, NULL);
        end_sending(call);
        begin_sending(call); /* at the end, with a new time */
    }
}
