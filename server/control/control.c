/* control.c - see control.h. */
#include "server/control/control.h"

#include "base/timestamp.h"
#include "server/answer/wire.h"
#include "server/control/control_call.h"
#include "server/control/reflection.h"
#include "server/wake.h"

#include <assert.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    LOOK_MS = 200, /* how soon a watcher hears of a change */
    METHOD_SHOWN_MAX = 200,
    INFO_VERSION = 1,
};

static enum status answer_check(struct control *control, struct bytes message,
                                struct wire_writer *writer, struct error *err)
{
    enum health_subject subject;
    enum status status = health_read(message, &subject, err);
    if (status)
        return status;
    if (subject == HEALTH_OF_NOTHING)
        return fail(err, STATUS_NOT_FOUND, "there is no such service here");
    uint8_t response[HEALTH_RESPONSE_SIZE];
    enum health health = health_of(subject, store_watch_state(control->store_watch),
                                   atomic_load(&control->is_stopping));
    wire_put_bytes(writer, health_write(health, response));
    return STATUS_OK;
}

static enum status answer_info(struct control *control, struct bytes message,
                               struct wire_writer *writer, struct error *err)
{
    (void)control, (void)message, (void)err;
    wire_put_field(writer, INFO_VERSION, bytes_of_text("larder " LARDER_VERSION));
    return STATUS_OK;
}

static const struct control_method methods[] = {
    {"/grpc.health.v1.Health/Check", answer_check},
    {"/feast.serving.ServingService/GetFeastServingInfo", answer_info},
    {NULL, NULL},
};

static_assert(COUNT_OF(methods) == CONTROL_METHOD_COUNT, "as many calls are requested");

static void request_next(struct control_call *call)
{
    struct control *control = call->control;
    bool is_requested;
    call->is_answered = false;
    if (call->method->name) {
        is_requested =
            rpc_request(&call->rpc, control->server, call->registered, control->queue, &call->tag);
    } else {
        grpc_call_details_init(&call->details);
        is_requested = rpc_request_unregistered(&call->rpc, &call->details, control->server,
                                                control->queue, &call->tag);
    }
    control->live_count -= !is_requested;
}

static void release(struct control_call *call)
{
    if (!call->method->name)
        grpc_call_details_destroy(&call->details);
    rpc_release(&call->rpc);
}

static void answer_unimplemented(struct control_call *call)
{
    char message[METHOD_SHOWN_MAX + 64];
    size_t size = GRPC_SLICE_LENGTH(call->details.method);
    snprintf(message, sizeof message, "larder does not have the method %.*s",
             (int)(size < METHOD_SHOWN_MAX ? size : METHOD_SHOWN_MAX),
             (const char *)GRPC_SLICE_START_PTR(call->details.method));
    rpc_fail(&call->rpc, GRPC_STATUS_UNIMPLEMENTED, message, &call->tag);
}

static void answer(struct control_call *call)
{
    struct error err;
    struct bytes message;
    struct wire_writer *writer = &call->control->writer;
    wire_writer_clear(writer);
    enum status status = rpc_message(&call->rpc, CONTROL_MESSAGE_MAX, &message, &err);
    if (!status)
        status = call->method->answer(call->control, message, writer, &err);
    if (status)
        rpc_fail(&call->rpc, rpc_code(status), err.message, &call->tag);
    else
        rpc_reply(&call->rpc, wire_written(writer), &call->tag);
}

static void on_call(struct control_tag *tag, bool success)
{
    struct control_call *call = (struct control_call *)tag; /* the tag is its first member */
    if (call->is_answered || !success) {
        bool is_last = !call->is_answered;
        release(call);
        if (is_last)
            call->control->live_count--;
        else
            request_next(call);
        return;
    }
    call->is_answered = true;
    call->answered_us = timestamp_monotonic_us();
    if (call->method->name)
        answer(call);
    else
        answer_unimplemented(call);
}

static void on_stopped(struct control_tag *tag, bool success)
{
    struct control *control =
        (struct control *)(void *)((char *)tag - offsetof(struct control, stopped));
    (void)success;
    wake_signal(control->stopped_fd);
    control->live_count--;
}

/* Answers that nobody takes: cancelling makes their event come, and with it their place free. */
static void give_up_slow_callers(struct control *control)
{
    int64_t oldest_us = timestamp_monotonic_us() - CONTROL_ANSWER_TIMEOUT_US;
    for (size_t i = 0; i < CONTROL_CALL_COUNT; i++)
        if (control->calls[i].is_answered && control->calls[i].answered_us < oldest_us)
            grpc_call_cancel(control->calls[i].rpc.call, NULL);
    health_watch_look(control, oldest_us);
    reflection_stream_look(control, oldest_us);
}

static void *run(void *arg)
{
    struct control *control = arg;
    for (size_t i = 0; i < CONTROL_CALL_COUNT; i++)
        request_next(&control->calls[i]);
    health_watch_request(control);
    reflection_stream_request(control);
    for (;;) {
        if (control->live_count == 0 && !control->is_shut) {
            grpc_completion_queue_shutdown(control->queue);
            control->is_shut = true;
        }
        gpr_timespec until =
            gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC), gpr_time_from_millis(LOOK_MS, GPR_TIMESPAN));
        grpc_event event = grpc_completion_queue_next(control->queue, until, NULL);
        if (event.type == GRPC_QUEUE_SHUTDOWN)
            return NULL;
        if (event.type == GRPC_OP_COMPLETE) {
            struct control_tag *tag = event.tag;
            tag->on_event(tag, event.success);
        }
        give_up_slow_callers(control);
    }
}

static void *register_method(grpc_server *server, const char *name)
{
    void *registered = grpc_server_register_method(server, name, NULL,
                                                   GRPC_SRM_PAYLOAD_READ_INITIAL_BYTE_BUFFER, 0);
    assert(registered);
    return registered;
}

static void prepare_calls(struct control *control)
{
    struct control_call *call = control->calls;
    for (size_t i = 0; i < COUNT_OF(methods); i++) {
        void *registered =
            methods[i].name ? register_method(control->server, methods[i].name) : NULL;
        for (size_t j = 0; j < CONTROL_CALLS_PER_METHOD; j++, call++)
            *call = (struct control_call){.tag = {on_call},
                                          .control = control,
                                          .method = &methods[i],
                                          .registered = registered};
    }
    control->watch_method = register_method(control->server, "/grpc.health.v1.Health/Watch");
    for (size_t i = 0; i < REFLECTION_METHOD_COUNT; i++)
        control->reflection_methods[i] =
            register_method(control->server, reflection_stream_name(i));
}

struct control *control_open(grpc_server *server, const struct store_watch *store_watch,
                             int stopped_fd)
{
    /* Others poll: standby.h. */
    const grpc_completion_queue_attributes attributes = {
        .version = GRPC_CQ_CURRENT_VERSION,
        .cq_completion_type = GRPC_CQ_NEXT,
        .cq_polling_type = GRPC_CQ_NON_POLLING,
    };
    struct control *control = calloc(1, sizeof *control);
    if (!control)
        out_of_memory();
    control->server = server;
    control->store_watch = store_watch;
    control->stopped_fd = stopped_fd;
    control->stopped.on_event = on_stopped;
    wire_writer_init(&control->writer, REFLECTION_ANSWER_MAX); /* the largest of them */
    control->queue = grpc_completion_queue_create(grpc_completion_queue_factory_lookup(&attributes),
                                                  &attributes, NULL);
    grpc_server_register_completion_queue(server, control->queue, NULL);
    prepare_calls(control);
    return control;
}

enum status control_start(struct control *control, struct error *err)
{
    control->live_count = CONTROL_CALL_COUNT + 1; /* the stop, which comes one day */
    if (pthread_create(&control->thread, NULL, run, control) != 0)
        return fail(err, STATUS_FAILED, "cannot start a thread");
    control->is_running = true;
    return STATUS_OK;
}

void control_stop(struct control *control)
{
    atomic_store(&control->is_stopping, true);
    grpc_server_shutdown_and_notify(control->server, control->queue, &control->stopped);
}

void control_join(struct control *control)
{
    if (control->is_running)
        pthread_join(control->thread, NULL);
    else
        run(control);
    control->is_running = false;
}

void control_close(struct control *control)
{
    if (!control)
        return;
    assert(!control->is_running);
    if (!control->is_shut)
        rpc_shut_queue(control->queue);
    grpc_completion_queue_destroy(control->queue);
    wire_writer_release(&control->writer);
    free(control);
}
