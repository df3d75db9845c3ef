/* test_parquet_bounds.c - the bounds by which readers skip row groups never mislead them. */
#include "training/formats/parquet_bounds.h"

#include "hex_text.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static struct value int32_of(int32_t number)
{
    return (struct value){.type = TYPE_INT32, .int32 = number};
}

static struct value float64_of(double number)
{
    return (struct value){.type = TYPE_FLOAT64, .float64 = number};
}

static struct value text_of(const char *text)
{
    return (struct value){.type = TYPE_STRING, .bytes = bytes_of_text(text)};
}

/* NULL: there are none. */
static void check(const struct value *values, size_t count, const char *least_hex,
                  const char *greatest_hex)
{
    struct parquet_bounds bounds = {0};
    struct parquet_bound least, greatest;
    for (size_t i = 0; i < count; i++)
        parquet_bounds_see(&bounds, &values[i]);
    bool found = parquet_bounds_get(&bounds, &least, &greatest);
    assert_int_equal(found, least_hex != NULL);
    if (!found)
        return;
    check_hex((struct bytes){least.bytes, least.size}, least_hex);
    check_hex((struct bytes){greatest.bytes, greatest.size}, greatest_hex);
}

static void a_chunk_without_values_has_none(void **unused)
{
    (void)unused;
    check(NULL, 0, NULL, NULL);
}

static void numbers_are_compared_with_their_sign(void **unused)
{
    (void)unused;
    const struct value values[] = {int32_of(1), int32_of(-2), int32_of(0)};
    check(values, COUNT_OF(values), "fe ff ff ff", "01 00 00 00");
}

static void bools_have_bounds(void **unused)
{
    (void)unused;
    const struct value values[] = {{.type = TYPE_BOOL, .boolean = true},
                                   {.type = TYPE_BOOL, .boolean = false}};
    check(values, COUNT_OF(values), "00", "01");
    check(values, 1, "01", "01");
}

static void nan_is_left_out(void **unused)
{
    (void)unused;
    const struct value values[] = {float64_of(NAN), float64_of(1), float64_of(NAN), float64_of(-1)};
    check(values, COUNT_OF(values), "00 00 00 00 00 00 f0 bf", "00 00 00 00 00 00 f0 3f");
    check(values, 1, NULL, NULL);
}

static void a_zero_bounds_both_zeros(void **unused)
{
    (void)unused;
    const struct value plus = float64_of(0.0), minus = float64_of(-0.0);
    check(&plus, 1, "00 00 00 00 00 00 00 80", "00 00 00 00 00 00 00 00");
    check(&minus, 1, "00 00 00 00 00 00 00 80", "00 00 00 00 00 00 00 00");
}

static void infinities_are_bounds(void **unused)
{
    (void)unused;
    const struct value values[] = {float64_of(INFINITY), float64_of(-INFINITY)};
    check(values, COUNT_OF(values), "00 00 00 00 00 00 f0 ff", "00 00 00 00 00 00 f0 7f");
}

static void texts_are_compared_by_their_bytes(void **unused)
{
    (void)unused;
    const struct value values[] = {text_of("b"), text_of("ab"), text_of("\xc3\xa4"), text_of("a")};
    check(values, COUNT_OF(values), "61", "c3 a4");
}

static void the_empty_text_is_the_least(void **unused)
{
    (void)unused;
    const struct value values[] = {text_of("b"), text_of("")};
    check(values, COUNT_OF(values), "", "62");
    check(values + 1, 1, "", "");
}

static void a_text_too_long_leaves_no_bounds(void **unused)
{
    (void)unused;
    char text[PARQUET_BOUND_MAX + 2];
    memset(text, 'x', sizeof text);
    text[sizeof text - 1] = 0;
    const struct value values[] = {text_of("a"), text_of(text), text_of("b")};
    check(values, COUNT_OF(values), NULL, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_chunk_without_values_has_none),
        cmocka_unit_test(numbers_are_compared_with_their_sign),
        cmocka_unit_test(bools_have_bounds),
        cmocka_unit_test(nan_is_left_out),
        cmocka_unit_test(a_zero_bounds_both_zeros),
        cmocka_unit_test(infinities_are_bounds),
        cmocka_unit_test(texts_are_compared_by_their_bytes),
        cmocka_unit_test(the_empty_text_is_the_least),
        cmocka_unit_test(a_text_too_long_leaves_no_bounds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
