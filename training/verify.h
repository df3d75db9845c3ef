/*
 * verify.h - whether training equals serving: the rows that are served against the latest rows of
 * history, key by key, value by value, bit by bit.
 *
 * Called by `larder verify`. It reads and writes nothing, on either side. Keys are sampled by their
 * hash (key_sample.h), or all compared; each view is read in one pass over the online store's keys
 * and one over its history, or several where the keys do not fit into memory at once. Others go on
 * writing meanwhile, so what differs is looked at again VERIFY_PAUSE_MS later, on both sides, and
 * counts only if it differs still.
 *
 * What must be served is the latest row that the last run of materialize has to have seen: one
 * whose event time, and created time if it is known, are no later than the view's watermark. What
 * came later is "behind": no difference, since batch runs lag. A view of which no such thing can be
 * said (it was never materialized, or its next run writes it whole) is not compared.
 */
#ifndef LARDER_TRAINING_VERIFY_H
#define LARDER_TRAINING_VERIFY_H

#include "base/arena.h"
#include "base/error.h"
#include "base/value.h"
#include "store/offline/offline_store.h"
#include "store/online/online_store.h"
#include "store/registry/registry.h"
#include "training/comparison.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum { VERIFY_PAUSE_MS = 1000 };

enum verify_state {
    VERIFY_COMPARED,
    VERIFY_NEVER,   /* never materialized */
    VERIFY_STALE,   /* the next run rewrites it whole, */
    VERIFY_PENDING, /* or beside the rows that are served */
    VERIFY_CHANGED, /* by an apply, or a run that rebuilt it, while it was compared */
};

/* A feature whose values differ. */
struct verified_value {
    const char *feature;
    bool is_lacking; /* the served row has no such column */
    struct value online, history;
};

/* A key to show. */
struct verified_key {
    enum verdict verdict;
    const struct value *keys; /* [key_count of the view]; NULL: they cannot be told */
    bool has_online, has_history;
    int64_t online_us, history_us; /* event times: of the served row, of the one it ought to be */
    const char *problem;           /* why the served row cannot be read; NULL */
    const struct verified_value *values;
    size_t value_count;
};

struct verified_view {
    const char *view;
    enum verify_state state;
    const char *reason; /* why it is not compared, as the registry has it; NULL */
    bool has_watermark;
    int64_t watermark_us;
    const char *const *key_names;
    size_t key_count;
    const char *const *features;
    size_t feature_count;
    uint64_t keys; /* that were compared */
    double share;  /* the part of all keys that they are, about; 1: all */
    uint64_t counts[VERDICT_COUNT];
    uint64_t recent; /* missing or stale ones whose rows the next run reads again: they lie within
                        the source's lookback */
    const uint64_t *different, *ambiguous; /* by feature: how many keys differ, or are ambiguous,
                                              in it */
    uint64_t left_out, long_keys, misfits; /* source rows, and values, as materialize counts them */
    const struct verified_key *shown;      /* by verdict */
    size_t shown_count;
};

enum verify_phase { VERIFY_READS_ONLINE, VERIFY_READS_HISTORY, VERIFY_LOOKS_AGAIN };

struct verify_stores {
    struct offline_store *offline;
    struct online_store *online;
    struct registry *registry;
};

struct verify_request {
    const struct catalog *catalog; /* as it was read last */
    const char *const *views;      /* names; NULL: every view that is online */
    size_t view_count;
    size_t sample;    /* at most so many keys of a view; 0: all */
    size_t bytes_max; /* memory for keys and their rows */
    size_t show;      /* at most so many keys of each verdict and view */
    /* May be NULL. expected: how many rows there will be; 0: not known. */
    void (*progress)(void *context, const char *view, enum verify_phase phase, uint64_t rows,
                     uint64_t expected);
    void *context;
    const atomic_bool *stop; /* NULL, or ends it when it becomes true (CANCELLED) */
};

/* Compares view after view; views and count (in the arena) tell how far it came, on an error, too.
 * NOT_FOUND: no such view; INVALID: a view that is not online (*views is NULL where the call is
 * wrong), or a misfit; CONFLICT: the online store belongs to another registry. */
enum status verify(const struct verify_stores *stores, const struct verify_request *request,
                   struct arena *arena, struct verified_view **views, size_t *count,
                   struct error *err);

#endif
