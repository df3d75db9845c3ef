/*
 * standby.h - polls for gRPC while no worker does.
 *
 * gRPC core moves bytes only in threads that wait on a polling queue: one of those that wait polls
 * for all connections, and when it leaves with an event, the next one is woken to poll instead.
 * Handing that over costs two switches of threads for each event, which is more than a request
 * itself costs (docs/benchmarks.md). So nobody but the workers waits on such a queue. The price is
 * that nobody polls while all of them are busy with a store that hangs, and that health and new
 * connections would have to wait, too. Then this thread polls.
 *
 * It looks every STANDBY_LOOK_MS whether all workers are still where they were at the last look,
 * and away from their queue; it sleeps while nothing is asked. A worker that has not started yet,
 * or has ended, counts as busy, so that a server can be opened and stopped without any.
 */
#ifndef LARDER_SERVER_STANDBY_H
#define LARDER_SERVER_STANDBY_H

#include "base/error.h"

#include <stddef.h>

struct standby;

enum { STANDBY_LOOK_MS = 10 };

/* All workers are busy. FAILED: no thread can be started. */
enum status standby_start(size_t worker_count, struct standby **standby, struct error *err);
/* When no worker runs any more. Accepts NULL. */
void standby_stop(struct standby *standby);

/* The worker with that number, in turns: it goes to poll its queue; it is busy elsewhere. */
void standby_off(struct standby *standby, size_t worker);
void standby_on(struct standby *standby, size_t worker);

#endif
