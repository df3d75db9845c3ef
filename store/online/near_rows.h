/*
 * near_rows.h - the near cache's rows, which many threads read and one keeps right.
 *
 * Whoever reads the store for others (near_cache.c) looks here first, then asks the store for what
 * is missing and offers its answers. Whoever hears of writes (redis_tracking.c) has keys forgotten,
 * and says until when that can be relied on: past it, nobody is given anything from here. So what
 * is given is never older than the time between a promise and its end, whichever thread is late.
 *
 * A write may be heard of while an answer from before it is still on its way: a ticket, taken when
 * the key was missing and before the store was asked, tells, and that answer is not kept.
 *
 * All memory is taken at once and never grows: a row costs its size, its key's, and about 30 bytes.
 * A row of more than about a fortieth of its shard (of 3 to 6 MiB) is not kept. Any thread.
 */
#ifndef LARDER_STORE_ONLINE_NEAR_ROWS_H
#define LARDER_STORE_ONLINE_NEAR_ROWS_H

#include "base/arena.h"
#include "base/bytes.h"
#include "base/error.h"
#include "store/online/near_shard.h"

#include <stdbool.h>
#include <stdint.h>

enum { NEAR_ROWS_MIN = 1024 * 1024 };

struct near_rows;

/* max_bytes: of all that it ever takes, at least NEAR_ROWS_MIN. EXHAUSTED: there is not that much
 * memory. */
enum status near_rows_open(uint64_t max_bytes, struct near_rows **rows, struct error *err);
void near_rows_close(struct near_rows *rows); /* accepts NULL */

/* Whether anything may be taken from here at this time, of timestamp_monotonic_us. Once it was not,
 * and somebody went past, all is forgotten before it may be again: what he was given may be newer.
 */
bool near_rows_are_right(struct near_rows *rows, int64_t now_us);

struct near_ticket {
    uint64_t hash;
    uint32_t version;
};
/* The store's answer for a key, copied into the arena (absent where the store has none); or false,
 * and a ticket for the answer that the store is now asked for. */
bool near_rows_look(struct near_rows *rows, struct bytes key, struct arena *arena,
                    struct bytes *row, struct near_ticket *ticket);
void near_rows_keep(struct near_rows *rows, struct bytes key, struct bytes row,
                    const struct near_ticket *ticket);
/* Somebody was given this row past the cache, which may be right again meanwhile: no older row is
 * given from here after it. */
void near_rows_raise(struct near_rows *rows, struct bytes key, struct bytes row);

/* For who hears of writes. */
void near_rows_forget(struct near_rows *rows, struct bytes key);
void near_rows_clear(struct near_rows *rows);
/* Writes before until_us less the bound on staleness have been heard of. 0: nothing is known. */
void near_rows_trust_until(struct near_rows *rows, int64_t until_us);

/* Of all its life, but for entries and bytes. */
void near_rows_count(struct near_rows *rows, struct near_counts *counts);

#endif
