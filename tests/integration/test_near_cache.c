/*
 * test_near_cache.c - a near cache before a Redis that others write to, and whose news are held up,
 * cut off and lost: nothing that is read is ever older than a second.
 */
#include "base/byte_order.h"
#include "base/timestamp.h"
#include "gate.h"
#include "private_redis.h"
#include "store/online/near_cache.h"
#include "store/online/redis_store.h"

#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

enum { TIMEOUT_MS = 5000 };
#define BOUND_US (1000 * 1000)
#define PATIENCE_US (20 * BOUND_US)

struct fixture {
    struct private_redis redis;
    struct gate gate; /* the news come through it, all else does not */
    char redis_path[128], gate_url[160];
    struct settings settings, news_settings;
    struct near_cache *cache;
    struct online_store *near, *plain;
    struct arena arena;
    struct error err;
};

static void check_ok(const struct fixture *f, enum status status)
{
    if (status)
        fail_msg("%s: %s", status_name(status), f->err.message);
}

static struct near_cache_state state_of(const struct fixture *f)
{
    struct near_cache_state state;
    assert_true(near_cache_look(f->cache, &state));
    return state;
}

static void wait_until_it_is(struct fixture *f, bool in_use)
{
    int64_t give_up_us = timestamp_monotonic_us() + PATIENCE_US;
    for (; state_of(f).is_in_use != in_use; usleep(2000))
        assert_true(timestamp_monotonic_us() < give_up_us);
}

static void wait_for_losses(struct fixture *f, uint64_t count)
{
    int64_t give_up_us = timestamp_monotonic_us() + PATIENCE_US;
    for (; state_of(f).losses < count; usleep(2000))
        assert_true(timestamp_monotonic_us() < give_up_us);
}

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    arena_init(&f->arena, 0);
    private_redis_start(&f->redis, NULL, NULL);
    snprintf(f->redis_path, sizeof f->redis_path, "%s/redis.sock", f->redis.directory);
    gate_open(&f->gate, f->redis_path);
    snprintf(f->gate_url, sizeof f->gate_url, "unix://%s", f->gate.path);
    f->settings = settings_of(f->redis.url, TIMEOUT_MS);
    f->news_settings = settings_of(f->gate_url, TIMEOUT_MS);
    f->news_settings.online_store.near_cache_bytes = NEAR_ROWS_MIN;
    check_ok(f, near_cache_start(&f->news_settings, &f->cache, &f->err));
    check_ok(f, near_cache_open_store(f->cache, &f->settings, &f->near, &f->err));
    check_ok(f, online_store_open(&f->settings, &f->plain, &f->err));
    wait_until_it_is(f, true);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    online_store_close(f->plain);
    online_store_close(f->near);
    near_cache_stop(f->cache);
    gate_close(&f->gate);
    private_redis_stop(&f->redis);
    arena_release(&f->arena);
    free(f);
    return 0;
}

/* Rows without columns, whose event time is their version; 0 stands for no row. */

static struct bytes key_of(struct arena *arena, uint64_t number)
{
    uint8_t *key = arena_alloc(arena, 10);
    memcpy(key, "{k", 2);
    store_be64(key + 2, number);
    return (struct bytes){key, 10};
}

static struct bytes row_of(struct arena *arena, int64_t version)
{
    struct row_layout layout;
    struct buffer row;
    struct row_header header = {.event_time_us = version, .position = version};
    buffer_init(&row, 0);
    row_layout_init(&layout, NULL, 0, arena);
    assert_int_equal(row_pack(&layout, &header, NULL, &row, NULL), STATUS_OK);
    struct bytes copy = arena_bytes(arena, buffer_bytes(&row));
    buffer_release(&row);
    return copy;
}

static void put(struct fixture *f, uint64_t number, int64_t version)
{
    struct online_write write = {key_of(&f->arena, number), row_of(&f->arena, version), 0};
    check_ok(f, online_store_write(f->plain, &write, 1, NULL, 0, NULL, &f->err));
}

static int64_t version_of(struct bytes row)
{
    struct row_header header;
    if (!row.data)
        return 0;
    assert_true(row_peek(row, &header));
    return header.event_time_us;
}

static int64_t get(struct fixture *f, uint64_t number)
{
    struct bytes row, key = key_of(&f->arena, number);
    check_ok(f, online_store_read(f->near, &key, 1, &f->arena, &row, &f->err));
    return version_of(row);
}

/* Reads again and again until it is there; before that, what was there before. */
static void check_it_becomes(struct fixture *f, uint64_t number, int64_t old, int64_t version)
{
    int64_t written_us = timestamp_monotonic_us();
    for (;;) {
        int64_t read_us = timestamp_monotonic_us();
        int64_t found = get(f, number);
        if (found == version)
            return;
        assert_int_equal(found, old);
        assert_true(read_us < written_us + BOUND_US);
    }
}

static void check_from_memory(struct fixture *f, uint64_t number, int64_t version)
{
    uint64_t before = state_of(f).rows.hits;
    int64_t give_up_us = timestamp_monotonic_us() + PATIENCE_US;
    while (state_of(f).rows.hits == before) {
        assert_int_equal(get(f, number), version);
        assert_true(timestamp_monotonic_us() < give_up_us);
    }
}

static void rows_and_their_absence_are_read_once(void **state)
{
    struct fixture *f = *state;
    put(f, 1, 5);
    get(f, 1);
    get(f, 2);
    check_from_memory(f, 1, 5);
    check_from_memory(f, 2, 0);
    assert_int_equal(state_of(f).rows.entries, 2);
    assert_int_equal(state_of(f).max_bytes, NEAR_ROWS_MIN);
}

static void what_others_write_is_read(void **state)
{
    struct fixture *f = *state;
    get(f, 1);
    for (int64_t version = 1; version < 200; version++) {
        put(f, 1, version);
        check_it_becomes(f, 1, version - 1, version);
    }
    assert_true(state_of(f).rows.invalidations >= 199);
}

static void a_batch_is_read_partly_from_memory(void **state)
{
    enum { COUNT = 3000 };
    struct fixture *f = *state;
    struct bytes *keys = arena_array(&f->arena, COUNT, sizeof *keys);
    struct bytes *rows = arena_array(&f->arena, COUNT, sizeof *rows);
    for (uint64_t i = 0; i < COUNT; i++) {
        keys[i] = key_of(&f->arena, i);
        if (i % 3)
            put(f, i, (int64_t)i);
        if (i % 2)
            get(f, i);
    }
    for (int round = 0; round < 2; round++) {
        check_ok(f, online_store_read(f->near, keys, COUNT, &f->arena, rows, &f->err));
        for (int64_t i = 0; i < COUNT; i++)
            assert_int_equal(version_of(rows[i]), i % 3 ? i : 0);
    }
}

static void a_flush_is_heard_of(void **state)
{
    struct fixture *f = *state;
    put(f, 1, 5);
    check_from_memory(f, 1, 5);
    redis_says(f->redis.url, "FLUSHDB");
    check_it_becomes(f, 1, 5, 0);
    put(f, 1, 6);
    check_it_becomes(f, 1, 0, 6);
    redis_says(f->redis.url, "FLUSHALL ASYNC");
    check_it_becomes(f, 1, 6, 0);
}

static void news_that_are_held_up_are_done_without(void **state)
{
    struct fixture *f = *state;
    put(f, 1, 5);
    check_from_memory(f, 1, 5);
    gate_shut(&f->gate);
    put(f, 1, 6);
    check_it_becomes(f, 1, 5, 6);
    wait_until_it_is(f, false);
    put(f, 1, 7);
    assert_int_equal(get(f, 1), 7);
    wait_for_losses(f, 1);
    gate_unshut(&f->gate);
    wait_until_it_is(f, true);
    check_from_memory(f, 1, 7);
    assert_true(state_of(f).bypassed > 0);
}

/* A pause that is shorter than a loss: what was held up is heard, and nothing forgotten. */
static void news_that_come_late_are_heard(void **state)
{
    struct fixture *f = *state;
    for (int64_t version = 1; version < 8; version++) {
        gate_shut(&f->gate);
        put(f, 1, version);
        usleep(150 * 1000);
        gate_unshut(&f->gate);
        check_it_becomes(f, 1, version - 1, version);
    }
}

static void a_lost_connection_is_made_again(void **state)
{
    struct fixture *f = *state;
    for (int64_t version = 1; version < 6; version++) {
        put(f, 1, version);
        check_it_becomes(f, 1, version - 1, version);
        check_from_memory(f, 1, version);
        redis_says(f->redis.url, "CLIENT KILL TYPE pubsub");
        wait_for_losses(f, (uint64_t)version);
        wait_until_it_is(f, true);
    }
}

static void write_many(struct fixture *f, uint64_t first, uint64_t count, int64_t version)
{
    struct online_write *writes = arena_array(&f->arena, count, sizeof *writes);
    for (uint64_t i = 0; i < count; i++)
        writes[i] =
            (struct online_write){key_of(&f->arena, first + i), row_of(&f->arena, version), 0};
    check_ok(f, online_store_write(f->plain, writes, count, NULL, 0, NULL, &f->err));
}

/* Redis closes a connection whose news nobody takes, as in a bulk run. */
static void news_beyond_redis_limit_are_a_loss(void **state)
{
    enum { MANY = 60 * 1000 };
    static const char *const limit[] = {"CONFIG", "SET", "client-output-buffer-limit",
                                        "pubsub 32768 0 0"};
    struct fixture *f = *state;
    redis_says_of(f->redis.url, limit, COUNT_OF(limit));
    put(f, MANY, 5);
    check_from_memory(f, MANY, 5);
    gate_shut(&f->gate);
    write_many(f, 1, MANY, 6);
    gate_unshut(&f->gate);
    check_it_becomes(f, MANY, 5, 6);
    wait_for_losses(f, 1);
    wait_until_it_is(f, true);
    check_from_memory(f, MANY, 6);
}

static void a_redis_that_starts_anew_is_believed(void **state)
{
    struct fixture *f = *state;
    put(f, 1, 5);
    check_from_memory(f, 1, 5);
    private_redis_kill(&f->redis);
    wait_until_it_is(f, false);
    private_redis_launch(&f->redis);
    wait_until_it_is(f, true);
    assert_int_equal(get(f, 1), 0);
    put(f, 1, 1);
    check_it_becomes(f, 1, 0, 1);
}

static void a_frozen_redis_is_a_loss(void **state)
{
    struct fixture *f = *state;
    put(f, 1, 5);
    check_from_memory(f, 1, 5);
    kill(f->redis.pid, SIGSTOP);
    wait_until_it_is(f, false);
    kill(f->redis.pid, SIGCONT);
    put(f, 1, 6);
    check_it_becomes(f, 1, 5, 6);
    wait_until_it_is(f, true);
    check_from_memory(f, 1, 6);
}

/* How many pings Redis has answered with an error. */
static uint64_t refused_pings(struct fixture *f)
{
    struct redis_connection *connection = redis_store_of(f->plain)->connection;
    struct redis_reply *reply;
    char counts[256];
    check_ok(f, redis_connection_begin(connection, &f->err));
    redis_command_of(connection, (const char *const[]){"INFO", "commandstats"}, 2);
    check_ok(f, redis_receive_type(connection, REPLY_TEXT, &f->arena, &reply, &f->err));
    assert_true(redis_info_field(reply->text, "cmdstat_ping", counts, sizeof counts));
    return strtoull(strstr(counts, "rejected_calls=") + strlen("rejected_calls="), NULL, 10);
}

static void wait_for_refused_pings(struct fixture *f, uint64_t more)
{
    int64_t give_up_us = timestamp_monotonic_us() + PATIENCE_US;
    for (uint64_t before = refused_pings(f); refused_pings(f) < before + more; usleep(2000))
        assert_true(timestamp_monotonic_us() < give_up_us);
}

/* Then it refuses writes, and pings with them. */
static void a_redis_that_cannot_save_is_still_heard(void **state)
{
    struct fixture *f = *state;
    char file[128];
    put(f, 1, 5);
    check_from_memory(f, 1, 5);
    snprintf(file, sizeof file, "%s/dump.rdb", f->redis.directory);
    assert_int_equal(mkdir(file, 0700), 0);
    redis_says_of(f->redis.url, (const char *const[]){"CONFIG", "SET", "save", "3600 1"}, 4);
    redis_says(f->redis.url, "BGSAVE");
    wait_for_refused_pings(f, 4);
    assert_int_equal(state_of(f).losses, 0);
    check_from_memory(f, 1, 5);
    redis_says(f->redis.url, "CLIENT KILL TYPE pubsub");
    wait_for_losses(f, 1);
    wait_until_it_is(f, true);
    check_from_memory(f, 1, 5);
    assert_int_equal(rmdir(file), 0);
}

/* It lets one subscribe and tells who it is, but gives no rows: as one that loads its data. */
static void a_redis_that_gives_no_rows_is_one_loss(void **state)
{
    struct fixture *f = *state;
    put(f, 1, 5);
    check_from_memory(f, 1, 5);
    redis_says(f->redis.url, "CONFIG SET replica-serve-stale-data no");
    redis_says(f->redis.url, "REPLICAOF 127.0.0.1 1");
    wait_for_losses(f, 1);
    wait_for_refused_pings(f, 5);
    assert_int_equal(state_of(f).losses, 1);
    assert_false(state_of(f).is_in_use);
    redis_says(f->redis.url, "REPLICAOF NO ONE");
    wait_until_it_is(f, true);
    check_from_memory(f, 1, 5);
    assert_int_equal(state_of(f).losses, 1);
}

static void without_the_right_to_subscribe_it_is_bypassed(void **state)
{
    struct fixture *f = *state;
    char url[256];
    redis_says(f->redis.url, "ACL SETUSER reader on >re@der +@all ~* resetchannels");
    near_cache_stop(f->cache);
    online_store_close(f->near);
    snprintf(url, sizeof url, "unix://reader:re%%40der@%s", f->redis_path);
    f->news_settings.online_store.url = url;
    check_ok(f, near_cache_start(&f->news_settings, &f->cache, &f->err));
    check_ok(f, near_cache_open_store(f->cache, &f->news_settings, &f->near, &f->err));
    put(f, 1, 5);
    assert_int_equal(get(f, 1), 5);
    put(f, 1, 6);
    assert_int_equal(get(f, 1), 6);
    assert_int_equal(state_of(f).bypassed, 2);
    assert_int_equal(state_of(f).rows.entries, 0);
}

static void a_handle_on_another_redis_goes_past_the_cache(void **state)
{
    struct fixture *f = *state;
    struct private_redis other;
    private_redis_start(&other, NULL, NULL);
    put(f, 1, 5);
    check_from_memory(f, 1, 5);
    online_store_close(f->near);
    online_store_close(f->plain);
    f->settings.online_store.url = other.url;
    check_ok(f, near_cache_open_store(f->cache, &f->settings, &f->near, &f->err));
    check_ok(f, online_store_open(&f->settings, &f->plain, &f->err));
    for (int64_t version = 0; version < 50; version++) {
        assert_int_equal(get(f, 1), version);
        put(f, 1, version + 1);
    }
    private_redis_stop(&other);
}

/* Another Redis takes the place of one that lives on, as behind a name or an address. */
static void move_over(struct fixture *f, struct private_redis *other)
{
    char path[128];
    snprintf(path, sizeof path, "%s/redis.sock", other->directory);
    assert_int_equal(rename(path, f->redis_path), 0);
}

static void after_a_failover_the_new_redis_is_heard(void **state)
{
    struct fixture *f = *state;
    struct private_redis other;
    private_redis_start(&other, NULL, NULL);
    put(f, 1, 5);
    check_from_memory(f, 1, 5);
    move_over(f, &other);
    online_store_close(f->plain);
    check_ok(f, online_store_open(&f->settings, &f->plain, &f->err));
    put(f, 1, 7);
    /* A handle that has connected since is not given what others were, and has the news come from
     * where it reads. */
    online_store_close(f->near);
    check_ok(f, near_cache_open_store(f->cache, &f->settings, &f->near, &f->err));
    assert_int_equal(get(f, 1), 7);
    wait_for_losses(f, 1);
    wait_until_it_is(f, true);
    check_from_memory(f, 1, 7);
    put(f, 1, 8);
    check_it_becomes(f, 1, 7, 8);
    private_redis_stop(&other);
}

/* Everything at once: one writes versions that only grow, others read, and the news are held up,
 * cut off and lost all the time. */

enum { KEYS = 20, READERS = 3, WRITES_LOG = 1 << 20 };

struct trial {
    struct fixture *f;
    struct written {
        int64_t acknowledged_us, version;
    } * log[KEYS];
    _Atomic size_t logged[KEYS];
    atomic_bool done;
    _Atomic uint64_t reads, too_old, backwards;
};

static void *write_on(void *argument)
{
    struct trial *trial = argument;
    struct fixture *f = trial->f;
    struct arena arena;
    struct online_store *store;
    struct error err;
    arena_init(&arena, 0);
    assert_int_equal(online_store_open(&f->settings, &store, &err), STATUS_OK);
    for (int64_t version = 1; !trial->done; version++) {
        uint64_t number = (uint64_t)version % KEYS;
        struct online_write write = {key_of(&arena, number), row_of(&arena, version), 0};
        if (!online_store_write(store, &write, 1, NULL, 0, NULL, &err)) {
            size_t count = trial->logged[number];
            trial->log[number][count % (WRITES_LOG / KEYS)] =
                (struct written){timestamp_monotonic_us(), version};
            trial->logged[number] = count + 1;
        }
        arena_reset(&arena);
        usleep(300);
    }
    online_store_close(store);
    arena_release(&arena);
    return NULL;
}

/* The newest version that was acknowledged before that time. */
static int64_t least_of(const struct trial *trial, uint64_t number, int64_t before_us)
{
    size_t count = trial->logged[number];
    while (count > 0 && trial->log[number][count - 1].acknowledged_us > before_us)
        count--;
    return count > 0 ? trial->log[number][count - 1].version : 0;
}

static void *read_on(void *argument)
{
    struct trial *trial = argument;
    struct arena arena;
    struct online_store *store;
    struct error err;
    int64_t seen[KEYS] = {0};
    arena_init(&arena, 0);
    assert_int_equal(near_cache_open_store(trial->f->cache, &trial->f->settings, &store, &err),
                     STATUS_OK);
    for (uint64_t i = 0; !trial->done; i++) {
        struct bytes row, key = key_of(&arena, i % KEYS);
        int64_t least = least_of(trial, i % KEYS, timestamp_monotonic_us() - BOUND_US);
        if (!online_store_read(store, &key, 1, &arena, &row, &err)) {
            int64_t found = version_of(row);
            trial->reads++;
            trial->too_old += found < least;
            trial->backwards += found < seen[i % KEYS];
            seen[i % KEYS] = found;
        }
        arena_reset(&arena);
    }
    online_store_close(store);
    arena_release(&arena);
    return NULL;
}

static void make_trouble(struct fixture *f, unsigned kind)
{
    if (kind % 4 == 0)
        redis_says(f->redis.url, "CLIENT KILL TYPE pubsub");
    if (kind % 4 == 1) {
        gate_shut(&f->gate);
        usleep(200 * 1000 + kind % 3 * 500 * 1000);
        gate_unshut(&f->gate);
    }
    if (kind % 4 == 2) {
        kill(f->redis.pid, SIGSTOP);
        usleep(100 * 1000 + kind % 3 * 300 * 1000);
        kill(f->redis.pid, SIGCONT);
    }
    usleep(150 * 1000);
}

static void whatever_happens_to_the_news_nothing_is_older_than_the_bound(void **state)
{
    struct fixture *f = *state;
    struct trial *trial = calloc(1, sizeof *trial);
    pthread_t writer, readers[READERS];
    const char *is_long = getenv("LARDER_LONG");
    unsigned troubles = is_long && strcmp(is_long, "1") == 0 ? 120 : 12;
    trial->f = f;
    for (size_t i = 0; i < KEYS; i++)
        trial->log[i] = calloc(WRITES_LOG / KEYS, sizeof *trial->log[i]);
    pthread_create(&writer, NULL, write_on, trial);
    for (size_t i = 0; i < READERS; i++)
        pthread_create(&readers[i], NULL, read_on, trial);
    for (unsigned i = 0; i < troubles; i++)
        make_trouble(f, i);
    wait_until_it_is(f, true);
    trial->done = true;
    pthread_join(writer, NULL);
    for (size_t i = 0; i < READERS; i++)
        pthread_join(readers[i], NULL);
    struct near_cache_state near = state_of(f);
    print_message("%llu reads, %llu of them from memory, %llu past it\n",
                  (unsigned long long)trial->reads, (unsigned long long)near.rows.hits,
                  (unsigned long long)near.bypassed);
    assert_int_equal(trial->too_old, 0);
    assert_int_equal(trial->backwards, 0);
    assert_true(near.rows.hits > 1000 && near.bypassed > 100);
    for (size_t i = 0; i < KEYS; i++)
        free(trial->log[i]);
    free(trial);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(rows_and_their_absence_are_read_once),
        TEST(what_others_write_is_read),
        TEST(a_batch_is_read_partly_from_memory),
        TEST(a_flush_is_heard_of),
        TEST(news_that_are_held_up_are_done_without),
        TEST(news_that_come_late_are_heard),
        TEST(a_lost_connection_is_made_again),
        TEST(news_beyond_redis_limit_are_a_loss),
        TEST(a_redis_that_starts_anew_is_believed),
        TEST(a_frozen_redis_is_a_loss),
        TEST(a_redis_that_cannot_save_is_still_heard),
        TEST(a_redis_that_gives_no_rows_is_one_loss),
        TEST(without_the_right_to_subscribe_it_is_bypassed),
        TEST(a_handle_on_another_redis_goes_past_the_cache),
        TEST(after_a_failover_the_new_redis_is_heard),
        TEST(whatever_happens_to_the_news_nothing_is_older_than_the_bound),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
