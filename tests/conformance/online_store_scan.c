/* online_store_scan.c - walks over the keys of a view's rows in any online store. */
#include "online_store_fixture.h"

#include "base/timestamp.h"

#include <stdlib.h>
#include <unistd.h>

enum { DRIVERS_MAX = 7000 };

static void count_key(struct fixture *f, struct bytes key, const struct entity_key_ids *ids,
                      uint32_t *seen)
{
    const value_type type = TYPE_INT64;
    struct value driver;
    struct entity_key_ids own;
    assert_true(entity_key_parse(key, &own));
    assert_memory_equal(&own, ids, sizeof own);
    assert_true(entity_key_values(key, &type, 1, &f->arena, &driver));
    assert_in_range(driver.int64, 0, DRIVERS_MAX - 1);
    seen[driver.int64]++;
}

/* How often each driver was given; meanwhile is called behind the first step. */
static uint32_t *walk(struct fixture *f, uint32_t project, uint32_t view, uint32_t generation,
                      void meanwhile(struct fixture *))
{
    struct entity_key_ids ids = {project, KEY_SET, view, generation};
    struct online_cursor cursor = {0};
    uint32_t *seen = arena_array(&f->arena, DRIVERS_MAX, sizeof *seen);
    for (bool is_first = true; !cursor.is_done; is_first = false) {
        struct arena step;
        struct bytes *keys;
        size_t count;
        arena_init(&step, 0);
        check_ok(f, online_store_scan(f->store, &ids, &cursor, &step, &keys, &count, &f->err));
        for (size_t i = 0; i < count; i++)
            count_key(f, keys[i], &ids, seen);
        arena_release(&step);
        if (is_first && meanwhile)
            meanwhile(f);
    }
    return seen;
}

static void check_walked(struct fixture *f, uint32_t project, uint32_t view, uint32_t generation,
                         int64_t first, int64_t count)
{
    const uint32_t *seen = walk(f, project, view, generation, NULL);
    for (int64_t i = 0; i < DRIVERS_MAX; i++)
        assert_int_equal(seen[i] > 0, i >= first && i < first + count);
}

static void walk_over_an_empty_store_ends(void **state)
{
    check_walked(*state, PROJECT, VIEW, 1, 0, 0);
}

static void walk_finds_every_row_of_its_view(void **state)
{
    struct fixture *f = *state;
    put_in(f, PROJECT, 7, 1, 0, 5432);
    check_walked(f, PROJECT, 7, 1, 0, 5432);
}

/* Views of a key set, generations and projects whose numbers begin alike. */
static void walk_finds_no_row_of_others(void **state)
{
    struct fixture *f = *state;
    put_in(f, PROJECT, 7, 1, 0, 300);
    put_in(f, PROJECT, 7, 12, 1000, 30);
    put_in(f, PROJECT, 71, 1, 2000, 20);
    put_in(f, PROJECT, 8, 1, 3000, 2000);
    put_in(f, PROJECT + 1, 7, 1, 5000, 50);
    check_walked(f, PROJECT, 7, 1, 0, 300);
    check_walked(f, PROJECT, 7, 12, 1000, 30);
    check_walked(f, PROJECT, 71, 1, 2000, 20);
    check_walked(f, PROJECT, 8, 1, 3000, 2000);
    check_walked(f, PROJECT + 1, 7, 1, 5000, 50);
    check_walked(f, PROJECT, 9, 1, 0, 0);
}

/* Among these ids are all bytes that a search takes for wildcards. */
static void any_view_can_be_walked_alone(void **state)
{
    struct fixture *f = *state;
    for (uint32_t view = 0; view < 130; view++)
        put_in(f, view, view, 130 - view, view, 1);
    for (uint32_t view = 0; view < 130; view++)
        check_walked(f, view, view, 130 - view, view, 1);
}

static void write_and_remove_some(struct fixture *f)
{
    const struct online_rows others = {.view_id = 8};
    uint64_t removed;
    put_in(f, PROJECT, 7, 1, 6000, 500);
    check_ok(f, online_store_remove(f->store, PROJECT, "p", &others, 1, &removed, &f->err));
}

static void row_that_stays_is_found_whatever_comes_and_goes(void **state)
{
    struct fixture *f = *state;
    put_in(f, PROJECT, 7, 1, 0, 5500);
    put_in(f, PROJECT, 8, 1, 0, 500);
    const uint32_t *seen = walk(f, PROJECT, 7, 1, write_and_remove_some);
    for (int64_t i = 0; i < 5500; i++)
        assert_true(seen[i] > 0);
}

static void expired_row_is_not_read(void **state)
{
    struct fixture *f = *state;
    int64_t soon_us = timestamp_now() + 50000;
    put_until(f, 1, row_at(f, 1, 1, "expires"), soon_us);
    put(f, 2, row_at(f, 1, 1, "stays"));
    usleep(100000);
    const uint32_t *seen = walk(f, PROJECT, VIEW, 0, NULL);
    assert_int_equal(seen[1], 0);
    assert_true(seen[2] > 0);
}

#define SUITE_TEST(test)                                                                           \
    {                                                                                              \
#test, test, set_up, tear_down, (void *)maker                                              \
    }

int online_store_scan_tests(const struct online_store_maker *maker)
{
    const struct CMUnitTest tests[] = {
        SUITE_TEST(walk_over_an_empty_store_ends),
        SUITE_TEST(walk_finds_every_row_of_its_view),
        SUITE_TEST(walk_finds_no_row_of_others),
        SUITE_TEST(any_view_can_be_walked_alone),
        SUITE_TEST(row_that_stays_is_found_whatever_comes_and_goes),
        SUITE_TEST(expired_row_is_not_read),
    };
    return cmocka_run_group_tests_name("walks over an online store", tests, NULL, NULL);
}
