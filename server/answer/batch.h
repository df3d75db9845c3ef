/*
 * batch.h - a handful of requests that are answered together, with one read of the online store.
 *
 * This is a worker's round without gRPC: bytes in, bytes or a status out, so that tests, the fuzzer
 * and the server share it. A request that is wrong fails alone; a store that is away fails those
 * that needed it. A request that met a row of newer definitions, or lacks one that these may have
 * moved, is not answered but given back: the caller has newer ones read and adds it to a later
 * batch.
 *
 *     batch_begin(&batch, snapshot, now_us);
 *     for each request: batch_add(&batch, &larder_v1_api, bytes);
 *     batch_read(&batch, store);
 *     for each request: batch_answer(&batch, i, &writer, &err);
 *
 * What a batch holds is bounded whatever is asked, and by whomever. It takes no further request
 * once it has one of the ..._ENOUGH below. At the most it holds: messages of MESSAGES_ENOUGH and
 * one more; for the requests, BYTES_ENOUGH and limits.max_bytes; 180 bytes for each row asked for,
 * of which there are LOOKUPS_ENOUGH and ALONE_LOOKUPS; and rows of ONLINE_READ_BYTES_MAX.
 *
 * LOOKUPS_ENOUGH is what stays within a core's caches, rows and answers together; more at once is
 * slower. A request for more rows than ALONE_LOOKUPS gets a batch of its own, which is read in
 * steps, so that its caller alone waits for all of them. That holds limits.max_lookups rows, and
 * twice their bytes while a step is read:
 *
 *     batch_begin(&batch, snapshot, now_us);
 *     batch_add_alone(&batch, &larder_v1_api, bytes);
 *     while (!batch_read_step(&batch, store)) do something else
 *     batch_answer(&batch, 0, &writer, &err);
 *
 * Requests are borrowed until their answer. One thread.
 */
#ifndef LARDER_SERVER_ANSWER_BATCH_H
#define LARDER_SERVER_ANSWER_BATCH_H

#include "base/arena.h"
#include "base/error.h"
#include "server/answer/api.h"
#include "server/answer/lookup.h"
#include "server/answer/query.h"
#include "server/answer/snapshot.h"
#include "server/answer/wire.h"
#include "store/online/online_store.h"

#include <stdbool.h>

enum {
    BATCH_REQUESTS_MAX = 256,
    BATCH_STEP_KEYS = 4000,
    BATCH_LOOKUPS_ENOUGH = 512,                     /* entities times views */
    BATCH_ALONE_LOOKUPS = 16 * 1024,                /* of one request; see below */
    BATCH_MESSAGES_ENOUGH = 32 * 1024 * 1024,       /* bytes, once expanded */
    BATCH_BYTES_ENOUGH = BATCH_MESSAGES_ENOUGH / 2, /* of memory, before rows are read */
};

struct batch_request {
    const struct api *api;
    struct query query;
    struct lookup lookup;
    enum status status; /* of what was done so far */
    const char *message;
};

struct worker_counters;

struct batch {
    struct query_limits limits;
    struct worker_counters *counters; /* NULL: nobody counts; the caller sets it */
    struct arena arena;
    struct arena row_arena; /* of one read of the store */
    const struct snapshot *snapshot;
    int64_t now_us;
    struct batch_request requests[BATCH_REQUESTS_MAX];
    size_t count;
    size_t lookup_count;
    size_t message_bytes;
    struct online_store *store;
    struct key_list keys;
    struct bytes *rows;
    size_t read_count, row_bytes; /* of the steps that were read */
    bool is_divided; /* the rows are too large to be had at once: each request reads its own */
    /* Whether the definitions were the newest when the last rows had been read. */
    enum newest { NEWEST_UNASKED, NEWEST_YES, NEWEST_NO, NEWEST_UNKNOWN } newest;
    const char *newest_message; /* of the last two */
};

void batch_init(struct batch *batch, const struct query_limits *limits);
void batch_release(struct batch *batch);

/* Forgets the batch before. The snapshot outlives the batch. */
void batch_begin(struct batch *batch, const struct snapshot *snapshot, int64_t now_us);
/* Whether one more request may be added. */
bool batch_has_room(const struct batch *batch);
/* Reads a request; what is wrong with it is said by its answer. Its number is the count before.
 * false: it was not added, because it needs a batch of its own. */
bool batch_add(struct batch *batch, const struct api *api, struct bytes request);
/* Any request, to a batch without one. */
void batch_add_alone(struct batch *batch, const struct api *api, struct bytes request);
/* Counts what was read of a message that does not become a request. */
void batch_count_message(struct batch *batch, size_t size);
/* Reads all keys at once. Where that fails, all requests that have keys fail with its status. */
void batch_read(struct batch *batch, struct online_store *store);
/* Instead of that, for one request: reads the next BATCH_STEP_KEYS keys. true: it was the last
 * step, or it failed. */
bool batch_read_step(struct batch *batch, struct online_store *store);
/* Writes one answer (the writer is cleared first). What was found for another may be gone then.
 * *needs_definitions: nothing was written, and the status is what to say if there are no newer
 * definitions to try: a row is of a schema that these do not know, or is absent, and these are not
 * the newest. EXHAUSTED: too large an answer, or too large rows. */
enum status batch_answer(struct batch *batch, size_t number, struct wire_writer *writer,
                         bool *needs_definitions, struct error *err);

#endif
