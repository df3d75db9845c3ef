/*
 * bench_open_load.c - asks at a rate of its own, however fast the server answers: what overload is.
 *
 *     bench_open_load --target HOST:PORT --method /package.Service/Method --request FILE
 *                     --answer FILE [--absent FILE] --connections N --threads T
 *                     --rate PER_SECOND --deadline-ms D --seconds S [--in-flight M]
 *
 * Calls arrive at random, as those of many callers do: the same times in every run. Each has D ms
 * from its arrival, wherever it then waits; where M calls (50,000) are open already, one that
 * arrives is lost. Each of T threads has a share of the rate and of the connections, and a thread
 * beside it that takes the answers. Prints one line of JSON: what became of the calls that arrived
 * within S seconds, after a fifth of that to warm up, how long those that were answered took, and
 * for each second of the run (from "begin", a time of the monotonic clock) how many ended in which
 * way. An answer is "right" as it stands in FILE, or "absent" as it stands in the other; a wrong
 * one is counted like the others: who runs this decides what it means.
 */
#include "tests/bench/arguments.h"
#include "tests/bench/latency.h"
#include "tests/bench/question.h"

#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    CONNECTIONS_MAX = 64,
    THREADS_MAX = 16,
    SECONDS_MAX = 2 * 60 * 60,
};

enum outcome { RIGHT, ABSENT, WRONG, LATE, EXHAUSTED, UNAVAILABLE, OTHER, LOST, OUTCOME_COUNT };

static const char *const outcome_names[OUTCOME_COUNT] = {
    "right", "absent", "wrong", "late", "exhausted", "unavailable", "other", "lost",
};

struct load {
    struct question question;
    const uint8_t *absent; /* NULL: no other answer is expected */
    size_t absent_size;
    double per_second; /* of one thread */
    int64_t deadline_us;
    long in_flight;                     /* of one thread */
    int64_t start_ns, begin_ns, end_ns; /* of all; of what is counted */
};

/* The share of one thread, and the thread that takes its answers. */
struct asker {
    const struct load *load;
    pthread_t thread, taker;
    unsigned long long random;
    grpc_completion_queue *queue;
    struct connection connections[CONNECTIONS_MAX];
    int connection_count;
    atomic_long open_count;
    uint64_t lost, lost_counted;
    /* The taker's. */
    struct latency latency;
    uint64_t counts[OUTCOME_COUNT];
    uint32_t (*seconds)[OUTCOME_COUNT];
    size_t second_count;
};

struct one {
    struct asking asking; /* the first member: its tag is ours */
    int64_t arrival_ns;
};

static enum outcome outcome_of(const struct load *load, const struct asking *asking)
{
    switch (asking->code) {
    case GRPC_STATUS_OK:
        if (asking_is_right(asking, &load->question))
            return RIGHT;
        return load->absent && asking_is_equal(asking, load->absent, load->absent_size) ? ABSENT
                                                                                        : WRONG;
    case GRPC_STATUS_DEADLINE_EXCEEDED:
        return LATE;
    case GRPC_STATUS_RESOURCE_EXHAUSTED:
        return EXHAUSTED;
    case GRPC_STATUS_UNAVAILABLE:
        return UNAVAILABLE;
    default:
        return OTHER;
    }
}

static bool is_counted(const struct load *load, int64_t arrival_ns)
{
    return arrival_ns >= load->begin_ns && arrival_ns < load->end_ns;
}

static void finish(struct asker *asker, struct one *one)
{
    const struct load *load = asker->load;
    int64_t now_ns = latency_now_ns();
    enum outcome outcome = outcome_of(load, &one->asking);
    size_t second = (size_t)((now_ns - load->start_ns) / 1000000000);
    if (second < asker->second_count)
        asker->seconds[second][outcome]++;
    if (is_counted(load, one->arrival_ns)) {
        asker->counts[outcome]++;
        if (outcome == RIGHT || outcome == ABSENT)
            latency_add(&asker->latency, now_ns - one->arrival_ns);
    }
    asking_release(&one->asking);
    free(one);
    atomic_fetch_sub(&asker->open_count, 1);
}

static void *take(void *context)
{
    struct asker *asker = context;
    for (;;) {
        grpc_event event =
            grpc_completion_queue_next(asker->queue, gpr_inf_future(GPR_CLOCK_MONOTONIC), NULL);
        if (event.type == GRPC_QUEUE_SHUTDOWN)
            return NULL;
        finish(asker, event.tag);
    }
}

/* The time to the next arrival: of many callers who do not know of each other. */
static double gap_ns(struct asker *asker)
{
    asker->random = asker->random * 6364136223846793005ULL + 1442695040888963407ULL;
    double share = (double)((asker->random >> 11) + 1) / 9007199254740993.0;
    return -log(share) / asker->load->per_second * 1e9;
}

static void sleep_until(int64_t ns)
{
    struct timespec until = {.tv_sec = ns / 1000000000, .tv_nsec = ns % 1000000000};
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) != 0)
        continue;
}

static void arrive(struct asker *asker, int connection, int64_t arrival_ns)
{
    const struct load *load = asker->load;
    int64_t passed_us = (latency_now_ns() - arrival_ns) / 1000;
    if (atomic_load(&asker->open_count) >= load->in_flight || passed_us >= load->deadline_us) {
        asker->lost++;
        asker->lost_counted += is_counted(load, arrival_ns);
        return;
    }
    struct one *one = malloc(sizeof *one);
    if (!one)
        die("no memory");
    one->arrival_ns = arrival_ns;
    atomic_fetch_add(&asker->open_count, 1);
    asking_start(&one->asking, &load->question, &asker->connections[connection], asker->queue,
                 load->deadline_us - passed_us);
}

static void *ask(void *context)
{
    struct asker *asker = context;
    double at_ns = (double)asker->load->start_ns;
    for (int i = 0;; i++) {
        at_ns += gap_ns(asker);
        int64_t arrival_ns = (int64_t)at_ns;
        if (arrival_ns >= asker->load->end_ns)
            break;
        if (arrival_ns > latency_now_ns())
            sleep_until(arrival_ns);
        arrive(asker, i % asker->connection_count, arrival_ns);
    }
    while (atomic_load(&asker->open_count) > 0)
        sleep_until(latency_now_ns() + 1000000);
    grpc_completion_queue_shutdown(asker->queue);
    pthread_join(asker->taker, NULL);
    return NULL;
}

static void open_asker(struct asker *asker, const struct load *load, int number, int connections,
                       double seconds)
{
    *asker = (struct asker){
        .load = load, .connection_count = connections, .random = 7919ULL * (unsigned)(number + 1)};
    asker->second_count = (size_t)(seconds * 1.2) + 2 + (size_t)(load->deadline_us / 1000000);
    asker->seconds = calloc(asker->second_count, sizeof *asker->seconds);
    if (!asker->seconds)
        die("no memory");
    asker->queue = grpc_completion_queue_create_for_next(NULL);
    for (int i = 0; i < connections; i++)
        asker->connections[i] = connection_open(&load->question);
}

static void close_asker(struct asker *asker)
{
    for (int i = 0; i < asker->connection_count; i++)
        connection_close(&asker->connections[i]);
    grpc_completion_queue_destroy(asker->queue);
    free(asker->seconds);
}

static void run(struct load *load, struct asker *askers, int threads, double seconds)
{
    load->start_ns = latency_now_ns();
    load->begin_ns = load->start_ns + (int64_t)(seconds * 0.2e9);
    load->end_ns = load->begin_ns + (int64_t)(seconds * 1e9);
    for (int i = 0; i < threads; i++)
        if (pthread_create(&askers[i].taker, NULL, take, &askers[i]) != 0 ||
            pthread_create(&askers[i].thread, NULL, ask, &askers[i]) != 0)
            die("cannot start a thread");
    for (int i = 0; i < threads; i++)
        pthread_join(askers[i].thread, NULL);
}

static void merge(struct asker *all, const struct asker *other)
{
    latency_merge(&all->latency, &other->latency);
    all->lost_counted += other->lost_counted;
    for (size_t i = 0; i < OUTCOME_COUNT; i++)
        all->counts[i] += other->counts[i];
    for (size_t s = 0; s < all->second_count; s++)
        for (size_t i = 0; i < OUTCOME_COUNT; i++)
            all->seconds[s][i] += other->seconds[s][i];
}

static void tell(const struct load *load, struct asker *all, double seconds)
{
    all->counts[LOST] = all->lost_counted;
    uint64_t arrived = 0;
    printf("{\"begin\": %.6f", (double)load->start_ns / 1e9);
    for (size_t i = 0; i < OUTCOME_COUNT; i++) {
        arrived += all->counts[i];
        printf(", \"%s\": %llu", outcome_names[i], (unsigned long long)all->counts[i]);
    }
    printf(", \"arrived_per_second\": %.1f, \"per_second\": %.1f, \"p50_us\": %.2f, "
           "\"p99_us\": %.2f, \"p999_us\": %.2f, \"seconds\": [",
           (double)arrived / seconds, (double)all->counts[RIGHT] / seconds,
           latency_within_us(&all->latency, 0.5), latency_within_us(&all->latency, 0.99),
           latency_within_us(&all->latency, 0.999));
    for (size_t s = 0; s < all->second_count; s++) {
        printf("%s[", s ? ", " : "");
        for (size_t i = 0; i < LOST; i++)
            printf("%s%u", i ? ", " : "", all->seconds[s][i]);
        printf("]");
    }
    printf("]}\n");
}

int main(int count, char **words)
{
    size_t size;
    uint8_t *bytes = argument_file(argument_text(count, words, "request", NULL), &size);
    struct load load = {
        .question = {.target = argument_text(count, words, "target", NULL),
                     .method = argument_text(count, words, "method", NULL)},
        .deadline_us = (int64_t)(argument_number(count, words, "deadline-ms", NULL) * 1000),
    };
    int connections = (int)argument_number(count, words, "connections", NULL);
    int threads = (int)argument_number(count, words, "threads", "1");
    double seconds = argument_number(count, words, "seconds", NULL);
    if (threads < 1 || threads > THREADS_MAX || connections % threads || connections < threads ||
        connections > CONNECTIONS_MAX || seconds > SECONDS_MAX)
        die("connections must divide among the threads, and a run ends after two hours");
    load.in_flight = (long)argument_number(count, words, "in-flight", "50000") / threads;
    load.per_second = argument_number(count, words, "rate", NULL) / threads;
    if (load.per_second <= 0)
        die("--rate: more than 0");
    uint8_t *answer =
        argument_file(argument_text(count, words, "answer", NULL), &load.question.answer_size);
    load.question.answer = answer;
    const char *absent_path = argument_text(count, words, "absent", "");
    uint8_t *absent = *absent_path ? argument_file(absent_path, &load.absent_size) : NULL;
    load.absent = absent;
    grpc_init();
    load.question.request = grpc_slice_from_copied_buffer((const char *)bytes, size);
    struct asker *askers = calloc((size_t)threads, sizeof *askers);
    for (int i = 0; i < threads; i++)
        open_asker(&askers[i], &load, i, connections / threads, seconds);
    run(&load, askers, threads, seconds);
    for (int i = 1; i < threads; i++)
        merge(&askers[0], &askers[i]);
    tell(&load, &askers[0], seconds);
    for (int i = 0; i < threads; i++)
        close_asker(&askers[i]);
    free(askers);
    free(absent);
    free(answer);
    free(bytes);
    grpc_slice_unref(load.question.request);
    grpc_shutdown();
    return EXIT_SUCCESS;
}
