/* test_value_status.c - what serving would have said at a time. */
#include "training/training_set.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static const int64_t hour_us = INT64_C(3600000000);

static enum value_status status_of(int64_t ttl_us, int64_t age_us, bool is_null)
{
    const int64_t at_us = INT64_C(1700000000000000);
    struct feature_view view = {.ttl_us = ttl_us};
    struct value value = {.type = TYPE_INT64, .is_null = is_null};
    struct joined_view joined = {.found = true, .event_time_us = at_us - age_us, .values = &value};
    return value_status_at(&view, &joined, &value, at_us);
}

static void row_that_is_not_there_is_not_found(void **unused)
{
    (void)unused;
    struct feature_view view = {0};
    struct joined_view joined = {0};
    assert_int_equal(value_status_at(&view, &joined, NULL, 0), VALUE_NOT_FOUND);
}

static void null_in_a_row_is_a_null_value(void **unused)
{
    (void)unused;
    assert_int_equal(status_of(0, 0, true), VALUE_NULL);
    assert_int_equal(status_of(0, 0, false), VALUE_PRESENT);
}

static void both_ends_of_ttl_count(void **unused)
{
    (void)unused;
    assert_int_equal(status_of(hour_us, hour_us, false), VALUE_PRESENT);
    assert_int_equal(status_of(hour_us, hour_us + 1, false), VALUE_OUTSIDE_MAX_AGE);
    assert_int_equal(status_of(hour_us, hour_us + 1, true), VALUE_OUTSIDE_MAX_AGE);
}

static void row_older_than_ttl_and_a_day_is_not_found(void **unused)
{
    (void)unused;
    assert_int_equal(status_of(hour_us, 25 * hour_us, false), VALUE_OUTSIDE_MAX_AGE);
    assert_int_equal(status_of(hour_us, 25 * hour_us + 1, false), VALUE_NOT_FOUND);
}

static void without_ttl_nothing_is_too_old(void **unused)
{
    (void)unused;
    assert_int_equal(status_of(0, INT64_C(60000000000000000), false), VALUE_PRESENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(row_that_is_not_there_is_not_found),
        cmocka_unit_test(null_in_a_row_is_a_null_value),
        cmocka_unit_test(both_ends_of_ttl_count),
        cmocka_unit_test(row_older_than_ttl_and_a_day_is_not_found),
        cmocka_unit_test(without_ttl_nothing_is_too_old),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
