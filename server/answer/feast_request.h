/*
 * feast_request.h - the decoder of feast.serving.GetOnlineFeaturesRequest, for feast_serving.c
 * alone.
 *
 * Columns that no asked feature needs are ignored, as Feast's own server does; of a join key that
 * is given twice the last counts, as in any protobuf map. A Value with nothing set is a null, which
 * is how Feast's clients send one.
 */
#ifndef LARDER_SERVER_ANSWER_FEAST_REQUEST_H
#define LARDER_SERVER_ANSWER_FEAST_REQUEST_H

#include "server/answer/query.h"

/* Numbers of the members of feast.types.Value. */
enum {
    FEAST_BYTES = 1,
    FEAST_STRING = 2,
    FEAST_INT32 = 3,
    FEAST_INT64 = 4,
    FEAST_DOUBLE = 5,
    FEAST_FLOAT = 6,
    FEAST_BOOL = 7,
    FEAST_UNIX_TIMESTAMP = 8,
    FEAST_LIST = 10, /* added to the number of what it lists */
    FEAST_NULL = 19,
};

/* As api.read says. */
enum status feast_read(struct bytes message, const struct snapshot *snapshot,
                       const struct query_limits *limits, struct arena *arena, struct query *query,
                       struct error *err);

#endif
