/*
 * api.h - one way to ask for features on the wire: how its requests read, how its answers are
 * written.
 *
 * All meaning lies between the two, in query.h and lookup.h, and is the same for every API. Neither
 * function keeps anything; both may run on any number of threads.
 */
#ifndef LARDER_SERVER_ANSWER_API_H
#define LARDER_SERVER_ANSWER_API_H

#include "base/arena.h"
#include "base/error.h"
#include "server/answer/lookup.h"
#include "server/answer/query.h"
#include "server/answer/snapshot.h"
#include "server/answer/wire.h"

struct api {
    const char *method; /* "/package.Service/Method" */
    /* INVALID: no message of this kind, or one that asks for nothing that can be answered; else as
     * query.h. The query borrows from the message and the snapshot; the rest is in the arena. */
    enum status (*read)(struct bytes message, const struct snapshot *snapshot,
                        const struct query_limits *limits, struct arena *arena, struct query *query,
                        struct error *err);
    /* Writes the answer in front of what the writer holds; scratch memory from the arena. */
    void (*write)(const struct lookup *lookup, struct arena *arena, struct wire_writer *writer);
};

extern const struct api larder_v1_api;
extern const struct api feast_serving_api;

#endif
