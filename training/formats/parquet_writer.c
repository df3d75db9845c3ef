/*
 * parquet_writer.c - a table as a Parquet file: row groups, then the footer that says where
 * everything stands. Our own, because no C library for it can be had; what of the format it uses is
 * what every reader knows: data pages of version 1, PLAIN and dictionaries, zstd.
 */
#include "training/formats/arrow_schema.h"
#include "training/formats/parquet_column.h"
#include "training/formats/table_writer_backend.h"

#include "base/byte_order.h"

#include <stdlib.h>

/* A row group is complete at one of these. */
enum { GROUP_ROWS = 1 << 17, GROUP_BYTES = 64 << 20 };
enum { FORMAT_VERSION = 2 };

static const char magic[] = {'P', 'A', 'R', '1'};

struct parquet_table {
    struct table_writer base;
    const struct table_schema *schema;
    struct output_file *file;
    struct parquet_column **columns; /* [schema->column_count] */
    struct parquet_pages pages;
    struct buffer groups; /* their metadata, for the footer */
    size_t group_count;
    int64_t offset; /* where the file ends so far */
    int64_t row_count, group_rows;
    size_t group_bytes;
};

static void parquet_table_close(struct table_writer *writer)
{
    struct parquet_table *table = (struct parquet_table *)writer;
    for (size_t i = 0; i < table->schema->column_count; i++)
        parquet_column_free(table->columns[i]);
    free(table->columns);
    parquet_pages_release(&table->pages);
    buffer_release(&table->groups);
    free(table);
}

static enum status write_pages(struct parquet_table *table, struct error *err)
{
    table->offset += (int64_t)table->pages.out.size;
    enum status status = output_file_append(table->file, &table->pages.out, err);
    buffer_clear(&table->pages.out);
    return status;
}

static enum status parquet_table_open(const struct table_schema *schema, struct output_file *file,
                                      struct table_writer **writer, struct error *err)
{
    struct parquet_table *table = calloc(1, sizeof *table);
    if (!table || !(table->columns = calloc(schema->column_count, sizeof *table->columns)))
        out_of_memory();
    table->schema = schema;
    table->file = file;
    parquet_pages_init(&table->pages);
    buffer_init(&table->groups, 0);
    for (size_t i = 0; i < schema->column_count; i++)
        table->columns[i] = parquet_column_new(schema->columns[i].name, schema->columns[i].type);
    buffer_append(&table->pages.out, magic, sizeof magic);
    enum status status = write_pages(table, err);
    if (status)
        parquet_table_close(&table->base);
    else
        *writer = &table->base;
    return status;
}

static enum status flush_columns(struct parquet_table *table, struct thrift *group,
                                 struct parquet_chunk_size *total, struct error *err)
{
    enum status status = STATUS_OK;
    for (size_t i = 0; i < table->schema->column_count && !status; i++) {
        struct parquet_chunk_size size;
        status = parquet_column_flush(table->columns[i], table->offset, &table->pages, group, &size,
                                      err);
        total->compressed += size.compressed;
        total->uncompressed += size.uncompressed;
        if (!status)
            status = write_pages(table, err);
    }
    return status;
}

static enum status flush_group(struct parquet_table *table, struct error *err)
{
    struct thrift group;
    struct parquet_chunk_size total = {0};
    int64_t offset = table->offset;
    thrift_begin(&group, &table->groups);
    thrift_list(&group, 1, THRIFT_STRUCT, table->schema->column_count);
    enum status status = flush_columns(table, &group, &total, err);
    thrift_i64(&group, 2, total.uncompressed);
    thrift_i64(&group, 3, table->group_rows);
    thrift_i64(&group, 5, offset);
    thrift_i64(&group, 6, total.compressed);
    thrift_end(&group);
    table->group_count++;
    table->group_rows = 0;
    table->group_bytes = 0;
    return status;
}

static enum status parquet_table_row(struct table_writer *writer, const struct value *values,
                                     struct error *err)
{
    struct parquet_table *table = (struct parquet_table *)writer;
    for (size_t i = 0; i < table->schema->column_count; i++) {
        size_t before = parquet_column_size(table->columns[i]);
        parquet_column_add(table->columns[i], &values[i]);
        size_t after = parquet_column_size(table->columns[i]);
        table->group_bytes += after > before ? after - before : 0;
    }
    table->row_count++;
    table->group_rows++;
    if (table->group_rows < GROUP_ROWS && table->group_bytes < GROUP_BYTES)
        return STATUS_OK;
    return flush_group(table, err);
}

static void describe_schema(const struct parquet_table *table, struct thrift *footer)
{
    size_t count = 1;
    for (size_t i = 0; i < table->schema->column_count; i++)
        count += parquet_column_element_count(table->columns[i]);
    thrift_list(footer, 2, THRIFT_STRUCT, count);
    thrift_element_struct(footer);
    thrift_text(footer, 4, "schema");
    thrift_i32(footer, 5, (int32_t)table->schema->column_count);
    thrift_end(footer);
    for (size_t i = 0; i < table->schema->column_count; i++)
        parquet_column_describe(table->columns[i], footer);
}

static void describe_note(const char *key, const char *text, struct thrift *footer)
{
    thrift_element_struct(footer);
    thrift_text(footer, 1, key);
    thrift_text(footer, 2, text);
    thrift_end(footer);
}

/* Those of columns have their place in Arrow's schema alone, where its readers look for all. */
static void describe_notes(const struct table_schema *schema, struct thrift *footer)
{
    struct buffer arrow;
    buffer_init(&arrow, 0);
    arrow_schema_text(schema, &arrow);
    thrift_list(footer, 5, THRIFT_STRUCT, schema->note_count + 1);
    for (size_t i = 0; i < schema->note_count; i++)
        describe_note(schema->notes[i].key, schema->notes[i].text, footer);
    describe_note("ARROW:schema", (const char *)arrow.data, footer);
    buffer_release(&arrow);
}

/* That bounds are in the order of their type: without it readers do not trust them. */
static void describe_orders(const struct table_schema *schema, struct thrift *footer)
{
    thrift_list(footer, 7, THRIFT_STRUCT, schema->column_count);
    for (size_t i = 0; i < schema->column_count; i++) {
        thrift_element_struct(footer);
        thrift_empty(footer, 1);
        thrift_end(footer);
    }
}

static void append_footer(struct parquet_table *table)
{
    struct thrift footer;
    uint8_t size[4];
    thrift_begin(&footer, &table->pages.out);
    thrift_i32(&footer, 1, FORMAT_VERSION);
    describe_schema(table, &footer);
    thrift_i64(&footer, 3, table->row_count);
    thrift_list(&footer, 4, THRIFT_STRUCT, table->group_count);
    buffer_append(&table->pages.out, table->groups.data, table->groups.size);
    describe_notes(table->schema, &footer);
    thrift_text(&footer, 6, "larder version " LARDER_VERSION);
    describe_orders(table->schema, &footer);
    thrift_end(&footer);
    store_le32(size, (uint32_t)table->pages.out.size);
    buffer_append(&table->pages.out, size, sizeof size);
    buffer_append(&table->pages.out, magic, sizeof magic);
}

static enum status parquet_table_finish(struct table_writer *writer, struct error *err)
{
    struct parquet_table *table = (struct parquet_table *)writer;
    enum status status = table->group_rows > 0 ? flush_group(table, err) : STATUS_OK;
    if (status)
        return status;
    append_footer(table);
    return write_pages(table, err);
}

const struct table_writer_operations parquet_writer = {
    .open = parquet_table_open,
    .row = parquet_table_row,
    .finish = parquet_table_finish,
    .close = parquet_table_close,
};
