/*
 * pool.h - memory that is given back all at once: what a request's texts and an answer live in.
 *
 * Unlike base/arena.h it survives the end of memory: larder_pool_alloc then returns NULL, and the
 * pool remembers it in `exhausted`, because protobuf-c says "malformed" and "no memory" with the
 * same NULL. A pool belongs to one thread. A zeroed one is empty and ready.
 */
#ifndef LARDER_SDK_POOL_H
#define LARDER_SDK_POOL_H

#include <protobuf-c/protobuf-c.h>

#include <stdbool.h>
#include <stddef.h>

struct pool_chunk;

struct larder_pool {
    struct pool_chunk *newest;
    bool exhausted;
};

/* Aligned for anything; not cleared. */
void *larder_pool_alloc(struct larder_pool *pool, size_t size);
/* The same for count elements, all bytes zero. */
void *larder_pool_array(struct larder_pool *pool, size_t count, size_t size);
/* A copy that ends in NUL. */
char *larder_pool_text(struct larder_pool *pool, const char *text, size_t size);

/* Forgets what was allocated, and keeps the largest chunk for what comes next. */
void larder_pool_clear(struct larder_pool *pool);
void larder_pool_release(struct larder_pool *pool);

/* For protobuf-c; valid as long as the pool stays where it is. */
ProtobufCAllocator larder_pool_allocator(struct larder_pool *pool);

#endif
