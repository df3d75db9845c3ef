/* test_column_guess.c - the type of a column that nobody declared. */
#include "training/formats/column_guess.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* Fields in one text, with a bar between them. */
static const char *guess(const char *fields)
{
    struct column_guess column = {0};
    struct arena scratch;
    arena_init(&scratch, 0);
    while (*fields) {
        size_t size = strcspn(fields, "|");
        column_guess_see(&column, (struct bytes){fields, size}, &scratch);
        fields += size + (fields[size] == '|');
    }
    arena_release(&scratch);
    return type_name(column_guess_type(&column));
}

static void plain_columns_have_plain_types(void **unused)
{
    (void)unused;
    assert_string_equal(guess("true|false|True|FALSE"), "bool");
    assert_string_equal(guess("0|1|-12|9223372036854775807|-9223372036854775808"), "int64");
    assert_string_equal(guess("0.5|1|-3e-7|NaN|Infinity|-Infinity|nan"), "float64");
    assert_string_equal(guess("JFK|LGA"), "string");
}

static void nothing_to_see_is_a_string(void **unused)
{
    (void)unused;
    assert_string_equal(guess(""), "string");
}

static void one_that_does_not_fit_makes_it_a_string(void **unused)
{
    (void)unused;
    assert_string_equal(guess("true|1"), "string");
    assert_string_equal(guess("1|2|x"), "string");
    assert_string_equal(guess("x|1|2"), "string");
    assert_string_equal(guess("1.5|true"), "string");
}

static void text_that_a_number_would_not_give_back_stays_text(void **unused)
{
    (void)unused;
    assert_string_equal(guess("007|8"), "string");
    assert_string_equal(guess("+1|2"), "string");
    assert_string_equal(guess("9223372036854775808"), "string");
    assert_string_equal(guess("9007199254740993|0.5"), "string");
    assert_string_equal(guess("1e999"), "string");
    assert_string_equal(guess("0x1f"), "string");
    assert_string_equal(guess("1_000"), "string");
    assert_string_equal(guess(" 1"), "string");
    assert_string_equal(guess("-"), "string");
    assert_string_equal(guess("t|f"), "string");
}

static void a_zero_with_a_sign_is_no_integer(void **unused)
{
    (void)unused;
    assert_string_equal(guess("-0|1"), "float64");
    assert_string_equal(guess("0|1"), "int64");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_columns_have_plain_types),
        cmocka_unit_test(nothing_to_see_is_a_string),
        cmocka_unit_test(one_that_does_not_fit_makes_it_a_string),
        cmocka_unit_test(text_that_a_number_would_not_give_back_stays_text),
        cmocka_unit_test(a_zero_with_a_sign_is_no_integer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
