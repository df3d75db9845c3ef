/* test_parquet_writer.c - a Parquet file as a whole: its ends, its row groups, its footer. */
#include "training/formats/table_writer.h"

#include "base/byte_order.h"
#include "hex_text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

enum { GROUP_ROWS = 1 << 17, LARGE_TEXT = 33 << 20, TAIL_SIZE = 8 };

static const struct table_column column = {.name = "k", .type = TYPE_INT32};
static const struct table_schema numbers = {.columns = &column, .column_count = 1};
static const struct table_column text_column = {.name = "s", .type = TYPE_STRING};
static const struct table_schema texts = {.columns = &text_column, .column_count = 1};

static struct bytes read_back(const char *path)
{
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    fseek(file, 0, SEEK_END);
    size_t size = (size_t)ftell(file);
    rewind(file);
    uint8_t *bytes = malloc(size);
    assert_int_equal(fread(bytes, 1, size, file), size);
    fclose(file);
    return (struct bytes){bytes, size};
}

/* Of so many rows of the same value; the caller frees. */
static struct bytes write_table(const struct table_schema *schema, const struct value *row,
                                size_t count)
{
    char folder[] = "/tmp/larder-test-XXXXXX", path[64];
    struct output_file *file;
    struct table_writer *writer;
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/out.parquet", folder);
    assert_int_equal(output_file_open(path, &file, NULL), STATUS_OK);
    assert_int_equal(table_writer_open(TABLE_PARQUET, schema, file, &writer, NULL), STATUS_OK);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(table_writer_row(writer, row, NULL), STATUS_OK);
    assert_int_equal(table_writer_finish(writer, NULL), STATUS_OK);
    table_writer_close(writer);
    assert_int_equal(output_file_finish(file, NULL), STATUS_OK);
    output_file_close(file);
    struct bytes bytes = read_back(path);
    unlink(path);
    rmdir(folder);
    return bytes;
}

/* Between its size and what stands before it. */
static struct bytes footer_of(struct bytes file)
{
    const uint8_t *at = file.data;
    assert_true(file.size > 4 + TAIL_SIZE);
    assert_memory_equal(at, "PAR1", 4);
    assert_memory_equal(at + file.size - 4, "PAR1", 4);
    size_t size = load_le32(at + file.size - TAIL_SIZE);
    assert_true(size <= file.size - 4 - TAIL_SIZE);
    return (struct bytes){at + file.size - TAIL_SIZE - size, size};
}

/* Its rows and how many row groups they are in, as they stand one behind the other. */
static void check_groups(struct bytes file, const char *hex)
{
    static const uint8_t schema_end[] = {0x18, 0x01};
    struct bytes footer = footer_of(file);
    const uint8_t *end = memmem(footer.data, footer.size, schema_end, sizeof schema_end);
    assert_non_null(end);
    end = memchr(end, 0x16, 32); /* the count of rows, a field of 8 bytes */
    assert_non_null(end);
    check_hex((struct bytes){end, (strlen(hex) + 1) / 3}, hex);
}

static void an_empty_set_is_a_schema_without_row_groups(void **unused)
{
    (void)unused;
    struct bytes file = write_table(&numbers, NULL, 0);
    struct bytes footer = footer_of(file);
    assert_int_equal(footer.size, file.size - 4 - TAIL_SIZE); /* nothing else is there */
    /* Version 2; two elements: "schema" with one child; k, an optional int32; no rows, no groups;
     * one note, which is Arrow's schema. */
    check_hex((struct bytes){footer.data, 43},
              "15 04 19 2c 48 06 73 63 68 65 6d 61 15 02 00 15 02 25 02 18 01 6b 00 16 00 19 0c "
              "19 1c 18 0c 41 52 52 4f 57 3a 73 63 68 65 6d 61");
    free((void *)file.data);
}

static void equal_rows_make_equal_bytes(void **unused)
{
    (void)unused;
    const struct value row = {.type = TYPE_INT32, .int32 = 7};
    struct bytes a = write_table(&numbers, &row, 1000), b = write_table(&numbers, &row, 1000);
    assert_true(bytes_equal(a, b));
    free((void *)a.data);
    free((void *)b.data);
}

static void a_row_group_ends_at_its_rows(void **unused)
{
    (void)unused;
    const struct value row = {.type = TYPE_INT32, .int32 = 7};
    struct bytes file = write_table(&numbers, &row, GROUP_ROWS);
    check_groups(file, "16 80 80 10 19 1c");
    free((void *)file.data);
    file = write_table(&numbers, &row, GROUP_ROWS + 1);
    check_groups(file, "16 82 80 10 19 2c");
    free((void *)file.data);
}

static void a_row_group_ends_at_its_bytes(void **unused)
{
    (void)unused;
    char *text = malloc(LARGE_TEXT);
    memset(text, 'x', LARGE_TEXT);
    const struct value row = {.type = TYPE_STRING, .bytes = {text, LARGE_TEXT}};
    struct bytes file = write_table(&texts, &row, 2);
    check_groups(file, "16 04 19 1c");
    free((void *)file.data);
    file = write_table(&texts, &row, 3);
    check_groups(file, "16 06 19 2c");
    free((void *)file.data);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_set_is_a_schema_without_row_groups),
        cmocka_unit_test(equal_rows_make_equal_bytes),
        cmocka_unit_test(a_row_group_ends_at_its_rows),
        cmocka_unit_test(a_row_group_ends_at_its_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
