/* test_row_batch.c - the newest row of each key, gathered. */
#include "materializer/row_batch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static void put(struct row_batch *batch, const char *key, int64_t event_time_us, const char *text)
{
    static const value_type types[] = {TYPE_STRING};
    struct arena arena;
    struct row_layout layout;
    struct buffer row;
    arena_init(&arena, 0);
    buffer_init(&row, 0);
    row_layout_init(&layout, types, 1, &arena);
    struct row_header header = {.event_time_us = event_time_us, .schema = 1};
    struct value value = {.type = TYPE_STRING, .bytes = bytes_of_text(text)};
    assert_int_equal(row_pack(&layout, &header, &value, &row, NULL), STATUS_OK);
    row_batch_put(batch, bytes_of_text(key), buffer_bytes(&row), event_time_us + 1);
    buffer_release(&row);
    arena_release(&arena);
}

static const struct online_write *find(const struct row_batch *batch, const char *key)
{
    for (size_t i = 0; i < batch->count; i++)
        if (bytes_equal(batch->writes[i].key, bytes_of_text(key)))
            return &batch->writes[i];
    return NULL;
}

static void check_row(const struct row_batch *batch, const char *key, int64_t event_time_us,
                      const char *text)
{
    const struct online_write *write = find(batch, key);
    struct row_header header;
    assert_non_null(write);
    assert_true(row_peek(write->row, &header));
    assert_int_equal(header.event_time_us, event_time_us);
    assert_int_equal(write->expires_at_us, event_time_us + 1);
    size_t size = strlen(text);
    assert_memory_equal((const char *)write->row.data + write->row.size - size, text, size);
}

static void newest_row_of_a_key_stays_in_whatever_order(void **unused)
{
    (void)unused;
    struct row_batch batch;
    row_batch_init(&batch, 10, 1 << 20);
    put(&batch, "a", 100, "old");
    put(&batch, "a", 300, "new");
    put(&batch, "a", 200, "mid");
    put(&batch, "b", -5, "before 1970");
    put(&batch, "a", 400, "longer than it was");
    check_row(&batch, "a", 400, "longer than it was");
    check_row(&batch, "b", -5, "before 1970");
    assert_int_equal(batch.count, 2);
    assert_int_equal(batch.superseded, 3);
    row_batch_release(&batch);
}

static void cleared_batch_is_empty_and_takes_rows_again(void **unused)
{
    (void)unused;
    struct row_batch batch;
    row_batch_init(&batch, 2, 1 << 20);
    put(&batch, "a", 1, "x");
    put(&batch, "b", 1, "x");
    assert_true(row_batch_is_full(&batch));
    row_batch_clear(&batch);
    assert_false(row_batch_is_full(&batch));
    assert_null(find(&batch, "a"));
    put(&batch, "a", 2, "y");
    check_row(&batch, "a", 2, "y");
    row_batch_release(&batch);
}

static void batch_is_full_when_its_memory_is(void **unused)
{
    (void)unused;
    struct row_batch batch;
    char key[16];
    row_batch_init(&batch, 1000, 4096);
    int count = 0;
    for (; !row_batch_is_full(&batch); count++) {
        snprintf(key, sizeof key, "%d", count);
        put(&batch, key, count, "0123456789");
    }
    assert_in_range(count, 20, 100);
    row_batch_release(&batch);
}

static void random_rows_end_with_the_newest_of_each_key(void **unused)
{
    (void)unused;
    enum { KEYS = 500, ROWS = 20000 };
    struct row_batch batch;
    int64_t newest[KEYS];
    char key[16];
    row_batch_init(&batch, KEYS, 64 << 20);
    for (int i = 0; i < KEYS; i++)
        newest[i] = INT64_MIN;
    srand(7);
    for (int i = 0; i < ROWS; i++) {
        int k = rand() % KEYS;
        int64_t time = rand() % 100000 - 50000;
        snprintf(key, sizeof key, "key%d", k);
        put(&batch, key, time, i % 3 ? "short" : "a longer text");
        newest[k] = time > newest[k] ? time : newest[k];
    }
    for (int i = 0; i < KEYS; i++) {
        struct row_header header;
        snprintf(key, sizeof key, "key%d", i);
        const struct online_write *write = find(&batch, key);
        assert_int_equal(write != NULL, newest[i] != INT64_MIN);
        if (write) {
            assert_true(row_peek(write->row, &header));
            assert_int_equal(header.event_time_us, newest[i]);
        }
    }
    row_batch_release(&batch);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(newest_row_of_a_key_stays_in_whatever_order),
        cmocka_unit_test(cleared_batch_is_empty_and_takes_rows_again),
        cmocka_unit_test(batch_is_full_when_its_memory_is),
        cmocka_unit_test(random_rows_end_with_the_newest_of_each_key),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
