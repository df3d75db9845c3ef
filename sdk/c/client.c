/*
 * client.c - a channel to the server, and what is asked over it.
 */
#include "grpc/health/v1/health.pb-c.h"
#include "sdk/c/call.h"
#include "sdk/c/request.h"
#include "sdk/c/response.h"
#include "sdk/c/result.h"

#include <grpc/grpc_security.h>

#include <limits.h>
#include <stdlib.h>
#include <string.h>

enum {
    DEFAULT_ANSWER_BYTES = 64 * 1024 * 1024,
    CONNECT_TIMEOUT_MS = 2000, /* of one attempt: a lost SYN is sent again after 1 s */
    FIRST_RECONNECT_MS = 100,
    SLOWEST_RECONNECT_MS = 1000, /* gRPC's own 2 minutes would outlast a server's restart by far */
};

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

bool larder_connected(struct larder_client *client)
{
    return grpc_channel_check_connectivity_state(client->channel, 0) == GRPC_CHANNEL_READY;
}

void larder_close(struct larder_client *client)
{
    if (!client)
        return;
    grpc_channel_destroy(client->channel);
    grpc_shutdown();
    free(client);
}

static enum larder_result check_timeout(int timeout_ms, struct larder_error *err)
{
    if (timeout_ms < 1)
        return larder_fail(err, LARDER_INVALID_ARGUMENT, "a timeout of %d ms", timeout_ms);
    return LARDER_OK;
}

static struct larder_call call_of(const struct larder_client *client, const char *method,
                                  int timeout_ms)
{
    return (struct larder_call){client->channel, client->target, method, timeout_ms};
}

enum larder_result larder_get_features(struct larder_client *client,
                                       const struct larder_request *request, int timeout_ms,
                                       struct larder_response **response, struct larder_error *err)
{
    *response = NULL;
    enum larder_result result = larder_request_check(request, err);
    if (result != LARDER_OK)
        return result;
    uint8_t *question, *answer;
    size_t question_size, answer_size;
    result = check_timeout(timeout_ms, err);
    if (result == LARDER_OK)
        result = larder_request_pack(request, &question, &question_size, err);
    if (result != LARDER_OK)
        return result;
    struct larder_call call = call_of(client, "/larder.v1.FeatureService/GetFeatures", timeout_ms);
    result = larder_call_run(&call, question, question_size, &answer, &answer_size, err);
    if (result == LARDER_OK)
        result = larder_response_decode(answer, answer_size, larder_request_row_count(request),
                                        response, err);
    free(answer);
    return result;
}

/* NULL without memory. */
static uint8_t *pack_health_request(const char *service, size_t *size)
{
    Grpc__Health__V1__HealthCheckRequest request = GRPC__HEALTH__V1__HEALTH_CHECK_REQUEST__INIT;
    request.service = (char *)(uintptr_t)service; /* it is only read */
    *size = grpc__health__v1__health_check_request__get_packed_size(&request);
    uint8_t *bytes = malloc(*size ? *size : 1);
    if (bytes)
        grpc__health__v1__health_check_request__pack(&request, bytes);
    return bytes;
}

static enum larder_result decode_health(const uint8_t *bytes, size_t size, bool *serving,
                                        struct larder_error *err)
{
    Grpc__Health__V1__HealthCheckResponse *answer =
        grpc__health__v1__health_check_response__unpack(NULL, size, bytes);
    if (!answer)
        return larder_fail(err, LARDER_FAILED, "the answer is no HealthCheckResponse");
    *serving = answer->status == GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__SERVING_STATUS__SERVING;
    grpc__health__v1__health_check_response__free_unpacked(answer, NULL);
    return LARDER_OK;
}

enum larder_result larder_check_health(struct larder_client *client, const char *service,
                                       int timeout_ms, bool *serving, struct larder_error *err)
{
    *serving = false;
    enum larder_result result = check_timeout(timeout_ms, err);
    if (result != LARDER_OK)
        return result;
    uint8_t *answer;
    size_t question_size, answer_size;
    uint8_t *question = pack_health_request(service, &question_size);
    if (!question)
        return larder_fail(err, LARDER_NO_MEMORY, "no memory for a request");
    struct larder_call call = call_of(client, "/grpc.health.v1.Health/Check", timeout_ms);
    result = larder_call_run(&call, question, question_size, &answer, &answer_size, err);
    if (result == LARDER_OK)
        result = decode_health(answer, answer_size, serving, err);
    free(answer);
    return result;
}
