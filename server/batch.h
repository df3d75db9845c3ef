/*
 * batch.h - a handful of requests that are answered together, with one read of the online store.
 *
 * This is a worker's round without gRPC: bytes in, bytes or a status out, so that tests, the fuzzer
 * and the server share it. A request that is wrong fails alone; a store that is away fails those
 * that needed it. A request that met a row of an unknown schema number is not answered but given
 * back: the caller has newer definitions read and adds it to a later batch.
 *
 *     batch_begin(&batch, snapshot, now_us);
 *     for each request: batch_add(&batch, &larder_v1_api, bytes);
 *     batch_read(&batch, store);
 *     for each request: batch_answer(&batch, i, &writer, &err);
 *
 * Requests are borrowed until their answer. One thread.
 */
#ifndef LARDER_SERVER_BATCH_H
#define LARDER_SERVER_BATCH_H

#include "base/arena.h"
#include "base/error.h"
#include "server/api.h"
#include "server/lookup.h"
#include "server/query.h"
#include "server/snapshot.h"
#include "server/wire.h"
#include "store/online/online_store.h"

#include <stdbool.h>

enum {
    BATCH_REQUESTS_MAX = 256,
    BATCH_KEYS_ENOUGH = 16 * 1024, /* a batch with so many keys takes no further request */
};

struct batch_request {
    const struct api *api;
    struct query query;
    struct lookup lookup;
    enum status status; /* of what was done so far */
    const char *message;
};

struct batch {
    struct query_limits limits;
    struct arena arena;
    const struct snapshot *snapshot;
    int64_t now_us;
    struct batch_request requests[BATCH_REQUESTS_MAX];
    size_t count;
    struct key_list keys;
    struct bytes *rows;
};

void batch_init(struct batch *batch, const struct query_limits *limits);
void batch_release(struct batch *batch);

/* Forgets the batch before. The snapshot outlives the batch. */
void batch_begin(struct batch *batch, const struct snapshot *snapshot, int64_t now_us);
/* Whether one more request may be added. */
bool batch_has_room(const struct batch *batch);
/* Reads a request; what is wrong with it is said by its answer. Its number is the count before. */
void batch_add(struct batch *batch, const struct api *api, struct bytes request);
/* Reads all keys at once. Where that fails, all requests that have keys fail with its status. */
void batch_read(struct batch *batch, struct online_store *store);
/* Writes one answer (the writer is cleared first). *needs_definitions: nothing was written, and the
 * status is what to say if there are no newer definitions to try. EXHAUSTED: too large an answer.
 */
enum status batch_answer(struct batch *batch, size_t number, struct wire_writer *writer,
                         bool *needs_definitions, struct error *err);

#endif
