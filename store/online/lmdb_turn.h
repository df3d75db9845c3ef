/*
 * lmdb_turn.h - whose turn it is to write to, or to open, an LMDB folder.
 *
 * LMDB lets one write at a time, too, but those who wait for its lock wait without end, for a
 * process that is stopped, say, and it may pass by one who waits as often as another is quicker.
 * So whoever writes takes a turn first: with a deadline, and in such a way that who has just
 * written lets one who waits go first. The turns are locks of the system on a file beside the data,
 * so that they end with their process, however it ends.
 *
 * Each handle has turns of its own, also within a process. One thread.
 */
#ifndef LARDER_STORE_ONLINE_LMDB_TURN_H
#define LARDER_STORE_ONLINE_LMDB_TURN_H

#include <stdbool.h>
#include <stdint.h>

struct lmdb_turn {
    int file; /* -1: not open */
};

/* The file is made if it is not there. 0, or what errno says. */
int lmdb_turn_open(struct lmdb_turn *turn, const char *folder);
void lmdb_turn_close(struct lmdb_turn *turn);

/* Waits until a time on the clock of timestamp_monotonic_us; false when it has passed. */
bool lmdb_turn_take(const struct lmdb_turn *turn, int64_t deadline_us);
void lmdb_turn_give(const struct lmdb_turn *turn);
/* The same, of those who open the folder. */
bool lmdb_turn_take_opening(const struct lmdb_turn *turn, int64_t deadline_us);
void lmdb_turn_give_opening(const struct lmdb_turn *turn);

#endif
