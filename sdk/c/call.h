/*
 * call.h - one call of one method: bytes out, bytes back, or an error in words.
 *
 * client.c makes one for each function of larder.h that asks the server. Many threads may make
 * calls on one channel at once.
 */
#ifndef LARDER_SDK_CALL_H
#define LARDER_SDK_CALL_H

#include "sdk/c/include/larder/larder.h"

#include <grpc/grpc.h>

#include <stddef.h>
#include <stdint.h>

struct larder_call {
    grpc_channel *channel;
    const char *target; /* for messages */
    const char *method; /* static: "/package.Service/Method" */
    int timeout_ms;
};

/* Sends the question, which comes from malloc() and is taken over, and waits for the answer, which
 * is the caller's to free(); NULL unless LARDER_OK. err may be NULL. Any result. */
enum larder_result larder_call_run(const struct larder_call *call, uint8_t *question,
                                   size_t question_size, uint8_t **answer, size_t *answer_size,
                                   struct larder_error *err);

#endif
