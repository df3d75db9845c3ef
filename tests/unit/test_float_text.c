/* The shortest text of a float: base/value_text.h. */
#include "base/value_text.h"

#include "base_random.h"

#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

enum { ROUNDS = 400000 };

static void check64(double number, const char *expected)
{
    char text[FLOAT_TEXT_SIZE];
    assert_int_equal(float64_format(number, text), strlen(expected));
    assert_string_equal(text, expected);
}

static void check32(float number, const char *expected)
{
    char text[FLOAT_TEXT_SIZE];
    assert_int_equal(float32_format(number, text), strlen(expected));
    assert_string_equal(text, expected);
}

static void people_can_read_them(void **state)
{
    (void)state;
    check64(0, "0");
    check64(-0.0, "-0");
    check64(5, "5");
    check64(-123456789012345, "-123456789012345");
    check64(0.1, "0.1");
    check64(0.1 + 0.2, "0.30000000000000004");
    check64(1.0 / 3, "0.3333333333333333");
    check64(123456.789, "123456.789");
    check64(999999999999999.9, "999999999999999.9");
    check64(1e15, "1e+15");
    check64(1e22, "1e+22");
    check64(1e23, "1e+23");
    check64(0.0001, "0.0001");
    check64(0.00001, "1e-05");
    check64(-2.5e-7, "-2.5e-07");
    check64(1e-300, "1e-300");
    check64(DBL_MAX, "1.7976931348623157e+308");
    check64(DBL_MIN, "2.2250738585072014e-308");
    check64(5e-324, "5e-324");
    check64((double)NAN, "NaN");
    check64(-(double)NAN, "NaN");
    check64((double)INFINITY, "Infinity");
    check64(-(double)INFINITY, "-Infinity");
}

static void float32s_are_as_short(void **state)
{
    (void)state;
    check32(0.1f, "0.1");
    check32(-0.0f, "-0");
    check32(16777216.0f, "16777216");
    check32(123456789.0f, "123456790");
    check32(8388607.5f, "8388607.5");
    check32(1e10f, "10000000000");
    check32(FLT_MAX, "3.4028235e+38");
    check32(FLT_MIN, "1.1754944e-38");
    check32(1e-45f, "1e-45");
    check32(NAN, "NaN");
    check32(-INFINITY, "-Infinity");
}

/* Numbers of all kinds: any bits, prices, fractions of one, powers of two and their neighbours. */
static double random_number(struct random_source *source)
{
    uint64_t bits = random_bits(source);
    double number;
    switch (random_below(source, 6)) {
    case 0:
        memcpy(&number, &bits, sizeof number);
        return isfinite(number) ? number : 0;
    case 1:
        return (double)(bits % 100000000) / 10000;
    case 2:
        return (double)(bits >> 11) * 0x1p-53;
    case 3:
        return ldexp(1 + (double)(bits % 3) * 0x1p-52, (int)(bits >> 40) % 140 - 80);
    case 4:
        return nextafter(pow(10, (double)((bits >> 32) % 40) - 22), (double)(bits % 2));
    default:
        return (double)(int64_t)bits * pow(10, (double)((bits >> 32) % 30) - 30);
    }
}

static size_t count_digits(const char *text)
{
    size_t count = 0, zeros = 0;
    for (; *text && *text != 'e'; text++) {
        if (*text < '0' || *text > '9' || (count == 0 && *text == '0'))
            continue;
        count++;
        zeros = *text == '0' ? zeros + 1 : 0;
    }
    return count - zeros;
}

/* The fewest digits with which the C library's own text reads back. */
static size_t fewest_digits(double number, bool is_float32)
{
    char text[64];
    for (int digits = 1;; digits++) {
        snprintf(text, sizeof text, "%.*e", digits - 1, number);
        bool same = strtod(text, NULL) == number;
        if (is_float32)
            same =
                strtof(text, NULL) == (float)number && (float)strtod(text, NULL) == (float)number;
        if (same)
            return count_digits(text);
    }
}

static void every_float64_reads_back_and_none_has_a_digit_too_many(void **state)
{
    (void)state;
    struct random_source source = {123};
    for (int i = 0; i < ROUNDS; i++) {
        double number = random_number(&source);
        char text[FLOAT_TEXT_SIZE];
        size_t size = float64_format(number, text);
        double back = strtod(text, NULL);
        assert_int_equal(strlen(text), size);
        if (memcmp(&back, &number, sizeof back) != 0)
            fail_msg("%a is written %s", number, text);
        bool is_written_whole = fabs(number) < 1e15 && number == floor(number);
        if (!is_written_whole && count_digits(text) > fewest_digits(number, false))
            fail_msg("%a is written %s, with more digits than it needs", number, text);
    }
}

static void every_float32_reads_back_even_through_a_float64(void **state)
{
    (void)state;
    struct random_source source = {321};
    for (int i = 0; i < ROUNDS; i++) {
        float number = (float)random_number(&source);
        uint32_t bits = (uint32_t)random_bits(&source);
        if (i % 2)
            memcpy(&number, &bits, sizeof number);
        if (!isfinite(number))
            continue;
        char text[FLOAT_TEXT_SIZE];
        float32_format(number, text);
        float back = strtof(text, NULL), through = (float)strtod(text, NULL);
        if (memcmp(&back, &number, sizeof back) != 0 || memcmp(&through, &number, sizeof back) != 0)
            fail_msg("%a is written %s", (double)number, text);
        bool is_written_whole = fabsf(number) < 16777216 && number == floorf(number);
        if (!is_written_whole && count_digits(text) > fewest_digits((double)number, true))
            fail_msg("%a is written %s, with more digits than it needs", (double)number, text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(people_can_read_them),
        cmocka_unit_test(float32s_are_as_short),
        cmocka_unit_test(every_float64_reads_back_and_none_has_a_digit_too_many),
        cmocka_unit_test(every_float32_reads_back_even_through_a_float64),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
