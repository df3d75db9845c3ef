/* near_cache.c - see near_cache.h. */
#include "store/online/near_cache.h"

#include "base/counter.h"
#include "base/timestamp.h"
#include "store/online/redis_tracking.h"

#include <stdlib.h>

struct near_cache {
    struct near_rows *rows;
    struct redis_tracking *tracking;
    struct counter bypassed;
    uint64_t max_bytes;
};

enum status near_cache_start(const struct settings *settings, struct near_cache **started,
                             struct error *err)
{
    *started = NULL;
    if (settings->online_store.near_cache_bytes == 0)
        return STATUS_OK;
    struct near_cache *cache = calloc(1, sizeof *cache);
    if (!cache)
        out_of_memory();
    cache->max_bytes = settings->online_store.near_cache_bytes;
    enum status status = near_rows_open(cache->max_bytes, &cache->rows, err);
    if (!status)
        status = redis_tracking_start(settings, cache->rows, &cache->tracking, err);
    if (status)
        near_cache_stop(cache);
    else
        *started = cache;
    return status;
}

void near_cache_stop(struct near_cache *cache)
{
    if (!cache)
        return;
    redis_tracking_stop(cache->tracking);
    near_rows_close(cache->rows);
    free(cache);
}

enum status near_cache_open_store(struct near_cache *cache, const struct settings *settings,
                                  struct online_store **store, struct error *err)
{
    enum status status = online_store_open(settings, store, err);
    if (!status && cache)
        *store = near_store_around(*store, cache->rows, cache->tracking, &cache->bypassed);
    return status;
}

bool near_cache_look(struct near_cache *cache, struct near_cache_state *state)
{
    *state = (struct near_cache_state){0};
    if (!cache)
        return false;
    near_rows_count(cache->rows, &state->rows);
    state->bypassed = counter_read(&cache->bypassed);
    state->losses = redis_tracking_losses(cache->tracking);
    state->max_bytes = cache->max_bytes;
    state->is_in_use = near_rows_are_right(cache->rows, timestamp_monotonic_us());
    return true;
}
