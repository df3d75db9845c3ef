/* test_copy_target.c - what columns of PostgreSQL keep of a value. */
#include "store/offline/copy_target.h"

#include "base/value_text.h"
#include "store/offline/copy_decode.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

enum { NO_MODIFIER = -1, LENGTH_3 = 7 };

static int32_t numeric(int precision, int scale)
{
    return (precision << 16 | (scale & 0x7ff)) + 4;
}

static struct value value_of(value_type type, const char *text, struct arena *arena)
{
    struct value value;
    struct error err;
    if (value_parse(type, bytes_of_text(text), arena, &value, &err))
        fail_msg("%s", err.message);
    return value;
}

/* Texts with a space between; those behind "but" are not kept. */
static void check(uint32_t oid, int32_t modifier, value_type type, const char *texts)
{
    struct arena arena;
    arena_init(&arena, 0);
    struct copy_target target = {oid, modifier};
    bool expected = true;
    char *rest = NULL;
    for (char *text = strtok_r(arena_text(&arena, texts), " ", &rest); text;
         text = strtok_r(NULL, " ", &rest)) {
        if (strcmp(text, "but") == 0) {
            expected = false;
            continue;
        }
        struct value culprit, value = value_of(type, text, &arena);
        if (copy_target_keeps(&target, &value, &culprit) != expected)
            fail_msg("%u(%d): %s", oid, modifier, text);
    }
    arena_release(&arena);
}

static void check_text(uint32_t oid, int32_t modifier, const char *text, bool expected)
{
    struct copy_target target = {oid, modifier};
    struct value culprit, value = {.type = TYPE_STRING, .bytes = bytes_of_text(text)};
    if (copy_target_keeps(&target, &value, &culprit) != expected)
        fail_msg("%u(%d): \"%s\"", oid, modifier, text);
}

static void numeric_keeps_as_many_digits_as_it_has(void **state)
{
    (void)state;
    check(PG_TYPE_NUMERIC, NO_MODIFIER, TYPE_FLOAT64, "1e300 5e-324 NaN -Infinity 0 but -0.0");
    check(PG_TYPE_NUMERIC, numeric(5, 2), TYPE_FLOAT64,
          "0 0.01 -999.99 100 999 0.1 NaN but 0.001 0.011 1000 -1e20 1e-300 Infinity -0.0");
    check(PG_TYPE_NUMERIC, numeric(3, 0), TYPE_FLOAT64, "999 10 but 0.5 1000");
    check(PG_TYPE_NUMERIC, numeric(2, -3), TYPE_FLOAT64, "1000 99000 0 but 100 99500 100000");
    check(PG_TYPE_NUMERIC, numeric(2, 4), TYPE_FLOAT64, "0.0099 0.0001 but 0.01 0.00001");
    check(PG_TYPE_NUMERIC, numeric(1000, 1000), TYPE_FLOAT64, "0.1 5e-324 but 1");
    check(PG_TYPE_NUMERIC, numeric(3, 1), type_list_of(TYPE_FLOAT64), "[1.5,10] [] but [1.5,1.25]");
}

static void integers_keep_whole_numbers_in_their_range(void **state)
{
    (void)state;
    check(PG_TYPE_INT2, NO_MODIFIER, TYPE_INT32, "32767 -32768 but 32768 -32769");
    check(PG_TYPE_INT4, NO_MODIFIER, TYPE_INT64, "2147483647 -2147483648 but 2147483648");
    check(PG_TYPE_INT8, NO_MODIFIER, TYPE_INT64, "9223372036854775807 -9223372036854775808");
    check(PG_TYPE_INT2, NO_MODIFIER, TYPE_FLOAT64, "32767 -32768 0 but 32768 0.5 -0.0 NaN");
    check(PG_TYPE_INT8, NO_MODIFIER, TYPE_FLOAT64,
          "1e18 -9223372036854775808 but 9223372036854775808 1e300 Infinity -Infinity");
}

static void real_keeps_float64_that_are_float32(void **state)
{
    (void)state;
    check(PG_TYPE_FLOAT4, NO_MODIFIER, TYPE_FLOAT64,
          "0.5 -0.0 NaN Infinity 3.4028234663852886e38 but 0.1 16777217 1e39 1e-50");
    check(PG_TYPE_FLOAT4, NO_MODIFIER, TYPE_FLOAT32, "0.1 3.4028235e38 1e-45");
    check(PG_TYPE_FLOAT8, NO_MODIFIER, TYPE_FLOAT64, "0.1 -0.0 5e-324");
}

static void times_keep_the_digits_of_their_second(void **state)
{
    (void)state;
    check(PG_TYPE_TIMESTAMPTZ, NO_MODIFIER, TYPE_TIMESTAMP, "2024-01-01T00:00:00.000001Z");
    check(PG_TYPE_TIMESTAMPTZ, 6, TYPE_TIMESTAMP, "1969-12-31T23:59:59.999999Z");
    check(PG_TYPE_TIMESTAMPTZ, 3, TYPE_TIMESTAMP,
          "1969-12-31T23:59:59.999Z but 1969-12-31T23:59:59.9999Z");
    check(PG_TYPE_TIMESTAMP, 0, TYPE_TIMESTAMP, "0001-01-01 but 0001-01-01T00:00:00.1Z");
    check(PG_TYPE_DATE, NO_MODIFIER, TYPE_TIMESTAMP, "0001-01-01 but 2024-01-01T00:00:01Z");
}

static void texts_keep_as_many_characters_as_there_is_room_for(void **state)
{
    (void)state;
    check_text(PG_TYPE_TEXT, NO_MODIFIER, "as long as it likes ", true);
    check_text(PG_TYPE_VARCHAR, NO_MODIFIER, "as long as it likes ", true);
    check_text(PG_TYPE_VARCHAR, LENGTH_3, "a  ", true);
    check_text(PG_TYPE_VARCHAR, LENGTH_3, "\xc3\xa4\xe2\x82\xac\xf0\x9d\x84\x9e", true);
    check_text(PG_TYPE_VARCHAR, LENGTH_3, "a   ", false);
    check_text(PG_TYPE_VARCHAR, LENGTH_3, "abcd", false);
    check_text(PG_TYPE_BPCHAR, LENGTH_3, "", true);
    check_text(PG_TYPE_BPCHAR, LENGTH_3, " a", true);
    check_text(PG_TYPE_BPCHAR, LENGTH_3, "a ", false);
    check_text(PG_TYPE_BPCHAR, LENGTH_3, "abcd", false);
    check_text(PG_TYPE_BPCHAR, NO_MODIFIER, "abcd ", false);
    check_text(PG_TYPE_UUID, NO_MODIFIER, "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", true);
    check_text(PG_TYPE_UUID, NO_MODIFIER, "A0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", false);
    check_text(PG_TYPE_UUID, NO_MODIFIER, "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a1", false);
    check_text(PG_TYPE_UUID, NO_MODIFIER, "a0eebc999-c0b-4ef8-bb6d-6bb9bd380a11", false);
    check_text(PG_TYPE_JSON, NO_MODIFIER, "{\"b\":  1}", true);
    check_text(PG_TYPE_JSONB, NO_MODIFIER, "{\"b\":  1}", false);
}

static void list_names_its_first_culprit(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 0);
    struct copy_target target = {PG_TYPE_FLOAT4, NO_MODIFIER};
    struct value culprit, list = value_of(type_list_of(TYPE_FLOAT64), "[0.5,0.1,0.2]", &arena);
    assert_false(copy_target_keeps(&target, &list, &culprit));
    assert_int_equal(culprit.type, TYPE_FLOAT64);
    assert_true(culprit.float64 == 0.1);
    arena_release(&arena);
}

static void whole_numbers_are_sent_to_integers_in_all_their_digits(void **state)
{
    (void)state;
    struct buffer text;
    struct copy_target target = {PG_TYPE_INT8, NO_MODIFIER};
    struct value value = {.type = TYPE_FLOAT64, .float64 = -1e18};
    buffer_init(&text, 0);
    copy_target_format(&target, &value, &text);
    assert_true(bytes_equal(buffer_bytes(&text), bytes_of_text("-1000000000000000000")));
    buffer_clear(&text);
    target.oid = PG_TYPE_FLOAT8;
    copy_target_format(&target, &value, &text);
    assert_true(bytes_equal(buffer_bytes(&text), bytes_of_text("-1e+18")));
    buffer_release(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numeric_keeps_as_many_digits_as_it_has),
        cmocka_unit_test(integers_keep_whole_numbers_in_their_range),
        cmocka_unit_test(real_keeps_float64_that_are_float32),
        cmocka_unit_test(times_keep_the_digits_of_their_second),
        cmocka_unit_test(texts_keep_as_many_characters_as_there_is_room_for),
        cmocka_unit_test(list_names_its_first_culprit),
        cmocka_unit_test(whole_numbers_are_sent_to_integers_in_all_their_digits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
