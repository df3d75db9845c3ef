/* fake_feature_service.c - see fake_feature_service.h. */
#include "tests/integration/fake_feature_service.h"

#include <grpc/byte_buffer_reader.h>
#include <grpc/grpc.h>
#include <grpc/grpc_security.h>
#include <grpc/slice.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct fake_feature_service {
    grpc_server *server;
    grpc_completion_queue *queue;
    void *method;
    int port;
    fake_answer_function *answer;
    void *context;
    pthread_t thread;
};

/* One call, from its request to the end of its answer; also the tag of its events. */
struct call {
    grpc_call *call;
    grpc_metadata_array metadata;
    grpc_byte_buffer *request;
    gpr_timespec deadline;
    grpc_byte_buffer *message;
    grpc_slice words;
    int cancelled;
    int answered; /* the next event is the end */
};

static void request_call(struct fake_feature_service *service)
{
    struct call *call = calloc(1, sizeof *call);
    grpc_metadata_array_init(&call->metadata);
    call->words = grpc_empty_slice();
    grpc_call_error refused = grpc_server_request_registered_call(
        service->server, service->method, &call->call, &call->deadline, &call->metadata,
        &call->request, service->queue, service->queue, call);
    if (refused != GRPC_CALL_OK)
        abort();
}

static void free_call(struct call *call)
{
    grpc_metadata_array_destroy(&call->metadata);
    grpc_slice_unref(call->words);
    if (call->request)
        grpc_byte_buffer_destroy(call->request);
    if (call->message)
        grpc_byte_buffer_destroy(call->message);
    if (call->call)
        grpc_call_unref(call->call);
    free(call);
}

static struct fake_answer ask_the_test(struct fake_feature_service *service,
                                       const struct call *call)
{
    grpc_byte_buffer_reader reader;
    if (!call->request || !grpc_byte_buffer_reader_init(&reader, call->request))
        return (struct fake_answer){.code = GRPC_STATUS_INTERNAL};
    grpc_slice whole = grpc_byte_buffer_reader_readall(&reader);
    struct fake_answer answer =
        service->answer(service->context, GRPC_SLICE_START_PTR(whole), GRPC_SLICE_LENGTH(whole));
    grpc_slice_unref(whole);
    grpc_byte_buffer_reader_destroy(&reader);
    return answer;
}

static void send_answer(struct fake_feature_service *service, struct call *call)
{
    struct fake_answer answer = ask_the_test(service, call);
    nanosleep(&(struct timespec){answer.delay_ms / 1000, answer.delay_ms % 1000 * 1000000L}, NULL);
    grpc_op operations[4] = {
        {.op = GRPC_OP_SEND_INITIAL_METADATA},
        {.op = GRPC_OP_RECV_CLOSE_ON_SERVER,
         .data.recv_close_on_server.cancelled = &call->cancelled},
        {.op = GRPC_OP_SEND_STATUS_FROM_SERVER,
         .data.send_status_from_server = {.status = (grpc_status_code)answer.code,
                                          .status_details = &call->words}},
    };
    size_t count = 3;
    if (answer.words)
        call->words = grpc_slice_from_copied_string(answer.words);
    if (answer.bytes) {
        grpc_slice slice = grpc_slice_new(answer.bytes, answer.size, free);
        call->message = grpc_raw_byte_buffer_create(&slice, 1);
        grpc_slice_unref(slice);
        operations[count].op = GRPC_OP_SEND_MESSAGE;
        operations[count++].data.send_message.send_message = call->message;
    }
    call->answered = 1;
    if (grpc_call_start_batch(call->call, operations, count, call, NULL) != GRPC_CALL_OK)
        abort();
}

static void *serve(void *context)
{
    struct fake_feature_service *service = context;
    for (;;) {
        grpc_event event =
            grpc_completion_queue_next(service->queue, gpr_inf_future(GPR_CLOCK_MONOTONIC), NULL);
        if (event.type == GRPC_QUEUE_SHUTDOWN)
            return NULL;
        if (event.tag == service) { /* the server has shut down: nothing more will come */
            grpc_completion_queue_shutdown(service->queue);
            continue;
        }
        struct call *call = event.tag;
        if (!event.success || call->answered) {
            free_call(call);
        } else {
            request_call(service);
            send_answer(service, call);
        }
    }
}

static void release(struct fake_feature_service *service)
{
    grpc_server_destroy(service->server);
    grpc_completion_queue_destroy(service->queue);
    grpc_shutdown();
    free(service);
}

struct fake_feature_service *fake_feature_service_start(int port, fake_answer_function *answer,
                                                        void *context)
{
    grpc_init();
    struct fake_feature_service *service = malloc(sizeof *service);
    *service = (struct fake_feature_service){.answer = answer, .context = context};
    service->server = grpc_server_create(NULL, NULL);
    service->queue = grpc_completion_queue_create_for_next(NULL);
    grpc_server_register_completion_queue(service->server, service->queue, NULL);
    service->method =
        grpc_server_register_method(service->server, "/larder.v1.FeatureService/GetFeatures", NULL,
                                    GRPC_SRM_PAYLOAD_READ_INITIAL_BYTE_BUFFER, 0);
    char address[32];
    snprintf(address, sizeof address, "127.0.0.1:%d", port);
    grpc_server_credentials *credentials = grpc_insecure_server_credentials_create();
    service->port = grpc_server_add_http2_port(service->server, address, credentials);
    grpc_server_credentials_release(credentials);
    grpc_server_start(service->server);
    request_call(service);
    if (pthread_create(&service->thread, NULL, serve, service) != 0)
        abort();
    if (service->port == 0) {
        fake_feature_service_stop(service);
        return NULL;
    }
    return service;
}

int fake_feature_service_port(const struct fake_feature_service *service)
{
    return service->port;
}

void fake_feature_service_stop(struct fake_feature_service *service)
{
    if (!service)
        return;
    grpc_server_shutdown_and_notify(service->server, service->queue, service);
    grpc_server_cancel_all_calls(service->server);
    pthread_join(service->thread, NULL);
    release(service);
}
