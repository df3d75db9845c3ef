/*
 * pace.h - what a call costs a worker that has more of them than a batch takes, and so which call
 * would wait in vain.
 *
 * While a batch takes all that wait, the pace is unknown and nobody is refused for it. A batch that
 * leaves calls waiting teaches it, and is believed for a second. A new call is then taken in only
 * if those before it take a quarter of the time that it has. The rest is for what an estimate does
 * not know (large and small calls in turn, a slow round, the way back), and to be soon rid of: a
 * longer queue answers no more, and fills what a connection may have open: then calls wait at their
 * caller's, where nobody refuses them, and come when they are nearly late. So the queue is never
 * longer than can be answered in time, and a worker that is asked for twice what it can do still
 * does what it can: to refuse costs a few us, where an answer that comes too late costs as much as
 * one that is in time. For the same reason a batch takes no more calls than are answered before the
 * first of their deadlines, and drops a call that has less time left than that.
 *
 * One large call fills a batch, too. It must not pass for what all calls cost, or short deadlines
 * would be refused by a worker that has time. So a few calls raise the pace by little; batches that
 * leave none waiting lower it, but do not raise it, since a store's round trip for one call is not
 * the cost of each of many; and the first call of a batch is tried whatever the pace is, since
 * nothing is learnt where nothing is answered.
 *
 * Pure: the caller says what time it is. One thread.
 */
#ifndef LARDER_SERVER_PACE_H
#define LARDER_SERVER_PACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct pace {
    double call_us;
    double call_count;      /* of which that is known, up to a limit */
    int64_t known_until_us; /* all zero: nothing is known */
};

/* A batch of so many calls began at begin_us, and what it cost was over at now_us. left_some: calls
 * still waited then. */
void pace_note(struct pace *pace, size_t call_count, bool left_some, int64_t begin_us,
               int64_t now_us);
/* Whether a call with so much time left is to be taken in behind so many. */
bool pace_takes_in(const struct pace *pace, int64_t now_us, size_t waiting_count, int64_t left_us);
/* Whether a batch of so many calls and one more is over within that time. */
bool pace_has_time(const struct pace *pace, int64_t now_us, size_t call_count, int64_t left_us);

#endif
