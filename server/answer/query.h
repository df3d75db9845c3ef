/*
 * query.h - one request for features, in the form that every API's decoder makes and the lookup
 * reads.
 *
 * Which features (a plan), of which entities (a column of values for each of the plan's keys), and
 * how the answer is to look. A decoder also gathers its columns here, so that what makes a request
 * wrong (a key missing, columns of different lengths, too many entities) is said in one way by all
 * APIs. Lives in the arena of its batch, and borrows from the message.
 */
#ifndef LARDER_SERVER_ANSWER_QUERY_H
#define LARDER_SERVER_ANSWER_QUERY_H

#include "base/arena.h"
#include "base/error.h"
#include "base/value.h"
#include "server/answer/plan.h"
#include "server/answer/snapshot.h"
#include "server/answer/wire.h"

#include <stdbool.h>

struct asked;

/* What one request may ask for; past it, EXHAUSTED. */
struct query_limits {
    size_t max_entities;
    size_t max_features;
    size_t max_lookups; /* entities times views: rows that one request may read */
    size_t max_bytes;   /* of memory, before its rows are read */
};

struct query {
    size_t arena_max; /* what the arena may hold once the request was read */
    const struct snapshot *snapshot;
    const struct plan *plan;
    size_t row_count;
    struct value **keys; /* [plan->key_count][row_count]; NULL until its column was read */
    /* How the answer is to look; each API has its own. */
    bool with_statuses, with_event_times, without_names, with_versions;
    const struct bytes **key_texts; /* [plan->key_count][row_count]: as they stand in the request */
};

/* The first thing that a decoder does. */
void query_begin(struct query *query, const struct query_limits *limits, const struct arena *arena);
/* Finds or makes the plan. NOT_FOUND and INVALID as in snapshot.h; EXHAUSTED: too many features. */
enum status query_plan(struct query *query, const struct snapshot *snapshot,
                       const struct asked *asked, const struct query_limits *limits,
                       struct arena *arena, struct error *err);
/* The plan's key of that name, or -1. */
int query_find_key(const struct query *query, struct bytes name);
/* After all columns were read: sets row_count from those that are there. INVALID names the key that
 * is missing or differs in length, or says that there are no entities; EXHAUSTED: too many. */
enum status query_check_columns(struct query *query, const size_t *row_counts,
                                const struct query_limits *limits, struct error *err);
/* That one more row than `row_count` is not too many. */
enum status query_check_rows(size_t row_count, const struct query_limits *limits,
                             struct error *err);
/* That the request has not taken more memory than it may: asked after each step that takes some. */
enum status query_check_memory(const struct query *query, const struct arena *arena,
                               struct error *err);
/* That a value may be a key of its type: text is text, a time in range, an int32 fits. INVALID. */
enum status query_check_value(const struct plan_key *key, const struct value *value, size_t row,
                              struct error *err);

/* For messages: "driver" of a key's name. */
#define NAME_SHOWN(name) (int)((name).size < 100 ? (name).size : 100), (const char *)(name).data

#endif
