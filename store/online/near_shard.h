/*
 * near_shard.h - one part of the near cache's rows: keys and what the store answered for them, in a
 * fixed piece of memory.
 *
 * Entries stand back to back in two rings, of which the oldest leaves first, as in S3-FIFO ("FIFO
 * queues are all you need for cache eviction", Yang and others, SOSP 2023): a new key enters the
 * small ring, and goes on to the main one if it was asked for twice more before it reached that
 * ring's end (or if there is room), so that keys asked for once do not drive out those that are
 * asked for all the time. What is asked for in the main ring goes around it again, up to three
 * times. Ghosts, a table of tags in which a newer takes an older's place, remember what left: it
 * enters the main ring if it comes back soon.
 *
 * All memory is the caller's, of a size that near_shard_init is told; nothing is allocated after.
 * An answer that was forgotten keeps its entry, which its key's next answer fills again. A tag is
 * 32 bits of the key's hash. One thread at a time: near_rows.c has the locks.
 */
#ifndef LARDER_STORE_ONLINE_NEAR_SHARD_H
#define LARDER_STORE_ONLINE_NEAR_SHARD_H

#include "base/bytes.h"

#include <stdbool.h>
#include <stdint.h>

enum { NEAR_SHARD_MIN = 256 * 1024, NEAR_VERSIONS = 256 };

struct near_ring {
    uint8_t *memory;
    uint32_t size;       /* bytes */
    uint32_t first, end; /* the oldest entry; where the next one goes */
    uint32_t used;       /* bytes from first to end */
};

struct near_counts {
    uint64_t hits, misses;  /* keys that were asked for */
    uint64_t evictions;     /* answers that left for want of room */
    uint64_t invalidations; /* keys that were written to, kept or not */
    uint64_t entries;       /* answers that are there now */
    uint64_t bytes;         /* taken now, with all that is around the rows */
};

struct near_shard {
    uint8_t *memory; /* both rings; places in it are counted in 8 bytes, from 1; 0: none */
    struct near_ring small, main;
    uint32_t *buckets, bucket_count; /* places of entries, which link to the next */
    uint32_t *ghosts, ghost_count;
    uint32_t entry_max;               /* bytes; larger ones are not kept */
    uint32_t versions[NEAR_VERSIONS]; /* by tag: see near_shard_version */
    struct near_counts counts;
    uint64_t fixed_bytes; /* beside the rings */
};

/* memory is of `bytes`, at least NEAR_SHARD_MIN, zeroed and aligned to 8. */
void near_shard_init(struct near_shard *shard, void *memory, uint64_t bytes);

/* The answer for a key; false where it is not known. The row is absent where the store has none,
 * and stands in the shard, until the next call. */
bool near_shard_look(struct near_shard *shard, uint32_t tag, struct bytes key, struct bytes *row);

/* A number that changes whenever an answer for this tag may have become another. Read before the
 * store is asked, it tells whether the store's answer may be kept. */
static inline uint32_t near_shard_version(const struct near_shard *shard, uint32_t tag)
{
    return shard->versions[tag % NEAR_VERSIONS];
}

/* Keeps an answer, unless the version is another by now. Of two answers that differ, the
 * invalidation of the older one is on its way: until it comes the greater row stays, so that nobody
 * is given an older row than somebody before. */
void near_shard_keep(struct near_shard *shard, uint32_t tag, struct bytes key, struct bytes row,
                     uint32_t version);
/* Somebody was given this row, which may not be kept, or not any more: until the key is written to,
 * no older one is. */
void near_shard_raise(struct near_shard *shard, uint32_t tag, struct bytes key, struct bytes row);
/* The key was written to. */
void near_shard_forget(struct near_shard *shard, uint32_t tag, struct bytes key);
/* Anything may have been written to. */
void near_shard_clear(struct near_shard *shard);

/* What it has done and holds. */
void near_shard_count(const struct near_shard *shard, struct near_counts *counts);

#endif
