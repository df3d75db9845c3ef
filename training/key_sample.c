/* key_sample.c - see key_sample.h. */
#include "training/key_sample.h"

#include "base/error.h"

#include <assert.h>
#include <stdlib.h>

enum { FIRST_CAPACITY = 1024 };

static void make_slots(struct key_sample *sample)
{
    free(sample->slots);
    sample->slot_count = 2 * sample->capacity;
    sample->slots = calloc(sample->slot_count, sizeof *sample->slots);
    if (!sample->slots)
        out_of_memory();
}

void key_sample_init(struct key_sample *sample, size_t key_limit, size_t byte_limit)
{
    assert(key_limit > 0 && key_limit <= KEY_SAMPLE_MAX);
    *sample = (struct key_sample){.to = UINT64_MAX,
                                  .capacity = FIRST_CAPACITY,
                                  .key_limit = key_limit,
                                  .byte_limit = byte_limit};
    arena_init(&sample->arena, 0);
    sample->keys = calloc(sample->capacity, sizeof *sample->keys);
    if (!sample->keys)
        out_of_memory();
    make_slots(sample);
}

void key_sample_release(struct key_sample *sample)
{
    arena_release(&sample->arena);
    free(sample->keys);
    free(sample->slots);
    *sample = (struct key_sample){0};
}

static bool is_in_range(const struct key_sample *sample, uint64_t hash)
{
    return hash >= sample->from && hash <= sample->to;
}

/* The slot of a key, or the empty one where it belongs. Hashes of a range begin alike, so their
 * lower bits choose. */
static uint32_t *find_slot(const struct key_sample *sample, struct bytes key, uint64_t hash)
{
    size_t mask = sample->slot_count - 1;
    for (size_t at = (size_t)hash & mask;; at = (at + 1) & mask) {
        uint32_t *slot = &sample->slots[at];
        if (*slot == 0)
            return slot;
        const struct sampled_key *held = &sample->keys[*slot - 1];
        if (held->hash == hash && bytes_equal(held->key, key))
            return slot;
    }
}

static void fill_slots(struct key_sample *sample)
{
    for (size_t i = 0; i < sample->count; i++)
        *find_slot(sample, sample->keys[i].key, sample->keys[i].hash) = (uint32_t)i + 1;
}

static void grow(struct key_sample *sample)
{
    sample->capacity *= 2;
    sample->keys = reallocarray(sample->keys, sample->capacity, sizeof *sample->keys);
    if (!sample->keys)
        out_of_memory();
    make_slots(sample);
    fill_slots(sample);
}

struct bytes key_sample_copy(struct key_sample *sample, struct bytes row)
{
    return arena_bytes(&sample->arena, row);
}

/* Moves what stays into an arena of its own, so that memory really shrinks. */
static void keep_only(struct key_sample *sample, bool is_wanted(const struct sampled_key *))
{
    struct arena kept;
    size_t count = 0;
    arena_init(&kept, 0);
    for (size_t i = 0; i < sample->count; i++) {
        struct sampled_key *key = &sample->keys[i];
        if (!is_in_range(sample, key->hash) || (is_wanted && !is_wanted(key)))
            continue;
        key->key = arena_bytes(&kept, key->key);
        key->served = arena_bytes(&kept, key->served);
        key->other = arena_bytes(&kept, key->other);
        sample->keys[count++] = *key;
    }
    arena_release(&sample->arena);
    sample->arena = kept;
    sample->count = count;
    memset(sample->slots, 0, sample->slot_count * sizeof *sample->slots);
    fill_slots(sample);
}

static bool is_too_large(const struct key_sample *sample)
{
    size_t bytes = sample->arena.used_bytes + sample->count * sizeof *sample->keys;
    return sample->count > sample->key_limit || bytes > sample->byte_limit;
}

bool key_sample_fit(struct key_sample *sample)
{
    bool has_moved = false;
    while (!sample->is_closed && is_too_large(sample) && sample->to > sample->from) {
        sample->to = sample->from + (sample->to - sample->from) / 2;
        keep_only(sample, NULL);
        has_moved = true;
    }
    return has_moved;
}

struct sampled_key *key_sample_put(struct key_sample *sample, struct bytes key, uint64_t hash)
{
    if (!is_in_range(sample, hash))
        return NULL;
    uint32_t *slot = find_slot(sample, key, hash);
    if (*slot)
        return &sample->keys[*slot - 1];
    if (sample->is_closed)
        return NULL;
    if (sample->count == sample->capacity)
        grow(sample);
    sample->keys[sample->count++] =
        (struct sampled_key){.key = arena_bytes(&sample->arena, key), .hash = hash};
    *find_slot(sample, key, hash) = (uint32_t)sample->count;
    key_sample_fit(sample);
    slot = find_slot(sample, key, hash);
    return *slot ? &sample->keys[*slot - 1] : NULL;
}

void key_sample_close(struct key_sample *sample, bool is_wanted(const struct sampled_key *))
{
    keep_only(sample, is_wanted);
    sample->is_closed = true;
}

bool key_sample_next(struct key_sample *sample)
{
    uint64_t width = sample->to - sample->from;
    if (sample->to == UINT64_MAX)
        return false;
    sample->from = sample->to + 1;
    sample->to = width > UINT64_MAX - sample->from ? UINT64_MAX : sample->from + width;
    sample->is_closed = false;
    sample->count = 0;
    arena_reset(&sample->arena);
    memset(sample->slots, 0, sample->slot_count * sizeof *sample->slots);
    return true;
}

double key_sample_share(const struct key_sample *sample)
{
    return ((double)(sample->to - sample->from) + 1) / 18446744073709551616.0;
}
