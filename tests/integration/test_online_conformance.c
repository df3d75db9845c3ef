/* test_online_conformance.c - the suite of every online store, over Redis. */
#include "../conformance/online_store_suite.h"
#include "private_redis.h"

static struct online_store *open_store(void *context)
{
    struct private_redis *redis = context;
    return store_on(redis->url, 5000);
}

static void clear(void *context)
{
    struct private_redis *redis = context;
    redis_says(redis->url, "FLUSHALL");
}

int main(void)
{
    struct private_redis redis;
    private_redis_start(&redis, NULL, NULL);
    struct online_store_maker maker = {.open = open_store, .clear = clear, .context = &redis};
    int failed = online_store_suite_run(&maker);
    private_redis_stop(&redis);
    return failed;
}
