/* ask_index.c - see ask_index.h. */
#include "training/ask_index.h"

#include "base/error.h"
#include "base/hash.h"

#include <assert.h>
#include <stdlib.h>

enum { TABLE_FIRST = 1024, ASKS_FIRST = 1024, SHORT_RUN = 12 };

static void *resized(void *array, size_t count, size_t size)
{
    void *memory = realloc(array, count * size + 1);
    if (!memory)
        out_of_memory();
    return memory;
}

static void *zeroed(size_t count, size_t size)
{
    void *memory = calloc(count + 1, size);
    if (!memory)
        out_of_memory();
    return memory;
}

void ask_index_init(struct ask_index *index)
{
    *index = (struct ask_index){.table_size = TABLE_FIRST};
    buffer_init(&index->keys, 0);
    index->table = zeroed(TABLE_FIRST, sizeof *index->table);
    index->tags = zeroed(TABLE_FIRST, sizeof *index->tags);
}

void ask_index_release(struct ask_index *index)
{
    buffer_release(&index->keys);
    free(index->key_ends);
    free(index->table);
    free(index->tags);
    free(index->slots);
    free(index->times);
    free(index->runs);
    *index = (struct ask_index){0};
}

/* Keys ---------------------------------------------------------------------------------------- */

bool ask_index_encode(const struct value *const *keys, size_t count, struct buffer *encoded)
{
    for (size_t i = 0; i < count; i++) {
        const struct value *key = keys[i];
        if (key->is_null)
            return false;
        if (type_width(key->type) == 0) {
            uint64_t size = key->bytes.size;
            buffer_append(encoded, &size, sizeof size);
            buffer_append(encoded, key->bytes.data, key->bytes.size);
            continue;
        }
        int64_t number = key->type == TYPE_BOOL    ? key->boolean
                         : key->type == TYPE_INT32 ? key->int32
                                                   : key->int64;
        buffer_append(encoded, &number, sizeof number);
    }
    return true;
}

static struct bytes key_of(const struct ask_index *index, uint32_t key)
{
    size_t from = key == 0 ? 0 : index->key_ends[key - 1];
    return (struct bytes){index->keys.data + from, index->key_ends[key] - from};
}

static uint8_t tag_of(uint64_t hash)
{
    return (uint8_t)(hash >> 56);
}

/* Where the key stands in the table, or the free place where it would. */
static size_t place_of(const struct ask_index *index, struct bytes key, uint64_t hash)
{
    size_t place = hash & (index->table_size - 1);
    while (index->table[place] && (index->tags[place] != tag_of(hash) ||
                                   !bytes_equal(key_of(index, index->table[place] - 1), key)))
        place = (place + 1) & (index->table_size - 1);
    return place;
}

static void grow_table(struct ask_index *index)
{
    uint32_t old_size = index->table_size;
    uint32_t *old = index->table;
    free(index->tags);
    index->table_size *= 2;
    index->table = zeroed(index->table_size, sizeof *index->table);
    index->tags = zeroed(index->table_size, sizeof *index->tags);
    for (uint32_t i = 0; i < old_size; i++) {
        if (!old[i])
            continue;
        uint64_t hash = bytes_hash(key_of(index, old[i] - 1));
        size_t place = hash & (index->table_size - 1);
        while (index->table[place])
            place = (place + 1) & (index->table_size - 1);
        index->table[place] = old[i];
        index->tags[place] = tag_of(hash);
    }
    free(old);
}

static uint32_t add_key(struct ask_index *index, size_t place, struct bytes key, uint64_t hash)
{
    if (index->key_count == index->key_capacity) {
        index->key_capacity = index->key_capacity ? 2 * index->key_capacity : ASKS_FIRST;
        index->key_ends = resized(index->key_ends, index->key_capacity, sizeof *index->key_ends);
    }
    buffer_append(&index->keys, key.data, key.size);
    index->key_ends[index->key_count++] = index->keys.size;
    index->table[place] = index->key_count;
    index->tags[place] = tag_of(hash);
    uint32_t number = index->key_count - 1;
    if (index->key_count > index->table_size / 2)
        grow_table(index);
    return number;
}

void ask_index_add(struct ask_index *index, struct bytes key, uint64_t hash, int64_t at_us)
{
    uint32_t number = SLOT_NONE;
    assert(index->ask_count < ASK_INDEX_MAX);
    if (key.data) {
        size_t place = place_of(index, key, hash);
        number = index->table[place] ? index->table[place] - 1 : add_key(index, place, key, hash);
    }
    if (index->ask_count == index->ask_capacity) {
        index->ask_capacity = index->ask_capacity ? 2 * index->ask_capacity : ASKS_FIRST;
        index->slots = resized(index->slots, index->ask_capacity, sizeof *index->slots);
        index->times = resized(index->times, index->ask_capacity, sizeof *index->times);
    }
    index->times[index->ask_count] = at_us;
    index->slots[index->ask_count++] = number;
}

/* Settling ------------------------------------------------------------------------------------ */

struct timed {
    int64_t at_us;
    uint32_t ask;
};

static int compare_times(const void *left, const void *right)
{
    const struct timed *a = left, *b = right;
    return (a->at_us > b->at_us) - (a->at_us < b->at_us);
}

static void sort_run(struct timed *run, size_t count)
{
    if (count > SHORT_RUN) {
        qsort(run, count, sizeof *run, compare_times);
        return;
    }
    for (size_t i = 1; i < count; i++) {
        struct timed moved = run[i];
        size_t place = i;
        for (; place > 0 && run[place - 1].at_us > moved.at_us; place--)
            run[place] = run[place - 1];
        run[place] = moved;
    }
}

/* The asks of a key side by side; ends[key] is where its run ends. */
static struct timed *gather(const struct ask_index *index, uint32_t *ends)
{
    uint32_t total = 0;
    for (uint32_t i = 0; i < index->ask_count; i++)
        if (index->slots[i] != SLOT_NONE)
            ends[index->slots[i]]++;
    for (uint32_t k = 0; k < index->key_count; k++) {
        uint32_t count = ends[k];
        ends[k] = total;
        total += count;
    }
    struct timed *asks = zeroed(total, sizeof *asks);
    for (uint32_t i = 0; i < index->ask_count; i++)
        if (index->slots[i] != SLOT_NONE)
            asks[ends[index->slots[i]]++] = (struct timed){index->times[i], i};
    return asks;
}

/* Equal times share a slot. Slots are never more than asks, so that times can be overwritten. */
void ask_index_settle(struct ask_index *index)
{
    uint32_t *ends = zeroed(index->key_count, sizeof *ends);
    struct timed *asks = gather(index, ends);
    index->runs = zeroed(index->key_count + 1, sizeof *index->runs);
    for (uint32_t k = 0, from = 0; k < index->key_count; from = ends[k++]) {
        sort_run(asks + from, ends[k] - from);
        index->runs[k] = index->slot_count;
        for (uint32_t i = from; i < ends[k]; i++) {
            if (i == from || asks[i].at_us != asks[i - 1].at_us)
                index->times[index->slot_count++] = asks[i].at_us;
            index->slots[asks[i].ask] = index->slot_count - 1;
        }
    }
    index->runs[index->key_count] = index->slot_count;
    free(asks);
    free(ends);
    index->times = resized(index->times, index->slot_count, sizeof *index->times);
    index->slots = resized(index->slots, index->ask_count, sizeof *index->slots);
}

/* Searching ----------------------------------------------------------------------------------- */

uint32_t ask_index_find(const struct ask_index *index, struct bytes key, uint64_t hash,
                        int64_t from_us)
{
    uint32_t number = index->table[place_of(index, key, hash)];
    if (!number)
        return SLOT_NONE;
    uint32_t low = index->runs[number - 1], end = index->runs[number], high = end;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (index->times[middle] < from_us)
            low = middle + 1;
        else
            high = middle;
    }
    return low < end ? low : SLOT_NONE;
}
