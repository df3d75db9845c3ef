/* partitions.c - see partitions.h. In the machine's own byte order: nobody else reads it. */
#include "training/partitions.h"

#include <stdlib.h>

enum { FILTER_BITS_MIN = 1 << 16 };

static void *zeroed(size_t count, size_t size)
{
    void *memory = calloc(count + 1, size);
    if (!memory)
        out_of_memory();
    return memory;
}

static struct spilled *sequences(struct spill *spill, size_t count)
{
    struct spilled *made = zeroed(count, sizeof *made);
    for (size_t i = 0; i < count; i++)
        spilled_init(&made[i], spill);
    return made;
}

void partitions_init(struct partitions *partitions, struct spill *spill, size_t lane_count,
                     size_t view_count, size_t count, size_t filter_bytes)
{
    *partitions = (struct partitions){
        .count = count,
        .lane_count = lane_count,
        .view_count = view_count,
        .asks = sequences(spill, lane_count * count),
        .rows = sequences(spill, view_count * count),
        .answers = sequences(spill, view_count * count),
        .locks = zeroed(view_count * count, sizeof *partitions->locks),
        .filters = zeroed(lane_count, sizeof *partitions->filters),
        .filter_bits = FILTER_BITS_MIN,
    };
    while (partitions->filter_bits * 2 <= filter_bytes * 8)
        partitions->filter_bits *= 2;
    for (size_t i = 0; i < view_count * count; i++)
        pthread_mutex_init(&partitions->locks[i], NULL);
    for (size_t i = 0; i < lane_count; i++)
        partitions->filters[i] = zeroed(partitions->filter_bits / 8, 1);
}

static void release_all(struct spilled *what, size_t count)
{
    for (size_t i = 0; i < count && what; i++)
        spilled_release(&what[i]);
    free(what);
}

void partitions_release(struct partitions *partitions)
{
    size_t count = partitions->count;
    release_all(partitions->asks, partitions->lane_count * count);
    release_all(partitions->rows, partitions->view_count * count);
    release_all(partitions->answers, partitions->view_count * count);
    for (size_t i = 0; i < partitions->view_count * count; i++)
        pthread_mutex_destroy(&partitions->locks[i]);
    for (size_t i = 0; i < partitions->lane_count; i++)
        free(partitions->filters[i]);
    free(partitions->filters);
    free(partitions->locks);
    *partitions = (struct partitions){0};
}

void partitions_rewind(const struct partitions *partitions, struct spilled *what, size_t rows)
{
    for (size_t i = 0; i < rows * partitions->count; i++)
        spilled_rewind(&what[i]);
}

/* Writing ------------------------------------------------------------------------------------- */

struct ask_head {
    int64_t at_us;
    uint32_t key_size;
};
struct row_head {
    int64_t eligible_from_us;
    uint32_t key_size, packed_size;
};

static size_t bit_of(const struct partitions *partitions, uint64_t hash)
{
    return (size_t)(hash & (partitions->filter_bits - 1));
}

enum status partitions_add_ask(struct partitions *partitions, size_t lane, struct bytes key,
                               uint64_t hash, int64_t at_us, struct error *err)
{
    struct spilled *asks = partitions_asks(partitions, lane, partition_of(partitions, hash));
    struct ask_head head = {at_us, (uint32_t)key.size};
    size_t bit = bit_of(partitions, hash);
    partitions->filters[lane][bit / 8] |= (uint8_t)(1u << bit % 8);
    enum status status = spilled_append(asks, &head, sizeof head, err);
    return status ? status : spilled_append(asks, key.data, key.size, err);
}

bool partitions_want(const struct partitions *partitions, size_t lane, uint64_t hash)
{
    size_t bit = bit_of(partitions, hash);
    return partitions->filters[lane][bit / 8] >> bit % 8 & 1;
}

enum status partitions_add_row(struct partitions *partitions, size_t view, struct bytes key,
                               uint64_t hash, int64_t eligible_from_us, struct bytes packed,
                               struct error *err)
{
    size_t part = partition_of(partitions, hash);
    struct spilled *rows = partitions_rows(partitions, view, part);
    pthread_mutex_t *lock = &partitions->locks[view * partitions->count + part];
    struct row_head head = {eligible_from_us, (uint32_t)key.size, (uint32_t)packed.size};
    pthread_mutex_lock(lock);
    enum status status = spilled_append(rows, &head, sizeof head, err);
    if (!status)
        status = spilled_append(rows, key.data, key.size, err);
    if (!status)
        status = spilled_append(rows, packed.data, packed.size, err);
    pthread_mutex_unlock(lock);
    return status;
}

enum status partitions_add_answer(struct partitions *partitions, size_t view, size_t part,
                                  struct bytes packed, struct error *err)
{
    struct spilled *answers = partitions_answers(partitions, view, part);
    uint32_t size = (uint32_t)packed.size;
    enum status status = spilled_append(answers, &size, sizeof size, err);
    return status ? status : spilled_append(answers, packed.data, packed.size, err);
}

/* Reading ------------------------------------------------------------------------------------- */

static enum status take(struct spilled *from, struct buffer *into, size_t size, struct error *err)
{
    bool end;
    buffer_clear(into);
    uint8_t *at = buffer_reserve(into, size + 1);
    into->size = size;
    enum status status = spilled_read(from, at, size, &end, err);
    return !status && end && size > 0
               ? fail(err, STATUS_CORRUPT, "what was put aside ends within a row")
               : status;
}

enum status partitions_next_ask(struct spilled *asks, struct buffer *key, int64_t *at_us, bool *end,
                                struct error *err)
{
    struct ask_head head;
    enum status status = spilled_read(asks, &head, sizeof head, end, err);
    if (status || *end)
        return status;
    *at_us = head.at_us;
    return take(asks, key, head.key_size, err);
}

enum status partitions_next_row(struct spilled *rows, struct buffer *key, int64_t *eligible_from_us,
                                struct buffer *packed, bool *end, struct error *err)
{
    struct row_head head;
    enum status status = spilled_read(rows, &head, sizeof head, end, err);
    if (status || *end)
        return status;
    *eligible_from_us = head.eligible_from_us;
    status = take(rows, key, head.key_size, err);
    return status ? status : take(rows, packed, head.packed_size, err);
}

enum status partitions_next_answer(struct spilled *answers, struct buffer *packed,
                                   struct error *err)
{
    uint32_t size = 0;
    bool end;
    enum status status = spilled_read(answers, &size, sizeof size, &end, err);
    if (!status && end)
        status = fail(err, STATUS_CORRUPT, "an answer that was put aside is not there");
    return status ? status : take(answers, packed, size, err);
}
