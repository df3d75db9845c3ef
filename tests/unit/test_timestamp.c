/* Instants and durations as text: base/timestamp.h. */
#include "base/timestamp.h"

#include "base_random.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#define DAY_US INT64_C(86400000000)

static void check_parses(const char *text, int64_t expected)
{
    int64_t us = 0;
    if (!timestamp_parse(bytes_of_text(text), &us))
        fail_msg("\"%s\" was refused", text);
    assert_int_equal(us, expected);
}

static void check_refused(const char *text)
{
    int64_t us;
    if (timestamp_parse(bytes_of_text(text), &us))
        fail_msg("\"%s\" was taken for %lld", text, (long long)us);
}

/* The calendar once more, counted day by day as a child would. */
struct calendar {
    int year, month, day;
};

static void calendar_step(struct calendar *date)
{
    static const int lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (date->year % 4 == 0 && date->year % 100 != 0) || date->year % 400 == 0;
    int length = lengths[date->month - 1] + (date->month == 2 && leap);
    if (++date->day <= length)
        return;
    date->day = 1;
    if (++date->month <= 12)
        return;
    date->month = 1;
    date->year++;
}

static void every_day_of_ten_thousand_years_is_written_and_read(void **state)
{
    (void)state;
    struct random_source source = {11};
    struct calendar date = {1, 1, 1};
    int64_t day_us = TIMESTAMP_MIN;
    for (; date.year <= 9999; calendar_step(&date), day_us += DAY_US) {
        char expected[64], text[TIMESTAMP_TEXT_SIZE];
        int64_t time_us = (int64_t)random_below(&source, (uint64_t)DAY_US);
        snprintf(expected, sizeof expected, "%04d-%02d-%02dT%02d:%02d:%02d.%06dZ", date.year,
                 date.month, date.day, (int)(time_us / 3600000000), (int)(time_us / 60000000 % 60),
                 (int)(time_us / 1000000 % 60), (int)(time_us % 1000000));
        assert_int_equal(timestamp_format(day_us + time_us, text), 27);
        assert_string_equal(text, expected);
        check_parses(expected, day_us + time_us);
        expected[10] = '\0';
        check_parses(expected, day_us);
    }
    assert_int_equal(day_us, TIMESTAMP_MAX + 1);
}

static void days_that_are_not_in_the_calendar_are_refused(void **state)
{
    (void)state;
    check_parses("2000-02-29", INT64_C(951782400000000));
    check_parses("1968-02-29", -INT64_C(58060800000000));
    const char *const wrong[] = {"1900-02-29", "2023-02-29",  "2024-02-30", "2024-04-31",
                                 "2024-00-10", "2024-13-01",  "2024-01-00", "2024-01-32",
                                 "0000-01-01", "10000-01-01", "-001-01-01"};
    for (size_t i = 0; i < COUNT_OF(wrong); i++)
        check_refused(wrong[i]);
}

static void offsets_are_taken_away(void **state)
{
    (void)state;
    const int64_t ten = INT64_C(1357034400000000); /* 2013-01-01T10:00:00Z */
    const char *const same[] = {
        "2013-01-01T10:00:00Z",      "2013-01-01t10:00:00z",      "2013-01-01 10:00:00",
        "2013-01-01T10:00:00+00:00", "2013-01-01T12:30:00+02:30", "2013-01-01 05:00:00-05",
        "2013-01-01T15:45:00+0545",  "2012-12-31T10:01:00-23:59", "2013-01-01T10:00:00.000000000Z",
    };
    for (size_t i = 0; i < COUNT_OF(same); i++)
        check_parses(same[i], ten);
}

static void fractions_are_cut_to_microseconds(void **state)
{
    (void)state;
    check_parses("1970-01-01T00:00:00.1Z", 100000);
    check_parses("1970-01-01T00:00:00.000001Z", 1);
    check_parses("1970-01-01T00:00:00.123456789Z", 123456);
    check_parses("1969-12-31T23:59:59.9999999Z", -1); /* towards the past, before 1970 as well */
}

static void what_is_not_a_time_is_refused(void **state)
{
    (void)state;
    const char *const wrong[] = {
        "",
        " 2013-01-01",
        "2013-01-01 ",
        "2013-1-01",
        "2013-01-01T",
        "2013-01-01T10",
        "2013-01-01T10:00",
        "2013-01-01T10:00Z",
        "2013-01-01Z",
        "2013-01-01T24:00:00Z",
        "2013-01-01T10:60:00Z",
        "2013-01-01T10:00:60Z",
        "2013-01-01T10:00:00.",
        "2013-01-01T10:00:00.Z",
        "2013-01-01T10:00:00.1234567890Z",
        "2013-01-01T10:00:00 Z",
        "2013-01-01T10:00:00ZZ",
        "2013-01-01T10:00:00+24:00",
        "2013-01-01T10:00:00+01:60",
        "2013-01-01T10:00:00+1",
        "2013-01-01T10:00:00+01:",
        "2013-01-01T10:00:00+01:0",
        "2013-01-01T10:00:00+010",
        "2013-01-01T10:00:00+01:00:00",
        "2013-01-01  10:00:00",
        "2013/01/01",
        "20130101",
        "1357034400",
        "infinity",
        "now",
        "2013-01-01T10:00:00\xc2\xa0",
    };
    for (size_t i = 0; i < COUNT_OF(wrong); i++)
        check_refused(wrong[i]);
    int64_t us;
    assert_false(timestamp_parse((struct bytes){"2013-01-01\0", 11}, &us));
    assert_false(timestamp_parse((struct bytes){NULL, 0}, &us));
}

static void the_range_ends_with_the_years(void **state)
{
    (void)state;
    check_parses("0001-01-01T00:00:00Z", TIMESTAMP_MIN);
    check_parses("9999-12-31T23:59:59.999999Z", TIMESTAMP_MAX);
    check_refused("0001-01-01T00:00:00+00:01");
    check_refused("9999-12-31T23:59:59-00:01");
    assert_true(timestamp_in_range(TIMESTAMP_MIN) && timestamp_in_range(TIMESTAMP_MAX));
    assert_false(timestamp_in_range(TIMESTAMP_MIN - 1) || timestamp_in_range(TIMESTAMP_MAX + 1));
    assert_false(timestamp_in_range(TIMESTAMP_UNKNOWN));
    check_parses("2000-01-01", TIMESTAMP_POSTGRES_EPOCH_US);
}

static void durations_are_read(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t us;
    } cases[] = {{"0", 0},
                 {"0s", 0},
                 {"90s", INT64_C(90000000)},
                 {"15m", INT64_C(900000000)},
                 {"6h", INT64_C(21600000000)},
                 {"7d", 7 * DAY_US},
                 {"2w", 14 * DAY_US},
                 {"3652425d", 3652425 * DAY_US}};
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        int64_t us = -1;
        assert_true(duration_parse(bytes_of_text(cases[i].text), &us));
        assert_int_equal(us, cases[i].us);
    }
}

static void what_is_not_a_duration_is_refused(void **state)
{
    (void)state;
    const char *const wrong[] = {"",
                                 "1",
                                 "s",
                                 "-1s",
                                 "+1s",
                                 "1 s",
                                 " 1s",
                                 "1s ",
                                 "1.5h",
                                 "1y",
                                 "1ms",
                                 "1S",
                                 "1hh",
                                 "00",
                                 "1h30m",
                                 "3652426d",
                                 "521776w",
                                 "99999999999999999999s",
                                 "9223372036854775807w"};
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        int64_t us;
        if (duration_parse(bytes_of_text(wrong[i]), &us))
            fail_msg("\"%s\" was taken for %lld us", wrong[i], (long long)us);
    }
}

static void durations_are_written_in_their_largest_whole_unit(void **state)
{
    (void)state;
    static const struct {
        int64_t us;
        const char *text;
    } cases[] = {{0, "0"},
                 {INT64_C(90000000), "90s"},
                 {INT64_C(3600000000), "1h"},
                 {10 * DAY_US, "10d"},
                 {14 * DAY_US, "2w"},
                 {1500000, "1500ms"},
                 {1500, "1500us"},
                 {-INT64_C(60000000), "-1m"},
                 {INT64_MIN, "-9223372036854775808us"}};
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        char text[DURATION_TEXT_SIZE];
        assert_int_equal(duration_format(cases[i].us, text), strlen(cases[i].text));
        assert_string_equal(text, cases[i].text);
    }
}

static void sums_stay_within_the_integers(void **state)
{
    (void)state;
    assert_int_equal(timestamp_add(5, -7), -2);
    assert_int_equal(timestamp_add(INT64_MAX - 1, 2), INT64_MAX);
    assert_int_equal(timestamp_add(INT64_MIN + 1, -2), INT64_MIN);
    assert_int_equal(timestamp_subtract(5, 7), -2);
    assert_int_equal(timestamp_subtract(INT64_MIN + 1, 2), INT64_MIN);
    assert_int_equal(timestamp_subtract(INT64_MAX - 1, -2), INT64_MAX);
    assert_int_equal(timestamp_subtract(0, INT64_MIN), INT64_MAX);
}

static void the_clocks_run(void **state)
{
    (void)state;
    int64_t before = timestamp_monotonic_us();
    assert_true(timestamp_in_range(timestamp_now()));
    assert_true(timestamp_now() > INT64_C(1700000000000000)); /* after 2023 */
    assert_true(timestamp_monotonic_us() >= before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_day_of_ten_thousand_years_is_written_and_read),
        cmocka_unit_test(days_that_are_not_in_the_calendar_are_refused),
        cmocka_unit_test(offsets_are_taken_away),
        cmocka_unit_test(fractions_are_cut_to_microseconds),
        cmocka_unit_test(what_is_not_a_time_is_refused),
        cmocka_unit_test(the_range_ends_with_the_years),
        cmocka_unit_test(durations_are_read),
        cmocka_unit_test(what_is_not_a_duration_is_refused),
        cmocka_unit_test(durations_are_written_in_their_largest_whole_unit),
        cmocka_unit_test(sums_stay_within_the_integers),
        cmocka_unit_test(the_clocks_run),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
