/* Types, values, packed lists and text: base/value.h. */
#include "base/value.h"

#include "base/buffer.h"
#include "base/timestamp.h"
#include "base_random.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void every_type_is_found_by_its_name(void **state)
{
    (void)state;
    int valid = 0;
    for (unsigned type = 0; type < 256; type++) {
        if (!type_is_valid(type))
            continue;
        valid++;
        assert_int_equal(type_parse(bytes_of_text(type_name((value_type)type))), type);
    }
    assert_int_equal(valid, 16);
    assert_string_equal(type_name(TYPE_FLOAT64), "float64");
    assert_string_equal(type_name(type_list_of(TYPE_STRING)), "list<string>");
    assert_false(type_is_valid(256 + TYPE_BOOL));
}

static void spaces_may_stand_inside_the_brackets(void **state)
{
    (void)state;
    assert_int_equal(type_parse(bytes_of_text("list< int64  >")), type_list_of(TYPE_INT64));
    const char *const wrong[] = {"",         " int64",       "int64 ",     "INT64",
                                 "double",   "list",         "list<",      "list<>",
                                 "list< >",  "list<int64",   "list<int6>", "list<list<int64>>",
                                 "list <x>", "list<int64> ", "invalid",    "list<int64>>"};
    for (size_t i = 0; i < COUNT_OF(wrong); i++)
        assert_int_equal(type_parse(bytes_of_text(wrong[i])), 0);
}

static void keys_are_what_can_be_compared(void **state)
{
    (void)state;
    for (value_type type = TYPE_BOOL; type <= TYPE_TIMESTAMP; type++) {
        assert_int_equal(type_is_key(type), type != TYPE_FLOAT32 && type != TYPE_FLOAT64);
        assert_false(type_is_key(type_list_of(type)));
    }
}

static void values_equal_when_their_bits_do(void **state)
{
    (void)state;
    struct value zero = {.type = TYPE_FLOAT64, .float64 = 0.0};
    struct value minus_zero = {.type = TYPE_FLOAT64, .float64 = -0.0};
    struct value nan = {.type = TYPE_FLOAT64, .float64 = (double)NAN};
    struct value word = {.type = TYPE_STRING, .bytes = bytes_of_text("ab")};
    struct value same = {.type = TYPE_STRING, .bytes = {"abc", 2}};
    struct value null = value_null(TYPE_STRING), other_null = value_null(TYPE_BYTES);
    assert_true(value_equal(&nan, &nan));
    assert_false(value_equal(&zero, &minus_zero));
    assert_true(value_equal(&word, &same));
    assert_false(value_equal(&word, &null));
    assert_false(value_equal(&null, &other_null));
    null.bytes = word.bytes; /* what a null holds does not count */
    struct value plain_null = value_null(TYPE_STRING);
    assert_true(value_equal(&null, &plain_null));
}

static void a_list_gives_back_what_was_appended(void **state)
{
    (void)state;
    static const struct value elements[][3] = {
        {{.type = TYPE_BOOL, .boolean = true}, {.type = TYPE_BOOL}, {.type = TYPE_BOOL}},
        {{.type = TYPE_INT32, .int32 = INT32_MIN},
         {.type = TYPE_INT32, .int32 = 7},
         {.type = TYPE_INT32}},
        {{.type = TYPE_INT64, .int64 = INT64_MAX},
         {.type = TYPE_INT64, .int64 = -1},
         {.type = TYPE_INT64}},
        {{.type = TYPE_FLOAT32, .float32 = 0.5f},
         {.type = TYPE_FLOAT32, .float32 = -0.0f},
         {.type = TYPE_FLOAT32}},
        {{.type = TYPE_FLOAT64, .float64 = 1e300},
         {.type = TYPE_FLOAT64, .float64 = -0.0},
         {.type = TYPE_FLOAT64}},
        {{.type = TYPE_STRING, .bytes = {"one", 3}},
         {.type = TYPE_STRING, .bytes = {"", 0}},
         {.type = TYPE_STRING, .bytes = {"x", 1}}},
        {{.type = TYPE_BYTES, .bytes = {"\0\xff", 2}},
         {.type = TYPE_BYTES, .bytes = {"", 0}},
         {.type = TYPE_BYTES, .bytes = {"y", 1}}},
        {{.type = TYPE_TIMESTAMP, .int64 = TIMESTAMP_MIN},
         {.type = TYPE_TIMESTAMP, .int64 = TIMESTAMP_MAX},
         {.type = TYPE_TIMESTAMP}},
    };
    for (size_t t = 0; t < COUNT_OF(elements); t++) {
        value_type list = type_list_of(elements[t][0].type);
        struct buffer packed;
        buffer_init(&packed, 0);
        for (size_t i = 0; i < 3; i++)
            list_append(&packed, &elements[t][i]);
        size_t count = 0;
        assert_true(list_count(list, buffer_bytes(&packed), &count));
        assert_int_equal(count, 3);
        assert_true(list_is_valid(list, buffer_bytes(&packed)));
        struct list_cursor cursor = list_begin(list, buffer_bytes(&packed));
        struct value element;
        for (size_t i = 0; i < 3; i++) {
            assert_true(list_next(&cursor, &element));
            assert_true(value_equal(&element, &elements[t][i]));
        }
        assert_false(list_next(&cursor, &element));
        buffer_release(&packed);
    }
}

static void a_list_that_is_not_whole_is_seen(void **state)
{
    (void)state;
    static const struct {
        value_type element;
        struct bytes packed;
        bool whole, valid;
    } cases[] = {
        {TYPE_INT32, {"", 0}, true, true},
        {TYPE_INT32, {"1234", 4}, true, true},
        {TYPE_INT32, {"12345", 5}, false, false},
        {TYPE_STRING, {"", 0}, true, true},
        {TYPE_STRING, {"\1\0\0", 3}, false, false},
        {TYPE_STRING, {"\1\0\0\0", 4}, false, false},
        {TYPE_STRING, {"\1\0\0\0a", 5}, true, true},
        {TYPE_STRING,
         {"\xff\xff\xff\xff"
          "a",
          5},
         false,
         false},
        {TYPE_STRING, {"\1\0\0\0ab", 6}, false, false},
        {TYPE_STRING, {"\1\0\0\0\xff", 5}, true, false},
        {TYPE_BYTES, {"\1\0\0\0\xff", 5}, true, true},
        {TYPE_BOOL, {"\0\1", 2}, true, true},
        {TYPE_BOOL, {"\0\2", 2}, true, false},
        {TYPE_TIMESTAMP, {"\0\0\0\0\0\0\0\x80", 8}, true, false},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        size_t count;
        value_type list = type_list_of(cases[i].element);
        assert_int_equal(list_count(list, cases[i].packed, &count), cases[i].whole);
        assert_int_equal(list_is_valid(list, cases[i].packed), cases[i].valid);
    }
}

static void a_full_buffer_makes_no_half_list(void **state)
{
    (void)state;
    struct value element = {.type = TYPE_STRING, .bytes = bytes_of_text("too long")};
    struct buffer packed;
    buffer_init(&packed, 8);
    list_append(&packed, &element);
    assert_true(packed.overflow);
    buffer_release(&packed);
}

/* Encodes a code point without asking whether it may be. */
static size_t put_utf8(uint32_t point, size_t size, uint8_t *at)
{
    static const uint8_t leads[] = {0, 0x00, 0xc0, 0xe0, 0xf0};
    for (size_t i = size; i-- > 1; point >>= 6)
        at[i] = (uint8_t)(0x80 | (point & 0x3f));
    at[0] = (uint8_t)(leads[size] | point);
    return size;
}

static void exactly_the_code_points_in_their_shortest_form_are_text(void **state)
{
    (void)state;
    for (uint32_t point = 0; point < 0x200000; point++)
        for (size_t size = 1; size <= 4; size++) {
            static const uint32_t ends[] = {0, 0x80, 0x800, 0x10000, 0x200000};
            if (point >= ends[size])
                continue;
            uint8_t bytes[4];
            bool is_shortest = size == 1 || point >= ends[size - 1];
            bool expected = is_shortest && point != 0 && point < 0x110000 &&
                            !(point >= 0xd800 && point < 0xe000);
            struct bytes text = {bytes, put_utf8(point, size, bytes)};
            if (text_is_valid(text) != expected)
                fail_msg("U+%06X in %zu bytes", (unsigned)point, size);
        }
}

static void a_mistake_is_found_wherever_it_stands(void **state)
{
    (void)state;
    static const char *const mistakes[] = {"\x80",     "\xff",         "\xc3",
                                           "\xe2\x82", "\xf0\x9f\x98", "\xc3("};
    char text[64];
    for (size_t size = 0; size < 40; size++)
        for (size_t at = 0; at <= size; at++)
            for (size_t i = 0; i < COUNT_OF(mistakes); i++) {
                memset(text, 'a', size);
                size_t length = strlen(mistakes[i]);
                memcpy(text + at, mistakes[i], length);
                struct bytes whole = {text, (at + length > size ? at + length : size)};
                assert_false(text_is_valid(whole));
                assert_false(text_is_ascii(whole));
                assert_int_equal(text_valid_size(whole), at);
            }
    for (size_t at = 0; at < 40; at++) {
        memset(text, 'a', 40);
        assert_true(text_is_ascii((struct bytes){text, 40}));
        text[at] = '\0';
        assert_int_equal(text_valid_size((struct bytes){text, 40}), at);
        assert_false(text_is_ascii((struct bytes){text, 40}));
    }
}

static void nothing_is_text(void **state)
{
    (void)state;
    assert_true(text_is_valid((struct bytes){"", 0}));
    assert_true(text_is_valid((struct bytes){NULL, 0}));
    assert_true(text_is_ascii((struct bytes){NULL, 0}));
    assert_false(text_is_ascii(bytes_of_text("\xc3\xa9")));
    assert_true(text_is_valid(bytes_of_text("\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_type_is_found_by_its_name),
        cmocka_unit_test(spaces_may_stand_inside_the_brackets),
        cmocka_unit_test(keys_are_what_can_be_compared),
        cmocka_unit_test(values_equal_when_their_bits_do),
        cmocka_unit_test(a_list_gives_back_what_was_appended),
        cmocka_unit_test(a_list_that_is_not_whole_is_seen),
        cmocka_unit_test(a_full_buffer_makes_no_half_list),
        cmocka_unit_test(exactly_the_code_points_in_their_shortest_form_are_text),
        cmocka_unit_test(a_mistake_is_found_wherever_it_stands),
        cmocka_unit_test(nothing_is_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
