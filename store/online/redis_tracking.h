/*
 * redis_tracking.h - hears from Redis of every row that is written, on a thread of its own, and so
 * keeps the near cache's rows right.
 *
 * One connection asks for tracking, its news redirected to itself, and subscribes to them, which is
 * how the older protocol (RESP2) gets them. Tracking broadcasts: Redis tells of all keys that begin
 * as rows do, whoever reads them. The other way, where Redis remembers who has read which key,
 * costs it memory for each key cached, drops keys when that table is full, and needs every reading
 * connection to be told anew whenever this one is. Here there is one thing to lose.
 *
 * News come in the order of writes, and a ping's answer comes behind all news of writes that were
 * acknowledged before the ping was sent. So an answer lets the rows be trusted until TRUST_MS after
 * its ping's sending, without regard to how late this thread is. Pings are sent every PING_MS; when
 * two are not answered in time, the connection ends, Redis closes it (as it does to a client that
 * lets too much lie unread), or anything strange is heard, then all rows are forgotten and none are
 * trusted, until a new connection is tracked. The log has one line for each such change. A flush of
 * the database is told as such, and forgets all rows, too.
 *
 * After a failover behind a name or an address, this connection and one that reads may have ended
 * up with different Redises. So each handle that reads asks, once for each connection, whether both
 * are the same.
 *
 * A row that expires is told of when Redis gets to removing it, which may be late, and does no
 * harm: rows expire a day after their ttl, and from a row of that age nothing is served
 * (server/answer/lookup.c).
 */
#ifndef LARDER_STORE_ONLINE_REDIS_TRACKING_H
#define LARDER_STORE_ONLINE_REDIS_TRACKING_H

#include "base/error.h"
#include "config/settings.h"
#include "store/online/near_rows.h"

#include <stdbool.h>
#include <stdint.h>

struct online_store;
struct redis_tracking;

/* The settings and the rows outlive it. INVALID: the url is none. */
enum status redis_tracking_start(const struct settings *settings, struct near_rows *rows,
                                 struct redis_tracking **tracking, struct error *err);
/* What a handle on the store knows of its own connection; all zero at first. */
struct redis_sameness {
    uint64_t connection, tracking; /* the numbers of those of which it is known */
    uint64_t given_up_for;         /* that of tracking: once for each */
    bool is_same;
};
/* Whether a handle reads from the Redis that is heard of; asks it where either of the two has
 * connected anew since. Where it is another, both connect anew, this one at most every ten seconds;
 * so does the handle where it is not known. Any thread. */
bool redis_tracking_is_of(struct redis_tracking *tracking, struct online_store *store,
                          struct redis_sameness *known);
/* Whether neither of the two has connected anew since. */
bool redis_sameness_lasts(const struct redis_tracking *tracking, struct online_store *store,
                          const struct redis_sameness *known);

/* How often the news were lost that had been heard before. Any thread. */
uint64_t redis_tracking_losses(const struct redis_tracking *tracking);
/* Within a second or two; accepts NULL. */
void redis_tracking_stop(struct redis_tracking *tracking);

#endif
