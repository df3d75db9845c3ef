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
    pace_note(&pace, 10, 95 * MS, 100 * MS);
    return pace;
}

static void nobody_is_refused_while_a_round_takes_all(void **state)
{
    (void)state;
    struct pace pace = {0};
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

static void a_round_is_over_before_the_first_deadline_of_its_calls(void **state)
{
    (void)state;
    struct pace pace = busy();
    assert_true(pace_has_time(&pace, 100 * MS, 19, 10 * MS));
    assert_false(pace_has_time(&pace, 100 * MS, 20, 10 * MS));
    assert_false(pace_has_time(&pace, 100 * MS, 0, 400));
}

static void what_was_long_ago_is_not_believed(void **state)
{
    (void)state;
    struct pace pace = busy();
    assert_false(pace_takes_in(&pace, 1000 * MS, 1000, MS));
    assert_true(pace_takes_in(&pace, 1100 * MS, 1000, MS));
    pace_note(&pace, 100, 1999 * MS, 2000 * MS);
    assert_true(pace_takes_in(&pace, 2000 * MS, 25, MS));
}

static void a_round_that_stood_still_with_one_call_is_not_the_pace(void **state)
{
    (void)state;
    struct pace pace = busy();
    pace_note(&pace, 1, 100 * MS, 105 * MS);
    assert_true(pace_takes_in(&pace, 105 * MS, 50, 200 * MS));
}

static void another_pace_is_learnt_in_a_few_rounds(void **state)
{
    (void)state;
    struct pace pace = busy();
    for (int64_t at_us = 101 * MS; at_us < 111 * MS; at_us += MS)
        pace_note(&pace, 100, at_us - MS, at_us);
    assert_true(pace_takes_in(&pace, 111 * MS, 22, MS));
    assert_false(pace_takes_in(&pace, 111 * MS, 28, MS));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nobody_is_refused_while_a_round_takes_all),
        cmocka_unit_test(those_before_a_call_may_take_a_quarter_of_its_time),
        cmocka_unit_test(a_round_is_over_before_the_first_deadline_of_its_calls),
        cmocka_unit_test(what_was_long_ago_is_not_believed),
        cmocka_unit_test(a_round_that_stood_still_with_one_call_is_not_the_pace),
        cmocka_unit_test(another_pace_is_learnt_in_a_few_rounds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
