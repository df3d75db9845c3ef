/* test_thrift_compact.c - what Parquet's metadata is written in, byte by byte. */
#include "training/formats/thrift_compact.h"

#include "hex_text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

struct fixture {
    struct buffer out;
    struct thrift thrift;
};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    buffer_init(&f->out, 0);
    thrift_begin(&f->thrift, &f->out);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    buffer_release(&f->out);
    free(f);
    return 0;
}

static void check(struct fixture *f, const char *hex)
{
    check_hex(buffer_bytes(&f->out), hex);
}

static void varint_has_seven_bits_a_byte(void **state)
{
    struct fixture *f = *state;
    varint_append(&f->out, 0);
    varint_append(&f->out, 127);
    varint_append(&f->out, 128);
    varint_append(&f->out, 300);
    check(f, "00 7f 80 01 ac 02");
}

static void greatest_varint_has_ten_bytes(void **state)
{
    struct fixture *f = *state;
    varint_append(&f->out, UINT64_MAX);
    check(f, "ff ff ff ff ff ff ff ff ff 01");
}

static void small_numbers_of_either_sign_are_short(void **state)
{
    struct fixture *f = *state;
    thrift_i32(&f->thrift, 1, 0);
    thrift_i32(&f->thrift, 2, -1);
    thrift_i32(&f->thrift, 3, 1);
    thrift_i64(&f->thrift, 4, -64);
    thrift_i64(&f->thrift, 5, 64);
    check(f, "15 00 15 01 15 02 16 7f 16 80 01");
}

static void least_and_greatest_numbers_are_whole(void **state)
{
    struct fixture *f = *state;
    thrift_i32(&f->thrift, 1, INT32_MIN);
    thrift_i64(&f->thrift, 2, INT64_MIN);
    thrift_i64(&f->thrift, 3, INT64_MAX);
    check(f, "15 ff ff ff ff 0f 16 ff ff ff ff ff ff ff ff ff 01 16 fe ff ff ff ff ff ff ff ff 01");
}

static void a_field_says_how_far_it_is_from_the_one_before(void **state)
{
    struct fixture *f = *state;
    thrift_i32(&f->thrift, 3, 1);
    thrift_bool(&f->thrift, 4, true);
    thrift_bool(&f->thrift, 6, false);
    thrift_text(&f->thrift, 15, "ab");
    thrift_end(&f->thrift);
    check(f, "35 02 11 22 98 02 61 62 00");
}

static void a_struct_counts_its_fields_anew(void **state)
{
    struct fixture *f = *state;
    thrift_i32(&f->thrift, 5, 1);
    thrift_struct(&f->thrift, 6);
    thrift_i32(&f->thrift, 1, 1);
    thrift_empty(&f->thrift, 2);
    thrift_end(&f->thrift);
    thrift_i32(&f->thrift, 7, 1);
    thrift_end(&f->thrift);
    check(f, "55 02 1c 15 02 1c 00 00 15 02 00");
}

static void a_list_of_up_to_14_says_so_in_one_byte(void **state)
{
    struct fixture *f = *state;
    thrift_list(&f->thrift, 1, THRIFT_I32, 2);
    thrift_element_i32(&f->thrift, 3);
    thrift_element_i32(&f->thrift, -3);
    thrift_list(&f->thrift, 2, THRIFT_BINARY, 1);
    thrift_element_text(&f->thrift, "x");
    thrift_list(&f->thrift, 3, THRIFT_STRUCT, 14);
    check(f, "19 25 06 05 19 18 01 78 19 ec");
}

static void a_longer_list_has_its_count_behind(void **state)
{
    struct fixture *f = *state;
    thrift_list(&f->thrift, 1, THRIFT_STRUCT, 15);
    thrift_list(&f->thrift, 2, THRIFT_I32, 200);
    check(f, "19 fc 0f 19 f5 c8 01");
}

static void elements_that_are_structs_count_anew_each(void **state)
{
    struct fixture *f = *state;
    thrift_list(&f->thrift, 4, THRIFT_STRUCT, 2);
    for (int i = 0; i < 2; i++) {
        thrift_element_struct(&f->thrift);
        thrift_i32(&f->thrift, 2, i);
        thrift_end(&f->thrift);
    }
    thrift_bool(&f->thrift, 5, true);
    check(f, "49 2c 25 00 00 25 02 00 11");
}

static void binary_may_hold_any_bytes_or_none(void **state)
{
    struct fixture *f = *state;
    thrift_binary(&f->thrift, 1, (struct bytes){"\0\xff", 2});
    thrift_binary(&f->thrift, 2, (struct bytes){"", 0});
    check(f, "18 02 00 ff 18 00");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(varint_has_seven_bits_a_byte, set_up, tear_down),
        cmocka_unit_test_setup_teardown(greatest_varint_has_ten_bytes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(small_numbers_of_either_sign_are_short, set_up, tear_down),
        cmocka_unit_test_setup_teardown(least_and_greatest_numbers_are_whole, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_field_says_how_far_it_is_from_the_one_before, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_struct_counts_its_fields_anew, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_list_of_up_to_14_says_so_in_one_byte, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_longer_list_has_its_count_behind, set_up, tear_down),
        cmocka_unit_test_setup_teardown(elements_that_are_structs_count_anew_each, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(binary_may_hold_any_bytes_or_none, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
