/*
 * bench_stream.c - asks over one stream the same thing again and again, and says how fast it was
 * answered.
 *
 *     bench_stream --target HOST:PORT --request FILE --answer FILE --in-flight M --seconds S
 *
 * The files are a GetFeaturesRequest and its answer, as bench_load has them. M requests are under
 * way at any time on one call of larder.v1.FeatureService/StreamFeatures. Each answer must be, byte
 * for byte, the one in FILE, and have an id that is under way. Prints one line of JSON, as
 * bench_load does, and counts as it does.
 */
#include "tests/bench/arguments.h"
#include "tests/bench/latency.h"

#include <grpc/byte_buffer_reader.h>
#include <grpc/grpc.h>
#include <grpc/grpc_security.h>
#include <grpc/slice.h>

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { IN_FLIGHT_MAX = 4096, HEAD_MAX = 32, TAG_ID = 1 << 3, TAG_MESSAGE = 2 << 3 | 2 };

static const char method[] = "/larder.v1.FeatureService/StreamFeatures";

/* The tags of what is under way. */
enum event { BEGUN = 1, SENT, RECEIVED, ENDED };

struct stream {
    grpc_completion_queue *queue;
    grpc_channel *channel;
    grpc_call *call;
    grpc_metadata_array initial, trailing;
    grpc_status_code code;
    grpc_slice words;
    grpc_slice request;
    const uint8_t *answer;
    size_t answer_size;
    grpc_byte_buffer *sending, *received;
    /* By id: when it was asked; 0: it is not under way. Those that are to be asked wait in a ring.
     */
    int64_t start_ns[IN_FLIGHT_MAX];
    size_t to_ask[IN_FLIGHT_MAX];
    size_t asked_count, to_ask_count; /* ever */
    size_t in_flight;
    int64_t begin_ns, end_ns;
    struct latency latency;
};

static void start(struct stream *stream, const grpc_op *ops, size_t count, enum event event)
{
    void *tag = (void *)(uintptr_t)event;
    if (grpc_call_start_batch(stream->call, ops, count, tag, NULL) != GRPC_CALL_OK)
        die("gRPC takes no operation");
}

static size_t store_varint(uint8_t *at, uint64_t integer)
{
    size_t size = 0;
    for (; integer >= 0x80; integer >>= 7)
        at[size++] = (uint8_t)(integer | 0x80);
    at[size++] = (uint8_t)integer;
    return size;
}

/* id, then a message of that many bytes. */
static size_t store_head(uint8_t head[HEAD_MAX], size_t id, size_t message_size)
{
    size_t size = 0;
    head[size++] = TAG_ID;
    size += store_varint(head + size, id);
    head[size++] = TAG_MESSAGE;
    return size + store_varint(head + size, message_size);
}

static void send_next(struct stream *stream)
{
    uint8_t head[HEAD_MAX];
    size_t id = stream->to_ask[stream->asked_count++ % IN_FLIGHT_MAX];
    size_t head_size = store_head(head, id, GRPC_SLICE_LENGTH(stream->request));
    grpc_slice parts[] = {grpc_slice_from_copied_buffer((const char *)head, head_size),
                          stream->request};
    stream->sending = grpc_raw_byte_buffer_create(parts, 2);
    grpc_slice_unref(parts[0]);
    grpc_op op = {.op = GRPC_OP_SEND_MESSAGE, .data.send_message.send_message = stream->sending};
    op.flags = stream->asked_count < stream->to_ask_count ? GRPC_WRITE_BUFFER_HINT : 0;
    stream->start_ns[id] = latency_now_ns();
    start(stream, &op, 1, SENT);
}

static void go_on_sending(struct stream *stream)
{
    if (!stream->sending && stream->asked_count < stream->to_ask_count)
        send_next(stream);
}

static void receive_next(struct stream *stream)
{
    grpc_op op = {.op = GRPC_OP_RECV_MESSAGE, .data.recv_message.recv_message = &stream->received};
    start(stream, &op, 1, RECEIVED);
}

static void ask(struct stream *stream, size_t id)
{
    stream->to_ask[stream->to_ask_count++ % IN_FLIGHT_MAX] = id;
}

/* Which request was answered, rightly. */
static size_t check_answer(struct stream *stream, grpc_slice message)
{
    uint8_t head[HEAD_MAX];
    const uint8_t *bytes = GRPC_SLICE_START_PTR(message);
    size_t size = GRPC_SLICE_LENGTH(message), id = 0;
    for (size_t i = 1, shift = 0; i < size && i < 6; i++, shift += 7) {
        id |= (size_t)(bytes[i] & 0x7f) << shift;
        if (bytes[i] < 0x80)
            break;
    }
    size_t head_size = store_head(head, id, stream->answer_size);
    if (id >= stream->in_flight || !stream->start_ns[id])
        die("an answer to what was not asked");
    if (size != head_size + stream->answer_size || memcmp(bytes, head, head_size) != 0 ||
        memcmp(bytes + head_size, stream->answer, stream->answer_size) != 0)
        die("another answer than expected");
    return id;
}

static void take_answer(struct stream *stream)
{
    grpc_byte_buffer_reader reader;
    if (!stream->received || !grpc_byte_buffer_reader_init(&reader, stream->received))
        die("the stream ended: status %d %.*s", (int)stream->code,
            (int)GRPC_SLICE_LENGTH(stream->words),
            (const char *)GRPC_SLICE_START_PTR(stream->words));
    grpc_slice message = grpc_byte_buffer_reader_readall(&reader);
    size_t id = check_answer(stream, message);
    int64_t now_ns = latency_now_ns();
    if (stream->start_ns[id] >= stream->begin_ns && now_ns <= stream->end_ns)
        latency_add(&stream->latency, now_ns - stream->start_ns[id]);
    stream->start_ns[id] = 0;
    grpc_slice_unref(message);
    grpc_byte_buffer_reader_destroy(&reader);
    grpc_byte_buffer_destroy(stream->received);
    if (now_ns < stream->end_ns)
        ask(stream, id);
}

static enum event next_event(struct stream *stream, gpr_timespec until)
{
    grpc_event event = grpc_completion_queue_next(stream->queue, until, NULL);
    return event.type == GRPC_OP_COMPLETE ? (enum event)(uintptr_t)event.tag : 0;
}

/* Answers that have come already are taken before more is asked, so that what is asked for them
 * goes out together. */
static void take_events(struct stream *stream)
{
    gpr_timespec until = gpr_inf_future(GPR_CLOCK_MONOTONIC);
    for (enum event event; (event = next_event(stream, until)) != 0;) {
        if (event == SENT) {
            grpc_byte_buffer_destroy(stream->sending);
            stream->sending = NULL;
        } else if (event == RECEIVED) {
            take_answer(stream);
            receive_next(stream);
        }
        if (event != RECEIVED)
            go_on_sending(stream);
        until = gpr_inf_past(GPR_CLOCK_MONOTONIC);
    }
    go_on_sending(stream);
}

static void begin(struct stream *stream)
{
    grpc_op ops[] = {{.op = GRPC_OP_SEND_INITIAL_METADATA},
                     {.op = GRPC_OP_RECV_INITIAL_METADATA,
                      .data.recv_initial_metadata.recv_initial_metadata = &stream->initial}};
    grpc_op end = {.op = GRPC_OP_RECV_STATUS_ON_CLIENT,
                   .data.recv_status_on_client = {.trailing_metadata = &stream->trailing,
                                                  .status = &stream->code,
                                                  .status_details = &stream->words}};
    grpc_slice name = grpc_slice_from_static_string(method);
    stream->call =
        grpc_channel_create_call(stream->channel, NULL, GRPC_PROPAGATE_DEFAULTS, stream->queue,
                                 name, NULL, gpr_inf_future(GPR_CLOCK_MONOTONIC), NULL);
    grpc_metadata_array_init(&stream->initial);
    grpc_metadata_array_init(&stream->trailing);
    start(stream, ops, 2, BEGUN);
    start(stream, &end, 1, ENDED);
    receive_next(stream);
}

static void run(struct stream *stream, double seconds)
{
    stream->begin_ns = latency_now_ns() + (int64_t)(seconds * 0.2e9);
    stream->end_ns = stream->begin_ns + (int64_t)(seconds * 1e9);
    begin(stream);
    for (size_t id = 0; id < stream->in_flight; id++)
        ask(stream, id);
    go_on_sending(stream);
    while (latency_now_ns() < stream->end_ns)
        take_events(stream);
}

/* What is still under way is not waited for. */
static void close_stream(struct stream *stream)
{
    grpc_call_cancel(stream->call, NULL);
    grpc_completion_queue_shutdown(stream->queue);
    while (
        grpc_completion_queue_next(stream->queue, gpr_inf_future(GPR_CLOCK_MONOTONIC), NULL).type !=
        GRPC_QUEUE_SHUTDOWN)
        continue;
    grpc_metadata_array_destroy(&stream->initial);
    grpc_metadata_array_destroy(&stream->trailing);
    grpc_slice_unref(stream->words);
    grpc_slice_unref(stream->request);
    grpc_call_unref(stream->call);
    grpc_channel_destroy(stream->channel);
    grpc_completion_queue_destroy(stream->queue);
}

int main(int count, char **words)
{
    size_t size;
    struct stream *stream = calloc(1, sizeof *stream);
    uint8_t *bytes = argument_file(argument_text(count, words, "request", NULL), &size);
    uint8_t *answer =
        argument_file(argument_text(count, words, "answer", NULL), &stream->answer_size);
    double in_flight = argument_number(count, words, "in-flight", NULL);
    double seconds = argument_number(count, words, "seconds", NULL);
    if (in_flight < 1 || in_flight > IN_FLIGHT_MAX)
        die("from 1 to %d requests in flight", IN_FLIGHT_MAX);
    grpc_init();
    grpc_channel_credentials *credentials = grpc_insecure_credentials_create();
    stream->channel =
        grpc_channel_create(argument_text(count, words, "target", NULL), credentials, NULL);
    grpc_channel_credentials_release(credentials);
    stream->queue = grpc_completion_queue_create_for_next(NULL);
    stream->in_flight = (size_t)in_flight;
    stream->request = grpc_slice_from_copied_buffer((const char *)bytes, size);
    stream->answer = answer;
    run(stream, seconds);
    printf("{\"calls\": %llu, \"per_second\": %.1f, \"p50_us\": %.2f, \"p99_us\": %.2f}\n",
           (unsigned long long)stream->latency.total, (double)stream->latency.total / seconds,
           latency_within_us(&stream->latency, 0.5), latency_within_us(&stream->latency, 0.99));
    close_stream(stream);
    grpc_shutdown();
    free(stream);
    free(answer);
    free(bytes);
    return EXIT_SUCCESS;
}
