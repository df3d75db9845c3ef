/*
 * ask_index.h - the times that each key asks for, in order: where a row of history belongs.
 *
 * A slot is one key at one time; asks that are alike share it. A key's slots stand side by side,
 * by time. First all asks are added, then it is settled, then it is searched: a row belongs to the
 * first slot at or behind the time from which it is eligible, and stays eligible for all behind.
 *
 * Keys are those of one view, or of all views that take the same asking columns. Adding is for one
 * thread; once it is settled nothing changes, and any thread may search.
 */
#ifndef LARDER_TRAINING_ASK_INDEX_H
#define LARDER_TRAINING_ASK_INDEX_H

#include "base/buffer.h"
#include "base/value.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SLOT_NONE UINT32_MAX
enum { ASK_INDEX_MAX = 1 << 30 }; /* asks in one */

struct ask_index {
    /* Keys, encoded and back to back; the hash table holds their numbers from 1. */
    struct buffer keys;
    size_t *key_ends; /* [key_count]: of each in keys */
    uint32_t *table;  /* [table_size], a power of two, at most half full */
    uint8_t *tags;    /* [table_size]: a byte of the hash, so that few keys are compared */
    uint32_t key_count, key_capacity, table_size;
    /* Asks in their order: first the number of the key, and once settled the slot. */
    uint32_t *slots; /* SLOT_NONE: a null key */
    int64_t *times;  /* of asks, until settled; then of slots */
    uint32_t ask_count, ask_capacity;
    uint32_t *runs; /* [key_count + 1], once settled: where a key's slots begin */
    uint32_t slot_count;
};

void ask_index_init(struct ask_index *index);
void ask_index_release(struct ask_index *index); /* accepts one that is zeroed */

/* Appends a tuple of keys as the index compares them; int32 and int64 alike. false: one is null. */
bool ask_index_encode(const struct value *const *keys, size_t count, struct buffer *encoded);

/* key: encoded; data NULL: it has a null. */
void ask_index_add(struct ask_index *index, struct bytes key, uint64_t hash, int64_t at_us);
void ask_index_settle(struct ask_index *index);

/* The slot of the n-th ask, from 0. */
static inline uint32_t ask_index_slot(const struct ask_index *index, uint32_t ask)
{
    return index->slots[ask];
}
/* The first slot of the key at or behind the time; SLOT_NONE: nobody asks for that. */
uint32_t ask_index_find(const struct ask_index *index, struct bytes key, uint64_t hash,
                        int64_t from_us);
static inline int64_t ask_index_time(const struct ask_index *index, uint32_t slot)
{
    return index->times[slot];
}

#endif
