/*
 * larder_v1_stream.h - the messages of larder.v1.FeatureService/StreamFeatures, which hold those of
 * GetFeatures: proto/larder/v1/feature_service.proto.
 *
 * What is in them is read and written as for a unary call (api.h); here is what stands around it.
 * Nothing is kept, and any bytes are safe.
 */
#ifndef LARDER_SERVER_ANSWER_LARDER_V1_STREAM_H
#define LARDER_SERVER_ANSWER_LARDER_V1_STREAM_H

#include "base/error.h"
#include "server/answer/wire.h"

#include <stdint.h>

struct streamed_request {
    uint64_t id;
    struct bytes request; /* borrowed; empty if there is none, which asks for nothing */
    uint32_t timeout_ms;  /* 0: none was given */
};

/* INVALID: no such message, or one with more than one request in it. */
enum status streamed_request_read(struct bytes message, struct streamed_request *streamed,
                                  struct error *err);

enum { STREAMED_HEAD_MAX = 24 };

/* What stands before the bytes of an answer; returns its size. */
size_t streamed_answer_head(uint64_t id, size_t answer_size, uint8_t head[STREAMED_HEAD_MAX]);
/* A whole message; the writer is cleared first. code: as gRPC numbers them. */
void streamed_failure_write(uint64_t id, int code, const char *message, struct wire_writer *writer);

#endif
