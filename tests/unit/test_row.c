/* The packed row: base/row.h. */
#include "base/row.h"

#include "base/byte_order.h"
#include "base/timestamp.h"
#include "base_random.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <xxhash.h>

struct fixture {
    struct arena arena;
    struct buffer row;
    struct row_layout layout;
    struct random_source source;
    struct error err;
};

static const struct row_header header_of_tests = {
    .event_time_us = 1000, .created_time_us = TIMESTAMP_UNKNOWN, .position = 7, .schema = 3};

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    arena_init(&f->arena, 0);
    buffer_init(&f->row, 0);
    f->source.state = 42;
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    buffer_release(&f->row);
    arena_release(&f->arena);
    free(f);
    return 0;
}

static void pack(struct fixture *f, const struct value *values, size_t count)
{
    value_type types[ROW_COLUMNS_MAX];
    for (size_t i = 0; i < count; i++)
        types[i] = values[i].type;
    row_layout_init(&f->layout, types, count, &f->arena);
    buffer_clear(&f->row);
    assert_int_equal(row_pack(&f->layout, &header_of_tests, values, &f->row, &f->err), STATUS_OK);
}

static enum status open_row(struct fixture *f, size_t size)
{
    /* In memory of exactly its size, so that the sanitizer sees a read behind it. */
    uint8_t *exact = malloc(size + 1);
    struct row_header header;
    memcpy(exact, f->row.data, size);
    uint8_t *moved = realloc(exact, size ? size : 1);
    enum status status = row_open((struct bytes){moved, size}, &f->layout, &header, &f->err);
    free(moved);
    return status;
}

/* The check as row.h describes it, worked out here a second time. */
static void seal(struct fixture *f)
{
    uint8_t *row = f->row.data;
    uint64_t check = XXH3_64bits(row, 24) ^ XXH3_64bits(row + 36, f->row.size - 36);
    store_le32(row + 32, (uint32_t)check ^ load_le32(row + 24) ^ load_le32(row + 28));
}

static struct value random_text(struct fixture *f, value_type type)
{
    static const char *const letters[] = {"a", "{", "\xc3\xa9", "\xf0\x9f\x98\x80"};
    struct buffer text;
    buffer_init(&text, 0);
    size_t count = random_below(&f->source, 12);
    for (size_t i = 0; i < count; i++) {
        if (type == TYPE_BYTES)
            buffer_append_byte(&text, (uint8_t)random_bits(&f->source));
        else
            buffer_append_text(&text, letters[random_below(&f->source, COUNT_OF(letters))]);
    }
    struct value value = {.type = type, .bytes = arena_bytes(&f->arena, buffer_bytes(&text))};
    buffer_release(&text);
    return value;
}

static struct value random_scalar(struct fixture *f, value_type type)
{
    struct value value = {.type = type};
    switch (type) {
    case TYPE_BOOL:
        value.boolean = random_below(&f->source, 2);
        return value;
    case TYPE_INT32:
    case TYPE_FLOAT32:
        value.int32 = (int32_t)random_bits(&f->source);
        return value;
    case TYPE_STRING:
    case TYPE_BYTES:
        return random_text(f, type);
    case TYPE_TIMESTAMP:
        value.int64 = TIMESTAMP_MIN + (int64_t)random_below(&f->source, (uint64_t)TIMESTAMP_MAX);
        return value;
    default:
        value.int64 = (int64_t)random_bits(&f->source);
        return value;
    }
}

static struct value random_value(struct fixture *f)
{
    value_type kind = (value_type)(TYPE_BOOL + random_below(&f->source, 8));
    bool is_list = random_below(&f->source, 3) == 0;
    if (random_below(&f->source, 4) == 0)
        return value_null(is_list ? type_list_of(kind) : kind);
    if (!is_list)
        return random_scalar(f, kind);
    struct buffer packed;
    buffer_init(&packed, 0);
    for (size_t i = random_below(&f->source, 5); i > 0; i--) {
        struct value element = random_scalar(f, kind);
        list_append(&packed, &element);
    }
    struct value list = {.type = type_list_of(kind),
                         .bytes = arena_bytes(&f->arena, buffer_bytes(&packed))};
    buffer_release(&packed);
    return list;
}

static size_t pack_random(struct fixture *f, struct value *values, size_t count_end)
{
    arena_reset(&f->arena);
    size_t count = random_below(&f->source, count_end);
    for (size_t i = 0; i < count; i++)
        values[i] = random_value(f);
    pack(f, values, count);
    return count;
}

static void a_row_gives_back_what_was_packed(void **state)
{
    struct fixture *f = *state;
    struct value values[40];
    for (int round = 0; round < 5000; round++) {
        size_t count = pack_random(f, values, COUNT_OF(values));
        struct row_header header;
        struct bytes row = buffer_bytes(&f->row);
        assert_int_equal(row_open(row, &f->layout, &header, &f->err), STATUS_OK);
        assert_int_equal(open_row(f, f->row.size), STATUS_OK);
        for (size_t i = 0; i < count; i++) {
            struct value value = row_get(row, &f->layout, i);
            assert_true(value_equal(&value, &values[i]));
        }
    }
}

static void the_header_comes_back(void **state)
{
    struct fixture *f = *state;
    struct row_header header = {.event_time_us = TIMESTAMP_MIN,
                                .created_time_us = TIMESTAMP_MAX,
                                .position = INT64_MAX,
                                .floor = 12345,
                                .schema = 65535};
    struct row_header opened, peeked;
    row_layout_init(&f->layout, NULL, 0, &f->arena);
    assert_int_equal(row_pack(&f->layout, &header, NULL, &f->row, &f->err), STATUS_OK);
    assert_int_equal(f->row.size, ROW_HEADER_SIZE);
    assert_int_equal(row_open(buffer_bytes(&f->row), &f->layout, &opened, &f->err), STATUS_OK);
    assert_true(row_peek(buffer_bytes(&f->row), &peeked));
    const struct row_header *both[] = {&opened, &peeked};
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(both[i]->event_time_us, header.event_time_us);
        assert_int_equal(both[i]->created_time_us, header.created_time_us);
        assert_int_equal(both[i]->position, header.position);
        assert_int_equal(both[i]->floor, header.floor);
        assert_int_equal(both[i]->schema, header.schema);
        assert_int_equal(both[i]->flags, 0);
    }
}

static void bytes_stand_where_the_header_file_says(void **state)
{
    struct fixture *f = *state;
    const struct value values[] = {
        {.type = TYPE_INT32, .int32 = 0x01020304},
        value_null(TYPE_STRING),
        {.type = TYPE_STRING, .bytes = {"hi", 2}},
        {.type = TYPE_BOOL, .boolean = true},
    };
    static const uint8_t expected[] = {
        0x80, 0, 0, 0, 0, 0, 0x03, 0xe8, /* event time 1000 */
        0,    0, 0, 0, 0, 0, 0,    0,    /* created time unknown */
        0x80, 0, 0, 0, 0, 0, 0,    7,    /* position */
        0x80, 0, 0, 0, 0, 0, 0,    0,    /* no floor */
        0,    0, 0, 0, 3, 0, 0,    1,    /* check, schema, flags, format */
        0x02,                            /* the second is null */
        4,    3, 2, 1, 0, 0, 0,    0,    2, 0, 0, 0, 1, 'h', 'i',
    };
    pack(f, values, COUNT_OF(values));
    uint32_t check = load_le32(f->row.data + 32);
    seal(f);
    assert_int_equal(load_le32(f->row.data + 32), check);
    store_le32(f->row.data + 32, 0);
    assert_int_equal(f->row.size, sizeof expected);
    assert_memory_equal(f->row.data, expected, sizeof expected);
}

static void ten_floats_take_what_the_memory_target_allows(void **state)
{
    struct fixture *f = *state;
    struct value values[10];
    for (size_t i = 0; i < 10; i++)
        values[i] = (struct value){.type = TYPE_FLOAT64, .float64 = 0.5};
    pack(f, values, 10);
    assert_true(f->row.size <= 80 + 44);
}

static void any_changed_byte_is_seen(void **state)
{
    struct fixture *f = *state;
    struct value values[12];
    for (int round = 0; round < 60; round++) {
        pack_random(f, values, COUNT_OF(values));
        for (size_t i = 0; i < f->row.size; i++) {
            uint8_t change = (uint8_t)(1 + random_below(&f->source, 255));
            f->row.data[i] ^= change;
            assert_int_equal(open_row(f, f->row.size), STATUS_CORRUPT);
            f->row.data[i] ^= change;
        }
    }
}

static void any_other_size_is_seen(void **state)
{
    struct fixture *f = *state;
    struct value values[12];
    for (int round = 0; round < 60; round++) {
        pack_random(f, values, COUNT_OF(values));
        for (size_t size = 0; size < f->row.size; size++)
            assert_int_equal(open_row(f, size), STATUS_CORRUPT);
        buffer_append_byte(&f->row, 0);
        assert_int_equal(open_row(f, f->row.size), STATUS_CORRUPT);
        seal(f);
        assert_int_equal(open_row(f, f->row.size), STATUS_CORRUPT);
    }
}

/* Bytes that no writer makes, under a check that fits: each changes one byte of a good row. */
static void check_sealed_nonsense(struct fixture *f, size_t at, uint8_t byte)
{
    uint8_t kept = f->row.data[at];
    assert_int_not_equal(kept, byte);
    f->row.data[at] = byte;
    seal(f);
    if (open_row(f, f->row.size) != STATUS_CORRUPT)
        fail_msg("byte %zu may be %d", at, byte);
    f->row.data[at] = kept;
    seal(f);
    assert_int_equal(open_row(f, f->row.size), STATUS_OK);
}

static void nonsense_under_a_good_check_is_seen(void **state)
{
    struct fixture *f = *state;
    const struct value values[] = {
        value_null(TYPE_INT64),                                       /* slot at 41 */
        {.type = TYPE_BOOL, .boolean = true},                         /* 49 */
        {.type = TYPE_TIMESTAMP, .int64 = 5},                         /* 50 */
        {.type = TYPE_STRING, .bytes = {"abc", 3}},                   /* 58 */
        value_null(TYPE_STRING),                                      /* 62 */
        {.type = TYPE_LIST | TYPE_STRING, .bytes = {"\1\0\0\0x", 5}}, /* 66 */
        {.type = TYPE_LIST | TYPE_BOOL, .bytes = {"\1", 1}},          /* 70 */
    };                                                                /* tail at 74 */
    pack(f, values, COUNT_OF(values));
    assert_int_equal(f->row.size, 74 + 9);
    check_sealed_nonsense(f, 0, 0xff);  /* event time out of range */
    check_sealed_nonsense(f, 8, 0x01);  /* created time out of range, yet known */
    check_sealed_nonsense(f, 16, 0x7f); /* a position below 0 */
    check_sealed_nonsense(f, 24, 0x7f); /* a floor below 0 */
    check_sealed_nonsense(f, 38, ROW_TOMBSTONE);
    check_sealed_nonsense(f, 38, 0x02); /* an unknown flag */
    check_sealed_nonsense(f, 39, 2);    /* an unknown format */
    check_sealed_nonsense(f, 40, 0x91); /* a spare bit */
    check_sealed_nonsense(f, 40, 0x19); /* a null that has bytes */
    check_sealed_nonsense(f, 40, 0x13); /* a null bool whose slot is not zero */
    check_sealed_nonsense(f, 41, 1);
    check_sealed_nonsense(f, 48, 1);
    check_sealed_nonsense(f, 49, 2);
    check_sealed_nonsense(f, 57, 0x7f); /* a time out of range */
    check_sealed_nonsense(f, 58, 2);    /* the end before a null's */
    check_sealed_nonsense(f, 58, 200);  /* an end behind the row */
    check_sealed_nonsense(f, 61, 0x80);
    check_sealed_nonsense(f, 62, 4);    /* a null that takes a byte */
    check_sealed_nonsense(f, 66, 7);    /* a list cut short, and the next too long */
    check_sealed_nonsense(f, 66, 2);    /* an end before its beginning */
    check_sealed_nonsense(f, 70, 8);    /* not all of the tail is used */
    check_sealed_nonsense(f, 74, 0);    /* a NUL in a text */
    check_sealed_nonsense(f, 76, 0xff); /* not UTF-8 */
    check_sealed_nonsense(f, 77, 2);    /* a list element longer than the list */
    check_sealed_nonsense(f, 81, 0xc3); /* a list element that is not UTF-8 */
    check_sealed_nonsense(f, 82, 2);    /* a bool in a list that is neither */
}

static void a_tombstone_is_whole_under_any_layout(void **state)
{
    struct fixture *f = *state;
    struct row_header header;
    struct value value = {.type = TYPE_INT64, .int64 = 1};
    pack(f, &value, 1);
    buffer_clear(&f->row);
    row_pack_tombstone(77, &f->row);
    assert_int_equal(f->row.size, ROW_HEADER_SIZE);
    assert_int_equal(row_open(buffer_bytes(&f->row), &f->layout, &header, &f->err), STATUS_OK);
    assert_int_equal(header.flags, ROW_TOMBSTONE);
    assert_int_equal(header.floor, 77);
    assert_int_equal(header.position, 0);
    check_sealed_nonsense(f, 23, 1); /* at a position */
    check_sealed_nonsense(f, 7, 1);  /* at an event time */
    check_sealed_nonsense(f, 15, 1); /* at a created time */
    check_sealed_nonsense(f, 36, 1); /* of a schema */
    buffer_append_byte(&f->row, 0);
    seal(f);
    assert_int_equal(open_row(f, f->row.size), STATUS_CORRUPT);
}

static void rows_sort_by_their_first_bytes(void **state)
{
    struct fixture *f = *state;
    static const struct row_header ascending[] = {
        {.event_time_us = TIMESTAMP_MIN, .created_time_us = TIMESTAMP_MAX, .position = 9},
        {.event_time_us = -1, .created_time_us = 0, .position = 0},
        {.event_time_us = 0, .created_time_us = TIMESTAMP_UNKNOWN, .position = 5},
        {.event_time_us = 0, .created_time_us = TIMESTAMP_MIN, .position = 0},
        {.event_time_us = 0, .created_time_us = -1, .position = 0},
        {.event_time_us = 0, .created_time_us = 1, .position = 0},
        {.event_time_us = 0, .created_time_us = 1, .position = 1},
        {.event_time_us = 0, .created_time_us = 1, .position = 256},
        {.event_time_us = TIMESTAMP_MAX, .created_time_us = TIMESTAMP_UNKNOWN},
    };
    uint8_t before[ROW_TRIPLE_SIZE];
    row_pack_tombstone(INT64_MAX, &f->row);
    row_layout_init(&f->layout, NULL, 0, &f->arena);
    for (size_t i = 0; i < COUNT_OF(ascending); i++) {
        memcpy(before, f->row.data, sizeof before);
        buffer_clear(&f->row);
        assert_int_equal(row_pack(&f->layout, &ascending[i], NULL, &f->row, &f->err), STATUS_OK);
        assert_true(memcmp(before, f->row.data, sizeof before) < 0);
    }
}

static void another_floor_leaves_the_row_whole(void **state)
{
    struct fixture *f = *state;
    struct value values[12];
    for (int round = 0; round < 200; round++) {
        pack_random(f, values, COUNT_OF(values));
        int64_t floor = (int64_t)(random_bits(&f->source) >> 1);
        struct row_header header;
        row_set_floor(f->row.data, floor);
        assert_int_equal(row_open(buffer_bytes(&f->row), &f->layout, &header, &f->err), STATUS_OK);
        assert_int_equal(header.floor, floor);
        assert_int_equal(header.position, header_of_tests.position);
    }
}

static void a_row_over_the_limit_is_refused_and_nothing_is_written(void **state)
{
    struct fixture *f = *state;
    char *text = malloc(ROW_SIZE_MAX);
    memset(text, 'a', ROW_SIZE_MAX);
    value_type types[] = {TYPE_STRING, TYPE_STRING};
    struct value values[] = {{.type = TYPE_STRING, .bytes = {text, ROW_SIZE_MAX - 49}},
                             {.type = TYPE_STRING, .bytes = {"", 0}}};
    row_layout_init(&f->layout, types, 2, &f->arena);
    assert_int_equal(row_pack(&f->layout, &header_of_tests, values, &f->row, &f->err), STATUS_OK);
    assert_int_equal(f->row.size, ROW_SIZE_MAX);
    buffer_clear(&f->row);
    values[1].bytes = (struct bytes){"x", 1};
    assert_int_equal(row_pack(&f->layout, &header_of_tests, values, &f->row, &f->err),
                     STATUS_EXHAUSTED);
    values[0].bytes.size = values[1].bytes.size = SIZE_MAX / 2;
    assert_int_equal(row_pack(&f->layout, &header_of_tests, values, &f->row, &f->err),
                     STATUS_EXHAUSTED);
    assert_int_equal(f->row.size, 0);
    free(text);
}

static void many_columns_are_read_alike(void **state)
{
    struct fixture *f = *state;
    struct value *values = calloc(ROW_COLUMNS_MAX, sizeof *values);
    for (size_t i = 0; i < ROW_COLUMNS_MAX; i++)
        values[i] = random_value(f);
    pack(f, values, ROW_COLUMNS_MAX);
    assert_int_equal(open_row(f, f->row.size), STATUS_OK);
    for (size_t i = 0; i < ROW_COLUMNS_MAX; i++) {
        struct value value = row_get(buffer_bytes(&f->row), &f->layout, i);
        assert_true(value_equal(&value, &values[i]));
    }
    free(values);
}

#define ROW_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ROW_TEST(a_row_gives_back_what_was_packed),
        ROW_TEST(the_header_comes_back),
        ROW_TEST(bytes_stand_where_the_header_file_says),
        ROW_TEST(ten_floats_take_what_the_memory_target_allows),
        ROW_TEST(any_changed_byte_is_seen),
        ROW_TEST(any_other_size_is_seen),
        ROW_TEST(nonsense_under_a_good_check_is_seen),
        ROW_TEST(a_tombstone_is_whole_under_any_layout),
        ROW_TEST(rows_sort_by_their_first_bytes),
        ROW_TEST(another_floor_leaves_the_row_whole),
        ROW_TEST(a_row_over_the_limit_is_refused_and_nothing_is_written),
        ROW_TEST(many_columns_are_read_alike),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
