/* arrow_schema.c - see arrow_schema.h. What nanoarrow refuses here is our mistake, or no memory. */
#include "training/formats/arrow_schema.h"

#include "base/error.h"

#include <errno.h>
#include <nanoarrow/nanoarrow_ipc.h>
#include <stdlib.h>

static void check(ArrowErrorCode code)
{
    if (code == ENOMEM)
        out_of_memory();
    if (code)
        abort();
}

static void set_kind(value_type kind, struct ArrowSchema *arrow)
{
    static const enum ArrowType types[] = {
        [TYPE_BOOL] = NANOARROW_TYPE_BOOL,      [TYPE_INT32] = NANOARROW_TYPE_INT32,
        [TYPE_INT64] = NANOARROW_TYPE_INT64,    [TYPE_FLOAT32] = NANOARROW_TYPE_FLOAT,
        [TYPE_FLOAT64] = NANOARROW_TYPE_DOUBLE, [TYPE_STRING] = NANOARROW_TYPE_STRING,
        [TYPE_BYTES] = NANOARROW_TYPE_BINARY,
    };
    if (kind == TYPE_TIMESTAMP)
        check(ArrowSchemaSetTypeDateTime(arrow, NANOARROW_TYPE_TIMESTAMP, NANOARROW_TIME_UNIT_MICRO,
                                         "UTC"));
    else
        check(ArrowSchemaSetType(arrow, types[kind]));
}

static void set_notes(const struct table_note *notes, size_t count, struct ArrowSchema *arrow)
{
    struct ArrowBuffer metadata;
    check(ArrowMetadataBuilderInit(&metadata, NULL));
    for (size_t i = 0; i < count; i++)
        check(ArrowMetadataBuilderAppend(&metadata, ArrowCharView(notes[i].key),
                                         ArrowCharView(notes[i].text)));
    if (count > 0)
        check(ArrowSchemaSetMetadata(arrow, (const char *)metadata.data));
    ArrowBufferReset(&metadata);
}

static void set_column(const struct table_column *column, struct ArrowSchema *arrow)
{
    check(ArrowSchemaSetName(arrow, column->name));
    if (type_is_list(column->type)) {
        check(ArrowSchemaSetType(arrow, NANOARROW_TYPE_LIST));
        set_kind(type_element(column->type), arrow->children[0]);
    } else {
        set_kind(column->type, arrow);
    }
    set_notes(column->notes, column->note_count, arrow);
}

void arrow_schema_make(const struct table_schema *schema, struct ArrowSchema *arrow)
{
    ArrowSchemaInit(arrow);
    check(ArrowSchemaSetTypeStruct(arrow, (int64_t)schema->column_count));
    for (size_t i = 0; i < schema->column_count; i++)
        set_column(&schema->columns[i], arrow->children[i]);
    set_notes(schema->notes, schema->note_count, arrow);
}

static void append_base64(struct buffer *text, const uint8_t *bytes, size_t size)
{
    static const char letters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < size; i += 3) {
        uint32_t three = (uint32_t)bytes[i] << 16;
        three |= i + 1 < size ? (uint32_t)bytes[i + 1] << 8 : 0;
        three |= i + 2 < size ? bytes[i + 2] : 0;
        for (size_t j = 0; j < 4; j++)
            buffer_append_byte(text,
                               i + j <= size ? (uint8_t)letters[three >> (18 - 6 * j) & 63] : '=');
    }
}

void arrow_schema_text(const struct table_schema *schema, struct buffer *text)
{
    struct ArrowSchema arrow;
    struct ArrowIpcEncoder encoder;
    struct ArrowBuffer message;
    ArrowBufferInit(&message);
    arrow_schema_make(schema, &arrow);
    check(ArrowIpcEncoderInit(&encoder));
    check(ArrowIpcEncoderEncodeSchema(&encoder, &arrow, NULL));
    check(ArrowIpcEncoderFinalizeBuffer(&encoder, 1, &message));
    append_base64(text, message.data, (size_t)message.size_bytes);
    buffer_append_byte(text, 0);
    ArrowBufferReset(&message);
    ArrowIpcEncoderReset(&encoder);
    ArrowSchemaRelease(&arrow);
}
