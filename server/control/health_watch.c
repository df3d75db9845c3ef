/*
 * health_watch.c - grpc.health.v1.Health/Watch: a stream that says the status now and each change.
 *
 * One message at a time is on its way; a status that changes meanwhile is seen when it has gone. A
 * watch lives until its caller goes, the server stops, or a write fails, and until both of its
 * events (the close and the last write) have come.
 */
#include "server/control/control_call.h"

#include "base/timestamp.h"

#include <stdlib.h>

enum { WATCHES_MAX = 1000 };

struct watch {
    struct control *control;
    struct watch *before, *after;
    struct rpc rpc;
    struct control_tag came, written, closed;
    enum health_subject subject;
    enum health told; /* 0: nothing yet */
    bool has_come, is_writing, is_ending, is_closed;
    int64_t written_us; /* when the last write began */
};

#define WATCH_OF(tag, member)                                                                      \
    ((struct watch *)(void *)((char *)(tag)-offsetof(struct watch, member)))

static void release(struct watch *watch)
{
    struct control *control = watch->control;
    *(watch->before ? &watch->before->after : &control->watches) = watch->after;
    if (watch->after)
        watch->after->before = watch->before;
    control->watch_count--;
    control->live_count--;
    rpc_release(&watch->rpc);
    free(watch);
}

static void write_health(struct watch *watch, enum health health)
{
    uint8_t response[HEALTH_RESPONSE_SIZE];
    grpc_op ops[2] = {{.op = GRPC_OP_SEND_MESSAGE}, {.op = GRPC_OP_SEND_INITIAL_METADATA}};
    if (watch->rpc.answer)
        grpc_byte_buffer_destroy(watch->rpc.answer);
    watch->rpc.answer = rpc_buffer(health_write(health, response));
    ops[0].data.send_message.send_message = watch->rpc.answer;
    rpc_start(&watch->rpc, ops, watch->told ? 1 : 2, &watch->written);
    watch->told = health;
    watch->is_writing = true;
    watch->written_us = timestamp_monotonic_us();
}

/* Ends the stream from our side; its first metadata may not have gone yet. */
static void end(struct watch *watch, grpc_status_code code, const char *message)
{
    grpc_slice details = grpc_slice_from_copied_string(message);
    grpc_op ops[2] = {{.op = GRPC_OP_SEND_STATUS_FROM_SERVER},
                      {.op = GRPC_OP_SEND_INITIAL_METADATA}};
    ops[0].data.send_status_from_server.status = code;
    ops[0].data.send_status_from_server.status_details = &details;
    rpc_start(&watch->rpc, ops, watch->told ? 1 : 2, &watch->written);
    grpc_slice_unref(details);
    watch->is_writing = true;
    watch->is_ending = true;
    watch->written_us = timestamp_monotonic_us();
}

/* The next step of a watch that has nothing on its way. */
static void look(struct watch *watch)
{
    struct control *control = watch->control;
    if (!watch->has_come || watch->is_writing)
        return;
    if (watch->is_closed) {
        release(watch);
        return;
    }
    if (watch->is_ending)
        return;
    bool is_stopping = atomic_load(&control->is_stopping);
    enum health health =
        health_of(watch->subject, store_watch_state(control->store_watch), is_stopping);
    if (health != watch->told)
        write_health(watch, health);
    else if (is_stopping)
        end(watch, GRPC_STATUS_UNAVAILABLE, "the server is stopping");
}

static void on_written(struct control_tag *tag, bool success)
{
    struct watch *watch = WATCH_OF(tag, written);
    watch->is_writing = false;
    watch->is_ending |= !success; /* the close comes by itself */
    look(watch);
}

static void on_closed(struct control_tag *tag, bool success)
{
    struct watch *watch = WATCH_OF(tag, closed);
    (void)success;
    watch->is_closed = true;
    look(watch);
}

static void begin(struct watch *watch)
{
    struct error err;
    struct bytes message;
    grpc_op close = {.op = GRPC_OP_RECV_CLOSE_ON_SERVER};
    watch->has_come = true;
    close.data.recv_close_on_server.cancelled = &watch->rpc.was_cancelled;
    rpc_start(&watch->rpc, &close, 1, &watch->closed);
    bool is_wrong = rpc_message(&watch->rpc, CONTROL_MESSAGE_MAX, &message, &err) ||
                    health_read(message, &watch->subject, &err);
    rpc_forget_request(&watch->rpc); /* which may be large, where the watch lives for days */
    if (is_wrong)
        end(watch, rpc_code(err.status), err.message);
    else if (watch->control->watch_count > WATCHES_MAX)
        end(watch, GRPC_STATUS_RESOURCE_EXHAUSTED, "the server has too many watchers");
    else
        look(watch);
}

static void on_came(struct control_tag *tag, bool success)
{
    struct watch *watch = WATCH_OF(tag, came);
    if (!success) {
        release(watch);
        return;
    }
    health_watch_request(watch->control);
    begin(watch);
}

void health_watch_request(struct control *control)
{
    struct watch *watch = calloc(1, sizeof *watch);
    if (!watch)
        out_of_memory();
    watch->control = control;
    watch->came.on_event = on_came;
    watch->written.on_event = on_written;
    watch->closed.on_event = on_closed;
    watch->after = control->watches;
    if (watch->after)
        watch->after->before = watch;
    control->watches = watch;
    control->watch_count++;
    control->live_count++;
    if (!rpc_request(&watch->rpc, control->server, control->watch_method, control->queue,
                     &watch->came))
        release(watch);
}

void health_watch_look(struct control *control, int64_t oldest_us)
{
    for (struct watch *watch = control->watches, *after; watch; watch = after) {
        after = watch->after;
        if (watch->is_writing && watch->written_us < oldest_us)
            grpc_call_cancel(watch->rpc.call, NULL);
        look(watch);
    }
}
