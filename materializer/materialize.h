/*
 * materialize.h - copies the newest values of feature views from history into the online store.
 *
 * Called by `larder materialize`. A view's run samples a source position, takes a snapshot in which
 * all up to it is visible, streams the rows of its window, and writes each key's newest one
 * conditionally. Its watermark moves only after the store has acknowledged every row, so a run that
 * fails anywhere can simply be run again. Memory is bounded whatever the size of the history.
 *
 * What a run reads (design, section 5): all that ttl plus a day allows, the first time, or when the
 * view is stale or the store has lost writes; else what has changed since the watermark less the
 * source's lookback; or, with `from`, exactly the event times asked for, which leaves the watermark
 * alone.
 *
 * A rebuild is a run that fills a pending generation (store/registry/registry.h), whatever was
 * asked for, beside the rows that are served, and then has readers go over to it. The rows of
 * before stay for SWEEP_AFTER_MS (sweep.h), once for all views, until all servers have heard.
 * Whoever finds at the end that others have gone over meanwhile records what it wrote as removed,
 * and runs again as things are then. With `rebuild`, views get a pending generation first: that
 * takes away what an ordinary run leaves, rows whose history was deleted or edited in place.
 */
#ifndef LARDER_MATERIALIZER_MATERIALIZE_H
#define LARDER_MATERIALIZER_MATERIALIZE_H

#include "base/arena.h"
#include "base/error.h"
#include "store/offline/offline_store.h"
#include "store/online/online_store.h"
#include "store/registry/registry.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* Why a run read what it read. */
enum run_kind {
    RUN_INCREMENTAL,
    RUN_FIRST,
    RUN_STALE,
    RUN_LOST_WRITES,
    RUN_WINDOW,
    RUN_REBUILD,
};

struct run_counts {
    uint64_t read;       /* rows that history gave */
    uint64_t expected;   /* rows that history's planner thinks it will give; 0: it does not say */
    uint64_t written;    /* now stand in the online store */
    uint64_t older;      /* met a row as new or newer there */
    uint64_t superseded; /* beaten by a newer row of the same run before they were sent */
    uint64_t left_out;   /* null or infinite event time, or a null key */
    uint64_t long_keys;  /* left out for a key over 480 bytes */
    uint64_t misfits;    /* values read as null */
};

struct view_run {
    const char *view;
    enum run_kind kind;
    const char *reason;     /* why it is stale or rebuilt; NULL otherwise */
    int64_t from_us, to_us; /* the window; from_us INT64_MIN: from the beginning */
    int64_t started_us;     /* monotonic */
    struct run_counts counts;
    double seconds;
};

/* What happens meanwhile. Each may be NULL; all are called on the caller's thread. */
struct materialize_listener {
    void *context;
    void (*progress)(void *context, const struct view_run *run); /* a few times a second */
    void (*done)(void *context, const struct view_run *run);
    void (*warning)(void *context, const char *text);
};

struct materialize_stores {
    struct offline_store *offline;
    struct online_store *online;
    struct registry *registry;
};

struct materialize_request {
    const struct catalog *catalog; /* as it was read last */
    const char *const *views;      /* names; NULL: every view that is online */
    size_t view_count;
    bool has_from, has_to;
    int64_t from_us, to_us;
    bool rebuild; /* each of them, whether it has to be or not */
    struct materialize_listener listener;
    const atomic_bool *stop; /* NULL, or ends the run when it becomes true (CANCELLED) */
};

/* Runs view after view. On an error the views before it are done and stay so; runs (in the arena,
 * one a view that was begun) tells how far it came. An apply meanwhile is followed: a view that was
 * not begun runs as it is then, or is left out with a warning if it is gone. NOT_FOUND: no such
 * view; INVALID: a view that is not online, from after to, rebuild with either, a misfit; CONFLICT:
 * the online store belongs, or by now belongs, to another registry; FAILED: it lost rows while
 * others were written.
 */
enum status materialize(const struct materialize_stores *stores,
                        const struct materialize_request *request, struct arena *arena,
                        struct view_run **runs, size_t *run_count, struct error *err);

#endif
