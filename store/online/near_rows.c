/* near_rows.c - see near_rows.h. */
#include "store/online/near_rows.h"

#include "base/keyed_hash.h"

#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>

enum { SHARD_BYTES = 4 * 1024 * 1024, SHARDS_MAX = 64 * 1024, PAGE = 4096 };

/* A lock of its own for each shard, and a cache line of its own for each lock. */
struct guarded_shard {
    _Alignas(64) pthread_mutex_t mutex;
    struct near_shard shard;
};

struct near_rows {
    struct hash_secret secret;
    _Atomic int64_t right_until_us;
    atomic_bool is_passed; /* somebody has seen that they are not right */
    uint64_t memory_bytes;
    void *memory;         /* of all shards */
    uint32_t shard_count; /* a power of two */
    struct guarded_shard shards[];
};

/* Shards of about SHARD_BYTES, so that few threads meet in one; larger ones where they would be too
 * many. */
static uint32_t count_shards(uint64_t max_bytes)
{
    uint32_t count = 1;
    while (count < SHARDS_MAX && max_bytes / count > SHARD_BYTES + SHARD_BYTES / 2)
        count *= 2;
    return count;
}

static void *take_memory(uint64_t bytes)
{
    if (bytes > SIZE_MAX)
        return NULL;
    void *memory =
        mmap(NULL, (size_t)bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return memory == MAP_FAILED ? NULL : memory;
}

enum status near_rows_open(uint64_t max_bytes, struct near_rows **opened, struct error *err)
{
    assert(max_bytes >= NEAR_ROWS_MIN);
    uint32_t count = count_shards(max_bytes);
    size_t size = (sizeof(struct near_rows) + count * sizeof(struct guarded_shard) + 63) & ~63UL;
    uint64_t shard_bytes = (max_bytes - size) / count / PAGE * PAGE;
    void *memory = take_memory(shard_bytes * count);
    if (!memory)
        return fail(err, STATUS_EXHAUSTED,
                    "online_store.near_cache: there is no memory for %llu MiB: set it smaller",
                    (unsigned long long)(max_bytes >> 20));
    struct near_rows *rows = aligned_alloc(64, size);
    if (!rows)
        out_of_memory();
    memset(rows, 0, size);
    rows->secret = hash_secret_draw();
    rows->memory_bytes = shard_bytes * count;
    rows->memory = memory;
    rows->shard_count = count;
    for (uint32_t i = 0; i < count; i++) {
        pthread_mutex_init(&rows->shards[i].mutex, NULL);
        near_shard_init(&rows->shards[i].shard, (uint8_t *)memory + i * shard_bytes, shard_bytes);
    }
    *opened = rows;
    return STATUS_OK;
}

void near_rows_close(struct near_rows *rows)
{
    if (!rows)
        return;
    for (uint32_t i = 0; i < rows->shard_count; i++)
        pthread_mutex_destroy(&rows->shards[i].mutex);
    munmap(rows->memory, (size_t)rows->memory_bytes);
    free(rows);
}

bool near_rows_are_right(struct near_rows *rows, int64_t now_us)
{
    if (atomic_load(&rows->is_passed))
        return false;
    if (now_us < atomic_load(&rows->right_until_us))
        return true;
    atomic_store(&rows->is_passed, true);
    return false;
}

/* Who passes while this runs is asked to raise what he was given. */
void near_rows_trust_until(struct near_rows *rows, int64_t until_us)
{
    bool is_passed = atomic_load(&rows->is_passed);
    if (is_passed)
        near_rows_clear(rows);
    atomic_store(&rows->right_until_us, until_us);
    if (is_passed)
        atomic_store(&rows->is_passed, false);
}

/* The low bits of the hash choose the shard, the high ones are the tag in it. */
static struct near_shard *enter(struct near_rows *rows, uint64_t hash)
{
    struct guarded_shard *shard = &rows->shards[hash & (rows->shard_count - 1)];
    pthread_mutex_lock(&shard->mutex);
    return &shard->shard;
}

static void leave(struct near_rows *rows, uint64_t hash)
{
    pthread_mutex_unlock(&rows->shards[hash & (rows->shard_count - 1)].mutex);
}

static inline uint32_t tag_of(uint64_t hash)
{
    return (uint32_t)(hash >> 32);
}

bool near_rows_look(struct near_rows *rows, struct bytes key, struct arena *arena,
                    struct bytes *row, struct near_ticket *ticket)
{
    uint64_t hash = keyed_hash(&rows->secret, key);
    struct near_shard *shard = enter(rows, hash);
    bool is_there = near_shard_look(shard, tag_of(hash), key, row);
    if (is_there)
        *row = arena_bytes(arena, *row);
    else
        *ticket = (struct near_ticket){hash, near_shard_version(shard, tag_of(hash))};
    leave(rows, hash);
    return is_there;
}

void near_rows_keep(struct near_rows *rows, struct bytes key, struct bytes row,
                    const struct near_ticket *ticket)
{
    struct near_shard *shard = enter(rows, ticket->hash);
    near_shard_keep(shard, tag_of(ticket->hash), key, row, ticket->version);
    leave(rows, ticket->hash);
}

void near_rows_raise(struct near_rows *rows, struct bytes key, struct bytes row)
{
    uint64_t hash = keyed_hash(&rows->secret, key);
    near_shard_raise(enter(rows, hash), tag_of(hash), key, row);
    leave(rows, hash);
}

void near_rows_forget(struct near_rows *rows, struct bytes key)
{
    uint64_t hash = keyed_hash(&rows->secret, key);
    near_shard_forget(enter(rows, hash), tag_of(hash), key);
    leave(rows, hash);
}

void near_rows_clear(struct near_rows *rows)
{
    for (uint32_t i = 0; i < rows->shard_count; i++) {
        near_shard_clear(enter(rows, i));
        leave(rows, i);
    }
}

void near_rows_count(struct near_rows *rows, struct near_counts *counts)
{
    *counts = (struct near_counts){.bytes = sizeof *rows +
                                            rows->shard_count * sizeof(struct guarded_shard)};
    for (uint32_t i = 0; i < rows->shard_count; i++) {
        struct near_counts part;
        near_shard_count(enter(rows, i), &part);
        leave(rows, i);
        counts->hits += part.hits;
        counts->misses += part.misses;
        counts->evictions += part.evictions;
        counts->invalidations += part.invalidations;
        counts->entries += part.entries;
        counts->bytes += part.bytes;
    }
}
