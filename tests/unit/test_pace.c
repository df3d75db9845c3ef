/* test_pace.c - which calls a busy worker takes in, and which it does not. */
#include "server/pace.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { MS = 1000 };

/* A worker that took ten calls in 5 ms until now (a time of 100 ms), and left some waiting. */
static struct pace busy(void)
{
    struct pace pace = {0};
    pace_note(&pace, 10, true, 95 * MS, 100 * MS);
    return pace;
}

static void nobody_is_refused_while_a_batch_takes_all(void **state)
{
    (void)state;
    struct pace pace = {0};
    pace_note(&pace, 1, false, 0, 99 * MS);
    assert_true(pace_takes_in(&pace, 100 * MS, 1000 * 1000, 1));
    assert_true(pace_has_time(&pace, 100 * MS, 1000 * 1000, 1));
}

static void those_before_a_call_may_take_a_quarter_of_its_time(void **state)
{
    (void)state;
    struct pace pace = busy();
    assert_true(pace_takes_in(&pace, 100 * MS, 50, 100 * MS));
    assert_false(pace_takes_in(&pace, 100 * MS, 51, 100 * MS));
    assert_true(pace_takes_in(&pace, 100 * MS, 0, 1));
    assert_true(pace_takes_in(&pace, 100 * MS, 1000 * 1000, INT64_MAX));
}

static void a_batch_is_over_before_the_first_deadline_of_its_calls(void **state)
{
    (void)state;
    struct pace pace = busy();
    assert_true(pace_has_time(&pace, 100 * MS, 19, 10 * MS));
    assert_false(pace_has_time(&pace, 100 * MS, 20, 10 * MS));
    assert_false(pace_has_time(&pace, 100 * MS, 1, 900));
}

static void what_was_long_ago_is_not_believed(void **state)
{
    (void)state;
    struct pace pace = busy();
    assert_false(pace_takes_in(&pace, 1000 * MS, 1000, MS));
    assert_true(pace_takes_in(&pace, 1100 * MS, 1000, MS));
    pace_note(&pace, 100, true, 1999 * MS, 2000 * MS);
    assert_true(pace_takes_in(&pace, 2000 * MS, 25, MS));
}

static void a_batch_that_stood_still_with_one_call_is_not_the_pace(void **state)
{
    (void)state;
    struct pace pace = busy();
    pace_note(&pace, 1, true, 100 * MS, 105 * MS);
    assert_true(pace_takes_in(&pace, 105 * MS, 50, 200 * MS));
}

static void another_pace_is_learnt_in_a_few_batches(void **state)
{
    (void)state;
    struct pace pace = busy();
    for (int64_t at_us = 101 * MS; at_us < 111 * MS; at_us += MS)
        pace_note(&pace, 100, true, at_us - MS, at_us);
    assert_true(pace_takes_in(&pace, 111 * MS, 22, MS));
    assert_false(pace_takes_in(&pace, 111 * MS, 28, MS));
}

/* Or a pace that is wrong would never be found out. */
static void the_first_call_of_a_batch_is_always_tried(void **state)
{
    (void)state;
    struct pace pace = busy();
    assert_true(pace_has_time(&pace, 100 * MS, 0, 400));
}

static void one_large_call_is_soon_not_the_pace_of_small_ones_behind_it(void **state)
{
    (void)state;
    struct pace pace = {0};
    pace_note(&pace, 1, true, 80 * MS, 100 * MS);
    for (int i = 0; i < 10; i++)
        pace_note(&pace, 1, false, 100 * MS, 100 * MS + 50);
    assert_true(pace_takes_in(&pace, 101 * MS, 1, 10 * MS));
    assert_true(pace_has_time(&pace, 101 * MS, 3, 10 * MS));
}

static void large_calls_now_and_then_are_not_the_pace_of_the_many_small_ones_between(void **state)
{
    (void)state;
    struct pace pace = {0};
    int64_t now_us = 0;
    for (int i = 0; i < 100; i++) {
        now_us += 5 * MS;
        pace_note(&pace, 1, true, now_us - 5 * MS, now_us);
        for (int j = 0; j < 50; j++, now_us += 200)
            pace_note(&pace, 1, false, now_us, now_us + 50);
    }
    now_us += 5 * MS;
    pace_note(&pace, 1, true, now_us - 5 * MS, now_us);
    assert_true(pace_takes_in(&pace, now_us, 10, 20 * MS));
}

/* Which take the store's round trip for one call. */
static void quiet_times_between_bursts_are_not_taken_for_a_slow_pace(void **state)
{
    (void)state;
    struct pace pace = busy();
    for (int i = 0; i < 100; i++)
        pace_note(&pace, 1, false, 100 * MS, 102 * MS);
    assert_true(pace_takes_in(&pace, 103 * MS, 50, 100 * MS));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nobody_is_refused_while_a_batch_takes_all),
        cmocka_unit_test(those_before_a_call_may_take_a_quarter_of_its_time),
        cmocka_unit_test(a_batch_is_over_before_the_first_deadline_of_its_calls),
        cmocka_unit_test(what_was_long_ago_is_not_believed),
        cmocka_unit_test(a_batch_that_stood_still_with_one_call_is_not_the_pace),
        cmocka_unit_test(another_pace_is_learnt_in_a_few_batches),
        cmocka_unit_test(the_first_call_of_a_batch_is_always_tried),
        cmocka_unit_test(one_large_call_is_soon_not_the_pace_of_small_ones_behind_it),
        cmocka_unit_test(large_calls_now_and_then_are_not_the_pace_of_the_many_small_ones_between),
        cmocka_unit_test(quiet_times_between_bursts_are_not_taken_for_a_slow_pace),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
