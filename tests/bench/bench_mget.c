/*
 * bench_mget.c - what reading the rows of an answer costs by itself: one MGET at a time on hiredis.
 *
 *     bench_mget --repository DIR --port REDIS --entities N --seconds S
 *
 * Takes the applied definitions of DIR and asks for the rows of entities 1 to N in every online
 * view, in one command; each row has to be there. Prints one line of JSON.
 */
#include "base/entity_key.h"
#include "config/repository.h"
#include "store/registry/registry.h"
#include "tests/bench/arguments.h"
#include "tests/bench/latency.h"

#include <hiredis/hiredis.h>
#include <stdio.h>
#include <stdlib.h>

/* MGET and its keys, as hiredis takes them. */
struct mget {
    const char **parts;
    size_t *sizes;
    int count;
};

static void read_applied(const char *directory, struct arena *arena, struct catalog *catalog)
{
    struct settings settings;
    struct problems problems;
    struct error err;
    struct registry *registry;
    problems_init(&problems, arena);
    if (repository_read_settings(directory, arena, &settings, &problems, &err) ||
        registry_open(&settings, &registry, &err) ||
        registry_read(registry, settings.project, arena, catalog, &err))
        die("%s: %s", directory, err.message);
    registry_close(registry);
}

static void add_key(struct mget *mget, const struct catalog *catalog,
                    const struct catalog_view *view, int64_t id, struct arena *arena)
{
    struct buffer key;
    struct value value = {.type = TYPE_INT64, .int64 = id};
    buffer_init(&key, 0);
    entity_key_begin(&key, catalog->project_id, view->key_set_id, &value, 1);
    entity_key_end(&key, view->id, view->generation);
    struct bytes copy = arena_bytes(arena, buffer_bytes(&key));
    mget->parts[mget->count] = copy.data;
    mget->sizes[mget->count++] = copy.size;
    buffer_release(&key);
}

static void make_mget(const struct catalog *catalog, int64_t entities, struct arena *arena,
                      struct mget *mget)
{
    size_t views = catalog->definitions.view_count;
    size_t count = 1 + (size_t)entities * views;
    *mget = (struct mget){arena_array(arena, count, sizeof *mget->parts),
                          arena_array(arena, count, sizeof *mget->sizes), 1};
    mget->parts[0] = "MGET";
    mget->sizes[0] = 4;
    for (int64_t id = 1; id <= entities; id++)
        for (size_t i = 0; i < views; i++)
            add_key(mget, catalog, &catalog->views[i], id, arena);
}

static void ask_once(redisContext *redis, const struct mget *mget)
{
    redisReply *reply = redisCommandArgv(redis, mget->count, mget->parts, mget->sizes);
    if (!reply || reply->type != REDIS_REPLY_ARRAY || reply->elements != (size_t)mget->count - 1)
        die("Redis: %s", reply && reply->type == REDIS_REPLY_ERROR ? reply->str : redis->errstr);
    for (size_t i = 0; i < reply->elements; i++)
        if (reply->element[i]->type != REDIS_REPLY_STRING)
            die("row %zu is not there", i);
    freeReplyObject(reply);
}

int main(int count, char **words)
{
    struct arena arena;
    struct catalog catalog;
    struct mget mget;
    static struct latency latency;
    double seconds = argument_number(count, words, "seconds", NULL);
    arena_init(&arena, 0);
    read_applied(argument_text(count, words, "repository", NULL), &arena, &catalog);
    make_mget(&catalog, (int64_t)argument_number(count, words, "entities", NULL), &arena, &mget);
    redisContext *redis =
        redisConnect("127.0.0.1", (int)argument_number(count, words, "port", NULL));
    if (!redis || redis->err)
        die("Redis: %s", redis ? redis->errstr : "no memory");
    int64_t begin_ns = latency_now_ns() + (int64_t)(seconds * 0.2e9);
    int64_t end_ns = begin_ns + (int64_t)(seconds * 1e9);
    for (int64_t start_ns; (start_ns = latency_now_ns()) < end_ns;) {
        ask_once(redis, &mget);
        if (start_ns >= begin_ns)
            latency_add(&latency, latency_now_ns() - start_ns);
    }
    printf("{\"calls\": %llu, \"p50_us\": %.2f, \"p99_us\": %.2f}\n",
           (unsigned long long)latency.total, latency_within_us(&latency, 0.5),
           latency_within_us(&latency, 0.99));
    redisFree(redis);
    arena_release(&arena);
    return EXIT_SUCCESS;
}
