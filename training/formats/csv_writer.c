/* csv_writer.c - a table as CSV (base/csv.h), values as value_text.h has them. Notes have no place
 * in it. */
#include "base/csv.h"
#include "base/value_text.h"
#include "training/formats/table_writer_backend.h"

#include <stdlib.h>

struct csv_table {
    struct table_writer base;
    size_t column_count;
    struct output_file *file;
    struct buffer line, text;
};

static void csv_table_close(struct table_writer *writer)
{
    struct csv_table *table = (struct csv_table *)writer;
    buffer_release(&table->line);
    buffer_release(&table->text);
    free(table);
}

static enum status end_line(struct csv_table *table, struct error *err)
{
    csv_append_end(&table->line);
    enum status status = output_file_append(table->file, &table->line, err);
    buffer_clear(&table->line);
    return status;
}

static enum status csv_table_open(const struct table_schema *schema, struct output_file *file,
                                  struct table_writer **writer, struct error *err)
{
    struct csv_table *table = calloc(1, sizeof *table);
    if (!table)
        out_of_memory();
    table->column_count = schema->column_count;
    table->file = file;
    buffer_init(&table->line, 0);
    buffer_init(&table->text, 0);
    for (size_t i = 0; i < schema->column_count; i++)
        csv_append(&table->line, i == 0, bytes_of_text(schema->columns[i].name));
    enum status status = end_line(table, err);
    if (status)
        csv_table_close(&table->base);
    else
        *writer = &table->base;
    return status;
}

static void append_value(struct csv_table *table, bool first, const struct value *value)
{
    if (value->is_null) {
        csv_append_null(&table->line, first);
    } else if (value->type == TYPE_STRING) {
        csv_append(&table->line, first, value->bytes);
    } else {
        buffer_clear(&table->text);
        value_format(value, &table->text);
        csv_append(&table->line, first, buffer_bytes(&table->text));
    }
}

static enum status csv_table_row(struct table_writer *writer, const struct value *values,
                                 struct error *err)
{
    struct csv_table *table = (struct csv_table *)writer;
    for (size_t i = 0; i < table->column_count; i++)
        append_value(table, i == 0, &values[i]);
    return end_line(table, err);
}

static enum status csv_table_finish(struct table_writer *writer, struct error *err)
{
    (void)writer;
    (void)err;
    return STATUS_OK;
}

const struct table_writer_operations csv_writer = {
    .open = csv_table_open,
    .row = csv_table_row,
    .finish = csv_table_finish,
    .close = csv_table_close,
};
