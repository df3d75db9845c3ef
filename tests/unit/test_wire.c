/* test_wire.c - protobuf's wire format: what is written reads back, and no bytes do harm. */
#include "server/answer/wire.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

struct fixture {
    struct wire_writer writer;
};

static int set_up(void **state)
{
    static struct fixture fixture;
    wire_writer_init(&fixture.writer, 1 << 20);
    *state = &fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    wire_writer_release(&f->writer);
    return 0;
}

static struct wire_reader reader_of(const char *bytes, size_t size)
{
    return wire_read((struct bytes){bytes, size});
}

#define READ(text) reader_of(text, sizeof text - 1)

static void integers_of_every_size_read_back(void **state)
{
    struct fixture *f = *state;
    for (unsigned bits = 0; bits <= 64; bits++) {
        uint64_t integer = bits == 64 ? UINT64_MAX : (UINT64_C(1) << bits) - 1;
        for (uint64_t more = 0; more <= 1 && integer + more >= integer; more++) {
            struct wire_field field;
            wire_writer_clear(&f->writer);
            wire_put_integer(&f->writer, 15, integer + more);
            assert_int_equal(f->writer.size, 1 + wire_varint_size(integer + more));
            struct wire_reader reader = wire_read(wire_written(&f->writer));
            assert_true(wire_next(&reader, &field));
            assert_int_equal(field.number, 15);
            assert_true(field.integer == integer + more);
            assert_false(wire_next(&reader, &field));
            assert_false(reader.failed);
        }
    }
}

static void fields_stand_in_the_reverse_order_of_writing(void **state)
{
    struct fixture *f = *state;
    size_t end = f->writer.size;
    wire_put_field(&f->writer, 2, bytes_of_text("b"));
    wire_put_field(&f->writer, 1, bytes_of_text("a"));
    wire_enclose(&f->writer, 3, end);
    struct bytes written = wire_written(&f->writer);
    assert_int_equal(written.size, 8);
    assert_memory_equal(written.data,
                        "\x1a\x06\x0a\x01"
                        "a\x12\x01"
                        "b",
                        8);
}

static void a_writer_grows_and_keeps_what_it_holds(void **state)
{
    struct fixture *f = *state;
    enum { COUNT = 50000 };
    for (uint64_t i = COUNT; i-- > 0;)
        wire_put_varint(&f->writer, i);
    struct wire_reader reader = wire_read(wire_written(&f->writer));
    uint64_t integer;
    for (uint64_t i = 0; i < COUNT; i++) {
        assert_true(wire_next_varint(&reader, &integer));
        assert_true(integer == i);
    }
    assert_false(wire_next_varint(&reader, &integer));
}

static void a_writer_stops_exactly_at_its_maximum(void **state)
{
    struct fixture *f = *state;
    wire_writer_release(&f->writer);
    wire_writer_init(&f->writer, 5000);
    static const char filling[5000];
    wire_put_bytes(&f->writer, (struct bytes){filling, 5000});
    assert_false(f->writer.overflow);
    assert_int_equal(f->writer.size, 5000);
    wire_put_varint(&f->writer, 1);
    assert_true(f->writer.overflow);
    wire_enclose(&f->writer, 1, 0);
    assert_int_equal(f->writer.size, 5000);
    wire_writer_clear(&f->writer);
    assert_false(f->writer.overflow);
    assert_non_null(wire_prepend(&f->writer, 10));
}

static void texts_keep_their_length(void **state)
{
    (void)state;
    struct wire_field field;
    struct wire_reader reader = READ("\x0a\x03"
                                     "a\0b");
    assert_true(wire_next(&reader, &field));
    assert_int_equal(field.bytes.size, 3);
    assert_memory_equal(field.bytes.data, "a\0b", 3);
}

static void all_wire_types_are_read(void **state)
{
    (void)state;
    struct wire_field field;
    struct wire_reader reader = READ("\x08\x96\x01\x11\1\2\3\4\5\6\7\x08\x1d\1\2\3\4\x22\x00");
    assert_true(wire_next(&reader, &field) && field.integer == 150);
    assert_true(wire_next(&reader, &field) && field.integer == UINT64_C(0x0807060504030201));
    assert_true(wire_next(&reader, &field) && field.integer == 0x04030201);
    assert_true(wire_next(&reader, &field) && field.bytes.size == 0 && field.bytes.data);
    assert_int_equal(field.number, 4);
    assert_false(wire_next(&reader, &field));
    assert_false(reader.failed);
}

static void check_malformed(struct wire_reader reader)
{
    struct wire_field field;
    while (wire_next(&reader, &field))
        continue;
    assert_true(reader.failed);
    assert_false(wire_next(&reader, &field));
}

static void what_is_no_message_is_told(void **state)
{
    (void)state;
    check_malformed(READ("\x08"));                                             /* no value */
    check_malformed(READ("\x08\x80"));                                         /* half a value */
    check_malformed(READ("\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01")); /* 11 bytes */
    check_malformed(READ("\x0a\x02"
                         "a")); /* cut off */
    check_malformed(READ("\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"));
    check_malformed(READ("\x09\1\2\3"));
    check_malformed(READ("\x0d\1\2\3"));
    check_malformed(READ("\x0b\x0c")); /* a group */
    check_malformed(READ("\x0e"));
    check_malformed(READ("\x00\x00"));                     /* field 0 */
    check_malformed(READ("\x80\x80\x80\x80\x80\x01\x00")); /* a number beyond 2^29 */
}

static void packed_numbers_end_well_or_fail(void **state)
{
    (void)state;
    uint64_t integer;
    struct wire_reader reader = READ("\1\2\3\4\5\6\7\x08\x09");
    assert_true(wire_next_fixed64(&reader, &integer));
    assert_false(wire_next_fixed64(&reader, &integer));
    assert_true(reader.failed);
    reader = READ("\x01\x80");
    assert_true(wire_next_varint(&reader, &integer));
    assert_false(wire_next_varint(&reader, &integer));
    assert_true(reader.failed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(integers_of_every_size_read_back, set_up, tear_down),
        cmocka_unit_test_setup_teardown(fields_stand_in_the_reverse_order_of_writing, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_writer_grows_and_keeps_what_it_holds, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_writer_stops_exactly_at_its_maximum, set_up, tear_down),
        cmocka_unit_test(texts_keep_their_length),
        cmocka_unit_test(all_wire_types_are_read),
        cmocka_unit_test(what_is_no_message_is_told),
        cmocka_unit_test(packed_numbers_end_well_or_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
