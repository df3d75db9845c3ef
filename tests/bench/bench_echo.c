/*
 * bench_echo.c - what gRPC core costs by itself: a server that gives the same bytes for every call.
 *
 *     bench_echo --answer FILE --method /package.Service/Method --threads N
 *
 * Its loop has the shape of Larder's (server/worker.c): a completion queue a thread, registered
 * methods, one batch of operations an answer. The answer is one slice that all calls share, so that
 * not even a copy is made. Prints its port, and ends when its standard input does.
 */
#include "tests/bench/arguments.h"

#include <grpc/grpc.h>
#include <grpc/grpc_security.h>
#include <grpc/slice.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { CALLS_PER_THREAD = 1024, THREADS_MAX = 64 };

struct echo {
    grpc_server *server;
    void *method;
    grpc_slice answer;
};

struct worker {
    struct echo *echo;
    grpc_completion_queue *queue;
    pthread_t thread;
};

/* Also the tag of its events: the request, and then the end of the answer. */
struct call {
    grpc_call *call;
    gpr_timespec deadline;
    grpc_metadata_array metadata;
    grpc_byte_buffer *request;
    grpc_byte_buffer *answer; /* NULL: the request has not come yet */
    int was_cancelled;
};

static void request_call(struct worker *worker, struct call *call)
{
    grpc_metadata_array_init(&call->metadata);
    if (grpc_server_request_registered_call(worker->echo->server, worker->echo->method, &call->call,
                                            &call->deadline, &call->metadata, &call->request,
                                            worker->queue, worker->queue, call) != GRPC_CALL_OK)
        die("gRPC takes no request for a call");
}

static void answer_call(struct worker *worker, struct call *call)
{
    call->answer = grpc_raw_byte_buffer_create(&worker->echo->answer, 1);
    grpc_op operations[] = {
        {.op = GRPC_OP_SEND_INITIAL_METADATA},
        {.op = GRPC_OP_SEND_MESSAGE, .data.send_message.send_message = call->answer},
        {.op = GRPC_OP_SEND_STATUS_FROM_SERVER,
         .data.send_status_from_server.status = GRPC_STATUS_OK},
        {.op = GRPC_OP_RECV_CLOSE_ON_SERVER,
         .data.recv_close_on_server.cancelled = &call->was_cancelled},
    };
    if (grpc_call_start_batch(call->call, operations, 4, call, NULL) != GRPC_CALL_OK)
        die("gRPC takes no answer");
}

static void release_call(struct call *call)
{
    grpc_byte_buffer_destroy(call->answer);
    if (call->request)
        grpc_byte_buffer_destroy(call->request);
    grpc_metadata_array_destroy(&call->metadata);
    grpc_call_unref(call->call);
    call->answer = call->request = NULL;
}

static void *serve(void *context)
{
    struct worker *worker = context;
    struct call *calls = calloc(CALLS_PER_THREAD, sizeof *calls);
    for (int i = 0; i < CALLS_PER_THREAD; i++)
        request_call(worker, &calls[i]);
    for (;;) {
        grpc_event event =
            grpc_completion_queue_next(worker->queue, gpr_inf_future(GPR_CLOCK_MONOTONIC), NULL);
        struct call *call = event.tag;
        if (event.type == GRPC_QUEUE_SHUTDOWN)
            return NULL;
        if (!call->answer) {
            answer_call(worker, call);
        } else {
            release_call(call);
            request_call(worker, call);
        }
    }
}

static int listen_on_loopback(struct echo *echo)
{
    grpc_server_credentials *credentials = grpc_insecure_server_credentials_create();
    int port = grpc_server_add_http2_port(echo->server, "127.0.0.1:0", credentials);
    grpc_server_credentials_release(credentials);
    if (port == 0)
        die("cannot listen on 127.0.0.1");
    return port;
}

int main(int count, char **words)
{
    size_t size;
    uint8_t *bytes = argument_file(argument_text(count, words, "answer", NULL), &size);
    const char *method = argument_text(count, words, "method", NULL);
    int threads = (int)argument_number(count, words, "threads", NULL);
    if (threads < 1 || threads > THREADS_MAX)
        die("--threads: 1 to %d", THREADS_MAX);
    grpc_init();
    struct echo echo = {
        .server = grpc_server_create(NULL, NULL),
        .answer = grpc_slice_from_copied_buffer((const char *)bytes, size),
    };
    free(bytes);
    echo.method = grpc_server_register_method(echo.server, method, NULL,
                                              GRPC_SRM_PAYLOAD_READ_INITIAL_BYTE_BUFFER, 0);
    int port = listen_on_loopback(&echo);
    struct worker workers[THREADS_MAX];
    for (int i = 0; i < threads; i++) {
        workers[i] =
            (struct worker){.echo = &echo, .queue = grpc_completion_queue_create_for_next(NULL)};
        grpc_server_register_completion_queue(echo.server, workers[i].queue, NULL);
    }
    grpc_server_start(echo.server);
    for (int i = 0; i < threads; i++)
        if (pthread_create(&workers[i].thread, NULL, serve, &workers[i]) != 0)
            die("cannot start a thread");
    printf("%d\n", port);
    fflush(stdout);
    char byte;
    while (read(STDIN_FILENO, &byte, 1) > 0)
        continue;
    _exit(EXIT_SUCCESS); /* whoever measured is gone; nothing here is worth an orderly end */
}
