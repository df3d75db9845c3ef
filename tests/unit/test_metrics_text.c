/* test_metrics_text.c - numbers as Prometheus reads them: server/http/metrics_text.h. */
#include "server/http/metrics_text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static struct buffer out;
static struct metrics_text text = {.out = &out};

static void check(const char *expected)
{
    buffer_append_byte(&out, '\0');
    assert_string_equal((const char *)out.data, expected);
    buffer_release(&out);
}

static void a_family_is_described_and_its_samples_follow(void **state)
{
    (void)state;
    buffer_init(&out, 0);
    metrics_family(&text, METRIC_COUNTER, "a_total", "What a is.");
    metrics_number(&text, 0, "b", "c", "d", "e", NULL);
    metrics_number(&text, UINT64_MAX, NULL);
    check("# HELP a_total What a is.\n# TYPE a_total counter\n"
          "a_total{b=\"c\",d=\"e\"} 0\na_total 18446744073709551615\n");
}

static void what_would_end_a_text_is_escaped(void **state)
{
    (void)state;
    buffer_init(&out, 0);
    metrics_family(&text, METRIC_GAUGE, "a", "a \"b\" \\ c\nd");
    metrics_number(&text, 1, "l", "a \"b\" \\ c\nd", NULL);
    check("# HELP a a \"b\" \\\\ c\\nd\n# TYPE a gauge\na{l=\"a \\\"b\\\" \\\\ c\\nd\"} 1\n");
}

static void millionths_are_told_exactly_and_shortly(void **state)
{
    (void)state;
    static const uint64_t micros[] = {0, 1, 1000000, 2500000, 10000000, 1700000000123456};
    buffer_init(&out, 0);
    text.family = "a";
    for (size_t i = 0; i < sizeof micros / sizeof *micros; i++)
        metrics_micros(&text, micros[i], NULL);
    check("a 0\na 0.000001\na 1\na 2.5\na 10\na 1700000000.123456\n");
}

static void buckets_hold_all_that_is_below_them(void **state)
{
    (void)state;
    static const struct histogram_bounds bounds = {2, {500, 1000000}};
    struct histogram_total total = {.buckets = {1, 2, 4}, .sum = 2000001};
    buffer_init(&out, 0);
    metrics_family(&text, METRIC_HISTOGRAM, "h", "H.");
    metrics_histogram(&text, &bounds, METRIC_SECONDS, &total, "a", "b", NULL);
    metrics_histogram(&text, &bounds, METRIC_COUNTS, &total, NULL);
    check("# HELP h H.\n# TYPE h histogram\n"
          "h_bucket{a=\"b\",le=\"0.0005\"} 1\nh_bucket{a=\"b\",le=\"1\"} 3\n"
          "h_bucket{a=\"b\",le=\"+Inf\"} 7\nh_sum{a=\"b\"} 2.000001\nh_count{a=\"b\"} 7\n"
          "h_bucket{le=\"500\"} 1\nh_bucket{le=\"1000000\"} 3\nh_bucket{le=\"+Inf\"} 7\n"
          "h_sum 2000001\nh_count 7\n");
}

static void a_sum_of_seconds_stays_one(void **state)
{
    (void)state;
    static const struct histogram_bounds bounds = {1, {1000000}};
    struct histogram_total total = {.buckets = {0, 1}, .sum = 90};
    buffer_init(&out, 0);
    text.family = "h";
    metrics_histogram(&text, &bounds, METRIC_LONG_SECONDS, &total, NULL);
    check("h_bucket{le=\"1\"} 0\nh_bucket{le=\"+Inf\"} 1\nh_sum 90\nh_count 1\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_family_is_described_and_its_samples_follow),
        cmocka_unit_test(what_would_end_a_text_is_escaped),
        cmocka_unit_test(millionths_are_told_exactly_and_shortly),
        cmocka_unit_test(buckets_hold_all_that_is_below_them),
        cmocka_unit_test(a_sum_of_seconds_stays_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
