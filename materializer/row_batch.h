/*
 * row_batch.h - the newest row of each key, gathered up to a limit of memory.
 *
 * History holds many rows of an entity, and only the newest will stand: those that a later one of
 * the same batch beats are never sent. The materializer fills one batch while another is being
 * written. Order is that of the rows' triples (base/row.h), so it does not matter in which order
 * rows come. One thread at a time.
 */
#ifndef LARDER_MATERIALIZER_ROW_BATCH_H
#define LARDER_MATERIALIZER_ROW_BATCH_H

#include "base/arena.h"
#include "store/online/online_store.h"

#include <stdbool.h>
#include <stdint.h>

struct row_batch {
    struct arena arena; /* keys and rows */
    struct online_write *writes;
    size_t count, capacity;
    uint32_t *slots;   /* hash table of index + 1 into writes; 0 is empty */
    size_t slot_count; /* a power of two, over twice the capacity */
    size_t byte_limit;
    uint64_t
        superseded; /* rows that a newer one of this batch replaced, or that were older than it */
};

/* Room for `capacity` keys and about byte_limit bytes of them and their rows. */
void row_batch_init(struct row_batch *batch, size_t capacity, size_t byte_limit);
void row_batch_release(struct row_batch *batch);
void row_batch_clear(struct row_batch *batch);

/* Whether another row may be put; a batch always takes one. */
bool row_batch_is_full(const struct row_batch *batch);
/* Copies key and row. */
void row_batch_put(struct row_batch *batch, struct bytes key, struct bytes row,
                   int64_t expires_at_us);

#endif
