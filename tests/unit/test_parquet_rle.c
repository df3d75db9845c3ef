/* test_parquet_rle.c - levels and indexes as Parquet packs them. */
#include "training/formats/parquet_rle.h"

#include "hex_text.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

enum { NUMBERS_MAX = 64 };

/* Numbers as digits: "0110". */
static void check(const char *digits, unsigned bit_width, const char *hex)
{
    uint32_t numbers[NUMBERS_MAX];
    struct buffer out;
    size_t count = strlen(digits);
    buffer_init(&out, 0);
    for (size_t i = 0; i < count; i++)
        numbers[i] = (uint32_t)(digits[i] - '0');
    parquet_rle_append(&out, numbers, count, bit_width);
    check_hex(buffer_bytes(&out), hex);
    buffer_release(&out);
}

static void a_width_holds_the_greatest_number(void **unused)
{
    (void)unused;
    assert_int_equal(parquet_bit_width(0), 1);
    assert_int_equal(parquet_bit_width(1), 1);
    assert_int_equal(parquet_bit_width(2), 2);
    assert_int_equal(parquet_bit_width(3), 2);
    assert_int_equal(parquet_bit_width(4), 3);
    assert_int_equal(parquet_bit_width(255), 8);
    assert_int_equal(parquet_bit_width(256), 9);
    assert_int_equal(parquet_bit_width(UINT32_MAX), 32);
}

static void nothing_is_no_byte(void **unused)
{
    (void)unused;
    check("", 1, "");
}

static void eight_of_a_kind_are_a_run(void **unused)
{
    (void)unused;
    check("11111111", 1, "10 01");
    check("000000000", 1, "12 00");
    check("3333333333333333333333333333333333333333333333333333333333333333", 2, "80 01 03");
}

static void fewer_are_packed_and_filled_up_with_zeros(void **unused)
{
    (void)unused;
    check("1", 1, "03 01");
    check("101", 1, "03 05");
    check("1111111", 1, "03 7f");
    check("33103", 2, "03 1f 03");
}

static void packed_bits_cross_bytes(void **unused)
{
    (void)unused;
    check("01234567", 3, "03 88 c6 fa");
}

static void what_is_packed_before_a_run_are_whole_groups(void **unused)
{
    (void)unused;
    /* The run that begins at the third number loses six to the first group. */
    check("0011111111111111", 1, "03 fc 10 01");
    check("01010101010", 1, "05 aa 02");
}

static void runs_and_groups_take_turns(void **unused)
{
    (void)unused;
    check("0000000010100000111111111", 1, "10 00 03 05 12 01");
}

static void a_run_of_a_wide_number_has_all_its_bytes(void **unused)
{
    struct buffer out;
    uint32_t numbers[8];
    (void)unused;
    buffer_init(&out, 0);
    for (size_t i = 0; i < COUNT_OF(numbers); i++)
        numbers[i] = 0x1234;
    parquet_rle_append(&out, numbers, COUNT_OF(numbers), 13);
    check_hex(buffer_bytes(&out), "10 34 12");
    buffer_release(&out);
}

static void the_widest_numbers_are_packed_whole(void **unused)
{
    struct buffer out;
    const uint32_t numbers[] = {UINT32_MAX, 1};
    (void)unused;
    buffer_init(&out, 0);
    parquet_rle_append(&out, numbers, COUNT_OF(numbers), 32);
    check_hex((struct bytes){out.data, 9}, "03 ff ff ff ff 01 00 00 00");
    assert_int_equal(out.size, 1 + 8 * sizeof(uint32_t));
    buffer_release(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_width_holds_the_greatest_number),
        cmocka_unit_test(nothing_is_no_byte),
        cmocka_unit_test(eight_of_a_kind_are_a_run),
        cmocka_unit_test(fewer_are_packed_and_filled_up_with_zeros),
        cmocka_unit_test(packed_bits_cross_bytes),
        cmocka_unit_test(what_is_packed_before_a_run_are_whole_groups),
        cmocka_unit_test(runs_and_groups_take_turns),
        cmocka_unit_test(a_run_of_a_wide_number_has_all_its_bytes),
        cmocka_unit_test(the_widest_numbers_are_packed_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
