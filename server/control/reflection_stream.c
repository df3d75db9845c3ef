/*
 * reflection_stream.c - grpc.reflection's streams, of v1 and of v1alpha: a question, its answer,
 * the next question.
 *
 * One question at a time is read from a stream, and the next one only when the answer has gone: so
 * a stream holds one of each, and takes turns with all else on the queue. It lives until its caller
 * has asked everything, goes, or is silent for too long, or the server stops; and until the events
 * of all that was begun on it have come.
 */
#include "server/control/control_call.h"

#include "base/timestamp.h"
#include "server/control/reflection.h"

#include <assert.h>
#include <stdlib.h>

enum { STREAMS_MAX = 64 };

static const char *const names[] = {
    "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
    "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
};

static_assert(COUNT_OF(names) == REFLECTION_METHOD_COUNT, "each has its method");

struct reflection_stream {
    struct control *control;
    struct reflection_stream *before, *after;
    void *method;
    struct rpc rpc;
    struct control_tag came, read, written, closed;
    bool has_come, has_answered, is_reading, is_writing, is_ending, is_closed;
    int64_t since_us; /* of the last reading or writing that began */
};

#define STREAM_OF(tag, member)                                                                     \
    ((struct reflection_stream *)(void *)((char *)(tag)-offsetof(struct reflection_stream, member)))

static void release(struct reflection_stream *stream)
{
    struct control *control = stream->control;
    *(stream->before ? &stream->before->after : &control->reflections) = stream->after;
    if (stream->after)
        stream->after->before = stream->before;
    control->reflection_count--;
    control->live_count--;
    rpc_release(&stream->rpc);
    free(stream);
}

static void release_if_over(struct reflection_stream *stream)
{
    if (stream->is_closed && !stream->is_reading && !stream->is_writing)
        release(stream);
}

static void begin_read(struct reflection_stream *stream)
{
    grpc_op op = {.op = GRPC_OP_RECV_MESSAGE};
    op.data.recv_message.recv_message = &stream->rpc.payload;
    rpc_start(&stream->rpc, &op, 1, &stream->read);
    stream->is_reading = true;
    stream->since_us = timestamp_monotonic_us();
}

/* With the first metadata, where they have not gone yet. */
static void begin_write(struct reflection_stream *stream, grpc_op op)
{
    const grpc_op ops[] = {op, {.op = GRPC_OP_SEND_INITIAL_METADATA}};
    rpc_start(&stream->rpc, ops, stream->has_answered ? 1 : 2, &stream->written);
    stream->has_answered = true;
    stream->is_writing = true;
    stream->since_us = timestamp_monotonic_us();
}

static void end(struct reflection_stream *stream, grpc_status_code code, const char *message)
{
    grpc_slice details = grpc_slice_from_copied_string(message);
    grpc_op op = {.op = GRPC_OP_SEND_STATUS_FROM_SERVER};
    op.data.send_status_from_server.status = code;
    op.data.send_status_from_server.status_details = &details;
    stream->is_ending = true;
    begin_write(stream, op);
    grpc_slice_unref(details);
}

static enum status take_question(struct reflection_stream *stream, struct wire_writer *writer,
                                 struct error *err)
{
    struct bytes question;
    if (rpc_request_size(&stream->rpc) > REFLECTION_REQUEST_MAX)
        return fail(err, STATUS_EXHAUSTED, "a request of reflection has at most 16 KiB");
    enum status status = rpc_message(&stream->rpc, REFLECTION_REQUEST_MAX, &question, err);
    return status ? status : reflection_answer(question, writer, err);
}

/* The question is in the payload; where there is none, all was asked. */
static void answer(struct reflection_stream *stream)
{
    struct error err;
    struct wire_writer *writer = &stream->control->writer;
    if (!stream->rpc.payload) {
        end(stream, GRPC_STATUS_OK, "");
        return;
    }
    wire_writer_clear(writer);
    enum status status = take_question(stream, writer, &err);
    rpc_forget_request(&stream->rpc);
    if (status) {
        end(stream, rpc_code(status), err.message);
        return;
    }
    grpc_op op = {.op = GRPC_OP_SEND_MESSAGE};
    op.data.send_message.send_message = stream->rpc.answer = rpc_buffer(wire_written(writer));
    begin_write(stream, op);
}

static void on_read(struct control_tag *tag, bool success)
{
    struct reflection_stream *stream = STREAM_OF(tag, read);
    (void)success; /* without it there is no payload */
    stream->is_reading = false;
    if (!stream->is_ending)
        answer(stream);
    release_if_over(stream);
}

static void on_written(struct control_tag *tag, bool success)
{
    struct reflection_stream *stream = STREAM_OF(tag, written);
    stream->is_writing = false;
    if (stream->rpc.answer)
        grpc_byte_buffer_destroy(stream->rpc.answer);
    stream->rpc.answer = NULL;
    stream->is_ending |= !success; /* the close comes by itself */
    if (!stream->is_ending)
        begin_read(stream);
    release_if_over(stream);
}

static void on_closed(struct control_tag *tag, bool success)
{
    struct reflection_stream *stream = STREAM_OF(tag, closed);
    (void)success;
    stream->is_closed = true;
    release_if_over(stream);
}

static void begin(struct reflection_stream *stream)
{
    grpc_op close = {.op = GRPC_OP_RECV_CLOSE_ON_SERVER};
    stream->has_come = true;
    close.data.recv_close_on_server.cancelled = &stream->rpc.was_cancelled;
    rpc_start(&stream->rpc, &close, 1, &stream->closed);
    if (stream->control->reflection_count > STREAMS_MAX + REFLECTION_METHOD_COUNT)
        end(stream, GRPC_STATUS_RESOURCE_EXHAUSTED,
            "the server has too many streams of reflection: try again later");
    else
        answer(stream);
}

static void request(struct control *control, void *method);

static void on_came(struct control_tag *tag, bool success)
{
    struct reflection_stream *stream = STREAM_OF(tag, came);
    if (!success) {
        release(stream);
        return;
    }
    request(stream->control, stream->method);
    begin(stream);
}

static void request(struct control *control, void *method)
{
    struct reflection_stream *stream = calloc(1, sizeof *stream);
    if (!stream)
        out_of_memory();
    stream->control = control;
    stream->method = method;
    stream->came.on_event = on_came;
    stream->read.on_event = on_read;
    stream->written.on_event = on_written;
    stream->closed.on_event = on_closed;
    stream->after = control->reflections;
    if (stream->after)
        stream->after->before = stream;
    control->reflections = stream;
    control->reflection_count++;
    control->live_count++;
    if (!rpc_request(&stream->rpc, control->server, method, control->queue, &stream->came))
        release(stream);
}

const char *reflection_stream_name(size_t number)
{
    return names[number];
}

void reflection_stream_request(struct control *control)
{
    for (size_t i = 0; i < REFLECTION_METHOD_COUNT; i++)
        request(control, control->reflection_methods[i]);
}

static void look(struct reflection_stream *stream, int64_t oldest_us)
{
    bool is_late = stream->since_us < oldest_us;
    if (!stream->has_come)
        return;
    if (stream->is_writing || stream->is_ending) {
        if (is_late)
            grpc_call_cancel(stream->rpc.call, NULL);
    } else if (atomic_load(&stream->control->is_stopping)) {
        end(stream, GRPC_STATUS_UNAVAILABLE, "the server is stopping");
    } else if (is_late) {
        end(stream, GRPC_STATUS_UNAVAILABLE, "nothing was asked for 30 s: ask on a new stream");
    }
}

void reflection_stream_look(struct control *control, int64_t oldest_us)
{
    for (struct reflection_stream *stream = control->reflections; stream; stream = stream->after)
        look(stream, oldest_us);
}
