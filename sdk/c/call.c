/*
 * call.c - see call.h.
 *
 * Every call brings a completion queue of its own and waits on it alone, so threads share nothing
 * but the channel, which gRPC guards. The call's deadline bounds all waiting.
 */
#include "sdk/c/call.h"

#include "sdk/c/result.h"

#include <grpc/byte_buffer_reader.h>
#include <grpc/slice.h>
#include <grpc/support/time.h>

#include <stdlib.h>
#include <string.h>

/* One exchange: what goes out, and what has come back when it ends. */
struct exchange {
    grpc_completion_queue *queue;
    grpc_call *call;
    grpc_byte_buffer *question;
    grpc_byte_buffer *answer; /* NULL unless the server sent one */
    grpc_metadata_array initial, trailing;
    grpc_status_code code;
    grpc_slice words; /* of the status */
};

static void exchange_init(struct exchange *exchange, const struct larder_call *call,
                          grpc_byte_buffer *question)
{
    *exchange = (struct exchange){.question = question, .words = grpc_empty_slice()};
    gpr_timespec deadline = gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC),
                                         gpr_time_from_millis(call->timeout_ms, GPR_TIMESPAN));
    exchange->queue = grpc_completion_queue_create_for_pluck(NULL);
    exchange->call =
        grpc_channel_create_call(call->channel, NULL, GRPC_PROPAGATE_DEFAULTS, exchange->queue,
                                 grpc_slice_from_static_string(call->method), NULL, deadline, NULL);
    grpc_metadata_array_init(&exchange->initial);
    grpc_metadata_array_init(&exchange->trailing);
}

static void exchange_release(struct exchange *exchange)
{
    grpc_metadata_array_destroy(&exchange->initial);
    grpc_metadata_array_destroy(&exchange->trailing);
    grpc_slice_unref(exchange->words);
    grpc_byte_buffer_destroy(exchange->question);
    if (exchange->answer)
        grpc_byte_buffer_destroy(exchange->answer);
    grpc_call_unref(exchange->call);
    grpc_completion_queue_shutdown(exchange->queue);
    grpc_completion_queue_pluck(exchange->queue, NULL, gpr_inf_future(GPR_CLOCK_MONOTONIC), NULL);
    grpc_completion_queue_destroy(exchange->queue);
}

/* Waits for the end of the call, which its deadline bounds. false: gRPC refused to start it. */
static bool exchange_run(struct exchange *exchange)
{
    grpc_op operations[] = {
        {.op = GRPC_OP_SEND_INITIAL_METADATA},
        {.op = GRPC_OP_SEND_MESSAGE, .data.send_message.send_message = exchange->question},
        {.op = GRPC_OP_SEND_CLOSE_FROM_CLIENT},
        {.op = GRPC_OP_RECV_INITIAL_METADATA,
         .data.recv_initial_metadata.recv_initial_metadata = &exchange->initial},
        {.op = GRPC_OP_RECV_MESSAGE, .data.recv_message.recv_message = &exchange->answer},
        {.op = GRPC_OP_RECV_STATUS_ON_CLIENT,
         .data.recv_status_on_client = {.trailing_metadata = &exchange->trailing,
                                        .status = &exchange->code,
                                        .status_details = &exchange->words}},
    };
    if (grpc_call_start_batch(exchange->call, operations, sizeof operations / sizeof *operations,
                              exchange, NULL) != GRPC_CALL_OK)
        return false;
    grpc_completion_queue_pluck(exchange->queue, exchange, gpr_inf_future(GPR_CLOCK_MONOTONIC),
                                NULL);
    return true;
}

static enum larder_result result_of(grpc_status_code code)
{
    switch (code) {
    case GRPC_STATUS_OK:
        return LARDER_OK;
    case GRPC_STATUS_INVALID_ARGUMENT:
        return LARDER_INVALID_ARGUMENT;
    case GRPC_STATUS_NOT_FOUND:
        return LARDER_UNKNOWN_NAME;
    case GRPC_STATUS_UNAVAILABLE:
        return LARDER_UNAVAILABLE;
    case GRPC_STATUS_DEADLINE_EXCEEDED:
        return LARDER_DEADLINE_EXCEEDED;
    case GRPC_STATUS_RESOURCE_EXHAUSTED:
        return LARDER_RESOURCE_EXHAUSTED;
    default:
        return LARDER_FAILED;
    }
}

static bool is_connected(grpc_channel *channel)
{
    return grpc_channel_check_connectivity_state(channel, 0) == GRPC_CHANNEL_READY;
}

/* gRPC's own words end with the reason, behind all the places that it came through. */
static enum larder_result tell_nobody(const struct larder_call *call, const char *words,
                                      size_t size, struct larder_error *err)
{
    const char *colon = memrchr(words, ':', size);
    const char *reason = colon ? colon + 1 : words;
    while (reason < words + size && *reason == ' ')
        reason++;
    return larder_fail(err, LARDER_UNAVAILABLE, "no server answers at %s (%.*s)", call->target,
                       (int)(words + size - reason), reason);
}

/* Says in words what a status means that is not the server's own. */
static enum larder_result refuse(const struct larder_call *call, const struct exchange *exchange,
                                 struct larder_error *err)
{
    enum larder_result result = result_of(exchange->code);
    if (result == LARDER_DEADLINE_EXCEEDED)
        return larder_fail(err, result, "%s: no answer within %d ms", call->target,
                           call->timeout_ms);
    if (exchange->code == GRPC_STATUS_UNIMPLEMENTED)
        return larder_fail(err, result, "%s: no Larder listens there", call->target);
    size_t size = GRPC_SLICE_LENGTH(exchange->words);
    const char *words = (const char *)GRPC_SLICE_START_PTR(exchange->words);
    if (result == LARDER_INVALID_ARGUMENT || result == LARDER_UNKNOWN_NAME)
        return larder_fail(err, result, "%.*s", (int)size, words);
    if (result == LARDER_UNAVAILABLE && !is_connected(call->channel))
        return tell_nobody(call, words, size, err);
    return larder_fail(err, result, "%s: %.*s", call->target, (int)size, words);
}

/* gRPC may leave an answer in pieces; decoders want it whole. */
static uint8_t *join_pieces(grpc_byte_buffer *buffer, size_t size)
{
    uint8_t *whole = malloc(size ? size : 1);
    grpc_byte_buffer_reader reader;
    if (!whole || !grpc_byte_buffer_reader_init(&reader, buffer)) {
        free(whole);
        return NULL;
    }
    size_t at = 0;
    grpc_slice *piece;
    while (grpc_byte_buffer_reader_peek(&reader, &piece)) {
        memcpy(whole + at, GRPC_SLICE_START_PTR(*piece), GRPC_SLICE_LENGTH(*piece));
        at += GRPC_SLICE_LENGTH(*piece);
    }
    grpc_byte_buffer_reader_destroy(&reader);
    return whole;
}

/* Packed bytes handed over to gRPC, which frees them. */
static grpc_byte_buffer *hand_over(uint8_t *bytes, size_t size)
{
    grpc_slice slice = grpc_slice_new(bytes, size, free);
    grpc_byte_buffer *buffer = grpc_raw_byte_buffer_create(&slice, 1);
    grpc_slice_unref(slice);
    return buffer;
}

static enum larder_result take_answer(const struct exchange *exchange, uint8_t **answer,
                                      size_t *size, struct larder_error *err)
{
    if (!exchange->answer)
        return larder_fail(err, LARDER_FAILED, "the server said OK without an answer");
    *size = grpc_byte_buffer_length(exchange->answer);
    *answer = join_pieces(exchange->answer, *size);
    if (!*answer)
        return larder_fail(err, LARDER_NO_MEMORY, "no memory for an answer of %zu bytes", *size);
    return LARDER_OK;
}

enum larder_result larder_call_run(const struct larder_call *call, uint8_t *question,
                                   size_t question_size, uint8_t **answer, size_t *answer_size,
                                   struct larder_error *err)
{
    struct exchange exchange;
    enum larder_result result;
    *answer = NULL;
    *answer_size = 0;
    exchange_init(&exchange, call, hand_over(question, question_size));
    if (!exchange_run(&exchange))
        result = larder_fail(err, LARDER_FAILED, "gRPC does not start the call");
    else if (exchange.code != GRPC_STATUS_OK)
        result = refuse(call, &exchange, err);
    else
        result = take_answer(&exchange, answer, answer_size, err);
    exchange_release(&exchange);
    return result;
}
