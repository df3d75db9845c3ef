/* test_histogram.c - values in buckets, added by one thread and read by another. */
#include "base/histogram.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const struct histogram_bounds bounds = {3, {10, 20, 50}};

static void a_value_is_in_the_first_bucket_that_holds_it(void **state)
{
    (void)state;
    struct histogram histogram = {0};
    static const uint64_t values[] = {0, 10, 11, 20, 21, 50, 51, UINT64_MAX};
    for (size_t i = 0; i < sizeof values / sizeof *values; i++)
        histogram_add(&histogram, &bounds, values[i], 1);
    struct histogram_total total = {0};
    histogram_total_add(&total, &histogram);
    for (size_t i = 0; i <= bounds.count; i++)
        assert_int_equal(total.buckets[i], 2);
    assert_int_equal(total.sum, 8);
}

static void totals_add_up(void **state)
{
    (void)state;
    struct histogram one = {0}, two = {0};
    struct histogram_total total = {0};
    histogram_add(&one, &bounds, 5, 5);
    histogram_add(&two, &bounds, 7, 7);
    histogram_add(&two, &bounds, 70, 70);
    histogram_total_add(&total, &one);
    histogram_total_add(&total, &two);
    assert_int_equal(total.buckets[0], 2);
    assert_int_equal(total.buckets[3], 1);
    assert_int_equal(total.sum, 82);
}

enum { VALUES = 200000 };

struct shared {
    struct histogram histogram;
    atomic_bool is_done;
};

static void *add_values(void *arg)
{
    struct shared *shared = arg;
    for (uint64_t i = 0; i < VALUES; i++)
        histogram_add(&shared->histogram, &bounds, i % 60, 3);
    atomic_store(&shared->is_done, true);
    return NULL;
}

static uint64_t count(const struct histogram_total *total)
{
    return total->buckets[0] + total->buckets[1] + total->buckets[2] + total->buckets[3];
}

static void a_reader_never_sees_a_number_go_back_and_in_the_end_sees_all(void **state)
{
    (void)state;
    struct shared shared = {0};
    struct histogram_total before = {0}, now;
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, add_values, &shared), 0);
    do {
        now = (struct histogram_total){0};
        histogram_total_add(&now, &shared.histogram);
        assert_true(count(&now) >= count(&before) && count(&now) <= VALUES);
        assert_true(now.sum >= before.sum && now.sum % 3 == 0);
        before = now;
    } while (!atomic_load(&shared.is_done));
    pthread_join(thread, NULL);
    now = (struct histogram_total){0};
    histogram_total_add(&now, &shared.histogram);
    assert_int_equal(count(&now), VALUES);
    assert_int_equal(now.sum, 3 * VALUES);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_value_is_in_the_first_bucket_that_holds_it),
        cmocka_unit_test(totals_add_up),
        cmocka_unit_test(a_reader_never_sees_a_number_go_back_and_in_the_end_sees_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
