/*
 * bench_load.c - asks a gRPC server the same thing again and again, and says how fast it answered.
 *
 *     bench_load --target HOST:PORT --method /package.Service/Method --request FILE --answer FILE
 *                --connections N --in-flight M --threads T --seconds S
 *     bench_load ... --save FILE      asks once and keeps the answer
 *
 * M calls are under way at any time, spread evenly over N connections, which T threads share out.
 * Each answer must be, byte for byte, the one in FILE: what is fast and wrong is an error. Prints
 * one line of JSON. Counted is what begins and ends within S seconds, after a fifth of that to warm
 * up.
 */
#include "tests/bench/arguments.h"
#include "tests/bench/latency.h"

#include <grpc/byte_buffer_reader.h>
#include <grpc/grpc.h>
#include <grpc/grpc_security.h>
#include <grpc/slice.h>

#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CALL_TIMEOUT_MS = 10000, CONNECTIONS_MAX = 64, THREADS_MAX = 16 };

/* What all threads ask and expect. */
struct load {
    const char *target, *method;
    grpc_slice request;
    const uint8_t *answer; /* NULL: any will do */
    size_t answer_size;
    int64_t begin_ns, end_ns; /* what is counted lies between */
};

/* One of several that ask; it owns its queue and its connections. */
struct asker {
    const struct load *load;
    pthread_t thread;
    grpc_completion_queue *queue;
    grpc_channel *channels[CONNECTIONS_MAX];
    void *methods[CONNECTIONS_MAX];
    int connection_count, in_flight;
    struct latency latency;
    uint64_t failures;
    char failure[256]; /* the first one */
};

/* A place for a call; it is asked again and again on one connection. */
struct slot {
    int connection;
    grpc_call *call;
    grpc_byte_buffer *question, *answer;
    grpc_metadata_array initial, trailing;
    grpc_status_code code;
    grpc_slice words;
    int64_t start_ns;
};

static void open_connection(struct asker *asker, int i)
{
    /* Without a pool of their own all channels of one target would share one connection. */
    grpc_arg own_pool = {.type = GRPC_ARG_INTEGER,
                         .key = (char *)GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL,
                         .value.integer = 1};
    grpc_arg any_size = {.type = GRPC_ARG_INTEGER,
                         .key = (char *)GRPC_ARG_MAX_RECEIVE_MESSAGE_LENGTH,
                         .value.integer = -1};
    grpc_arg direct = {
        .type = GRPC_ARG_INTEGER, .key = (char *)GRPC_ARG_ENABLE_HTTP_PROXY, .value.integer = 0};
    grpc_arg all[] = {own_pool, any_size, direct};
    grpc_channel_args arguments = {3, all};
    grpc_channel_credentials *credentials = grpc_insecure_credentials_create();
    asker->channels[i] = grpc_channel_create(asker->load->target, credentials, &arguments);
    asker->methods[i] =
        grpc_channel_register_call(asker->channels[i], asker->load->method, NULL, NULL);
    grpc_channel_credentials_release(credentials);
}

static void start(struct asker *asker, struct slot *slot)
{
    gpr_timespec deadline = gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC),
                                         gpr_time_from_millis(CALL_TIMEOUT_MS, GPR_TIMESPAN));
    slot->start_ns = latency_now_ns();
    slot->call = grpc_channel_create_registered_call(
        asker->channels[slot->connection], NULL, GRPC_PROPAGATE_DEFAULTS, asker->queue,
        asker->methods[slot->connection], deadline, NULL);
    grpc_slice request = asker->load->request;
    slot->question = grpc_raw_byte_buffer_create(&request, 1);
    slot->answer = NULL;
    slot->words = grpc_empty_slice();
    grpc_metadata_array_init(&slot->initial);
    grpc_metadata_array_init(&slot->trailing);
    grpc_op operations[] = {
        {.op = GRPC_OP_SEND_INITIAL_METADATA},
        {.op = GRPC_OP_SEND_MESSAGE, .data.send_message.send_message = slot->question},
        {.op = GRPC_OP_SEND_CLOSE_FROM_CLIENT},
        {.op = GRPC_OP_RECV_INITIAL_METADATA,
         .data.recv_initial_metadata.recv_initial_metadata = &slot->initial},
        {.op = GRPC_OP_RECV_MESSAGE, .data.recv_message.recv_message = &slot->answer},
        {.op = GRPC_OP_RECV_STATUS_ON_CLIENT,
         .data.recv_status_on_client = {.trailing_metadata = &slot->trailing,
                                        .status = &slot->code,
                                        .status_details = &slot->words}},
    };
    if (grpc_call_start_batch(slot->call, operations, 6, slot, NULL) != GRPC_CALL_OK)
        die("gRPC takes no call");
}

static bool is_expected(const struct load *load, grpc_byte_buffer *answer)
{
    if (!load->answer)
        return answer != NULL;
    if (!answer || grpc_byte_buffer_length(answer) != load->answer_size)
        return false;
    bool equal = true;
    size_t at = 0;
    grpc_slice *piece;
    grpc_byte_buffer_reader reader;
    if (!grpc_byte_buffer_reader_init(&reader, answer))
        return false;
    while (grpc_byte_buffer_reader_peek(&reader, &piece)) {
        size_t size = GRPC_SLICE_LENGTH(*piece);
        equal = equal && memcmp(load->answer + at, GRPC_SLICE_START_PTR(*piece), size) == 0;
        at += size;
    }
    grpc_byte_buffer_reader_destroy(&reader);
    return equal;
}

static void note_failure(struct asker *asker, const struct slot *slot)
{
    if (asker->failures++ == 0)
        snprintf(asker->failure, sizeof asker->failure, "status %d %.*s%s", (int)slot->code,
                 (int)GRPC_SLICE_LENGTH(slot->words),
                 (const char *)GRPC_SLICE_START_PTR(slot->words),
                 slot->code == GRPC_STATUS_OK ? "with another answer than expected" : "");
}

static void finish(struct asker *asker, struct slot *slot)
{
    const struct load *load = asker->load;
    int64_t now_ns = latency_now_ns();
    if (slot->code != GRPC_STATUS_OK || !is_expected(load, slot->answer))
        note_failure(asker, slot);
    else if (slot->start_ns >= load->begin_ns && now_ns <= load->end_ns)
        latency_add(&asker->latency, now_ns - slot->start_ns);
    grpc_metadata_array_destroy(&slot->initial);
    grpc_metadata_array_destroy(&slot->trailing);
    grpc_slice_unref(slot->words);
    grpc_byte_buffer_destroy(slot->question);
    if (slot->answer)
        grpc_byte_buffer_destroy(slot->answer);
    grpc_call_unref(slot->call);
}

static void *ask(void *context)
{
    struct asker *asker = context;
    struct slot *slots = calloc((size_t)asker->in_flight, sizeof *slots);
    int running = asker->in_flight;
    for (int i = 0; i < asker->in_flight; i++) {
        slots[i].connection = i % asker->connection_count;
        start(asker, &slots[i]);
    }
    while (running > 0) {
        grpc_event event =
            grpc_completion_queue_next(asker->queue, gpr_inf_future(GPR_CLOCK_MONOTONIC), NULL);
        struct slot *slot = event.tag;
        finish(asker, slot);
        if (asker->failures == 0 && latency_now_ns() < asker->load->end_ns)
            start(asker, slot);
        else
            running--;
    }
    free(slots);
    return NULL;
}

static void open_asker(struct asker *asker, const struct load *load, int connections, int in_flight)
{
    *asker = (struct asker){.load = load, .connection_count = connections, .in_flight = in_flight};
    asker->queue = grpc_completion_queue_create_for_next(NULL);
    for (int i = 0; i < connections; i++)
        open_connection(asker, i);
}

static void close_asker(struct asker *asker)
{
    for (int i = 0; i < asker->connection_count; i++)
        grpc_channel_destroy(asker->channels[i]);
    grpc_completion_queue_shutdown(asker->queue);
    while (
        grpc_completion_queue_next(asker->queue, gpr_inf_future(GPR_CLOCK_MONOTONIC), NULL).type !=
        GRPC_QUEUE_SHUTDOWN)
        continue;
    grpc_completion_queue_destroy(asker->queue);
}

/* One call, and its answer into a file. */
static void save_answer(const struct load *load, const char *path)
{
    struct asker asker;
    struct slot slot = {0};
    open_asker(&asker, load, 1, 1);
    start(&asker, &slot);
    grpc_completion_queue_next(asker.queue, gpr_inf_future(GPR_CLOCK_MONOTONIC), NULL);
    grpc_byte_buffer_reader reader;
    if (slot.code != GRPC_STATUS_OK || !slot.answer ||
        !grpc_byte_buffer_reader_init(&reader, slot.answer))
        die("%s: status %d %.*s", load->target, (int)slot.code, (int)GRPC_SLICE_LENGTH(slot.words),
            (const char *)GRPC_SLICE_START_PTR(slot.words));
    grpc_slice whole = grpc_byte_buffer_reader_readall(&reader);
    FILE *file = fopen(path, "wb");
    if (!file ||
        fwrite(GRPC_SLICE_START_PTR(whole), 1, GRPC_SLICE_LENGTH(whole), file) !=
            GRPC_SLICE_LENGTH(whole) ||
        fclose(file) != 0)
        die("%s: cannot be written", path);
    grpc_slice_unref(whole);
    grpc_byte_buffer_reader_destroy(&reader);
    finish(&asker, &slot);
    close_asker(&asker);
}

static void run(struct load *load, struct asker *askers, int threads, double seconds)
{
    int64_t now_ns = latency_now_ns();
    load->begin_ns = now_ns + (int64_t)(seconds * 0.2e9);
    load->end_ns = load->begin_ns + (int64_t)(seconds * 1e9);
    for (int i = 0; i < threads; i++)
        if (pthread_create(&askers[i].thread, NULL, ask, &askers[i]) != 0)
            die("cannot start a thread");
    for (int i = 0; i < threads; i++)
        pthread_join(askers[i].thread, NULL);
}

static void tell(struct asker *askers, int threads, double seconds)
{
    struct latency *all = &askers[0].latency;
    for (int i = 0; i < threads; i++)
        if (askers[i].failures)
            die("%s: %s", askers[i].load->target, askers[i].failure);
    for (int i = 1; i < threads; i++)
        latency_merge(all, &askers[i].latency);
    printf("{\"calls\": %llu, \"per_second\": %.1f, \"p50_us\": %.2f, \"p99_us\": %.2f}\n",
           (unsigned long long)all->total, (double)all->total / seconds,
           latency_within_us(all, 0.5), latency_within_us(all, 0.99));
}

int main(int count, char **words)
{
    size_t size;
    uint8_t *bytes = argument_file(argument_text(count, words, "request", NULL), &size);
    struct load load = {
        .target = argument_text(count, words, "target", NULL),
        .method = argument_text(count, words, "method", NULL),
    };
    grpc_init();
    load.request = grpc_slice_from_copied_buffer((const char *)bytes, size);
    free(bytes);
    const char *save = argument_text(count, words, "save", "");
    if (*save) {
        save_answer(&load, save);
        grpc_slice_unref(load.request);
        grpc_shutdown();
        return EXIT_SUCCESS;
    }
    int connections = (int)argument_number(count, words, "connections", NULL);
    int in_flight = (int)argument_number(count, words, "in-flight", NULL);
    int threads = (int)argument_number(count, words, "threads", "1");
    double seconds = argument_number(count, words, "seconds", NULL);
    if (threads < 1 || threads > THREADS_MAX || connections % threads || in_flight % threads ||
        connections < threads || in_flight < connections || connections > CONNECTIONS_MAX)
        die("connections and calls in flight must divide among the threads");
    uint8_t *answer = argument_file(argument_text(count, words, "answer", NULL), &load.answer_size);
    load.answer = answer;
    struct asker *askers = calloc((size_t)threads, sizeof *askers);
    for (int i = 0; i < threads; i++)
        open_asker(&askers[i], &load, connections / threads, in_flight / threads);
    run(&load, askers, threads, seconds);
    tell(askers, threads, seconds);
    for (int i = 0; i < threads; i++)
        close_asker(&askers[i]);
    free(askers);
    free(answer);
    grpc_slice_unref(load.request);
    grpc_shutdown();
    return EXIT_SUCCESS;
}
