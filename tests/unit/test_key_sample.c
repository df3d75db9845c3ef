/* test_key_sample.c - which keys are compared, within bounded memory. */
#include "training/key_sample.h"

#include "base/hash.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

enum { KEYS = 5000, ROOM = 1 << 28 };

static struct sampled_key *put(struct key_sample *sample, int number)
{
    char text[16];
    struct bytes key = {text, (size_t)snprintf(text, sizeof text, "%d", number)};
    return key_sample_put(sample, key, bytes_hash(key));
}

/* taken[number] counts the keys of the sample. */
static void take(const struct key_sample *sample, int *taken)
{
    for (size_t i = 0; i < sample->count; i++) {
        char text[16] = "";
        memcpy(text, sample->keys[i].key.data, sample->keys[i].key.size);
        taken[strtol(text, NULL, 10)]++;
    }
}

static void same_keys_make_the_same_sample_in_any_order(void **state)
{
    (void)state;
    int forward[KEYS] = {0}, backward[KEYS] = {0};
    struct key_sample sample;
    key_sample_init(&sample, 100, ROOM);
    for (int i = 0; i < KEYS; i++)
        put(&sample, i);
    assert_in_range(sample.count, 20, 100);
    take(&sample, forward);
    key_sample_release(&sample);
    key_sample_init(&sample, 100, ROOM);
    for (int i = KEYS; i-- > 0;)
        put(&sample, i);
    take(&sample, backward);
    key_sample_release(&sample);
    assert_memory_equal(forward, backward, sizeof forward);
}

static void few_keys_are_all_sampled(void **state)
{
    (void)state;
    struct key_sample sample;
    key_sample_init(&sample, 100, ROOM);
    for (int i = 0; i < 100; i++)
        assert_non_null(put(&sample, i));
    assert_int_equal(sample.count, 100);
    assert_true(key_sample_share(&sample) == 1);
    assert_false(key_sample_next(&sample));
    key_sample_release(&sample);
}

static void share_is_about_that_of_the_keys(void **state)
{
    (void)state;
    struct key_sample sample;
    key_sample_init(&sample, 1000, ROOM);
    for (int i = 0; i < KEYS; i++)
        put(&sample, i);
    double expected = (double)sample.count / KEYS, share = key_sample_share(&sample);
    assert_true(share > expected * 0.8 && share < expected * 1.25);
    key_sample_release(&sample);
}

static void ranges_hold_every_key_once(void **state)
{
    (void)state;
    int taken[KEYS] = {0};
    size_t ranges = 0;
    struct key_sample sample;
    key_sample_init(&sample, 700, ROOM);
    do {
        for (int i = 0; i < 2 * KEYS; i++) /* a store may give a key twice */
            put(&sample, i % KEYS);
        assert_true(sample.count <= 700);
        take(&sample, taken);
        ranges++;
    } while (key_sample_next(&sample));
    assert_in_range(ranges, 8, 40);
    for (int i = 0; i < KEYS; i++)
        assert_int_equal(taken[i], 1);
    key_sample_release(&sample);
}

static void rows_narrow_the_range_as_keys_do(void **state)
{
    (void)state;
    enum { BYTES = 1024 * 1024 };
    static const char row[4096];
    struct key_sample sample;
    key_sample_init(&sample, KEYS, BYTES);
    for (int i = 0; i < KEYS; i++) {
        struct sampled_key *key = put(&sample, i);
        if (key)
            key->served = key_sample_copy(&sample, (struct bytes){row, sizeof row});
        key_sample_fit(&sample);
        assert_true(sample.arena.used_bytes <= BYTES);
    }
    assert_in_range(sample.count, 60, BYTES / 4096);
    for (size_t i = 0; i < sample.count; i++)
        assert_memory_equal(sample.keys[i].served.data, row, sizeof row);
    key_sample_release(&sample);
}

static bool is_marked(const struct sampled_key *key)
{
    return key->is_read;
}

static void closed_sample_takes_no_other_keys(void **state)
{
    (void)state;
    struct key_sample sample;
    key_sample_init(&sample, KEYS, ROOM);
    for (int i = 0; i < 100; i++)
        put(&sample, i)->is_read = i % 10 == 0;
    key_sample_close(&sample, is_marked);
    assert_int_equal(sample.count, 10);
    for (int i = 0; i < 200; i++)
        assert_int_equal(put(&sample, i) != NULL, i < 100 && i % 10 == 0);
    key_sample_release(&sample);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(same_keys_make_the_same_sample_in_any_order),
        cmocka_unit_test(few_keys_are_all_sampled),
        cmocka_unit_test(share_is_about_that_of_the_keys),
        cmocka_unit_test(ranges_hold_every_key_once),
        cmocka_unit_test(rows_narrow_the_range_as_keys_do),
        cmocka_unit_test(closed_sample_takes_no_other_keys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
