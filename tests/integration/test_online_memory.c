/*
 * test_online_memory.c - what a row costs in Redis: rows of 10 float64, one int64 key, with expiry.
 *
 * 100,000 rows, or 1,000,000 with LARDER_LONG=1. Half of the rows are then written again, newer,
 * since a row that was replaced must cost no more than a new one.
 */
#include "private_redis.h"

#include "base/entity_key.h"
#include "base/timestamp.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

enum { SHORT_ROWS = 100 * 1000, LONG_ROWS = 1000 * 1000, BATCH = 5000, COLUMNS = 10 };
enum { BYTES_A_ROW_MAX = 260 };
#define DAY_US (INT64_C(86400) * 1000 * 1000)

static struct online_write write_of(struct arena *arena, const struct row_layout *layout,
                                    int64_t id, int64_t event_time_us)
{
    struct buffer bytes;
    struct value values[COLUMNS];
    struct value key = {.type = TYPE_INT64, .int64 = id * INT64_C(1000000000039)}; /* long keys */
    struct row_header header = {
        .event_time_us = event_time_us, .created_time_us = event_time_us, .position = 1000 + id};
    for (int i = 0; i < COLUMNS; i++)
        values[i] = (struct value){.type = TYPE_FLOAT64, .float64 = (double)id / (i + 1)};
    buffer_init(&bytes, 0);
    entity_key_begin(&bytes, 1, 1, &key, 1);
    entity_key_end(&bytes, 1, 0);
    struct online_write write = {.key = arena_bytes(arena, buffer_bytes(&bytes)),
                                 .expires_at_us = event_time_us + DAY_US};
    buffer_clear(&bytes);
    assert_int_equal(row_pack(layout, &header, values, &bytes, NULL), STATUS_OK);
    write.row = arena_bytes(arena, buffer_bytes(&bytes));
    buffer_release(&bytes);
    return write;
}

static void write_rows(struct online_store *store, int64_t count, int64_t event_time_us)
{
    static const value_type types[COLUMNS] = {
        TYPE_FLOAT64, TYPE_FLOAT64, TYPE_FLOAT64, TYPE_FLOAT64, TYPE_FLOAT64,
        TYPE_FLOAT64, TYPE_FLOAT64, TYPE_FLOAT64, TYPE_FLOAT64, TYPE_FLOAT64};
    struct online_write *writes = calloc(BATCH, sizeof *writes);
    struct arena arena;
    arena_init(&arena, 8 * 1024 * 1024);
    for (int64_t at = 0; at < count; at += BATCH) {
        struct error err;
        struct row_layout layout;
        row_layout_init(&layout, types, COLUMNS, &arena);
        for (int64_t i = 0; i < BATCH; i++)
            writes[i] = write_of(&arena, &layout, at + i, event_time_us + at + i);
        if (online_store_write(store, writes, BATCH, NULL, 0, NULL, &err))
            fail_msg("%s", err.message);
        arena_reset(&arena);
    }
    arena_release(&arena);
    free(writes);
}

static uint64_t used_memory(struct online_store *store)
{
    struct online_info info;
    assert_int_equal(online_store_inspect(store, &info, NULL), STATUS_OK);
    return info.used_bytes;
}

static int set_up(void **state)
{
    struct private_redis *redis = calloc(1, sizeof *redis);
    private_redis_start(redis, NULL, NULL);
    *state = redis;
    return 0;
}

static int tear_down(void **state)
{
    private_redis_stop(*state);
    free(*state);
    return 0;
}

static void row_of_ten_numbers_costs_at_most_260_bytes(void **state)
{
    struct private_redis *redis = *state;
    const char *is_long = getenv("LARDER_LONG");
    int64_t count = is_long && strcmp(is_long, "1") == 0 ? LONG_ROWS : SHORT_ROWS;
    struct online_store *store = store_on(redis->url, 10000);
    write_rows(store, BATCH, 1); /* the connection and the script cost memory, too */
    redis_says(redis->url, "FLUSHALL");
    uint64_t before = used_memory(store);
    write_rows(store, count, timestamp_now());
    write_rows(store, count / 2, timestamp_now() + DAY_US);
    double bytes = (double)(used_memory(store) - before) / (double)count;
    print_message("%.1f bytes a row of %d\n", bytes, (int)count);
    assert_true(bytes <= BYTES_A_ROW_MAX);
    assert_true(bytes > 8 * COLUMNS);
    online_store_close(store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(row_of_ten_numbers_costs_at_most_260_bytes, set_up,
                                        tear_down),
    };
    return cmocka_run_group_tests_name("online store, memory", tests, NULL, NULL);
}
