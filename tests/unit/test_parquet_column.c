/* test_parquet_column.c - the pages that a column becomes, byte by byte. */
#include "training/formats/parquet_column.h"

#include "hex_text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <zstd.h>

#include <cmocka.h>

enum { PAGES_MAX = 2, LONG_TEXT = 1 << 20 };

struct page {
    struct bytes header;
    struct bytes content;
    size_t compressed_size;
};

struct fixture {
    struct parquet_column *column;
    struct parquet_pages pages;
    struct buffer metadata;
    struct page made[PAGES_MAX];
    size_t made_count;
};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    parquet_pages_init(&f->pages);
    buffer_init(&f->metadata, 0);
    *state = f;
    return 0;
}

static void forget_pages(struct fixture *f)
{
    for (size_t i = 0; i < f->made_count; i++)
        free((void *)f->made[i].content.data);
    f->made_count = 0;
    buffer_clear(&f->pages.out);
    buffer_clear(&f->metadata);
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    forget_pages(f);
    parquet_column_free(f->column);
    parquet_pages_release(&f->pages);
    buffer_release(&f->metadata);
    free(f);
    return 0;
}

static void add(struct fixture *f, struct value value)
{
    parquet_column_add(f->column, &value);
}

static void add_text(struct fixture *f, const char *text)
{
    add(f, (struct value){.type = TYPE_STRING, .bytes = bytes_of_text(text)});
}

static void add_int32(struct fixture *f, int32_t number)
{
    add(f, (struct value){.type = TYPE_INT32, .int32 = number});
}

static void add_list(struct fixture *f, const int32_t *numbers, size_t count)
{
    struct buffer packed;
    buffer_init(&packed, 0);
    for (size_t i = 0; i < count; i++)
        list_append(&packed, &(struct value){.type = TYPE_INT32, .int32 = numbers[i]});
    add(f, (struct value){.type = TYPE_LIST | TYPE_INT32, .bytes = buffer_bytes(&packed)});
    buffer_release(&packed);
}

/* A header ends where zstd's frame begins. */
static void take_pages(struct fixture *f)
{
    static const uint8_t frame[] = {0x28, 0xb5, 0x2f, 0xfd};
    struct bytes left = buffer_bytes(&f->pages.out);
    while (left.size > 0) {
        struct page *page = &f->made[f->made_count];
        const uint8_t *at = memmem(left.data, left.size, frame, sizeof frame);
        assert_true(at && f->made_count < PAGES_MAX);
        page->header = (struct bytes){left.data, (size_t)(at - (const uint8_t *)left.data)};
        left = (struct bytes){at, left.size - page->header.size};
        page->compressed_size = ZSTD_findFrameCompressedSize(left.data, left.size);
        page->content.size = (size_t)ZSTD_getFrameContentSize(left.data, left.size);
        uint8_t *content = malloc(page->content.size + 1);
        assert_int_equal(
            ZSTD_decompress(content, page->content.size, left.data, page->compressed_size),
            page->content.size);
        page->content.data = content;
        f->made_count++;
        left.data = (const uint8_t *)left.data + page->compressed_size;
        left.size -= page->compressed_size;
    }
}

static void flush(struct fixture *f)
{
    struct thrift metadata;
    struct parquet_chunk_size size;
    forget_pages(f);
    thrift_begin(&metadata, &f->metadata);
    assert_int_equal(parquet_column_flush(f->column, 4, &f->pages, &metadata, &size, NULL),
                     STATUS_OK);
    assert_int_equal(size.compressed, f->pages.out.size);
    take_pages(f);
}

/* The chunk's metadata says so. */
static void check_metadata_has(struct fixture *f, const char *bytes, size_t size)
{
    assert_non_null(memmem(f->metadata.data, f->metadata.size, bytes, size));
}

static void nulls_are_levels_without_values(void **state)
{
    struct fixture *f = *state;
    f->column = parquet_column_new("k", TYPE_INT32);
    add_int32(f, 1);
    add(f, value_null(TYPE_INT32));
    add_int32(f, -2);
    flush(f);
    assert_int_equal(f->made_count, 1);
    check_hex(f->made[0].content, "02 00 00 00 03 05 01 00 00 00 fe ff ff ff");
    check_metadata_has(f, "\x3c\x36\x02\x28\x04\x01\x00\x00\x00\x18\x04\xfe\xff\xff\xff\x00", 16);
}

static void a_column_of_nulls_is_one_run(void **state)
{
    struct fixture *f = *state;
    f->column = parquet_column_new("k", TYPE_FLOAT64);
    for (int i = 0; i < 10; i++)
        add(f, value_null(TYPE_FLOAT64));
    flush(f);
    assert_int_equal(f->made_count, 1);
    check_hex(f->made[0].content, "02 00 00 00 14 00");
    check_metadata_has(f, "\x3c\x36\x14\x00", 4);
}

static void a_page_says_what_it_holds(void **state)
{
    struct fixture *f = *state;
    char hex[128];
    f->column = parquet_column_new("k", TYPE_INT32);
    add_int32(f, 1);
    flush(f);
    /* Data, 10 bytes that became fewer than 64; 1 value, PLAIN, its levels RLE. */
    assert_true(f->made[0].compressed_size < 64);
    snprintf(hex, sizeof hex, "15 00 15 14 15 %02x 2c 15 02 15 00 15 06 15 06 00 00",
             (unsigned)f->made[0].compressed_size * 2);
    check_hex(f->made[0].header, hex);
}

static void bools_are_packed_eight_to_a_byte(void **state)
{
    static const char bits[] = "101100001";
    struct fixture *f = *state;
    f->column = parquet_column_new("b", TYPE_BOOL);
    for (size_t i = 0; bits[i]; i++)
        add(f, (struct value){.type = TYPE_BOOL, .boolean = bits[i] == '1'});
    flush(f);
    check_hex(f->made[0].content, "02 00 00 00 12 01 0d 01");
}

static void lists_tell_null_empty_and_where_they_begin(void **state)
{
    struct fixture *f = *state;
    const int32_t numbers[] = {7, 8, 9};
    f->column = parquet_column_new("l", TYPE_LIST | TYPE_INT32);
    add_list(f, numbers, 2);
    add_list(f, NULL, 0);
    add(f, value_null(TYPE_LIST | TYPE_INT32));
    add_list(f, numbers + 2, 1);
    flush(f);
    check_hex(f->made[0].content, "02 00 00 00 03 02 03 00 00 00 03 1f 03 "
                                  "07 00 00 00 08 00 00 00 09 00 00 00");
    check_metadata_has(f,
                       "\x38\x01l\x04list\x07"
                       "element",
                       15);
    check_metadata_has(f, "\x16\x0a", 2); /* 5 levels */
}

static void repeated_texts_become_a_dictionary(void **state)
{
    struct fixture *f = *state;
    f->column = parquet_column_new("s", TYPE_STRING);
    add_text(f, "a");
    add_text(f, "b");
    add_text(f, "a");
    flush(f);
    assert_int_equal(f->made_count, 2);
    check_hex(f->made[0].content, "01 00 00 00 61 01 00 00 00 62");
    check_hex(f->made[1].content, "02 00 00 00 03 07 01 03 02");
    /* PLAIN, RLE and RLE_DICTIONARY */
    check_metadata_has(f, "\x19\x35\x00\x06\x10", 5);
}

static void a_text_that_stands_everywhere_is_a_run_of_the_first_index(void **state)
{
    struct fixture *f = *state;
    f->column = parquet_column_new("s", TYPE_STRING);
    for (int i = 0; i < 100; i++)
        add_text(f, "");
    flush(f);
    check_hex(f->made[0].content, "00 00 00 00");
    check_hex(f->made[1].content, "03 00 00 00 c8 01 01 01 c8 01 00");
}

static void texts_without_any_need_no_dictionary(void **state)
{
    struct fixture *f = *state;
    f->column = parquet_column_new("s", TYPE_STRING);
    add(f, value_null(TYPE_STRING));
    flush(f);
    assert_int_equal(f->made_count, 1);
    check_hex(f->made[0].content, "02 00 00 00 03 00");
}

static void a_full_dictionary_is_given_up(void **state)
{
    struct fixture *f = *state;
    char *text = malloc(LONG_TEXT);
    memset(text, 'x', LONG_TEXT);
    f->column = parquet_column_new("s", TYPE_STRING);
    add_text(f, "a");
    add(f, (struct value){.type = TYPE_STRING, .bytes = {text, LONG_TEXT}});
    add_text(f, "a");
    free(text);
    flush(f);
    assert_int_equal(f->made_count, 1);
    assert_int_equal(f->made[0].content.size, 6 + 5 + 4 + LONG_TEXT + 5);
    check_hex((struct bytes){f->made[0].content.data, 16},
              "02 00 00 00 03 07 01 00 00 00 61 00 00 10 00 78");
}

static void the_next_row_group_begins_anew(void **state)
{
    struct fixture *f = *state;
    f->column = parquet_column_new("s", TYPE_STRING);
    add_text(f, "a");
    add(f, value_null(TYPE_STRING));
    flush(f);
    assert_int_equal(parquet_column_size(f->column), 0);
    add_text(f, "b");
    flush(f);
    check_hex(f->made[0].content, "01 00 00 00 62");
    check_hex(f->made[1].content, "02 00 00 00 03 01 01 03 00");
    check_metadata_has(f, "\x1c\x36\x00\x28\x01\x62\x18\x01\x62\x00", 10);
}

static void a_page_beyond_what_its_header_can_say_is_refused(void **state)
{
    struct fixture *f = *state;
    struct parquet_chunk_size size = {0};
    struct error err = {.status = STATUS_OK};
    const struct bytes content = {"", (size_t)INT32_MAX + 1};
    assert_int_equal(
        parquet_pages_add(&f->pages, PARQUET_PAGE_DATA, content, 1, PARQUET_PLAIN, &size, &err),
        STATUS_EXHAUSTED);
    assert_non_null(strstr(err.message, "2 GiB"));
    assert_int_equal(f->pages.out.size, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(nulls_are_levels_without_values, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_column_of_nulls_is_one_run, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_page_says_what_it_holds, set_up, tear_down),
        cmocka_unit_test_setup_teardown(bools_are_packed_eight_to_a_byte, set_up, tear_down),
        cmocka_unit_test_setup_teardown(lists_tell_null_empty_and_where_they_begin, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(repeated_texts_become_a_dictionary, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_text_that_stands_everywhere_is_a_run_of_the_first_index,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(texts_without_any_need_no_dictionary, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_full_dictionary_is_given_up, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_next_row_group_begins_anew, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_page_beyond_what_its_header_can_say_is_refused, set_up,
                                        tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
