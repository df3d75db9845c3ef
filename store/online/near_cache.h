/*
 * near_cache.h - the newest rows in the server's own memory, before a Redis.
 *
 * The server makes one for all its workers, whose handles then read through it: what is known is
 * answered from memory, absent entities too, and the rest is asked of the store in one read. A row
 * is never given that was replaced more than a second before it was read: 750 ms before, at most.
 * near_rows.h has the rows and the order of things, redis_tracking.h how writes are heard of and
 * what becomes of it when they are not; then handles read past the cache, as they would without
 * one.
 *
 * A handle forgets what it writes itself. Whose rows they are follows from their keys, which name
 * project and generation: a rebuilt view, and another registry's definitions, have other keys.
 */
#ifndef LARDER_STORE_ONLINE_NEAR_CACHE_H
#define LARDER_STORE_ONLINE_NEAR_CACHE_H

#include "base/error.h"
#include "config/settings.h"
#include "store/online/near_rows.h"
#include "store/online/online_store.h"

#include <stdbool.h>
#include <stdint.h>

struct counter;
struct near_cache;
struct redis_tracking;

/* As online_store.near_cache asks; without it *cache is NULL, which all of these accept. It begins
 * to be of use when the store is there. EXHAUSTED: no memory of that size. */
enum status near_cache_start(const struct settings *settings, struct near_cache **cache,
                             struct error *err);
/* When all handles are closed. Within a second or two. */
void near_cache_stop(struct near_cache *cache);

/* A handle as online_store_open gives one, which reads through the cache. */
enum status near_cache_open_store(struct near_cache *cache, const struct settings *settings,
                                  struct online_store **store, struct error *err);
/* The same around a Redis' handle, which it then owns, and rows that tracking keeps right. bypassed
 * counts keys. */
struct online_store *near_store_around(struct online_store *inner, struct near_rows *rows,
                                       struct redis_tracking *tracking, struct counter *bypassed);

struct near_cache_state {
    struct near_counts rows;
    uint64_t bypassed;  /* keys that were read past it */
    uint64_t losses;    /* times that what was heard of writes broke off, and all was forgotten */
    uint64_t max_bytes; /* as set */
    bool is_in_use;     /* now */
};
/* Any thread; takes each shard's lock for a moment. false, and zeros: there is no cache. */
bool near_cache_look(struct near_cache *cache, struct near_cache_state *state);

#endif
