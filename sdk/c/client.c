/*
 * client.c - a channel to the server, and one call at a time for each thread that makes one.
 *
 * Every call brings a completion queue of its own and waits on it alone, so threads share nothing
 * but the channel, which gRPC guards. The call's deadline bounds all waiting.
 */
#include "sdk/c/request.h"
#include "sdk/c/response.h"
#include "sdk/c/result.h"

#include <grpc/byte_buffer_reader.h>
#include <grpc/grpc.h>
#include <grpc/grpc_security.h>
#include <grpc/slice.h>
#include <grpc/support/time.h>

#include <limits.h>
#include <stdlib.h>
#include <string.h>

enum {
    DEFAULT_ANSWER_BYTES = 64 * 1024 * 1024,
    CONNECT_TIMEOUT_MS = 2000, /* of one attempt: a lost SYN is sent again after 1 s */
    FIRST_RECONNECT_MS = 100,
    SLOWEST_RECONNECT_MS = 1000, /* gRPC's own 2 minutes would outlast a server's restart by far */
};

static const char method[] = "/larder.v1.FeatureService/GetFeatures";

struct larder_client {
    grpc_channel *channel;
    char target[];
};

static grpc_arg integer_argument(const char *key, int value)
{
    return (grpc_arg){.type = GRPC_ARG_INTEGER, .key = (char *)key, .value.integer = value};
}

static grpc_channel *make_channel(const char *target, size_t max_answer_bytes)
{
    int max_bytes = max_answer_bytes > INT_MAX ? INT_MAX : (int)max_answer_bytes;
    grpc_arg arguments[] = {
        integer_argument(GRPC_ARG_MAX_RECEIVE_MESSAGE_LENGTH, max_bytes),
        integer_argument(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, CONNECT_TIMEOUT_MS),
        integer_argument(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, FIRST_RECONNECT_MS),
        integer_argument(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, SLOWEST_RECONNECT_MS),
        integer_argument(GRPC_ARG_ENABLE_HTTP_PROXY, 0),
    };
    grpc_channel_args all = {sizeof arguments / sizeof *arguments, arguments};
    grpc_channel_credentials *credentials = grpc_insecure_credentials_create();
    grpc_channel *channel = grpc_channel_create(target, credentials, &all);
    grpc_channel_credentials_release(credentials);
    return channel;
}

enum larder_result larder_connect(const char *target, const struct larder_options *options,
                                  struct larder_client **client, struct larder_error *err)
{
    *client = NULL;
    if (!target || !strchr(target, ':'))
        return larder_fail(err, LARDER_INVALID_ARGUMENT, "the target is not host:port: \"%s\"",
                           target ? target : "");
    size_t size = strlen(target) + 1;
    struct larder_client *made = malloc(sizeof *made + size);
    if (!made)
        return larder_fail(err, LARDER_NO_MEMORY, "no memory for a client");
    memcpy(made->target, target, size);
    size_t max_bytes = options ? options->max_answer_bytes : 0;
    grpc_init();
    made->channel = make_channel(target, max_bytes ? max_bytes : DEFAULT_ANSWER_BYTES);
    *client = made;
    return LARDER_OK;
}

void larder_close(struct larder_client *client)
{
    if (!client)
        return;
    grpc_channel_destroy(client->channel);
    grpc_shutdown();
    free(client);
}

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

static void exchange_init(struct exchange *exchange, const struct larder_client *client,
                          grpc_byte_buffer *question, int timeout_ms)
{
    *exchange = (struct exchange){.question = question, .words = grpc_empty_slice()};
    gpr_timespec deadline =
        gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC), gpr_time_from_millis(timeout_ms, GPR_TIMESPAN));
    exchange->queue = grpc_completion_queue_create_for_pluck(NULL);
    exchange->call =
        grpc_channel_create_call(client->channel, NULL, GRPC_PROPAGATE_DEFAULTS, exchange->queue,
                                 grpc_slice_from_static_string(method), NULL, deadline, NULL);
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

/* Says in words what a status means that is not the server's own. */
static enum larder_result refuse(const struct larder_client *client,
                                 const struct exchange *exchange, int timeout_ms,
                                 struct larder_error *err)
{
    enum larder_result result = result_of(exchange->code);
    if (result == LARDER_DEADLINE_EXCEEDED)
        return larder_fail(err, result, "%s: no answer within %d ms", client->target, timeout_ms);
    if (exchange->code == GRPC_STATUS_UNIMPLEMENTED)
        return larder_fail(err, result, "%s: no Larder listens there", client->target);
    size_t size = GRPC_SLICE_LENGTH(exchange->words);
    const uint8_t *words = GRPC_SLICE_START_PTR(exchange->words);
    if (result == LARDER_INVALID_ARGUMENT || result == LARDER_UNKNOWN_NAME)
        return larder_fail(err, result, "%.*s", (int)size, (const char *)words);
    return larder_fail(err, result, "%s: %.*s", client->target, (int)size, (const char *)words);
}

/* gRPC may leave an answer in pieces; the decoder wants it whole. */
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

static enum larder_result decode_answer(const struct exchange *exchange, size_t row_count,
                                        struct larder_response **response, struct larder_error *err)
{
    if (!exchange->answer)
        return larder_fail(err, LARDER_FAILED, "the server said OK without an answer");
    size_t size = grpc_byte_buffer_length(exchange->answer);
    uint8_t *bytes = join_pieces(exchange->answer, size);
    if (!bytes)
        return larder_fail(err, LARDER_NO_MEMORY, "no memory for an answer of %zu bytes", size);
    enum larder_result result = larder_response_decode(bytes, size, row_count, response, err);
    free(bytes);
    return result;
}

/* Packed bytes handed over to gRPC, which frees them. */
static grpc_byte_buffer *hand_over(uint8_t *bytes, size_t size)
{
    grpc_slice slice = grpc_slice_new(bytes, size, free);
    grpc_byte_buffer *buffer = grpc_raw_byte_buffer_create(&slice, 1);
    grpc_slice_unref(slice);
    return buffer;
}

enum larder_result larder_get_features(struct larder_client *client,
                                       const struct larder_request *request, int timeout_ms,
                                       struct larder_response **response, struct larder_error *err)
{
    *response = NULL;
    enum larder_result result = larder_request_check(request, err);
    if (result != LARDER_OK)
        return result;
    if (timeout_ms < 1)
        return larder_fail(err, LARDER_INVALID_ARGUMENT, "a timeout of %d ms", timeout_ms);
    uint8_t *bytes;
    size_t size;
    result = larder_request_pack(request, &bytes, &size, err);
    if (result != LARDER_OK)
        return result;

    struct exchange exchange;
    exchange_init(&exchange, client, hand_over(bytes, size), timeout_ms);
    if (!exchange_run(&exchange))
        result = larder_fail(err, LARDER_FAILED, "gRPC does not start the call");
    else if (exchange.code != GRPC_STATUS_OK)
        result = refuse(client, &exchange, timeout_ms, err);
    else
        result = decode_answer(&exchange, larder_request_row_count(request), response, err);
    exchange_release(&exchange);
    return result;
}
