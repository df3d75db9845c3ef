/*
 * worker.h - one thread that answers reads: a completion queue, an online store handle and a batch.
 *
 *     wait for one event, then take all that are ready without waiting
 *     decode each request, read the keys of all at once, encode each answer, start each reply;
 *         and once more, for some ms, while requests wait that were too many for one batch
 *     read some of the keys of a large request, if there is one
 *
 * Requests that come on streams (streams.h) wait, are read and are answered among the unary calls.
 *
 * Large is a request that needs a batch of its own: one at a time is read, some keys a round,
 * so that nobody waits for it but its caller. A call beyond what may be here (calls.h) is refused
 * as soon as it is seen, which is within one timeout of the store. A call whose deadline has
 * passed, or would before the round is over (pace.h), is not looked up; none may take longer than
 * the setting server.max_call. A request that met a row of newer definitions, or may lack one for
 * theirs, is set aside until they were read again, while others are answered.
 *
 * What a worker holds has a maximum: requests that wait and answers that were not taken yet
 * (calls.h: max_held_bytes each, and 56 MiB of small ones), one answer as it is made, and two
 * batches (batch.h). With the default limits that is 2 x 184 + 64 + 330 + 490 MiB. For ordinary
 * calls it is a few; some 30 of what large ones needed are kept for the next. What streams hold is
 * counted there; their state is 7 MiB at the most.
 *
 * A worker ends by itself when the server is stopped and its last call is done.
 */
#ifndef LARDER_SERVER_WORKER_H
#define LARDER_SERVER_WORKER_H

#include "base/error.h"
#include "config/settings.h"
#include "server/answer/query.h"
#include "server/answer/snapshot.h"
#include "server/calls.h"
#include "server/reload.h"
#include "server/standby.h"
#include "server/store_watch.h"
#include "store/online/near_cache.h"

#include <grpc/grpc.h>

struct worker;

enum { WORKER_API_COUNT = CALLS_METHOD_COUNT };

/* What all workers share; it outlives them. */
struct worker_context {
    const struct settings *settings;
    grpc_server *server;
    void *methods[WORKER_API_COUNT]; /* as registered, in the order of worker_apis */
    void *stream_method;
    struct snapshot_cell *cell;
    struct reload *reload;
    const struct store_watch *store_watch;
    struct standby *standby;
    struct near_cache *near_cache;   /* NULL: none */
    const struct counters *counters; /* one for each worker */
    struct query_limits limits;
    size_t max_answer_bytes; /* one */
    size_t max_held_bytes;   /* of requests, and of answers; at least one of each fits */
};

struct api;
extern const struct api *const worker_apis[WORKER_API_COUNT];

/* Before the server starts: its queue is made and registered. `number` is its own among the
 * workers. */
enum status worker_open(const struct worker_context *context, size_t number, struct worker **worker,
                        struct error *err);
/* Once the server has started. */
enum status worker_start(struct worker *worker, struct error *err);
/* Waits until the worker has ended. */
void worker_join(struct worker *worker);
/* After joining, or without a start; before the server is destroyed. Accepts NULL. */
void worker_close(struct worker *worker);

#endif
