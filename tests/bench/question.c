/* question.c - see question.h. */
#include "tests/bench/question.h"

#include "tests/bench/arguments.h"

#include <grpc/byte_buffer_reader.h>
#include <grpc/grpc_security.h>

#include <string.h>

struct connection connection_open(const struct question *question)
{
    grpc_arg own_pool = {.type = GRPC_ARG_INTEGER,
                         .key = (char *)GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL,
                         .value.integer = 1};
    grpc_arg any_size = {.type = GRPC_ARG_INTEGER,
                         .key = (char *)GRPC_ARG_MAX_RECEIVE_MESSAGE_LENGTH,
                         .value.integer = -1};
    grpc_arg direct = {
        .type = GRPC_ARG_INTEGER, .key = (char *)GRPC_ARG_ENABLE_HTTP_PROXY, .value.integer = 0};
    /* A server that comes back is met again soon. */
    grpc_arg first_pause = {.type = GRPC_ARG_INTEGER,
                            .key = (char *)GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS,
                            .value.integer = 100};
    grpc_arg last_pause = {.type = GRPC_ARG_INTEGER,
                           .key = (char *)GRPC_ARG_MAX_RECONNECT_BACKOFF_MS,
                           .value.integer = 500};
    grpc_arg all[] = {own_pool, any_size, direct, first_pause, last_pause};
    grpc_channel_args arguments = {5, all};
    grpc_channel_credentials *credentials = grpc_insecure_credentials_create();
    struct connection connection = {
        .channel = grpc_channel_create(question->target, credentials, &arguments)};
    connection.method =
        grpc_channel_register_call(connection.channel, question->method, NULL, NULL);
    grpc_channel_credentials_release(credentials);
    return connection;
}

void connection_close(struct connection *connection)
{
    grpc_channel_destroy(connection->channel);
}

void asking_start(struct asking *asking, const struct question *question,
                  const struct connection *connection, grpc_completion_queue *queue,
                  int64_t timeout_us)
{
    gpr_timespec deadline =
        gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC), gpr_time_from_micros(timeout_us, GPR_TIMESPAN));
    asking->call =
        grpc_channel_create_registered_call(connection->channel, NULL, GRPC_PROPAGATE_DEFAULTS,
                                            queue, connection->method, deadline, NULL);
    grpc_slice request = question->request;
    asking->question = grpc_raw_byte_buffer_create(&request, 1);
    asking->answer = NULL;
    asking->words = grpc_empty_slice();
    grpc_metadata_array_init(&asking->initial);
    grpc_metadata_array_init(&asking->trailing);
    grpc_op operations[] = {
        {.op = GRPC_OP_SEND_INITIAL_METADATA},
        {.op = GRPC_OP_SEND_MESSAGE, .data.send_message.send_message = asking->question},
        {.op = GRPC_OP_SEND_CLOSE_FROM_CLIENT},
        {.op = GRPC_OP_RECV_INITIAL_METADATA,
         .data.recv_initial_metadata.recv_initial_metadata = &asking->initial},
        {.op = GRPC_OP_RECV_MESSAGE, .data.recv_message.recv_message = &asking->answer},
        {.op = GRPC_OP_RECV_STATUS_ON_CLIENT,
         .data.recv_status_on_client = {.trailing_metadata = &asking->trailing,
                                        .status = &asking->code,
                                        .status_details = &asking->words}},
    };
    if (grpc_call_start_batch(asking->call, operations, 6, asking, NULL) != GRPC_CALL_OK)
        die("gRPC takes no call");
}

bool asking_is_equal(const struct asking *asking, const uint8_t *answer, size_t answer_size)
{
    bool equal = true;
    size_t at = 0;
    grpc_slice *piece;
    grpc_byte_buffer_reader reader;
    if (!asking->answer || grpc_byte_buffer_length(asking->answer) != answer_size ||
        !grpc_byte_buffer_reader_init(&reader, asking->answer))
        return false;
    while (grpc_byte_buffer_reader_peek(&reader, &piece)) {
        size_t size = GRPC_SLICE_LENGTH(*piece);
        equal = equal && memcmp(answer + at, GRPC_SLICE_START_PTR(*piece), size) == 0;
        at += size;
    }
    grpc_byte_buffer_reader_destroy(&reader);
    return equal;
}

bool asking_is_right(const struct asking *asking, const struct question *question)
{
    if (asking->code != GRPC_STATUS_OK)
        return false;
    if (!question->answer)
        return asking->answer != NULL;
    return asking_is_equal(asking, question->answer, question->answer_size);
}

void asking_release(struct asking *asking)
{
    grpc_metadata_array_destroy(&asking->initial);
    grpc_metadata_array_destroy(&asking->trailing);
    grpc_slice_unref(asking->words);
    grpc_byte_buffer_destroy(asking->question);
    if (asking->answer)
        grpc_byte_buffer_destroy(asking->answer);
    grpc_call_unref(asking->call);
}

void queue_close(grpc_completion_queue *queue)
{
    grpc_completion_queue_shutdown(queue);
    while (grpc_completion_queue_next(queue, gpr_inf_future(GPR_CLOCK_MONOTONIC), NULL).type !=
           GRPC_QUEUE_SHUTDOWN)
        continue;
    grpc_completion_queue_destroy(queue);
}
