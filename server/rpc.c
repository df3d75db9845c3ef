/* rpc.c - see rpc.h. */
#include "server/rpc.h"

#include "server/inflate.h"

#include <grpc/byte_buffer_reader.h>

#include <assert.h>
#include <stdlib.h>

enum { OPS_MAX = 4, MICROSECONDS = 1000 * 1000 }; /* of a second */

static bool is_requested(struct rpc *rpc, grpc_call_error error)
{
    if (error == GRPC_CALL_OK)
        return true;
    assert(error == GRPC_CALL_ERROR_COMPLETION_QUEUE_SHUTDOWN);
    rpc_release(rpc);
    return false;
}

bool rpc_request(struct rpc *rpc, grpc_server *server, void *method, grpc_completion_queue *queue,
                 void *tag)
{
    *rpc = (struct rpc){.merged = grpc_empty_slice()};
    grpc_metadata_array_init(&rpc->metadata);
    return is_requested(rpc, grpc_server_request_registered_call(server, method, &rpc->call,
                                                                 &rpc->deadline, &rpc->metadata,
                                                                 &rpc->payload, queue, queue, tag));
}

bool rpc_request_stream(struct rpc *rpc, grpc_server *server, void *method,
                        grpc_completion_queue *queue, void *tag)
{
    *rpc = (struct rpc){.merged = grpc_empty_slice()};
    grpc_metadata_array_init(&rpc->metadata);
    return is_requested(rpc, grpc_server_request_registered_call(server, method, &rpc->call,
                                                                 &rpc->deadline, &rpc->metadata,
                                                                 NULL, queue, queue, tag));
}

bool rpc_request_unregistered(struct rpc *rpc, grpc_call_details *details, grpc_server *server,
                              grpc_completion_queue *queue, void *tag)
{
    *rpc = (struct rpc){.merged = grpc_empty_slice()};
    grpc_metadata_array_init(&rpc->metadata);
    return is_requested(rpc, grpc_server_request_call(server, &rpc->call, details, &rpc->metadata,
                                                      queue, queue, tag));
}

static struct bytes slice_bytes(const grpc_slice *slice)
{
    return (struct bytes){GRPC_SLICE_START_PTR(*slice), GRPC_SLICE_LENGTH(*slice)};
}

/* All of the payload as it came: its one slice where it has one, which is the usual case. */
static struct bytes payload_bytes(struct rpc *rpc)
{
    grpc_byte_buffer_reader reader;
    grpc_slice *first;
    struct bytes bytes = {"", 0};
    grpc_byte_buffer_reader_init(&reader, rpc->payload);
    if (grpc_byte_buffer_reader_peek(&reader, &first))
        bytes = slice_bytes(first);
    grpc_byte_buffer_reader_destroy(&reader);
    if (bytes.size == grpc_byte_buffer_length(rpc->payload))
        return bytes;
    grpc_byte_buffer_reader_init(&reader, rpc->payload);
    grpc_slice_unref(rpc->merged);
    rpc->merged = grpc_byte_buffer_reader_readall(&reader);
    grpc_byte_buffer_reader_destroy(&reader);
    return slice_bytes(&rpc->merged);
}

size_t rpc_request_size(const struct rpc *rpc)
{
    return rpc->payload ? grpc_byte_buffer_length(rpc->payload) : 0;
}

enum status rpc_message(struct rpc *rpc, size_t max_size, struct bytes *message, struct error *err)
{
    *message = (struct bytes){0};
    if (!rpc->payload)
        return fail(err, STATUS_INVALID, "the call has no request message");
    *message = payload_bytes(rpc);
    if (rpc->payload->data.raw.compression == GRPC_COMPRESS_NONE)
        return STATUS_OK;
    size_t size;
    enum status status = inflate_message(*message, max_size, &rpc->expanded, &size, err);
    *message = (struct bytes){rpc->expanded, size};
    return status;
}

void rpc_forget_message(struct rpc *rpc)
{
    grpc_slice_unref(rpc->merged);
    rpc->merged = grpc_empty_slice();
    free(rpc->expanded);
    rpc->expanded = NULL;
}

enum status rpc_message_whole(struct rpc *rpc, size_t max_size, struct bytes *message,
                              struct error *err)
{
    grpc_slice slice;
    enum status status = rpc_message(rpc, max_size, message, err);
    if (status)
        return status;
    if (rpc->expanded)
        slice = grpc_slice_new(rpc->expanded, message->size, free);
    else if (GRPC_SLICE_LENGTH(rpc->merged) > 0)
        slice = grpc_slice_ref(rpc->merged);
    else
        return STATUS_OK;
    rpc->expanded = NULL;
    grpc_byte_buffer_destroy(rpc->payload);
    rpc->payload = grpc_raw_byte_buffer_create(&slice, 1);
    grpc_slice_unref(slice);
    rpc_forget_message(rpc);
    return rpc_message(rpc, max_size, message, err);
}

void rpc_forget_request(struct rpc *rpc)
{
    rpc_forget_message(rpc);
    if (rpc->payload)
        grpc_byte_buffer_destroy(rpc->payload);
    rpc->payload = NULL;
}

int64_t rpc_left_us(const struct rpc *rpc, int64_t now_us)
{
    int64_t seconds = rpc->deadline.tv_sec;
    if (seconds > INT64_MAX / 2 / MICROSECONDS)
        return INT64_MAX;
    return seconds < 0 ? 0 : seconds * MICROSECONDS + rpc->deadline.tv_nsec / 1000 - now_us;
}

void rpc_start(struct rpc *rpc, const grpc_op *ops, size_t count, void *tag)
{
    grpc_call_error error = grpc_call_start_batch(rpc->call, ops, count, tag, NULL);
    assert(error == GRPC_CALL_OK);
    (void)error;
}

/* What every reply holds; the message, if there is one, comes as the last operation. */
static size_t begin_ops(struct rpc *rpc, grpc_op ops[OPS_MAX], grpc_status_code code,
                        grpc_slice *details)
{
    memset(ops, 0, OPS_MAX * sizeof *ops);
    ops[0].op = GRPC_OP_RECV_CLOSE_ON_SERVER;
    ops[0].data.recv_close_on_server.cancelled = &rpc->was_cancelled;
    ops[1].op = GRPC_OP_SEND_INITIAL_METADATA;
    ops[2].op = GRPC_OP_SEND_STATUS_FROM_SERVER;
    ops[2].data.send_status_from_server.status = code;
    ops[2].data.send_status_from_server.status_details = details;
    return 3;
}

grpc_byte_buffer *rpc_buffer(struct bytes bytes)
{
    grpc_slice slice = grpc_slice_from_copied_buffer(bytes.data, bytes.size);
    grpc_byte_buffer *buffer = grpc_raw_byte_buffer_create(&slice, 1);
    grpc_slice_unref(slice);
    return buffer;
}

grpc_byte_buffer *rpc_buffer_of_parts(struct bytes head, struct bytes rest)
{
    grpc_slice slice = grpc_slice_malloc(head.size + rest.size);
    memcpy(GRPC_SLICE_START_PTR(slice), head.data, head.size);
    memcpy(GRPC_SLICE_START_PTR(slice) + head.size, rest.data, rest.size);
    grpc_byte_buffer *buffer = grpc_raw_byte_buffer_create(&slice, 1);
    grpc_slice_unref(slice);
    return buffer;
}

void rpc_reply(struct rpc *rpc, struct bytes answer, void *tag)
{
    grpc_op ops[OPS_MAX];
    size_t count = begin_ops(rpc, ops, GRPC_STATUS_OK, NULL);
    rpc->answer = rpc_buffer(answer);
    rpc_forget_request(rpc);
    ops[count].op = GRPC_OP_SEND_MESSAGE;
    ops[count++].data.send_message.send_message = rpc->answer;
    rpc_start(rpc, ops, count, tag);
}

void rpc_fail(struct rpc *rpc, grpc_status_code code, const char *message, void *tag)
{
    grpc_op ops[OPS_MAX];
    grpc_slice details = grpc_slice_from_copied_string(message);
    rpc_forget_request(rpc);
    rpc_start(rpc, ops, begin_ops(rpc, ops, code, &details), tag);
    grpc_slice_unref(details);
}

grpc_status_code rpc_code(enum status status)
{
    static const grpc_status_code codes[] = {
        [STATUS_OK] = GRPC_STATUS_OK,
        [STATUS_INVALID] = GRPC_STATUS_INVALID_ARGUMENT,
        [STATUS_NOT_FOUND] = GRPC_STATUS_NOT_FOUND,
        [STATUS_CONFLICT] = GRPC_STATUS_FAILED_PRECONDITION,
        [STATUS_UNAVAILABLE] = GRPC_STATUS_UNAVAILABLE,
        [STATUS_EXHAUSTED] = GRPC_STATUS_RESOURCE_EXHAUSTED,
        [STATUS_CORRUPT] = GRPC_STATUS_DATA_LOSS,
        [STATUS_CANCELLED] = GRPC_STATUS_CANCELLED,
        [STATUS_FAILED] = GRPC_STATUS_INTERNAL,
    };
    return codes[status];
}

void rpc_release(struct rpc *rpc)
{
    grpc_metadata_array_destroy(&rpc->metadata);
    rpc_forget_request(rpc);
    if (rpc->answer)
        grpc_byte_buffer_destroy(rpc->answer);
    if (rpc->call)
        grpc_call_unref(rpc->call);
    *rpc = (struct rpc){.merged = grpc_empty_slice()};
}

void rpc_shut_queue(grpc_completion_queue *queue)
{
    grpc_event event;
    grpc_completion_queue_shutdown(queue);
    do
        event = grpc_completion_queue_next(queue, gpr_inf_future(GPR_CLOCK_MONOTONIC), NULL);
    while (event.type != GRPC_QUEUE_SHUTDOWN);
}
