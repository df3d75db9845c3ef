/*
 * arrow_writer.c - a table in Arrow's IPC format, as a file or as a stream, by nanoarrow. Rows are
 * collected in a record batch of bounded size; a file ends with where the batches stand.
 */
#include "training/formats/arrow_schema.h"
#include "training/formats/table_writer_backend.h"

#include <errno.h>
#include <nanoarrow/nanoarrow_ipc.h>
#include <stdlib.h>

/* A batch is complete at one of these. */
enum { BATCH_ROWS = 1 << 16, BATCH_BYTES = 32 << 20 };

struct arrow_table {
    struct table_writer base;
    struct output_file *file;
    bool is_file;
    size_t column_count;
    struct ArrowSchema schema;
    struct ArrowArray batch;
    struct ArrowArrayView view;
    int64_t batch_rows;
    size_t batch_bytes;
    struct ArrowIpcWriter writer;
    struct error refused; /* what the file said; status OK: nothing */
};

static void arrow_table_close(struct table_writer *writer)
{
    struct arrow_table *table = (struct arrow_table *)writer;
    if (table->writer.private_data)
        ArrowIpcWriterReset(&table->writer);
    if (table->batch.release)
        ArrowArrayRelease(&table->batch);
    ArrowArrayViewReset(&table->view);
    if (table->schema.release)
        ArrowSchemaRelease(&table->schema);
    free(table);
}

/* The file's own words, where it was the file. */
static enum status check(const struct arrow_table *table, ArrowErrorCode code,
                         const struct ArrowError *why, struct error *err)
{
    if (code == NANOARROW_OK)
        return STATUS_OK;
    if (code == ENOMEM)
        out_of_memory();
    if (table->refused.status) {
        if (err)
            *err = table->refused;
        return table->refused.status;
    }
    return fail(err, STATUS_FAILED, "cannot write Arrow: %s", why->message);
}

static ArrowErrorCode write_file(struct ArrowIpcOutputStream *stream, const void *bytes,
                                 int64_t size, int64_t *written, struct ArrowError *why)
{
    struct arrow_table *table = stream->private_data;
    const struct buffer borrowed = {.data = (uint8_t *)bytes, .size = (size_t)size};
    (void)why;
    *written = size;
    return output_file_append(table->file, &borrowed, &table->refused) ? EIO : NANOARROW_OK;
}

static void forget_file(struct ArrowIpcOutputStream *stream)
{
    stream->release = NULL;
}

static enum status begin_batch(struct arrow_table *table, struct error *err)
{
    struct ArrowError why = {{0}};
    ArrowErrorCode code = ArrowArrayInitFromSchema(&table->batch, &table->schema, &why);
    if (!code)
        code = ArrowArrayStartAppending(&table->batch);
    table->batch_rows = 0;
    table->batch_bytes = 0;
    return check(table, code, &why, err);
}

static enum status begin(struct arrow_table *table, struct error *err)
{
    struct ArrowError why = {{0}};
    struct ArrowIpcOutputStream stream = {
        .write = write_file, .release = forget_file, .private_data = table};
    ArrowErrorCode code = ArrowIpcWriterInit(&table->writer, &stream);
    if (!code && table->is_file)
        code = ArrowIpcWriterStartFile(&table->writer, &why);
    if (!code)
        code = ArrowIpcWriterWriteSchema(&table->writer, &table->schema, &why);
    if (!code)
        code = ArrowArrayViewInitFromSchema(&table->view, &table->schema, &why);
    enum status status = check(table, code, &why, err);
    return status ? status : begin_batch(table, err);
}

static enum status open_table(const struct table_schema *schema, struct output_file *file,
                              bool is_file, struct table_writer **writer, struct error *err)
{
    struct arrow_table *table = calloc(1, sizeof *table);
    if (!table)
        out_of_memory();
    table->file = file;
    table->is_file = is_file;
    table->column_count = schema->column_count;
    arrow_schema_make(schema, &table->schema);
    ArrowArrayViewInitFromType(&table->view, NANOARROW_TYPE_UNINITIALIZED);
    enum status status = begin(table, err);
    if (status)
        arrow_table_close(&table->base);
    else
        *writer = &table->base;
    return status;
}

static enum status open_file(const struct table_schema *schema, struct output_file *file,
                             struct table_writer **writer, struct error *err)
{
    return open_table(schema, file, true, writer, err);
}

static enum status open_stream(const struct table_schema *schema, struct output_file *file,
                               struct table_writer **writer, struct error *err)
{
    return open_table(schema, file, false, writer, err);
}

/* Through a double a float's NaN might get other bits. */
static ArrowErrorCode append_float32(struct ArrowArray *column, float number)
{
    ArrowErrorCode code = ArrowArrayAppendDouble(column, 0);
    struct ArrowBuffer *values = ArrowArrayBuffer(column, 1);
    if (!code)
        memcpy(values->data + values->size_bytes - sizeof number, &number, sizeof number);
    return code;
}

static ArrowErrorCode append_scalar(struct ArrowArray *column, const struct value *value)
{
    const struct ArrowBufferView bytes = {.data.data = value->bytes.data,
                                          .size_bytes = (int64_t)value->bytes.size};
    switch (value->type) {
    case TYPE_BOOL:
        return ArrowArrayAppendInt(column, value->boolean);
    case TYPE_INT32:
        return ArrowArrayAppendInt(column, value->int32);
    case TYPE_FLOAT32:
        return append_float32(column, value->float32);
    case TYPE_FLOAT64:
        return ArrowArrayAppendDouble(column, value->float64);
    case TYPE_STRING:
    case TYPE_BYTES:
        return ArrowArrayAppendBytes(column, bytes);
    default:
        return ArrowArrayAppendInt(column, value->int64);
    }
}

static ArrowErrorCode append_value(struct ArrowArray *column, const struct value *value)
{
    if (value->is_null)
        return ArrowArrayAppendNull(column, 1);
    if (!type_is_list(value->type))
        return append_scalar(column, value);
    ArrowErrorCode code = NANOARROW_OK;
    struct list_cursor cursor = list_begin(value->type, value->bytes);
    struct value element;
    while (!code && list_next(&cursor, &element))
        code = append_scalar(column->children[0], &element);
    return code ? code : ArrowArrayFinishElement(column);
}

static bool is_variable(const struct value *value)
{
    return !value->is_null && type_width(value->type) == 0;
}

static enum status write_batch(struct arrow_table *table, struct error *err)
{
    struct ArrowError why = {{0}};
    ArrowErrorCode code = ArrowArrayFinishBuildingDefault(&table->batch, &why);
    if (!code)
        code = ArrowArrayViewSetArray(&table->view, &table->batch, &why);
    if (!code)
        code = ArrowIpcWriterWriteArrayView(&table->writer, &table->view, &why);
    ArrowArrayRelease(&table->batch);
    enum status status = check(table, code, &why, err);
    return status ? status : begin_batch(table, err);
}

static enum status arrow_table_row(struct table_writer *writer, const struct value *values,
                                   struct error *err)
{
    struct arrow_table *table = (struct arrow_table *)writer;
    const struct ArrowError why = {.message = "a batch is too large"};
    ArrowErrorCode code = NANOARROW_OK;
    for (size_t i = 0; i < table->column_count && !code; i++) {
        code = append_value(table->batch.children[i], &values[i]);
        table->batch_bytes +=
            sizeof(int64_t) + (is_variable(&values[i]) ? values[i].bytes.size : 0);
    }
    if (!code)
        code = ArrowArrayFinishElement(&table->batch);
    enum status status = check(table, code, &why, err);
    table->batch_rows++;
    if (status || (table->batch_rows < BATCH_ROWS && table->batch_bytes < BATCH_BYTES))
        return status;
    return write_batch(table, err);
}

static enum status arrow_table_finish(struct table_writer *writer, struct error *err)
{
    struct arrow_table *table = (struct arrow_table *)writer;
    struct ArrowError why = {{0}};
    enum status status = table->batch_rows > 0 ? write_batch(table, err) : STATUS_OK;
    if (status)
        return status;
    ArrowErrorCode code = ArrowIpcWriterWriteArrayView(&table->writer, NULL, &why);
    if (!code && table->is_file)
        code = ArrowIpcWriterFinalizeFile(&table->writer, &why);
    return check(table, code, &why, err);
}

const struct table_writer_operations arrow_writer = {
    .open = open_file,
    .row = arrow_table_row,
    .finish = arrow_table_finish,
    .close = arrow_table_close,
};

const struct table_writer_operations arrow_stream_writer = {
    .open = open_stream,
    .row = arrow_table_row,
    .finish = arrow_table_finish,
    .close = arrow_table_close,
};
