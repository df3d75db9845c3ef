/*
 * reflection.h - what grpc.reflection says, without gRPC:
 * proto/grpc/reflection/v1/reflection.proto.
 *
 * Questions and answers of v1 and v1alpha are the same bytes. A question that has no answer is
 * answered, too: with an ErrorResponse. All that is told is in the contracts, which are public.
 */
#ifndef LARDER_SERVER_CONTROL_REFLECTION_H
#define LARDER_SERVER_CONTROL_REFLECTION_H

#include "base/bytes.h"
#include "base/error.h"
#include "server/answer/wire.h"

enum {
    REFLECTION_REQUEST_MAX = 16 * 1024,
    REFLECTION_ANSWER_MAX = 512 * 1024, /* far more than all contracts have */
};

/* Writes the answer to one request, of REFLECTION_REQUEST_MAX at most. INVALID: it is no
 * ServerReflectionRequest, and nothing is to be answered. */
enum status reflection_answer(struct bytes request, struct wire_writer *writer, struct error *err);

#endif
