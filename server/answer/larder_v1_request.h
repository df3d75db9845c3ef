/*
 * larder_v1_request.h - the decoder of larder.v1.GetFeaturesRequest, for larder_v1.c alone.
 *
 * A message is walked twice: once for what is asked and where its columns are, then each column
 * against the plan. So a column that nobody needs is never unpacked.
 */
#ifndef LARDER_SERVER_ANSWER_LARDER_V1_REQUEST_H
#define LARDER_SERVER_ANSWER_LARDER_V1_REQUEST_H

#include "server/answer/query.h"

/* As api.read says. */
enum status larder_v1_read(struct bytes message, const struct snapshot *snapshot,
                           const struct query_limits *limits, struct arena *arena,
                           struct query *query, struct error *err);

#endif
