/* row_batch.c - see row_batch.h. */
#include "materializer/row_batch.h"

#include "base/hash.h"

#include <assert.h>
#include <stdlib.h>

void row_batch_init(struct row_batch *batch, size_t capacity, size_t byte_limit)
{
    assert(capacity > 0 && capacity < UINT32_MAX / 4);
    *batch = (struct row_batch){.capacity = capacity, .byte_limit = byte_limit, .slot_count = 4};
    while (batch->slot_count < 2 * capacity)
        batch->slot_count *= 2;
    arena_init(&batch->arena, byte_limit);
    batch->writes = calloc(capacity, sizeof *batch->writes);
    batch->slots = calloc(batch->slot_count, sizeof *batch->slots);
    if (!batch->writes || !batch->slots)
        out_of_memory();
}

void row_batch_release(struct row_batch *batch)
{
    arena_release(&batch->arena);
    free(batch->writes);
    free(batch->slots);
    *batch = (struct row_batch){0};
}

void row_batch_clear(struct row_batch *batch)
{
    arena_reset(&batch->arena);
    memset(batch->slots, 0, batch->slot_count * sizeof *batch->slots);
    batch->count = 0;
    batch->superseded = 0;
}

bool row_batch_is_full(const struct row_batch *batch)
{
    return batch->count == batch->capacity || batch->arena.used_bytes >= batch->byte_limit;
}

/* The slot of a key, or the empty one where it belongs. */
static uint32_t *find_slot(struct row_batch *batch, struct bytes key)
{
    size_t mask = batch->slot_count - 1;
    for (size_t at = (size_t)bytes_hash(key) & mask;; at = (at + 1) & mask) {
        uint32_t *slot = &batch->slots[at];
        if (*slot == 0 || bytes_equal(batch->writes[*slot - 1].key, key))
            return slot;
    }
}

/* Rows of one schema mostly have one size: then the newer takes the older one's place in memory. */
static void replace_row(struct row_batch *batch, struct online_write *write, struct bytes row,
                        int64_t expires_at_us)
{
    if (write->row.size == row.size)
        memcpy((void *)(uintptr_t)write->row.data, row.data, row.size);
    else
        write->row = arena_bytes(&batch->arena, row);
    write->expires_at_us = expires_at_us;
}

void row_batch_put(struct row_batch *batch, struct bytes key, struct bytes row,
                   int64_t expires_at_us)
{
    assert(row.size >= ROW_HEADER_SIZE);
    uint32_t *slot = find_slot(batch, key);
    if (*slot) {
        struct online_write *write = &batch->writes[*slot - 1];
        batch->superseded++;
        if (memcmp(row.data, write->row.data, ROW_TRIPLE_SIZE) > 0)
            replace_row(batch, write, row, expires_at_us);
        return;
    }
    assert(batch->count < batch->capacity);
    batch->writes[batch->count] = (struct online_write){
        .key = arena_bytes(&batch->arena, key),
        .row = arena_bytes(&batch->arena, row),
        .expires_at_us = expires_at_us,
    };
    *slot = (uint32_t)++batch->count;
}
