/* Values as text: base/value_text.h. */
#include "base/value_text.h"

#include "base/timestamp.h"
#include "base_random.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

struct fixture {
    struct arena arena;
    struct buffer text;
    struct error err;
};

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    arena_init(&f->arena, 0);
    buffer_init(&f->text, 0);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    buffer_release(&f->text);
    arena_release(&f->arena);
    free(f);
    return 0;
}

static struct value parse(struct fixture *f, value_type type, const char *text)
{
    struct value value = value_null(type);
    if (value_parse(type, bytes_of_text(text), &f->arena, &value, &f->err) != STATUS_OK)
        fail_msg("\"%s\": %s", text, f->err.message);
    assert_int_equal(value.type, type);
    assert_false(value.is_null);
    return value;
}

static void check_refused(struct fixture *f, value_type type, const char *text, const char *message)
{
    struct value value;
    f->err.message[0] = '\0';
    if (value_parse(type, bytes_of_text(text), &f->arena, &value, &f->err) != STATUS_INVALID)
        fail_msg("\"%s\" was taken for a %s", text, type_name(type));
    if (message && !strstr(f->err.message, message))
        fail_msg("\"%s\" does not say \"%s\"", f->err.message, message);
}

/* Parses, and compares with what that text is written as. */
static void check_canonical(struct fixture *f, value_type type, const char *text,
                            const char *expected)
{
    struct value value = parse(f, type, text);
    buffer_clear(&f->text);
    value_format(&value, &f->text);
    buffer_append_byte(&f->text, '\0');
    assert_string_equal((const char *)f->text.data, expected);
    struct value again = parse(f, type, expected);
    assert_true(value_equal(&value, &again));
}

struct text_pair {
    value_type type;
    const char *text, *canonical;
};

static void values_are_read_and_written(void **state)
{
    static const struct text_pair pairs[] = {
        {TYPE_BOOL, "true", "true"},
        {TYPE_BOOL, "FALSE", "false"},
        {TYPE_BOOL, "t", "true"},
        {TYPE_BOOL, "0", "false"},
        {TYPE_INT32, "-2147483648", "-2147483648"},
        {TYPE_INT32, "+2147483647", "2147483647"},
        {TYPE_INT32, "007", "7"},
        {TYPE_INT64, "-9223372036854775808", "-9223372036854775808"},
        {TYPE_INT64, "9223372036854775807", "9223372036854775807"},
        {TYPE_INT64, "-0", "0"},
        {TYPE_FLOAT64, "1", "1"},
        {TYPE_FLOAT64, "-0", "-0"},
        {TYPE_FLOAT64, "0.10", "0.1"},
        {TYPE_FLOAT64, ".5", "0.5"},
        {TYPE_FLOAT64, "5.", "5"},
        {TYPE_FLOAT64, "+1E3", "1000"},
        {TYPE_FLOAT64, "0e999", "0"},
        {TYPE_FLOAT64, "4.9e-324", "5e-324"},
        {TYPE_FLOAT64, "123456789.123456789123456789", "123456789.12345679"},
        {TYPE_FLOAT64, "nan", "NaN"},
        {TYPE_FLOAT64, "INF", "Infinity"},
        {TYPE_FLOAT64, "-infinity", "-Infinity"},
        {TYPE_FLOAT32, "0.1", "0.1"},
        {TYPE_FLOAT32, "16777217", "16777216"},
        {TYPE_FLOAT32, "3.4028235e38", "3.4028235e+38"},
        {TYPE_FLOAT32, "-Inf", "-Infinity"},
        {TYPE_STRING, "", ""},
        {TYPE_STRING, " \xc3\xa9t\xc3\xa9 \n", " \xc3\xa9t\xc3\xa9 \n"},
        {TYPE_BYTES, "\\x", "\\x"},
        {TYPE_BYTES, "\\x00fFa9", "\\x00ffa9"},
        {TYPE_TIMESTAMP, "2013-01-01 10:00:00+01", "2013-01-01T09:00:00.000000Z"},
    };
    for (size_t i = 0; i < COUNT_OF(pairs); i++)
        check_canonical(*state, pairs[i].type, pairs[i].text, pairs[i].canonical);
}

static void lists_are_read_and_written(void **state)
{
    static const struct text_pair pairs[] = {
        {TYPE_BOOL, "[true, false]", "[true,false]"},
        {TYPE_INT32, "[]", "[]"},
        {TYPE_INT32, " [ 1 , -2147483648 ] ", "[1,-2147483648]"},
        {TYPE_INT64, "[9223372036854775807,-9007199254740993]",
         "[9223372036854775807,-9007199254740993]"},
        {TYPE_FLOAT64, "[1,-0,0.1,1e300]", "[1,-0,0.1,1e+300]"},
        {TYPE_FLOAT64, "[\"NaN\",\"Infinity\",\"-Infinity\"]",
         "[\"NaN\",\"Infinity\",\"-Infinity\"]"},
        {TYPE_FLOAT32, "[0.1,16777217,\"NaN\"]", "[0.1,16777216,\"NaN\"]"},
        {TYPE_STRING, "[\"\",\"a\\\"b\\\\\",\"\\u00e9\\n\"]",
         "[\"\",\"a\\\"b\\\\\",\"\xc3\xa9\\n\"]"},
        {TYPE_STRING, "[\"\\u0001\"]", "[\"\\u0001\"]"},
        {TYPE_BYTES, "[\"\\\\x\",\"\\\\x00FF\"]", "[\"\\\\x\",\"\\\\x00ff\"]"},
        {TYPE_TIMESTAMP, "[\"1970-01-01\"]", "[\"1970-01-01T00:00:00.000000Z\"]"},
    };
    for (size_t i = 0; i < COUNT_OF(pairs); i++)
        check_canonical(*state, type_list_of(pairs[i].type), pairs[i].text, pairs[i].canonical);
}

static void what_is_not_wholly_a_value_is_refused(void **state)
{
    static const struct {
        value_type type;
        const char *texts[24];
    } cases[] = {
        {TYPE_BOOL, {"", "yes", "tru", "truee", " true", "2", "01"}},
        {TYPE_INT32,
         {"", "-", "+", "x", "1 ", " 1", "1.0", "1e3", "0x10", "2147483648", "-2147483649",
          "99999999999999999999", "--1", "1_000", "\xd9\xa1"}},
        {TYPE_INT64, {"", "9223372036854775808", "-9223372036854775809", "1.", "1a"}},
        {TYPE_FLOAT64,
         {"", "-", ".", "e5", "1e", "1e+", "0x1p3", " 1", "1 ", "1,5", "1e999", "-1e999", "1e-999",
          "nan(1)", "-nan", "infinit", "1f", "1..2", "--1"}},
        {TYPE_FLOAT32, {"", "1e39", "-3.5e38", "1e-60", "0x1"}},
        {TYPE_BYTES, {"", "00", "\\x0", "\\x0g", "\\X00", "\\x00 ", "x00", "\\"}},
        {TYPE_TIMESTAMP, {"", "now", "2013-13-01", "infinity"}},
        {TYPE_STRING, {"\xff", "a\xc3"}},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        for (size_t j = 0; j < COUNT_OF(cases[i].texts) && cases[i].texts[j]; j++)
            check_refused(*state, cases[i].type, cases[i].texts[j], NULL);
}

static void what_is_not_wholly_a_list_is_refused(void **state)
{
    static const struct {
        value_type element;
        const char *texts[16];
    } cases[] = {
        {TYPE_INT64,
         {"", "1", "{}", "{\"a\":1}", "[1", "1]", "[1,]", "[1]x", "[1][2]", "[1.0]", "[\"1\"]",
          "[true]", "[[1]]", "[9223372036854775808]", "[null]", "[1e2]"}},
        {TYPE_INT32, {"[2147483648]", "[-2147483649]"}},
        {TYPE_FLOAT64, {"[\"1\"]", "[\"nan\"]", "[NaN]", "[true]", "[1e999]", "[{}]", "[.5]"}},
        {TYPE_FLOAT32, {"[1e39]", "[1e-60]"}},
        {TYPE_BOOL, {"[1]", "[\"true\"]"}},
        {TYPE_STRING, {"[1]", "[null]", "[\"\\u0000\"]", "[\"\xff\"]", "['a']", "[\"\\ud800\"]"}},
        {TYPE_BYTES, {"[\"00\"]", "[1]"}},
        {TYPE_TIMESTAMP, {"[0]", "[\"soon\"]"}},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        for (size_t j = 0; j < COUNT_OF(cases[i].texts) && cases[i].texts[j]; j++)
            check_refused(*state, type_list_of(cases[i].element), cases[i].texts[j], NULL);
}

static void messages_say_what_was_expected(void **state)
{
    struct fixture *f = *state;
    check_refused(f, TYPE_INT32, "x", "not an int32: \"x\"");
    check_refused(f, TYPE_INT32, "3000000000", "out of the range of int32: \"3000000000\"");
    check_refused(f, TYPE_FLOAT64, "1e999", "out of the range of float64");
    check_refused(f, TYPE_TIMESTAMP, "2013", "not a timestamp");
    check_refused(f, type_list_of(TYPE_INT64), "[1,null]",
                  "element 2 of the list: a list cannot hold null");
    check_refused(f, type_list_of(TYPE_INT64), "[1.5]", "element 1 of the list: not an int64");
    check_refused(f, type_list_of(TYPE_BYTES), "[\"\\\\x\",\"y\"]",
                  "element 2 of the list: not bytes");
    check_refused(f, type_list_of(TYPE_INT64), "[1", "not a JSON array of int64");
}

static void a_long_wrong_text_is_shown_in_part(void **state)
{
    struct fixture *f = *state;
    char text[1000];
    memset(text, 'a', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    memcpy(text + 63, "\xc3\xa9", 2); /* a character over the place of the cut */
    check_refused(f, TYPE_INT64, text, "aaa\"...");
    assert_true(strlen(f->err.message) < 120);
    assert_null(strstr(f->err.message, "\xc3"));
    text[5] = (char)0xff;
    check_refused(f, TYPE_INT64, text, "not UTF-8");
}

static void a_nul_is_part_of_no_value(void **state)
{
    struct fixture *f = *state;
    static const struct {
        value_type type;
        struct bytes text;
    } cases[] = {{TYPE_INT32, {"1\0", 2}},     {TYPE_FLOAT64, {"1\0", 2}},
                 {TYPE_FLOAT64, {"1e5\0", 4}}, {TYPE_STRING, {"a\0b", 3}},
                 {TYPE_BOOL, {"t\0", 2}},      {TYPE_LIST | TYPE_INT64, {"[1]\0", 4}}};
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct value value;
        assert_int_equal(value_parse(cases[i].type, cases[i].text, &f->arena, &value, &f->err),
                         STATUS_INVALID);
    }
}

static void a_string_borrows_from_its_text(void **state)
{
    const char *text = "borrowed";
    struct value value = parse(*state, TYPE_STRING, text);
    assert_ptr_equal(value.bytes.data, text);
}

static void random_floats_come_back(void **state)
{
    struct fixture *f = *state;
    struct random_source source = {77};
    for (int i = 0; i < 200000; i++) {
        struct value value = {.type = i % 2 ? TYPE_FLOAT64 : TYPE_FLOAT32};
        uint64_t bits = random_bits(&source);
        if (i % 3 && value.type == TYPE_FLOAT64)
            value.float64 = (double)(int64_t)(bits % 1000000000) / 1000 - 500000;
        else
            value.int64 = (int64_t)bits;
        if (isnan(value.type == TYPE_FLOAT64 ? value.float64 : (double)value.float32))
            continue;
        arena_reset(&f->arena);
        buffer_clear(&f->text);
        value_format(&value, &f->text);
        struct value back;
        assert_int_equal(value_parse(value.type, buffer_bytes(&f->text), &f->arena, &back, &f->err),
                         STATUS_OK);
        assert_true(value_equal(&back, &value));
    }
}

static void short_decimals_are_read_exactly(void **state)
{
    struct fixture *f = *state;
    struct random_source source = {78};
    for (int i = 0; i < 200000; i++) {
        char text[64];
        int places = (int)random_below(&source, 17);
        uint64_t digits = random_bits(&source) % (UINT64_C(1) << random_below(&source, 54));
        snprintf(text, sizeof text, "%s%.*f", i % 2 ? "-" : "", places,
                 (double)digits / pow(10, (double)random_below(&source, 12)));
        struct value value = parse(f, TYPE_FLOAT64, text);
        double expected = strtod(text, NULL);
        assert_memory_equal(&value.float64, &expected, sizeof expected);
        arena_reset(&f->arena);
    }
}

static void json_strings_are_escaped(void **state)
{
    struct fixture *f = *state;
    json_text_append(&f->text, bytes_of_text("a\"b\\c\n\r\t\x1f\x7f\xe2\x82\xac/"));
    json_text_append(&f->text, (struct bytes){"", 0});
    buffer_append_byte(&f->text, '\0');
    assert_string_equal((const char *)f->text.data,
                        "\"a\\\"b\\\\c\\n\\r\\t\\u001f\x7f\xe2\x82\xac/\"\"\"");
}

#define TEXT_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEXT_TEST(values_are_read_and_written),
        TEXT_TEST(lists_are_read_and_written),
        TEXT_TEST(what_is_not_wholly_a_value_is_refused),
        TEXT_TEST(what_is_not_wholly_a_list_is_refused),
        TEXT_TEST(messages_say_what_was_expected),
        TEXT_TEST(a_long_wrong_text_is_shown_in_part),
        TEXT_TEST(a_nul_is_part_of_no_value),
        TEXT_TEST(a_string_borrows_from_its_text),
        TEXT_TEST(random_floats_come_back),
        TEXT_TEST(short_decimals_are_read_exactly),
        TEXT_TEST(json_strings_are_escaped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
