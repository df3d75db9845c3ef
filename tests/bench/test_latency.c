/* test_latency.c - percentiles that others are judged by. */
#include "tests/bench/latency.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static struct latency latency;

static int set_up(void **state)
{
    (void)state;
    memset(&latency, 0, sizeof latency);
    return 0;
}

static void check_near(double us, double expected)
{
    if (us < expected * 0.98 || us > expected * 1.02)
        fail_msg("%g us instead of %g", us, expected);
}

static void percentiles_of_a_ramp_are_where_they_should_be(void **state)
{
    (void)state;
    for (int64_t ns = 1000; ns <= 10000000; ns += 1000)
        latency_add(&latency, ns);
    check_near(latency_within_us(&latency, 0.5), 5000);
    check_near(latency_within_us(&latency, 0.99), 9900);
    check_near(latency_within_us(&latency, 1), 10000);
}

static void one_slow_call_in_a_hundred_does_not_move_the_median(void **state)
{
    (void)state;
    for (int i = 0; i < 990; i++)
        latency_add(&latency, 50000);
    for (int i = 0; i < 10; i++)
        latency_add(&latency, 7000000);
    check_near(latency_within_us(&latency, 0.5), 50);
    check_near(latency_within_us(&latency, 0.989), 50);
    check_near(latency_within_us(&latency, 0.991), 7000);
}

static void extremes_have_a_place(void **state)
{
    (void)state;
    latency_add(&latency, -5);
    assert_true(latency_within_us(&latency, 0.5) < 0.001);
    for (int i = 0; i < 3; i++)
        latency_add(&latency, INT64_MAX);
    assert_true(latency_within_us(&latency, 0.99) > 60e6);
}

static void merged_counts_are_those_of_both(void **state)
{
    (void)state;
    static struct latency other;
    for (int i = 0; i < 100; i++)
        latency_add(&latency, 1000);
    for (int i = 0; i < 300; i++)
        latency_add(&other, 9000);
    latency_merge(&latency, &other);
    assert_int_equal(latency.total, 400);
    check_near(latency_within_us(&latency, 0.5), 9);
    check_near(latency_within_us(&latency, 0.2), 1);
}

static void nothing_added_is_no_time(void **state)
{
    (void)state;
    assert_true(latency_within_us(&latency, 0.99) == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(percentiles_of_a_ramp_are_where_they_should_be, set_up),
        cmocka_unit_test_setup(one_slow_call_in_a_hundred_does_not_move_the_median, set_up),
        cmocka_unit_test_setup(extremes_have_a_place, set_up),
        cmocka_unit_test_setup(merged_counts_are_those_of_both, set_up),
        cmocka_unit_test_setup(nothing_added_is_no_time, set_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
