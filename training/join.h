/*
 * join.h - the answers to the rows that ask: for each, in their order, what every view of the
 * selection held as of its time.
 *
 * Called by training_set.c: open, ask for every row, run, then take one answer a row. Each view is
 * answered by probes into the database's indexes or by a pass over its history (pass.h), whichever
 * is estimated to cost less; the answers are the same, and all of one snapshot. One thread.
 */
#ifndef LARDER_TRAINING_JOIN_H
#define LARDER_TRAINING_JOIN_H

#include "base/error.h"
#include "store/offline/offline_store.h"

#include <stdatomic.h>

enum join_strategy { JOIN_BY_COST, JOIN_PROBE, JOIN_PASS };

struct join_options {
    enum join_strategy strategy; /* for all views, instead of what costs less */
    uint64_t memory_bytes;       /* about so much is held in memory; 0: TRAINING_MEMORY_DEFAULT */
    const atomic_bool *stop;     /* NULL, or CANCELLED soon after it is set */
};
#define TRAINING_MEMORY_DEFAULT (UINT64_C(512) << 20)

struct training_join;

/* What the request and the options hold is borrowed until close. Statuses of offline_join_check. */
enum status training_join_open(struct offline_store *store, const struct join_request *request,
                               const struct join_options *options, struct training_join **join,
                               struct error *err);
/* keys: [selection->key_count], nulls allowed. INVALID: a time outside the years 1 to 9999. */
enum status training_join_ask(struct training_join *join, const struct value *keys, int64_t at_us,
                              struct error *err);
/* How it would be run, and why, once all have asked. Running is still to come, or left. */
struct explained_view {
    const char *name; /* or the alias */
    enum join_strategy strategy;
    const char *reason;
    bool is_served;           /* an index serves probes */
    uint64_t rows;            /* that a pass would read, estimated */
    double probe_ms, pass_ms; /* that either would take, estimated roughly */
    int64_t from_us, to_us;   /* the event times that matter; INT64_MIN: from the beginning */
};
struct join_explanation {
    uint64_t asks;
    const struct explained_view *views; /* of the selection, in its order */
    size_t view_count;
    bool leaves_uncounted; /* source rows left out are not counted, which would cost too much */
    size_t pass_parts;     /* 0: nothing is passed; 1: in memory; more: put aside on disk */
};
enum status training_join_explain(struct training_join *join, struct arena *arena,
                                  struct join_explanation *explanation, struct error *err);
enum status training_join_run(struct training_join *join, struct error *err);
/* *row NULL is the end. Borrowed until the next call. */
enum status training_join_next(struct training_join *join, const struct joined_row **row,
                               struct error *err);
/* Complete once the end was seen. */
const struct join_counts *training_join_counts(struct training_join *join);
/* Bytes that memory did not hold, and that lay on disk meanwhile. */
uint64_t training_join_put_aside(const struct training_join *join);
void training_join_close(struct training_join *join); /* accepts NULL */

#endif
