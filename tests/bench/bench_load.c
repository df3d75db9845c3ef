/*
 * bench_load.c - asks a gRPC server the same thing again and again, and says how fast it answered.
 *
 *     bench_load --target HOST:PORT --method /package.Service/Method
 *                --request FILE[,FILE]... --answer FILE[,FILE]...
 *                --connections N --in-flight M --threads T --seconds S
 *     bench_load ... --save FILE      asks once and keeps the answer
 *
 * M calls are under way at any time, spread evenly over N connections, which T threads share out.
 * Several requests are asked in turn. Each answer must be, byte for byte, the one in its FILE: what
 * is fast and wrong is an error. Prints one line of JSON. Counted as calls is what begins and ends
 * within S seconds, after a fifth of that to warm up; answers are all that came.
 */
#include "tests/bench/arguments.h"
#include "tests/bench/latency.h"
#include "tests/bench/question.h"

#include <grpc/byte_buffer_reader.h>

#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    CALL_TIMEOUT_US = 60 * 1000 * 1000,
    CONNECTIONS_MAX = 64,
    THREADS_MAX = 16,
    QUESTIONS_MAX = 16
};

/* What all threads ask. */
struct load {
    struct question questions[QUESTIONS_MAX];
    size_t question_count;
    int64_t begin_ns, end_ns; /* what is counted lies between */
};

/* One of several that ask; it owns its queue and its connections. */
struct asker {
    const struct load *load;
    pthread_t thread;
    grpc_completion_queue *queue;
    struct connection connections[CONNECTIONS_MAX];
    int connection_count, in_flight;
    size_t asked;
    struct latency latency;
    uint64_t answers; /* the warming up included */
    uint64_t failures;
    char failure[256]; /* the first one */
};

/* A place for a call; it is asked again and again on one connection. */
struct slot {
    struct asking asking; /* the first member: its tag is ours */
    const struct question *question;
    int connection;
    int64_t start_ns;
};

static void start(struct asker *asker, struct slot *slot)
{
    slot->start_ns = latency_now_ns();
    slot->question = &asker->load->questions[asker->asked++ % asker->load->question_count];
    asking_start(&slot->asking, slot->question, &asker->connections[slot->connection], asker->queue,
                 CALL_TIMEOUT_US);
}

static void note_failure(struct asker *asker, const struct asking *asking)
{
    if (asker->failures++ == 0)
        snprintf(asker->failure, sizeof asker->failure, "status %d %.*s%s", (int)asking->code,
                 (int)GRPC_SLICE_LENGTH(asking->words),
                 (const char *)GRPC_SLICE_START_PTR(asking->words),
                 asking->code == GRPC_STATUS_OK ? "with another answer than expected" : "");
}

static void finish(struct asker *asker, struct slot *slot)
{
    const struct load *load = asker->load;
    int64_t now_ns = latency_now_ns();
    asker->answers++;
    if (!asking_is_right(&slot->asking, slot->question))
        note_failure(asker, &slot->asking);
    else if (slot->start_ns >= load->begin_ns && now_ns <= load->end_ns)
        latency_add(&asker->latency, now_ns - slot->start_ns);
    asking_release(&slot->asking);
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
        asker->connections[i] = connection_open(&load->questions[0]);
}

static void close_asker(struct asker *asker)
{
    for (int i = 0; i < asker->connection_count; i++)
        connection_close(&asker->connections[i]);
    queue_close(asker->queue);
}

/* One call, and its answer into a file. */
static void save_answer(const struct load *load, const char *path)
{
    struct asker asker;
    struct slot slot = {0};
    const struct asking *asking = &slot.asking;
    open_asker(&asker, load, 1, 1);
    start(&asker, &slot);
    grpc_completion_queue_next(asker.queue, gpr_inf_future(GPR_CLOCK_MONOTONIC), NULL);
    grpc_byte_buffer_reader reader;
    if (asking->code != GRPC_STATUS_OK || !asking->answer ||
        !grpc_byte_buffer_reader_init(&reader, asking->answer))
        die("%s: status %d %.*s", load->questions[0].target, (int)asking->code,
            (int)GRPC_SLICE_LENGTH(asking->words),
            (const char *)GRPC_SLICE_START_PTR(asking->words));
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
            die("%s: %s", askers[i].load->questions[0].target, askers[i].failure);
    uint64_t answers = askers[0].answers;
    for (int i = 1; i < threads; i++) {
        latency_merge(all, &askers[i].latency);
        answers += askers[i].answers;
    }
    printf("{\"calls\": %llu, \"answers\": %llu, \"per_second\": %.1f, \"p50_us\": %.2f, "
           "\"p99_us\": %.2f, \"p999_us\": %.2f}\n",
           (unsigned long long)all->total, (unsigned long long)answers,
           (double)all->total / seconds, latency_within_us(all, 0.5), latency_within_us(all, 0.99),
           latency_within_us(all, 0.999));
}

/* The next of the names between commas, or NULL. */
static char *next_name(char **rest)
{
    char *name;
    while ((name = strsep(rest, ",")) && !*name)
        continue;
    return name;
}

static void read_requests(struct load *load, int count, char **words)
{
    char *names = strdup(argument_text(count, words, "request", NULL)), *rest = names, *name;
    for (; (name = next_name(&rest)); load->question_count++) {
        if (load->question_count == QUESTIONS_MAX)
            die("--request: at most %d", QUESTIONS_MAX);
        struct question *question = &load->questions[load->question_count];
        size_t size;
        uint8_t *bytes = argument_file(name, &size);
        *question = (struct question){.target = argument_text(count, words, "target", NULL),
                                      .method = argument_text(count, words, "method", NULL)};
        question->request = grpc_slice_from_copied_buffer((const char *)bytes, size);
        free(bytes);
    }
    if (load->question_count == 0)
        die("--request: no file");
    free(names);
}

static void read_answers(struct load *load, int count, char **words)
{
    char *names = strdup(argument_text(count, words, "answer", NULL)), *rest = names;
    for (size_t i = 0; i < load->question_count; i++) {
        const char *name = next_name(&rest);
        if (!name)
            die("--answer: one for each request");
        load->questions[i].answer = argument_file(name, &load->questions[i].answer_size);
    }
    free(names);
}

static void release_questions(struct load *load)
{
    for (size_t i = 0; i < load->question_count; i++) {
        grpc_slice_unref(load->questions[i].request);
        free((void *)(uintptr_t)load->questions[i].answer);
    }
}

int main(int count, char **words)
{
    struct load load = {0};
    grpc_init();
    read_requests(&load, count, words);
    const char *save = argument_text(count, words, "save", "");
    if (*save) {
        save_answer(&load, save);
        release_questions(&load);
        grpc_shutdown();
        return EXIT_SUCCESS;
    }
    read_answers(&load, count, words);
    int connections = (int)argument_number(count, words, "connections", NULL);
    int in_flight = (int)argument_number(count, words, "in-flight", NULL);
    int threads = (int)argument_number(count, words, "threads", "1");
    double seconds = argument_number(count, words, "seconds", NULL);
    if (threads < 1 || threads > THREADS_MAX || connections % threads || in_flight % threads ||
        connections < threads || in_flight < connections || connections > CONNECTIONS_MAX)
        die("connections and calls in flight must divide among the threads");
    struct asker *askers = calloc((size_t)threads, sizeof *askers);
    for (int i = 0; i < threads; i++)
        open_asker(&askers[i], &load, connections / threads, in_flight / threads);
    run(&load, askers, threads, seconds);
    tell(askers, threads, seconds);
    for (int i = 0; i < threads; i++)
        close_asker(&askers[i]);
    free(askers);
    release_questions(&load);
    grpc_shutdown();
    return EXIT_SUCCESS;
}
