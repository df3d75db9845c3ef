/*
 * counters.h - what a worker counts as it answers, for those who watch the server.
 *
 * Each worker has its own, on cache lines of its own, and is their one writer: counting is a plain
 * add, without a lock or an allocation, and no worker slows another. The page that shows them adds
 * them up. Rows are counted once for each view that a request reads, not for each feature: a few
 * nanoseconds a row. Numbers only grow while the server runs, whatever is applied: those of a view
 * belong to its id, which a view of the same name that was removed and made anew does not have.
 */
#ifndef LARDER_SERVER_ANSWER_COUNTERS_H
#define LARDER_SERVER_ANSWER_COUNTERS_H

#include "base/counter.h"
#include "base/histogram.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct lookup;

enum {
    COUNTED_METHODS_MAX = 4, /* as the worker numbers them; behind them, requests of streams */
    COUNTED_CODES = 17,      /* gRPC's, from OK to UNAUTHENTICATED */
    COUNTED_VIEWS_PER_PAGE = 64,
    COUNTED_VIEW_PAGES = 1024,
};

/* Why a call was refused before anything was looked up for it. */
enum refusal {
    REFUSED_STREAMS,  /* as many streams as a worker, or a connection, may have are open */
    REFUSED_CALLS,    /* as many calls as a worker takes are open */
    REFUSED_REQUESTS, /* requests that wait hold as much memory as they may */
    REFUSED_ANSWERS,  /* answers that nobody took yet do */
    REFUSED_PACE,     /* its deadline would pass before its turn */
    REFUSED_LATE,     /* it waited for as long as any call may */
    REFUSED_DEADLINE, /* its own deadline had passed */
    REFUSED_FOREIGN,  /* the online store belongs to another registry */
    REFUSAL_COUNT,
};

/* Of the calls that came, from being taken out of gRPC's queue to being given back to it. */
struct method_counters {
    struct counter codes[COUNTED_CODES]; /* calls answered with it */
    struct histogram time_us;
    struct counter request_bytes, answer_bytes; /* of messages, as they came and as they went */
};

/* One row for each entity of a request and each use of the view in it. */
struct view_counters {
    struct counter present, not_found, too_old;
    struct counter null_values; /* features asked for that are null in a present row */
    struct histogram age_us;    /* of present rows, and of those too old; the sum in seconds */
};

struct view_page {
    struct view_counters views[COUNTED_VIEWS_PER_PAGE];
};

struct worker_counters {
    _Alignas(64) struct method_counters methods[COUNTED_METHODS_MAX];
    struct counter refused[REFUSAL_COUNT];
    struct counter open_calls; /* now: those that wait, are read, or were not taken yet */
    struct counter open_streams;
    struct histogram batch_requests; /* requests that were answered with one read */
    struct histogram read_us;        /* reads of the online store, those that failed among them */
    struct counter read_keys, read_failures;
    _Atomic(struct view_page *) pages[COUNTED_VIEW_PAGES]; /* by view id; made as they are met */
    struct view_counters other_views;                      /* of greater ids */
};

extern const struct histogram_bounds request_time_bounds, batch_bounds, age_bounds; /* us; count */

/* All workers' at once. */
struct counters {
    size_t worker_count;
    struct worker_counters *workers;
};

void counters_init(struct counters *counters, size_t worker_count);
void counters_release(struct counters *counters);

/* For the worker, which alone may ask; the view's counters are made if they are not there. */
struct view_counters *counters_of_view(struct worker_counters *counters, uint32_t view_id);
void counters_add_answer(struct method_counters *counters, unsigned code, int64_t time_us,
                         size_t answer_size);
void counters_add_read(struct worker_counters *counters, size_t key_count, int64_t time_us,
                       bool failed);
/* The rows of a finished lookup, and behind its answer the nulls that were met. */
void counters_add_rows(struct worker_counters *counters, const struct lookup *lookup,
                       int64_t now_us);
void counters_add_nulls(struct worker_counters *counters, const struct lookup *lookup);

/* For who reads: NULL where the worker never met the view. */
const struct view_counters *counters_find_view(const struct worker_counters *counters,
                                               uint32_t view_id);

#endif
