/* test_copy_decode.c - COPY BINARY bytes as PostgreSQL writes them, and as nobody should. */
#include "store/offline/copy_decode.h"
#include "store/offline/copy_reader.h"

#include "base/byte_order.h"
#include "base/timestamp.h"

#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

static struct arena arena;

static int make_arena(void **state)
{
    (void)state;
    arena_init(&arena, 0);
    return 0;
}

static int release_arena(void **state)
{
    (void)state;
    arena_release(&arena);
    return 0;
}

/* Bytes written as hex, spaces left out. */
static struct bytes hex(const char *text)
{
    uint8_t *bytes = arena_alloc(&arena, strlen(text) + 1);
    size_t size = 0;
    unsigned byte;
    for (; *text; text += *text == ' ' ? 1 : 2)
        if (*text != ' ') {
            assert_int_equal(sscanf(text, "%2x", &byte), 1);
            bytes[size++] = (uint8_t)byte;
        }
    return (struct bytes){bytes, size};
}

static enum status decode(uint32_t oid, value_type type, struct bytes field, struct value *value,
                          enum copy_misfit *misfit)
{
    struct copy_column column;
    struct error err;
    assert_true(copy_column_init(&column, oid, type));
    return copy_decode(&column, field, &arena, value, misfit, &err);
}

static struct value value_of(uint32_t oid, value_type type, const char *bytes)
{
    struct value value;
    enum copy_misfit misfit;
    assert_int_equal(decode(oid, type, hex(bytes), &value, &misfit), STATUS_OK);
    assert_int_equal(misfit, COPY_FITS);
    assert_false(value.is_null);
    assert_int_equal(value.type, type);
    return value;
}

static void check_misfit(uint32_t oid, value_type type, const char *bytes,
                         enum copy_misfit expected)
{
    struct value value;
    enum copy_misfit misfit;
    assert_int_equal(decode(oid, type, hex(bytes), &value, &misfit), STATUS_OK);
    assert_int_equal(misfit, expected);
    assert_true(value.is_null);
    assert_int_equal(value.type, type);
}

static void check_corrupt(uint32_t oid, value_type type, const char *bytes)
{
    struct value value;
    enum copy_misfit misfit;
    assert_int_equal(decode(oid, type, hex(bytes), &value, &misfit), STATUS_CORRUPT);
}

/* Scalars ------------------------------------------------------------------------------------- */

static void integers_widen_and_never_narrow(void **state)
{
    struct copy_column column;
    (void)state;
    assert_int_equal(value_of(PG_TYPE_INT2, TYPE_INT32, "8000").int32, INT16_MIN);
    assert_int_equal(value_of(PG_TYPE_INT4, TYPE_INT32, "80000000").int32, INT32_MIN);
    assert_int_equal(value_of(PG_TYPE_INT2, TYPE_INT64, "ffff").int64, -1);
    assert_int_equal(value_of(PG_TYPE_INT4, TYPE_INT64, "7fffffff").int64, INT32_MAX);
    assert_int_equal(value_of(PG_TYPE_INT8, TYPE_INT64, "8000000000000000").int64, INT64_MIN);
    assert_true(value_of(PG_TYPE_INT8, TYPE_FLOAT64, "0020000000000000").float64 == 0x1p53);
    assert_false(copy_column_init(&column, PG_TYPE_INT8, TYPE_INT32));
    assert_false(copy_column_init(&column, PG_TYPE_FLOAT8, TYPE_FLOAT32));
    assert_false(copy_column_init(&column, PG_TYPE_INT4, TYPE_FLOAT32));
    assert_false(copy_column_init(&column, PG_TYPE_UUID, TYPE_STRING));
    assert_false(copy_column_init(&column, 0, TYPE_STRING));
}

static void floats_keep_their_bits(void **state)
{
    struct value value = value_of(PG_TYPE_FLOAT4, TYPE_FLOAT32, "7fc00001");
    uint32_t bits;
    uint64_t wide;
    (void)state;
    memcpy(&bits, &value.float32, sizeof bits);
    assert_int_equal(bits, 0x7fc00001);
    value = value_of(PG_TYPE_FLOAT8, TYPE_FLOAT64, "8000000000000000");
    memcpy(&wide, &value.float64, sizeof wide);
    assert_int_equal(wide, UINT64_C(0x8000000000000000));
    value = value_of(PG_TYPE_FLOAT4, TYPE_FLOAT64, "80000000");
    assert_true(value.float64 == 0 && signbit(value.float64));
    assert_true(isinf(value_of(PG_TYPE_FLOAT4, TYPE_FLOAT64, "ff800000").float64));
}

static void bools_are_zero_or_one(void **state)
{
    (void)state;
    assert_true(value_of(PG_TYPE_BOOL, TYPE_BOOL, "01").boolean);
    assert_false(value_of(PG_TYPE_BOOL, TYPE_BOOL, "00").boolean);
    check_corrupt(PG_TYPE_BOOL, TYPE_BOOL, "02");
}

static void sizes_must_be_those_of_the_type(void **state)
{
    (void)state;
    check_corrupt(PG_TYPE_INT4, TYPE_INT32, "000000");
    check_corrupt(PG_TYPE_INT8, TYPE_INT64, "000000000000000000");
    check_corrupt(PG_TYPE_FLOAT8, TYPE_FLOAT64, "");
    check_corrupt(PG_TYPE_DATE, TYPE_TIMESTAMP, "0000000000000000");
    check_corrupt(PG_TYPE_BOOL, TYPE_BOOL, "");
}

static void text_must_be_text(void **state)
{
    (void)state;
    assert_true(
        bytes_equal(value_of(PG_TYPE_TEXT, TYPE_STRING, "c3a4").bytes, bytes_of_text("\xc3\xa4")));
    assert_int_equal(value_of(PG_TYPE_VARCHAR, TYPE_STRING, "").bytes.size, 0);
    check_corrupt(PG_TYPE_TEXT, TYPE_STRING, "c3");
    check_corrupt(PG_TYPE_TEXT, TYPE_STRING, "00");
    assert_int_equal(value_of(PG_TYPE_BYTEA, TYPE_BYTES, "00ff").bytes.size, 2);
}

static void field_without_data_is_null(void **state)
{
    struct value value;
    enum copy_misfit misfit;
    (void)state;
    assert_int_equal(decode(PG_TYPE_INT8, TYPE_INT64, (struct bytes){NULL, 0}, &value, &misfit),
                     STATUS_OK);
    assert_true(value.is_null);
    assert_int_equal(misfit, COPY_FITS);
}

/* Times --------------------------------------------------------------------------------------- */

static void times_count_from_1970(void **state)
{
    (void)state;
    assert_int_equal(value_of(PG_TYPE_TIMESTAMPTZ, TYPE_TIMESTAMP, "0000000000000000").int64,
                     INT64_C(946684800000000));
    assert_int_equal(value_of(PG_TYPE_TIMESTAMP, TYPE_TIMESTAMP, "ffffffffffffffff").int64,
                     INT64_C(946684799999999));
    assert_int_equal(value_of(PG_TYPE_DATE, TYPE_TIMESTAMP, "ffffd532").int64,
                     -INT64_C(86400000000));
}

static const char *timestamp_hex(int64_t us)
{
    return arena_printf(&arena, "%016llx", (unsigned long long)(us - TIMESTAMP_POSTGRES_EPOCH_US));
}

static void times_fit_from_the_year_1_to_9999(void **state)
{
    (void)state;
    value_of(PG_TYPE_TIMESTAMPTZ, TYPE_TIMESTAMP, timestamp_hex(TIMESTAMP_MIN));
    value_of(PG_TYPE_TIMESTAMPTZ, TYPE_TIMESTAMP, timestamp_hex(TIMESTAMP_MAX));
    check_misfit(PG_TYPE_TIMESTAMPTZ, TYPE_TIMESTAMP, timestamp_hex(TIMESTAMP_MIN - 1),
                 COPY_TIME_OUT_OF_RANGE);
    check_misfit(PG_TYPE_TIMESTAMPTZ, TYPE_TIMESTAMP, timestamp_hex(TIMESTAMP_MAX + 1),
                 COPY_TIME_OUT_OF_RANGE);
    check_misfit(PG_TYPE_DATE, TYPE_TIMESTAMP, "7ffffffe", COPY_TIME_OUT_OF_RANGE);
    check_misfit(PG_TYPE_DATE, TYPE_TIMESTAMP, "80000001", COPY_TIME_OUT_OF_RANGE);
    check_misfit(PG_TYPE_TIMESTAMPTZ, TYPE_TIMESTAMP, "7ffffffffffffffe", COPY_TIME_OUT_OF_RANGE);
}

static void infinite_times_are_misfits(void **state)
{
    (void)state;
    check_misfit(PG_TYPE_TIMESTAMPTZ, TYPE_TIMESTAMP, "7fffffffffffffff", COPY_INFINITE_TIME);
    check_misfit(PG_TYPE_TIMESTAMP, TYPE_TIMESTAMP, "8000000000000000", COPY_INFINITE_TIME);
    check_misfit(PG_TYPE_DATE, TYPE_TIMESTAMP, "7fffffff", COPY_INFINITE_TIME);
    check_misfit(PG_TYPE_DATE, TYPE_TIMESTAMP, "80000000", COPY_INFINITE_TIME);
}

/* Numerics: count of digits, weight, sign, scale, digits of base 10000 ------------------------ */

static double numeric(const char *bytes)
{
    return value_of(PG_TYPE_NUMERIC, TYPE_FLOAT64, bytes).float64;
}

static void numerics_round_to_the_nearest_float(void **state)
{
    (void)state;
    assert_true(numeric("0000 0000 0000 0000") == 0.0);
    assert_true(numeric("0001 0000 0000 0000 0001") == 1.0);
    assert_true(numeric("0002 0000 4000 0002 000c 1388") == -12.5);
    assert_true(numeric("0001 ffff 0000 0001 03e8") == 0.1);
    assert_true(numeric("0001 0001 0000 0000 0001") == 10000.0);
    /* 9007199254740993 lies between two floats: to even. A little more, and it is the upper one. */
    assert_true(numeric("0004 0003 0000 0000 232f 07c8 1562 03e1") == 9007199254740992.0);
    assert_true(numeric("0006 0003 0000 0008 232f 07c8 1562 03e1 0000 0001") == 9007199254740994.0);
}

static void tail_of_a_long_numeric_still_decides(void **state)
{
    char *text = arena_zero(&arena, 8192);
    (void)state;
    /* 9007199254740993.000...0001 with 300 groups of digits. */
    char *at = text + sprintf(text, "0130 0003 0000 0480 232f 07c8 1562 03e1");
    for (int i = 0; i < 0x130 - 5; i++)
        at += sprintf(at, "0000");
    sprintf(at, "0001");
    assert_true(numeric(text) == 9007199254740994.0);
}

static void numerics_beyond_float64_are_misfits(void **state)
{
    (void)state;
    /* 10000^77 = 1e308 fits, 2e308 and 10000^78 do not. */
    assert_true(numeric("0001 004d 0000 0000 0001") == 1e308);
    check_misfit(PG_TYPE_NUMERIC, TYPE_FLOAT64, "0001 004d 0000 0000 0002", COPY_BEYOND_FLOAT64);
    check_misfit(PG_TYPE_NUMERIC, TYPE_FLOAT64, "0001 7fff 4000 0000 0001", COPY_BEYOND_FLOAT64);
    assert_true(numeric("0001 8000 0000 0000 0001") == 0.0);
    assert_true(numeric("0001 ffaf 0000 0000 0005") == 5e-324);
}

static void numerics_may_be_infinite_or_no_number(void **state)
{
    (void)state;
    assert_true(isnan(numeric("0000 0000 c000 0000")));
    assert_true(numeric("0000 0000 d000 0000") == (double)INFINITY);
    assert_true(numeric("0000 0000 f000 0000") == (double)-INFINITY);
}

static void broken_numerics_are_corrupt(void **state)
{
    (void)state;
    check_corrupt(PG_TYPE_NUMERIC, TYPE_FLOAT64, "0000 0000 0000");
    check_corrupt(PG_TYPE_NUMERIC, TYPE_FLOAT64, "0001 0000 0000 0000");
    check_corrupt(PG_TYPE_NUMERIC, TYPE_FLOAT64, "0001 0000 0000 0000 2710");
    check_corrupt(PG_TYPE_NUMERIC, TYPE_FLOAT64, "0001 0000 1234 0000 0001");
    check_corrupt(PG_TYPE_NUMERIC, TYPE_FLOAT64, "0000 0000 0000 0000 0001");
    check_corrupt(PG_TYPE_NUMERIC, TYPE_FLOAT64, "0001 0000 c000 0000 0001");
}

/* Arrays: dimensions, flags, oid; size and lower bound of each dimension; elements ---------------
 */

static void one_dimensional_arrays_become_lists(void **state)
{
    struct value value = value_of(PG_TYPE_INT2, type_list_of(TYPE_INT32),
                                  "00000001 00000000 00000015 00000002 fffffffb"
                                  "00000002 0001 00000002 ffff");
    struct list_cursor cursor = list_begin(value.type, value.bytes);
    struct value element;
    (void)state;
    assert_true(list_next(&cursor, &element));
    assert_int_equal(element.int32, 1);
    assert_true(list_next(&cursor, &element));
    assert_int_equal(element.int32, -1);
    assert_false(list_next(&cursor, &element));
}

static void arrays_of_text_become_lists(void **state)
{
    struct value value = value_of(PG_TYPE_TEXT, type_list_of(TYPE_STRING),
                                  "00000001 00000000 00000019 00000002 00000001"
                                  "00000000 00000002 6162");
    size_t count;
    (void)state;
    assert_true(list_count(value.type, value.bytes, &count));
    assert_int_equal(count, 2);
    assert_int_equal(value.bytes.size, 10);
}

static void empty_array_is_an_empty_list(void **state)
{
    struct value value =
        value_of(PG_TYPE_FLOAT8, type_list_of(TYPE_FLOAT64), "00000000 00000000 000002bd");
    (void)state;
    assert_int_equal(value.bytes.size, 0);
    assert_non_null(value.bytes.data);
}

static void null_inside_a_list_is_a_misfit(void **state)
{
    (void)state;
    check_misfit(PG_TYPE_INT4, type_list_of(TYPE_INT32),
                 "00000001 00000001 00000017 00000002 00000001 00000004 00000001 ffffffff",
                 COPY_NULL_IN_LIST);
}

static void nested_array_is_a_misfit(void **state)
{
    (void)state;
    check_misfit(PG_TYPE_INT4, type_list_of(TYPE_INT32),
                 "00000002 00000000 00000017 00000001 00000001 00000001 00000001 00000004 00000001",
                 COPY_NESTED_ARRAY);
}

static void misfit_inside_a_list_is_one_of_the_list(void **state)
{
    (void)state;
    check_misfit(PG_TYPE_TIMESTAMPTZ, type_list_of(TYPE_TIMESTAMP),
                 "00000001 00000000 000004a0 00000002 00000001"
                 "00000008 7fffffffffffffff 00000008 0000000000000000",
                 COPY_INFINITE_TIME);
}

static void broken_arrays_are_corrupt(void **state)
{
    static const char *const broken[] = {
        "",
        "00000001",
        "00000000 00000000 00000017 00",
        "00000001 00000000 00000017",
        "00000001 00000000 00000017 00000001 00000001",
        "00000001 00000000 00000017 7fffffff 00000001 00000004 00000001",
        "00000001 00000000 00000017 00000001 00000001 00000004 000001",
        "00000001 00000000 00000017 00000001 00000001 00000004 00000001 00",
        "00000001 00000000 00000017 00000001 00000001 00000003 000001",
        "00000001 00000000 00000017 00000001 00000001 fffffffe",
        "00000007 00000000 00000017",
        "ffffffff 00000000 00000017 00000001 00000001",
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(broken); i++)
        check_corrupt(PG_TYPE_INT4, type_list_of(TYPE_INT32), broken[i]);
}

/* Streams ------------------------------------------------------------------------------------- */

#define HEADER "5047434f50590aff0d0a00 00000000 00000000 "

/* Feeds in pieces of that size; how many tuples came, or -1 if it was refused. The stream has two
 * fields. */
static int tuples_of(const char *text, size_t piece_size, bool *ended)
{
    struct bytes stream = hex(text);
    struct copy_reader reader;
    struct bytes fields[2];
    enum copy_step step = COPY_MORE;
    enum status status = STATUS_OK;
    int tuples = 0;
    copy_reader_init(&reader, 2);
    for (size_t at = 0; at < stream.size && !status; at += piece_size) {
        size_t size = stream.size - at < piece_size ? stream.size - at : piece_size;
        /* A copy that is gone afterwards, as libpq's are. */
        uint8_t *piece = test_malloc(size);
        memcpy(piece, (const uint8_t *)stream.data + at, size);
        status = copy_reader_feed(&reader, (struct bytes){piece, size}, NULL);
        while (!status && !(status = copy_reader_next(&reader, fields, &step, NULL)) &&
               step == COPY_TUPLE) {
            tuples++;
            assert_int_equal(fields[0].size, 2);
            assert_memory_equal(fields[0].data, "hi", 2);
            assert_null(fields[1].data);
        }
        memset(piece, 0xee, size);
        test_free(piece);
    }
    *ended = step == COPY_END;
    copy_reader_release(&reader);
    return status ? -1 : tuples;
}

static void stream_reads_the_same_however_it_is_cut(void **state)
{
    static const char *const stream = HEADER "0002 00000002 6869 ffffffff"
                                             "0002 00000002 6869 ffffffff ffff";
    bool ended;
    (void)state;
    for (size_t size = 1; size < 60; size++) {
        assert_int_equal(tuples_of(stream, size, &ended), 2);
        assert_true(ended);
    }
}

static void header_may_have_an_extension(void **state)
{
    bool ended;
    (void)state;
    assert_int_equal(tuples_of("5047434f50590aff0d0a00 00000000 00000003 aabbcc ffff", 4, &ended),
                     0);
    assert_true(ended);
}

static void stream_without_its_trailer_has_not_ended(void **state)
{
    bool ended;
    (void)state;
    assert_int_equal(tuples_of(HEADER "0002 00000002 6869 ffffffff", 100, &ended), 1);
    assert_false(ended);
}

static void broken_streams_are_refused(void **state)
{
    static const char *const broken[] = {
        "00",
        "5047434f50590aff0d0a01",
        "5047434f50590aff0d0a00 00010000 00000000 ffff",
        "5047434f50590aff0d0a00 00000000 ffffffff ffff",
        HEADER "0001 00000002 6869",
        HEADER "0003 00000002 6869 ffffffff ffffffff",
        HEADER "0002 fffffffe",
        HEADER "ffff 00",
    };
    bool ended;
    (void)state;
    for (size_t i = 0; i < COUNT_OF(broken); i++)
        for (size_t size = 1; size < 40; size += 19)
            assert_int_equal(tuples_of(broken[i], size, &ended), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(integers_widen_and_never_narrow),
        cmocka_unit_test(floats_keep_their_bits),
        cmocka_unit_test(bools_are_zero_or_one),
        cmocka_unit_test(sizes_must_be_those_of_the_type),
        cmocka_unit_test(text_must_be_text),
        cmocka_unit_test(field_without_data_is_null),
        cmocka_unit_test(times_count_from_1970),
        cmocka_unit_test(times_fit_from_the_year_1_to_9999),
        cmocka_unit_test(infinite_times_are_misfits),
        cmocka_unit_test(numerics_round_to_the_nearest_float),
        cmocka_unit_test(tail_of_a_long_numeric_still_decides),
        cmocka_unit_test(numerics_beyond_float64_are_misfits),
        cmocka_unit_test(numerics_may_be_infinite_or_no_number),
        cmocka_unit_test(broken_numerics_are_corrupt),
        cmocka_unit_test(one_dimensional_arrays_become_lists),
        cmocka_unit_test(arrays_of_text_become_lists),
        cmocka_unit_test(empty_array_is_an_empty_list),
        cmocka_unit_test(null_inside_a_list_is_a_misfit),
        cmocka_unit_test(nested_array_is_a_misfit),
        cmocka_unit_test(misfit_inside_a_list_is_one_of_the_list),
        cmocka_unit_test(broken_arrays_are_corrupt),
        cmocka_unit_test(stream_reads_the_same_however_it_is_cut),
        cmocka_unit_test(header_may_have_an_extension),
        cmocka_unit_test(stream_without_its_trailer_has_not_ended),
        cmocka_unit_test(broken_streams_are_refused),
    };
    return cmocka_run_group_tests(tests, make_arena, release_arena);
}
