/* asks_arrow_cell.c - see asks_arrow_cell.h. */
#include "training/asks_arrow_cell.h"

#include "base/buffer.h"
#include "base/byte_order.h"
#include "base/timestamp.h"

#include <nanoarrow/nanoarrow.h>

static const int64_t day_us = INT64_C(86400000000);

/* Types ---------------------------------------------------------------------------------------- */

static value_type scalar_type(enum ArrowType arrow)
{
    static const value_type types[] = {
        [NANOARROW_TYPE_NA] = TYPE_STRING,
        [NANOARROW_TYPE_BOOL] = TYPE_BOOL,
        [NANOARROW_TYPE_INT8] = TYPE_INT32,
        [NANOARROW_TYPE_UINT8] = TYPE_INT32,
        [NANOARROW_TYPE_INT16] = TYPE_INT32,
        [NANOARROW_TYPE_UINT16] = TYPE_INT32,
        [NANOARROW_TYPE_INT32] = TYPE_INT32,
        [NANOARROW_TYPE_UINT32] = TYPE_INT64,
        [NANOARROW_TYPE_INT64] = TYPE_INT64,
        [NANOARROW_TYPE_UINT64] = TYPE_INT64,
        [NANOARROW_TYPE_HALF_FLOAT] = TYPE_FLOAT32,
        [NANOARROW_TYPE_FLOAT] = TYPE_FLOAT32,
        [NANOARROW_TYPE_DOUBLE] = TYPE_FLOAT64,
        [NANOARROW_TYPE_STRING] = TYPE_STRING,
        [NANOARROW_TYPE_LARGE_STRING] = TYPE_STRING,
        [NANOARROW_TYPE_BINARY] = TYPE_BYTES,
        [NANOARROW_TYPE_LARGE_BINARY] = TYPE_BYTES,
        [NANOARROW_TYPE_FIXED_SIZE_BINARY] = TYPE_BYTES,
        [NANOARROW_TYPE_DATE32] = TYPE_TIMESTAMP,
        [NANOARROW_TYPE_DATE64] = TYPE_TIMESTAMP,
        [NANOARROW_TYPE_TIMESTAMP] = TYPE_TIMESTAMP,
    };
    return (size_t)arrow < COUNT_OF(types) ? types[arrow] : 0;
}

static struct arrow_cell_type plain_type(const struct ArrowSchemaView *view)
{
    return (struct arrow_cell_type){
        .type = scalar_type(view->type), .arrow = (int)view->type, .unit = (int)view->time_unit};
}

struct arrow_cell_type arrow_cell_type_of(const struct ArrowSchema *schema)
{
    struct ArrowSchemaView view, inner;
    struct arrow_cell_type type = {0};
    if (ArrowSchemaViewInit(&view, schema, NULL))
        return type;
    if (schema->dictionary) {
        if (ArrowSchemaViewInit(&inner, schema->dictionary, NULL) || schema->dictionary->dictionary)
            return type;
        type = plain_type(&inner);
        type.is_dictionary = true;
        type.index = (int)view.storage_type;
        return type;
    }
    if (view.type != NANOARROW_TYPE_LIST && view.type != NANOARROW_TYPE_LARGE_LIST)
        return plain_type(&view);
    if (schema->n_children != 1 || schema->children[0]->dictionary ||
        ArrowSchemaViewInit(&inner, schema->children[0], NULL))
        return type;
    type = plain_type(&inner);
    type.type = type.type ? type_list_of(type.type) : 0;
    type.list = (int)view.type;
    return type;
}

/* Bytes of the file ---------------------------------------------------------------------------- */

static enum status broken(struct error *err)
{
    return fail(err, STATUS_INVALID, "the file is damaged: a value lies outside of its buffer");
}

/* So many bytes from a place of a buffer; NULL: they are not all there. */
static const uint8_t *bytes_at(struct ArrowBufferView buffer, int64_t at, int64_t size)
{
    if (at < 0 || size < 0 || at > buffer.size_bytes || size > buffer.size_bytes - at)
        return NULL;
    return buffer.data.as_uint8 ? buffer.data.as_uint8 + at : (const uint8_t *)"";
}

static const uint8_t *element_at(struct ArrowBufferView buffer, int64_t index, int64_t width)
{
    if (index < 0 || index > INT64_MAX / 16 - 1)
        return NULL;
    return bytes_at(buffer, index * width, width);
}

/* A column without a bitmap has no nulls. */
static bool get_null(const struct ArrowArrayView *view, int64_t row, bool *is_null)
{
    *is_null = view->storage_type == NANOARROW_TYPE_NA;
    if (*is_null || view->buffer_views[0].size_bytes == 0)
        return true;
    const uint8_t *byte = element_at(view->buffer_views[0], row / 8, 1);
    *is_null = byte && !(*byte >> row % 8 & 1);
    return byte != NULL;
}

static int integer_width(int arrow)
{
    switch (arrow) {
    case NANOARROW_TYPE_INT8:
    case NANOARROW_TYPE_UINT8:
        return 1;
    case NANOARROW_TYPE_INT16:
    case NANOARROW_TYPE_UINT16:
    case NANOARROW_TYPE_HALF_FLOAT:
        return 2;
    case NANOARROW_TYPE_INT32:
    case NANOARROW_TYPE_UINT32:
    case NANOARROW_TYPE_FLOAT:
    case NANOARROW_TYPE_DATE32:
        return 4;
    default:
        return 8;
    }
}

/* Whatever stands in so many bytes, its sign kept. */
static bool get_integer(struct ArrowBufferView buffer, int64_t row, int arrow, int64_t *number)
{
    int width = integer_width(arrow);
    const uint8_t *at = element_at(buffer, row, width);
    if (!at)
        return false;
    bool is_unsigned = arrow == NANOARROW_TYPE_UINT8 || arrow == NANOARROW_TYPE_UINT16 ||
                       arrow == NANOARROW_TYPE_UINT32;
    switch (width) {
    case 1:
        *number = is_unsigned ? *at : (int8_t)*at;
        break;
    case 2:
        *number = is_unsigned ? load_le16(at) : (int16_t)load_le16(at);
        break;
    case 4:
        *number = is_unsigned ? (int64_t)load_le32(at) : (int32_t)load_le32(at);
        break;
    default:
        *number = (int64_t)load_le64(at);
    }
    return true;
}

static bool get_offset(struct ArrowBufferView buffer, int64_t row, bool is_large, int64_t *offset)
{
    return get_integer(buffer, row, is_large ? NANOARROW_TYPE_INT64 : NANOARROW_TYPE_INT32, offset);
}

static const uint8_t *variable_bytes(const struct ArrowArrayView *view, int64_t row, int arrow,
                                     int64_t *size)
{
    int64_t from, to;
    if (arrow == NANOARROW_TYPE_FIXED_SIZE_BINARY) {
        *size = view->layout.element_size_bits[1] / 8;
        if (*size < 0 || (*size > 0 && row > INT64_MAX / *size - 1))
            return NULL;
        return bytes_at(view->buffer_views[1], row * *size, *size);
    }
    bool is_large = arrow == NANOARROW_TYPE_LARGE_STRING || arrow == NANOARROW_TYPE_LARGE_BINARY;
    if (!get_offset(view->buffer_views[1], row, is_large, &from) ||
        !get_offset(view->buffer_views[1], row + 1, is_large, &to) || to < from || from < 0)
        return NULL;
    *size = to - from;
    return bytes_at(view->buffer_views[2], from, *size);
}

/* Values --------------------------------------------------------------------------------------- */

static int64_t floor_divide(int64_t number, int64_t by)
{
    return number / by - (number % by < 0);
}

static enum status get_time(const struct arrow_cell_type *type, int64_t number, struct value *value,
                            struct error *err)
{
    int64_t factor = 1, us;
    if (type->arrow == NANOARROW_TYPE_DATE32)
        factor = day_us;
    else if (type->arrow == NANOARROW_TYPE_DATE64 || type->unit == NANOARROW_TIME_UNIT_MILLI)
        factor = 1000;
    else if (type->unit == NANOARROW_TIME_UNIT_SECOND)
        factor = 1000000;
    bool is_nano =
        type->arrow == NANOARROW_TYPE_TIMESTAMP && type->unit == NANOARROW_TIME_UNIT_NANO;
    if (is_nano)
        us = floor_divide(number, 1000);
    else if (__builtin_mul_overflow(number, factor, &us))
        us = INT64_MAX;
    if (!timestamp_in_range(us))
        return fail(err, STATUS_INVALID, "a time outside of the years 1 to 9999");
    value->int64 = us;
    return STATUS_OK;
}

static enum status get_text(const struct arrow_cell_type *type, const struct ArrowArrayView *view,
                            int64_t row, struct value *value, struct error *err)
{
    int64_t size;
    const uint8_t *at = variable_bytes(view, row, type->arrow, &size);
    if (!at)
        return broken(err);
    if ((uint64_t)size > UINT32_MAX)
        return fail(err, STATUS_INVALID, "a value of over 4 GiB");
    value->bytes = (struct bytes){at, (size_t)size};
    if (value->type == TYPE_STRING && !text_is_valid(value->bytes))
        return fail(err, STATUS_INVALID, "not UTF-8 text, or a NUL in it");
    return STATUS_OK;
}

static enum status get_bool(const struct ArrowArrayView *view, int64_t row, struct value *value,
                            struct error *err)
{
    const uint8_t *byte = element_at(view->buffer_views[1], row / 8, 1);
    if (!byte)
        return broken(err);
    value->boolean = *byte >> row % 8 & 1;
    return STATUS_OK;
}

static enum status get_number(const struct arrow_cell_type *type, const struct ArrowArrayView *view,
                              int64_t row, struct value *value, struct error *err)
{
    int64_t number;
    if (!get_integer(view->buffer_views[1], row, type->arrow, &number))
        return broken(err);
    if (type->arrow == NANOARROW_TYPE_UINT64 && number < 0)
        return fail(err, STATUS_INVALID, "out of the range of int64");
    if (value->type == TYPE_TIMESTAMP)
        return get_time(type, number, value, err);
    if (type->arrow == NANOARROW_TYPE_HALF_FLOAT)
        value->float32 = ArrowHalfFloatToFloat((uint16_t)number);
    else if (type_width(value->type) == 4)
        value->int32 = (int32_t)number; /* a float's bits, too */
    else
        value->int64 = number;
    return STATUS_OK;
}

/* Whether the cell is null; *row then counts from the front of its buffers. */
static enum status open_cell(const struct ArrowArrayView *view, value_type type, int64_t *row,
                             struct value *value, struct error *err)
{
    *value = value_null(type);
    if (*row < 0 || *row >= view->length || *row > INT64_MAX / 32 - view->offset)
        return broken(err);
    *row += view->offset;
    return get_null(view, *row, &value->is_null) ? STATUS_OK : broken(err);
}

static enum status get_scalar(const struct arrow_cell_type *type, value_type kind,
                              const struct ArrowArrayView *view, int64_t row, struct value *value,
                              struct error *err)
{
    enum status status = open_cell(view, kind, &row, value, err);
    if (status || value->is_null)
        return status;
    if (kind == TYPE_STRING || kind == TYPE_BYTES)
        return get_text(type, view, row, value, err);
    return kind == TYPE_BOOL ? get_bool(view, row, value, err)
                             : get_number(type, view, row, value, err);
}

static enum status get_elements(const struct arrow_cell_type *type,
                                const struct ArrowArrayView *elements, int64_t from, int64_t to,
                                struct buffer *packed, struct error *err)
{
    for (int64_t i = from; i < to; i++) {
        struct value element;
        enum status status = get_scalar(type, type_element(type->type), elements, i, &element, err);
        if (!status && element.is_null)
            status = fail(err, STATUS_INVALID, "element %lld of the list: a list cannot hold null",
                          (long long)(i - from + 1));
        if (status)
            return status;
        list_append(packed, &element);
    }
    return packed->overflow ? fail(err, STATUS_INVALID, "a list of over 4 GiB") : STATUS_OK;
}

static enum status get_list(const struct arrow_cell_type *type, const struct ArrowArrayView *view,
                            int64_t row, struct arena *arena, struct value *value,
                            struct error *err)
{
    int64_t from, to;
    bool is_large = type->list == NANOARROW_TYPE_LARGE_LIST;
    enum status status = open_cell(view, type->type, &row, value, err);
    if (status || value->is_null)
        return status;
    if (!get_offset(view->buffer_views[1], row, is_large, &from) ||
        !get_offset(view->buffer_views[1], row + 1, is_large, &to) || from < 0 || to < from)
        return broken(err);
    struct buffer packed;
    buffer_init(&packed, UINT32_MAX);
    status = get_elements(type, view->children[0], from, to, &packed, err);
    if (!status)
        value->bytes = arena_bytes(arena, buffer_bytes(&packed));
    buffer_release(&packed);
    return status;
}

enum status arrow_cell_get(const struct arrow_cell_type *type, const struct ArrowArrayView *view,
                           int64_t row, struct arena *arena, struct value *value, struct error *err)
{
    if (type->list)
        return get_list(type, view, row, arena, value, err);
    if (!type->is_dictionary)
        return get_scalar(type, type->type, view, row, value, err);
    int64_t index;
    enum status status = open_cell(view, type->type, &row, value, err);
    if (status || value->is_null)
        return status;
    if (!view->dictionary || !get_integer(view->buffer_views[1], row, type->index, &index))
        return broken(err);
    return get_scalar(type, type->type, view->dictionary, index, value, err);
}
