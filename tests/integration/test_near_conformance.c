/* test_near_conformance.c - the suite of every online store, over Redis with a near cache before
 * it.
 */
#include "../conformance/online_store_suite.h"
#include "base/counter.h"
#include "base/timestamp.h"
#include "private_redis.h"
#include "store/online/near_cache.h"
#include "store/online/online_store_backend.h"
#include "store/online/redis_tracking.h"

#include <stdio.h>
#include <unistd.h>

struct near {
    struct private_redis redis;
    struct near_rows *rows;
    struct redis_tracking *tracking;
    struct counter bypassed;
};

/* What the suite reads once is read twice: the second time from memory. */
static const struct online_store_ops *near_ops;
static struct online_store_ops twice;

static enum status read_twice(struct online_store *store, const struct bytes *keys, size_t count,
                              struct arena *arena, struct bytes *rows, struct error *err)
{
    enum status status = near_ops->read(store, keys, count, arena, rows, err);
    return status ? status : near_ops->read(store, keys, count, arena, rows, err);
}

static struct online_store *open_store(void *context)
{
    struct near *near = context;
    struct online_store *store = near_store_around(store_on(near->redis.url, 5000), near->rows,
                                                   near->tracking, &near->bypassed);
    near_ops = store->ops;
    twice = *near_ops;
    twice.read = read_twice;
    store->ops = &twice;
    return store;
}

/* Behind its back, and not told of for a moment. */
static void clear(void *context)
{
    struct near *near = context;
    redis_says(near->redis.url, "FLUSHALL");
    near_rows_clear(near->rows);
}

int main(void)
{
    /* The suite waits for rows to expire, which are to be told of at once. */
    static const char *const options[] = {"--hz", "500", NULL};
    struct near near = {0};
    struct near_counts counts;
    private_redis_start(&near.redis, options, NULL);
    struct settings settings = settings_of(near.redis.url, 5000);
    if (near_rows_open(NEAR_ROWS_MIN, &near.rows, NULL) ||
        redis_tracking_start(&settings, near.rows, &near.tracking, NULL))
        return 1;
    while (!near_rows_are_right(near.rows, timestamp_monotonic_us()))
        usleep(1000);
    struct online_store_maker maker = {.open = open_store, .clear = clear, .context = &near};
    int failed = online_store_suite_run(&maker);
    near_rows_count(near.rows, &counts);
    if (counts.hits < 1000) {
        fputs("little was read from memory\n", stderr);
        failed++;
    }
    redis_tracking_stop(near.tracking);
    near_rows_close(near.rows);
    private_redis_stop(&near.redis);
    return failed;
}
