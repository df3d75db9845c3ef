/* test_comparison.c - what two stores say of a key, and whether they agree. */
#include "training/comparison.h"

#include "base/timestamp.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { SEEN = 1, NEW = 0 };
enum values { SAME, OTHER };

static struct comparison served_at(int64_t event_us, int64_t created_us)
{
    return (struct comparison){.has_served = true, .served = {event_us, created_us}};
}

/* Values are only looked at where the times are those of the served row. */
static void add(struct comparison *comparison, int64_t event_us, int64_t created_us, int seen,
                enum values values)
{
    if (!comparison_add(comparison, (struct row_times){event_us, created_us}, seen == SEEN))
        return;
    comparison->is_equal |= values == SAME;
    comparison->is_unequal |= values == OTHER;
}

static void check(const struct comparison *comparison, enum verdict verdict)
{
    assert_int_equal(comparison_end(comparison, INT64_MIN), verdict);
}

static void latest_row_is_equal_in_whatever_order_they_come(void **state)
{
    (void)state;
    struct comparison forward = served_at(3, 3), backward = served_at(3, 3);
    for (int64_t at = 1; at <= 3; at++) {
        add(&forward, at, at, SEEN, SAME);
        add(&backward, 4 - at, 4 - at, SEEN, SAME);
    }
    check(&forward, VERDICT_EQUAL);
    check(&backward, VERDICT_EQUAL);
}

static void created_time_decides_and_an_unknown_one_is_least(void **state)
{
    (void)state;
    struct comparison comparison = served_at(5, -1);
    add(&comparison, 5, TIMESTAMP_UNKNOWN, SEEN, OTHER);
    add(&comparison, 5, -1, SEEN, SAME);
    check(&comparison, VERDICT_EQUAL);
    add(&comparison, 5, 0, SEEN, OTHER);
    check(&comparison, VERDICT_STALE);
}

static void row_that_nobody_serves_is_missing_once_it_had_to_be_seen(void **state)
{
    (void)state;
    struct comparison comparison = {0};
    check(&comparison, VERDICT_NONE);
    add(&comparison, 5, 5, NEW, SAME);
    check(&comparison, VERDICT_BEHIND);
    add(&comparison, 4, 4, SEEN, SAME);
    check(&comparison, VERDICT_MISSING);
}

static void row_that_is_about_to_expire_may_be_gone(void **state)
{
    (void)state;
    struct comparison comparison = {0};
    add(&comparison, 5, 5, SEEN, SAME);
    assert_int_equal(comparison_end(&comparison, 5), VERDICT_MISSING);
    assert_int_equal(comparison_end(&comparison, 6), VERDICT_NONE);
    add(&comparison, 7, 7, NEW, SAME);
    assert_int_equal(comparison_end(&comparison, 6), VERDICT_BEHIND);
}

static void newer_row_than_a_run_had_to_see_may_be_served_or_not(void **state)
{
    (void)state;
    struct comparison before = served_at(1, 1), after = served_at(3, 3), between = served_at(2, 2);
    struct comparison *all[] = {&before, &after, &between};
    for (size_t i = 0; i < 3; i++) {
        add(all[i], 1, 1, SEEN, SAME);
        add(all[i], 2, 2, NEW, SAME);
        add(all[i], 3, 3, NEW, SAME);
    }
    check(&before, VERDICT_BEHIND);
    check(&after, VERDICT_EQUAL);
    check(&between, VERDICT_BEHIND);
}

static void row_of_no_history_is_extra(void **state)
{
    (void)state;
    struct comparison comparison = served_at(5, 5);
    check(&comparison, VERDICT_EXTRA);
    add(&comparison, 4, 4, SEEN, SAME);
    add(&comparison, 5, 6, NEW, SAME);
    check(&comparison, VERDICT_EXTRA);
}

static void other_values_are_different_even_behind(void **state)
{
    (void)state;
    struct comparison comparison = served_at(5, 5);
    add(&comparison, 5, 5, SEEN, OTHER);
    check(&comparison, VERDICT_DIFFERENT);
    add(&comparison, 6, 6, NEW, SAME);
    check(&comparison, VERDICT_DIFFERENT);
}

static void full_tie_is_ambiguous_if_its_values_differ(void **state)
{
    (void)state;
    struct comparison comparison = served_at(5, 5);
    add(&comparison, 5, 5, SEEN, SAME);
    add(&comparison, 5, 5, SEEN, SAME);
    check(&comparison, VERDICT_EQUAL);
    add(&comparison, 5, 5, SEEN, OTHER);
    check(&comparison, VERDICT_AMBIGUOUS);
}

static void what_cannot_be_read_is_different_or_extra(void **state)
{
    (void)state;
    struct comparison comparison = {.has_served = true, .is_unreadable = true};
    check(&comparison, VERDICT_EXTRA);
    assert_false(comparison_add(&comparison, (struct row_times){0, 0}, true));
    check(&comparison, VERDICT_DIFFERENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(latest_row_is_equal_in_whatever_order_they_come),
        cmocka_unit_test(created_time_decides_and_an_unknown_one_is_least),
        cmocka_unit_test(row_that_nobody_serves_is_missing_once_it_had_to_be_seen),
        cmocka_unit_test(row_that_is_about_to_expire_may_be_gone),
        cmocka_unit_test(newer_row_than_a_run_had_to_see_may_be_served_or_not),
        cmocka_unit_test(row_of_no_history_is_extra),
        cmocka_unit_test(other_values_are_different_even_behind),
        cmocka_unit_test(full_tie_is_ambiguous_if_its_values_differ),
        cmocka_unit_test(what_cannot_be_read_is_different_or_extra),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
