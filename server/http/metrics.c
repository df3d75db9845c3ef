/* metrics.c - see metrics.h. */
#include "server/http/metrics.h"

#include "base/resident_memory.h"
#include "server/answer/api.h"
#include "server/answer/snapshot.h"
#include "server/streams.h"
#include "server/worker.h"
#include "store/online/near_cache.h"

#include <dirent.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

static const char *const code_names[COUNTED_CODES] = {
    "OK",
    "CANCELLED",
    "UNKNOWN",
    "INVALID_ARGUMENT",
    "DEADLINE_EXCEEDED",
    "NOT_FOUND",
    "ALREADY_EXISTS",
    "PERMISSION_DENIED",
    "RESOURCE_EXHAUSTED",
    "FAILED_PRECONDITION",
    "ABORTED",
    "OUT_OF_RANGE",
    "UNIMPLEMENTED",
    "INTERNAL",
    "UNAVAILABLE",
    "DATA_LOSS",
    "UNAUTHENTICATED",
};

static const char *const refusal_names[REFUSAL_COUNT] = {
    [REFUSED_STREAMS] = "too_many_streams",
    [REFUSED_CALLS] = "too_many_calls",
    [REFUSED_REQUESTS] = "too_many_request_bytes",
    [REFUSED_ANSWERS] = "answers_not_taken",
    [REFUSED_PACE] = "too_little_time",
    [REFUSED_LATE] = "waited_too_long",
    [REFUSED_DEADLINE] = "deadline_passed",
    [REFUSED_FOREIGN] = "foreign_store",
};

/* All workers' together, of the counter that stands at this place in each. */
static uint64_t sum(const struct counters *counters, size_t place)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < counters->worker_count; i++)
        sum += counter_read(
            (const struct counter *)(const void *)((const char *)&counters->workers[i] + place));
    return sum;
}

static struct histogram_total total(const struct counters *counters, size_t place)
{
    struct histogram_total total = {0};
    for (size_t i = 0; i < counters->worker_count; i++)
        histogram_total_add(
            &total,
            (const struct histogram *)(const void *)((const char *)&counters->workers[i] + place));
    return total;
}

#define PLACE(member) offsetof(struct worker_counters, member)

/* "package.Service/Method" */
static const char *method_name(size_t method)
{
    return (method < WORKER_API_COUNT ? worker_apis[method]->method : streams_method) + 1;
}

enum { METHOD_COUNT = WORKER_API_COUNT + 1 };

static void write_codes(const struct counters *counters, struct metrics_text *text)
{
    metrics_family(text, METRIC_COUNTER, "larder_requests_total",
                   "Requests for features that were answered, by method and gRPC code.");
    for (size_t i = 0; i < METHOD_COUNT; i++)
        for (size_t code = 0; code < COUNTED_CODES; code++)
            metrics_number(text, sum(counters, PLACE(methods[i].codes[code])), "method",
                           method_name(i), "code", code_names[code], NULL);
}

static void write_methods(const struct counters *counters, struct metrics_text *text)
{
    write_codes(counters, text);
    metrics_family(text, METRIC_HISTOGRAM, "larder_request_seconds",
                   "From a worker's taking of a request to its answer, whatever that was.");
    for (size_t i = 0; i < METHOD_COUNT; i++) {
        struct histogram_total time = total(counters, PLACE(methods[i].time_us));
        metrics_histogram(text, &request_time_bounds, METRIC_SECONDS, &time, "method",
                          method_name(i), NULL);
    }
    metrics_family(text, METRIC_COUNTER, "larder_request_bytes_total",
                   "Bytes of request messages, as they came.");
    for (size_t i = 0; i < METHOD_COUNT; i++)
        metrics_number(text, sum(counters, PLACE(methods[i].request_bytes)), "method",
                       method_name(i), NULL);
    metrics_family(text, METRIC_COUNTER, "larder_response_bytes_total",
                   "Bytes of response messages.");
    for (size_t i = 0; i < METHOD_COUNT; i++)
        metrics_number(text, sum(counters, PLACE(methods[i].answer_bytes)), "method",
                       method_name(i), NULL);
}

static void write_calls(const struct counters *counters, struct metrics_text *text)
{
    metrics_family(text, METRIC_GAUGE, "larder_open_calls",
                   "Calls for features that came and whose answers were not taken yet.");
    metrics_number(text, sum(counters, PLACE(open_calls)), NULL);
    metrics_family(text, METRIC_GAUGE, "larder_open_streams", "Streams of requests.");
    metrics_number(text, sum(counters, PLACE(open_streams)), NULL);
    metrics_family(text, METRIC_COUNTER, "larder_refused_calls_total",
                   "Calls for which nothing was looked up, by reason.");
    for (size_t i = 0; i < REFUSAL_COUNT; i++)
        metrics_number(text, sum(counters, PLACE(refused[i])), "reason", refusal_names[i], NULL);
    metrics_family(text, METRIC_HISTOGRAM, "larder_batch_requests",
                   "Requests that a worker answered together.");
    struct histogram_total batches = total(counters, PLACE(batch_requests));
    metrics_histogram(text, &batch_bounds, METRIC_COUNTS, &batches, NULL);
}

static void write_reads(const struct counters *counters, struct metrics_text *text)
{
    metrics_family(text, METRIC_HISTOGRAM, "larder_store_read_seconds",
                   "Reads of the online store, each for all keys of a batch.");
    struct histogram_total time = total(counters, PLACE(read_us));
    metrics_histogram(text, &request_time_bounds, METRIC_SECONDS, &time, NULL);
    metrics_family(text, METRIC_COUNTER, "larder_store_read_keys_total",
                   "Keys that were asked for in these reads.");
    metrics_number(text, sum(counters, PLACE(read_keys)), NULL);
    metrics_family(text, METRIC_COUNTER, "larder_store_read_failures_total",
                   "Reads of the online store that failed.");
    metrics_number(text, sum(counters, PLACE(read_failures)), NULL);
}

/* A view's counters, of all workers. */
struct view_sums {
    uint64_t present, not_found, too_old, null_values;
    struct histogram_total age;
};

static struct view_sums sum_view(const struct counters *counters, uint32_t view_id)
{
    struct view_sums sums = {0};
    for (size_t i = 0; i < counters->worker_count; i++) {
        const struct view_counters *view = counters_find_view(&counters->workers[i], view_id);
        if (!view)
            continue;
        sums.present += counter_read(&view->present);
        sums.not_found += counter_read(&view->not_found);
        sums.too_old += counter_read(&view->too_old);
        sums.null_values += counter_read(&view->null_values);
        histogram_total_add(&sums.age, &view->age_us);
    }
    return sums;
}

/* Those that are served, each with its sums. */
static void for_each_view(const struct metrics_facts *facts, struct metrics_text *text,
                          void (*write)(const char *name, const struct view_sums *sums,
                                        struct metrics_text *text))
{
    const struct catalog *catalog = &facts->snapshot->catalog;
    for (size_t i = 0; i < catalog->definitions.view_count; i++) {
        if (!catalog->views[i].view->online)
            continue;
        const struct view_sums sums = sum_view(facts->counters, catalog->views[i].id);
        write(catalog->views[i].view->about.name, &sums, text);
    }
}

static void write_rows(const char *name, const struct view_sums *sums, struct metrics_text *text)
{
    metrics_number(text, sums->present, "view", name, "status", "present", NULL);
    metrics_number(text, sums->not_found, "view", name, "status", "not_found", NULL);
    metrics_number(text, sums->too_old, "view", name, "status", "too_old", NULL);
}

static void write_nulls(const char *name, const struct view_sums *sums, struct metrics_text *text)
{
    metrics_number(text, sums->null_values, "view", name, NULL);
}

/* A view that nobody asked for has no ages. */
static void write_ages(const char *name, const struct view_sums *sums, struct metrics_text *text)
{
    if (sums->present + sums->too_old > 0)
        metrics_histogram(text, &age_bounds, METRIC_LONG_SECONDS, &sums->age, "view", name, NULL);
}

static void write_views(const struct metrics_facts *facts, struct metrics_text *text)
{
    if (!facts->snapshot)
        return;
    metrics_family(text, METRIC_COUNTER, "larder_view_rows_total",
                   "Rows that were asked for, one for each entity and view, by what was found.");
    for_each_view(facts, text, write_rows);
    metrics_family(text, METRIC_COUNTER, "larder_view_null_values_total",
                   "Features asked for that are null in a row that is present.");
    for_each_view(facts, text, write_nulls);
    metrics_family(text, METRIC_HISTOGRAM, "larder_view_age_seconds",
                   "Age of the rows that were found: now less their event time.");
    for_each_view(facts, text, write_ages);
}

static void write_gauge(struct metrics_text *text, const char *name, const char *help,
                        uint64_t value)
{
    metrics_family(text, METRIC_GAUGE, name, help);
    metrics_number(text, value, NULL);
}

static void write_state(const struct metrics_facts *facts, struct metrics_text *text)
{
    static const char *const states[] = {[STORE_UNKNOWN] = "unknown",
                                         [STORE_READY] = "ready",
                                         [STORE_AWAY] = "away",
                                         [STORE_FOREIGN] = "foreign"};
    const struct reload_facts *reload = facts->reload;
    metrics_family(text, METRIC_GAUGE, "larder_build_info", "1, with the version as a label.");
    metrics_number(text, 1, "version", LARDER_VERSION, NULL);
    write_gauge(text, "larder_ready", "1 while /readyz is 200.", facts->is_ready);
    write_gauge(text, "larder_definitions_version", "Which is served; 0: none.", reload->version);
    write_gauge(text, "larder_registry_up", "1 while the registry can be read.",
                (reload->is_loaded || reload->is_unknown) && !reload->is_registry_away);
    write_gauge(
        text, "larder_definitions_from_online_store",
        "1 while those served were read from the online store: the registry is away, or behind.",
        reload->is_from_online_store);
    write_gauge(text, "larder_views_to_rebuild", "Views that larder materialize is to rebuild.",
                reload->rebuild_count);
    metrics_family(text, METRIC_GAUGE, "larder_online_store_state", "1 for the one that it has.");
    for (size_t i = 0; i < COUNT_OF(states); i++)
        metrics_number(text, facts->store == i, "state", states[i], NULL);
}

static void write_counter(struct metrics_text *text, const char *name, const char *help,
                          uint64_t value)
{
    metrics_family(text, METRIC_COUNTER, name, help);
    metrics_number(text, value, NULL);
}

static void write_near(const struct near_cache_state *near, struct metrics_text *text)
{
    if (!near)
        return;
    metrics_family(text, METRIC_COUNTER, "larder_near_cache_keys_total",
                   "Keys that were read: from the near cache, for want of them there, or past it.");
    metrics_number(text, near->rows.hits, "result", "hit", NULL);
    metrics_number(text, near->rows.misses, "result", "miss", NULL);
    metrics_number(text, near->bypassed, "result", "bypass", NULL);
    write_counter(text, "larder_near_cache_evictions_total", "Answers that left for want of room.",
                  near->rows.evictions);
    write_counter(text, "larder_near_cache_invalidations_total",
                  "Keys that were heard to be written to.", near->rows.invalidations);
    write_counter(text, "larder_near_cache_losses_total",
                  "Times that hearing of writes broke off, and all was forgotten.", near->losses);
    write_gauge(text, "larder_near_cache_in_use", "1 while answers are given from it.",
                near->is_in_use);
    write_gauge(text, "larder_near_cache_entries", "Answers that it holds.", near->rows.entries);
    write_gauge(text, "larder_near_cache_bytes", "Memory that these take.", near->rows.bytes);
    write_gauge(text, "larder_near_cache_max_bytes", "Memory that it has.", near->max_bytes);
}

static uint64_t open_files(void)
{
    uint64_t count = 0;
    DIR *folder = opendir("/proc/self/fd");
    if (!folder)
        return 0;
    while (readdir(folder))
        count++;
    closedir(folder);
    return count > 3 ? count - 3 : 0; /* itself, . and .. */
}

static uint64_t micros_of(struct timeval time)
{
    return (uint64_t)time.tv_sec * 1000000 + (uint64_t)time.tv_usec;
}

/* By the names that every other process has them under. */
static void write_process(const struct metrics_facts *facts, struct metrics_text *text)
{
    struct rusage usage;
    struct rlimit files = {0};
    getrusage(RUSAGE_SELF, &usage);
    getrlimit(RLIMIT_NOFILE, &files);
    write_gauge(text, "process_resident_memory_bytes", "Memory.", resident_memory_bytes());
    write_gauge(text, "process_open_fds", "Open files and connections.", open_files());
    write_gauge(text, "process_max_fds", "How many there may be.", files.rlim_cur);
    metrics_family(text, METRIC_GAUGE, "process_start_time_seconds", "Since 1970.");
    metrics_micros(text, (uint64_t)facts->started_us, NULL);
    metrics_family(text, METRIC_COUNTER, "process_cpu_seconds_total", "Of all threads.");
    metrics_micros(text, micros_of(usage.ru_utime) + micros_of(usage.ru_stime), NULL);
}

void metrics_write(const struct metrics_facts *facts, struct metrics_text *text)
{
    write_state(facts, text);
    write_methods(facts->counters, text);
    write_calls(facts->counters, text);
    write_reads(facts->counters, text);
    write_near(facts->near, text);
    write_views(facts, text);
    write_process(facts, text);
}
