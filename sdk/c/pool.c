/* pool.c - see pool.h. */
#include "sdk/c/pool.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { ALIGNMENT = _Alignof(max_align_t), FIRST_CHUNK = 4096 };

struct pool_chunk {
    struct pool_chunk *older;
    size_t used, capacity;
    _Alignas(max_align_t) unsigned char bytes[];
};

/* Chunks double, so that their number stays small, and so the newest is also the largest. */
static struct pool_chunk *add_chunk(struct larder_pool *pool, size_t size)
{
    size_t capacity = pool->newest ? pool->newest->capacity : FIRST_CHUNK / 2;
    if (capacity > (SIZE_MAX - sizeof(struct pool_chunk)) / 2)
        return NULL;
    capacity *= 2;
    if (capacity < size)
        capacity = size;
    if (capacity > SIZE_MAX - sizeof(struct pool_chunk))
        return NULL;
    struct pool_chunk *chunk = malloc(sizeof *chunk + capacity);
    if (!chunk)
        return NULL;
    *chunk = (struct pool_chunk){.older = pool->newest, .capacity = capacity};
    pool->newest = chunk;
    return chunk;
}

void *larder_pool_alloc(struct larder_pool *pool, size_t size)
{
    struct pool_chunk *chunk = pool->newest;
    if (size <= SIZE_MAX - ALIGNMENT) {
        size = (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
        if (!chunk || chunk->capacity - chunk->used < size)
            chunk = add_chunk(pool, size);
        if (chunk) {
            void *memory = chunk->bytes + chunk->used;
            chunk->used += size;
            return memory;
        }
    }
    pool->exhausted = true;
    return NULL;
}

void *larder_pool_array(struct larder_pool *pool, size_t count, size_t size)
{
    if (size && count > SIZE_MAX / size) {
        pool->exhausted = true;
        return NULL;
    }
    void *array = larder_pool_alloc(pool, count * size);
    return array ? memset(array, 0, count * size) : NULL;
}

char *larder_pool_text(struct larder_pool *pool, const char *text, size_t size)
{
    char *copy = larder_pool_alloc(pool, size + 1);
    if (!copy)
        return NULL;
    if (size)
        memcpy(copy, text, size);
    copy[size] = '\0';
    return copy;
}

static void free_chunks(struct pool_chunk *chunk)
{
    while (chunk) {
        struct pool_chunk *older = chunk->older;
        free(chunk);
        chunk = older;
    }
}

void larder_pool_clear(struct larder_pool *pool)
{
    if (pool->newest) {
        free_chunks(pool->newest->older);
        pool->newest->older = NULL;
        pool->newest->used = 0;
    }
    pool->exhausted = false;
}

void larder_pool_release(struct larder_pool *pool)
{
    free_chunks(pool->newest);
    *pool = (struct larder_pool){0};
}

static void *allocate(void *pool, size_t size)
{
    return larder_pool_alloc(pool, size);
}

static void forget(void *pool, void *memory)
{
    (void)pool;
    (void)memory;
}

ProtobufCAllocator larder_pool_allocator(struct larder_pool *pool)
{
    return (ProtobufCAllocator){.alloc = allocate, .free = forget, .allocator_data = pool};
}
