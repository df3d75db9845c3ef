/*
 * asked.h - the head of a request: what it asks for, and where its entity columns are.
 *
 * Both contracts have it alike, down to the numbers of the fields; what is a contract's own (its
 * flags, what a column looks like) it says in an asked_contract. Nothing is looked into but the
 * list of features: columns are read later, against the plan, and only those that a feature needs.
 * Lives in the arena of its batch, and borrows from the message.
 */
#ifndef LARDER_SERVER_ANSWER_ASKED_H
#define LARDER_SERVER_ANSWER_ASKED_H

#include "base/arena.h"
#include "base/bytes.h"
#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>

struct query;
struct query_limits;

struct asked {
    struct bytes service;     /* absent if features are listed */
    struct bytes *references; /* view:feature */
    size_t reference_count, reference_capacity;
    struct bytes *columns; /* messages, in the order in which they stand in the request */
    size_t column_count, column_capacity;
    bool full_names;
};

struct asked_contract {
    const char *request_name, *list_name; /* of the messages: "larder.v1.FeatureList" */
    /* Which of the query's flags a field of that number sets; NULL: none. */
    bool *(*flag)(struct query *query, uint32_t number);
};

/* Of the two ways to say what is asked for, the one that comes last counts. INVALID: no message;
 * EXHAUSTED: past max_features, or a thousand columns. */
enum status asked_read(struct bytes message, const struct asked_contract *contract,
                       struct query *query, const struct query_limits *limits, struct arena *arena,
                       struct asked *asked, struct error *err);

#endif
