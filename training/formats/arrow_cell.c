/* arrow_cell.c - see arrow_cell.h. */
#include "training/formats/arrow_cell.h"

#include "base/buffer.h"
#include "base/byte_order.h"
#include "base/timestamp.h"

static const int64_t day_us = INT64_C(86400000000);

/* A view: its size, then up to 12 bytes themselves; or 4 of them again, a buffer and a place in it.
 */
enum { VIEW_SIZE = 16, VIEW_INLINE_MAX = 12, VIEW_BUFFER_AT = 8, VIEW_PLACE_AT = 12 };

/* Bytes of the file ---------------------------------------------------------------------------- */

static enum status broken(struct error *err)
{
    return fail(err, STATUS_INVALID, "the file is damaged: a value lies outside of its buffer");
}

/* So many bytes from a place of a buffer; NULL: they are not all there. */
static const uint8_t *bytes_at(struct bytes buffer, int64_t at, int64_t size)
{
    if (at < 0 || size < 0 || (uint64_t)at > buffer.size ||
        (uint64_t)size > buffer.size - (uint64_t)at)
        return NULL;
    return (const uint8_t *)buffer.data + at;
}

static const uint8_t *element_at(struct bytes buffer, int64_t index, int64_t width)
{
    int64_t at;
    return __builtin_mul_overflow(index, width, &at) ? NULL : bytes_at(buffer, at, width);
}

static bool get_bit(struct bytes buffer, int64_t row, bool *bit)
{
    const uint8_t *byte = element_at(buffer, row / 8, 1);
    *bit = byte && *byte >> row % 8 & 1;
    return byte != NULL;
}

/* Whatever stands in so many bytes, its sign kept. */
static bool get_integer(struct bytes buffer, int64_t row, int width, bool is_unsigned,
                        int64_t *number)
{
    const uint8_t *at = element_at(buffer, row, width);
    if (!at)
        return false;
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

/* Where a cell begins and ends among what its offsets lead into. */
static bool get_range(const struct arrow_column *column, int64_t row, int width, int64_t *from,
                      int64_t *to)
{
    return get_integer(column->values, row, width, false, from) &&
           get_integer(column->values, row + 1, width, false, to) && *from >= 0 && *to >= *from;
}

static const uint8_t *viewed_bytes(const struct arrow_column *column, int64_t row, int64_t *size)
{
    const uint8_t *view = element_at(column->values, row, VIEW_SIZE);
    if (!view)
        return NULL;
    *size = (int32_t)load_le32(view);
    if (*size <= VIEW_INLINE_MAX)
        return *size >= 0 ? view + sizeof(uint32_t) : NULL;
    uint32_t buffer = load_le32(view + VIEW_BUFFER_AT);
    if (buffer >= column->buffer_count)
        return NULL;
    return bytes_at(column->buffers[buffer], (int32_t)load_le32(view + VIEW_PLACE_AT), *size);
}

static const uint8_t *variable_bytes(const struct arrow_scalar *scalar,
                                     const struct arrow_column *column, int64_t row, int64_t *size)
{
    int64_t from, to;
    if (arrow_is_view(scalar->kind))
        return viewed_bytes(column, row, size);
    *size = scalar->size;
    if (scalar->kind == ARROW_FIXED_BINARY)
        return element_at(column->values, row, *size);
    if (!get_range(column, row, scalar->width, &from, &to))
        return NULL;
    *size = to - from;
    return bytes_at(column->data, from, *size);
}

/* Values --------------------------------------------------------------------------------------- */

static int64_t floor_divide(int64_t number, int64_t by)
{
    return number / by - (number % by < 0);
}

static enum status get_time(const struct arrow_scalar *scalar, int64_t number, struct value *value,
                            struct error *err)
{
    int64_t us, factor = scalar->units_per_s ? 1000000 / scalar->units_per_s : day_us;
    if (factor == 0)
        us = floor_divide(number, scalar->units_per_s / 1000000);
    else if (__builtin_mul_overflow(number, factor, &us))
        us = INT64_MAX;
    if (!timestamp_in_range(us))
        return fail(err, STATUS_INVALID, "a time outside of the years 1 to 9999");
    value->int64 = us;
    return STATUS_OK;
}

static enum status get_text(const struct arrow_scalar *scalar, const struct arrow_column *column,
                            int64_t row, struct value *value, struct error *err)
{
    int64_t size;
    const uint8_t *at = variable_bytes(scalar, column, row, &size);
    if (!at)
        return broken(err);
    if ((uint64_t)size > UINT32_MAX)
        return fail(err, STATUS_INVALID, "a value of over 4 GiB");
    value->bytes = (struct bytes){at, (size_t)size};
    if (value->type == TYPE_STRING && !text_is_valid(value->bytes))
        return fail(err, STATUS_INVALID, "not UTF-8 text, or a NUL in it");
    return STATUS_OK;
}

/* Every half is a float; one without an exponent is so many times the smallest. */
static float float_of_half(uint16_t half)
{
    enum { MANTISSA_BITS = 10, MANTISSA = 0x3ff, EXPONENT = 0x1f };
    uint32_t sign = (uint32_t)(half >> 15) << 31, mantissa = half & MANTISSA;
    uint32_t exponent = half >> MANTISSA_BITS & EXPONENT, bits;
    float number = (float)mantissa * 0x1p-24F;
    memcpy(&bits, &number, sizeof bits);
    if (exponent == EXPONENT)
        bits = UINT32_C(0x7f800000) | mantissa << 13;
    else if (exponent > 0)
        bits = (exponent + 112) << 23 | mantissa << 13;
    bits |= sign;
    memcpy(&number, &bits, sizeof number);
    return number;
}

static enum status get_number(const struct arrow_scalar *scalar, const struct arrow_column *column,
                              int64_t row, struct value *value, struct error *err)
{
    int64_t number;
    if (!get_integer(column->values, row, scalar->width, scalar->is_unsigned, &number))
        return broken(err);
    if (scalar->width == 8 && scalar->is_unsigned && number < 0)
        return fail(err, STATUS_INVALID, "out of the range of int64");
    if (value->type == TYPE_TIMESTAMP)
        return get_time(scalar, number, value, err);
    if (scalar->kind == ARROW_FLOAT && scalar->width == 2)
        value->float32 = float_of_half((uint16_t)number);
    else if (type_width(value->type) == 4)
        value->int32 = (int32_t)number; /* a float's bits, too */
    else
        value->int64 = number;
    return STATUS_OK;
}

/* Whether the cell is null: one of the null type always, others where a bit says so. */
static enum status open_cell(const struct arrow_column *column, value_type type, int64_t row,
                             bool is_null, struct value *value, struct error *err)
{
    bool is_valid = !is_null;
    *value = value_null(type);
    if (row < 0 || row >= column->length)
        return broken(err);
    if (column->validity.size > 0 && !get_bit(column->validity, row, &is_valid))
        return broken(err);
    value->is_null = !is_valid;
    return STATUS_OK;
}

static enum status get_scalar(const struct arrow_scalar *scalar, const struct arrow_column *column,
                              int64_t row, struct value *value, struct error *err)
{
    bool is_null = scalar->kind == ARROW_NULL;
    enum status status = open_cell(column, scalar->type, row, is_null, value, err);
    if (status || value->is_null)
        return status;
    if (scalar->type == TYPE_STRING || scalar->type == TYPE_BYTES)
        return get_text(scalar, column, row, value, err);
    if (scalar->type == TYPE_BOOL)
        return get_bit(column->values, row, &value->boolean) ? STATUS_OK : broken(err);
    return get_number(scalar, column, row, value, err);
}

static enum status get_elements(const struct arrow_scalar *scalar,
                                const struct arrow_column *elements, int64_t from, int64_t to,
                                struct buffer *packed, struct error *err)
{
    for (int64_t i = from; i < to; i++) {
        struct value element;
        enum status status = get_scalar(scalar, elements, i, &element, err);
        if (!status && element.is_null)
            status = fail(err, STATUS_INVALID, "element %lld of the list: a list cannot hold null",
                          (long long)(i - from + 1));
        if (status)
            return status;
        list_append(packed, &element);
    }
    return packed->overflow ? fail(err, STATUS_INVALID, "a list of over 4 GiB") : STATUS_OK;
}

static enum status get_list(const struct arrow_field *field, const struct arrow_column *column,
                            int64_t row, struct arena *arena, struct value *value,
                            struct error *err)
{
    int64_t from, to;
    enum status status = open_cell(column, field->type, row, false, value, err);
    if (status || value->is_null)
        return status;
    if (!get_range(column, row, (int)field->list_width, &from, &to))
        return broken(err);
    struct buffer packed;
    buffer_init(&packed, UINT32_MAX);
    status = get_elements(&field->scalar, column->elements, from, to, &packed, err);
    if (!status)
        value->bytes = arena_bytes(arena, buffer_bytes(&packed));
    buffer_release(&packed);
    return status;
}

static enum status get_entry(const struct arrow_field *field, const struct arrow_column *column,
                             int64_t row, struct value *value, struct error *err)
{
    int64_t index;
    const struct arrow_scalar *type = &field->index;
    enum status status = open_cell(column, field->type, row, false, value, err);
    if (status || value->is_null)
        return status;
    if (!column->dictionary ||
        !get_integer(column->values, row, type->width, type->is_unsigned, &index))
        return broken(err);
    return get_scalar(&field->scalar, column->dictionary, index, value, err);
}

enum status arrow_cell_get(const struct arrow_field *field, const struct arrow_column *column,
                           int64_t row, struct arena *arena, struct value *value, struct error *err)
{
    if (field->list_width)
        return get_list(field, column, row, arena, value, err);
    if (field->is_dictionary)
        return get_entry(field, column, row, value, err);
    return get_scalar(&field->scalar, column, row, value, err);
}
