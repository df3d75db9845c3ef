/* answer_value.c - see answer_value.h. */
#include "cli/answer_value.h"

#include "base/timestamp.h"
#include "base/value_text.h"
#include "sdk/c/include/larder/larder.h"

#include <math.h>

/* Where a value stands; an element of a list has an index, too. */
struct cell {
    const struct larder_response *response;
    size_t row, column;
    bool is_element;
    size_t index;
};

static bool read_bool(const struct cell *cell)
{
    bool truth = false;
    if (cell->is_element)
        larder_response_list_bool(cell->response, cell->row, cell->column, cell->index, &truth);
    else
        larder_response_bool(cell->response, cell->row, cell->column, &truth);
    return truth;
}

static int64_t read_int(const struct cell *cell)
{
    int64_t integer = 0;
    if (cell->is_element)
        larder_response_list_int(cell->response, cell->row, cell->column, cell->index, &integer);
    else
        larder_response_int(cell->response, cell->row, cell->column, &integer);
    return integer;
}

static double read_double(const struct cell *cell)
{
    double number = 0;
    if (cell->is_element)
        larder_response_list_double(cell->response, cell->row, cell->column, cell->index, &number);
    else
        larder_response_double(cell->response, cell->row, cell->column, &number);
    return number;
}

static int64_t read_timestamp(const struct cell *cell)
{
    int64_t us = 0;
    if (cell->is_element)
        larder_response_list_timestamp(cell->response, cell->row, cell->column, cell->index, &us);
    else
        larder_response_timestamp(cell->response, cell->row, cell->column, &us);
    return us;
}

static struct bytes read_bytes(const struct cell *cell)
{
    struct bytes bytes = {"", 0};
    if (cell->is_element)
        larder_response_list_bytes(cell->response, cell->row, cell->column, cell->index,
                                   &bytes.data, &bytes.size);
    else
        larder_response_bytes(cell->response, cell->row, cell->column, &bytes.data, &bytes.size);
    return bytes;
}

/* The SDK numbers types as base/value.h does. */
static struct value read_scalar(const struct cell *cell, value_type type)
{
    struct value value = {.type = type};
    switch (type) {
    case TYPE_BOOL:
        value.boolean = read_bool(cell);
        break;
    case TYPE_INT32:
        value.int32 = (int32_t)read_int(cell);
        break;
    case TYPE_INT64:
        value.int64 = read_int(cell);
        break;
    case TYPE_FLOAT32:
        value.float32 = (float)read_double(cell);
        break;
    case TYPE_FLOAT64:
        value.float64 = read_double(cell);
        break;
    case TYPE_TIMESTAMP:
        value.int64 = read_timestamp(cell);
        break;
    default:
        value.bytes = read_bytes(cell);
    }
    return value;
}

void answer_time_append(struct buffer *text, int64_t us)
{
    char time[TIMESTAMP_TEXT_SIZE];
    if (timestamp_in_range(us))
        buffer_append(text, time, timestamp_format(us, time));
    else
        buffer_printf(text, "%lld", (long long)us);
}

static void append_scalar(struct buffer *text, const struct value *value)
{
    if (value->type == TYPE_TIMESTAMP)
        answer_time_append(text, value->int64);
    else
        value_format(value, text);
}

static bool is_bare_in_json(const struct value *value)
{
    switch (value->type) {
    case TYPE_FLOAT32:
        return isfinite(value->float32);
    case TYPE_FLOAT64:
        return isfinite(value->float64);
    default:
        return value->type == TYPE_BOOL || value->type == TYPE_INT32 || value->type == TYPE_INT64;
    }
}

static void append_json_scalar(struct buffer *json, const struct value *value)
{
    if (is_bare_in_json(value)) {
        append_scalar(json, value);
        return;
    }
    struct buffer text;
    buffer_init(&text, 0);
    append_scalar(&text, value);
    json_text_append(json, buffer_bytes(&text));
    buffer_release(&text);
}

static void append_list(struct buffer *json, struct cell cell, value_type element)
{
    size_t count = 0;
    larder_response_list_size(cell.response, cell.row, cell.column, &count);
    cell.is_element = true;
    buffer_append_byte(json, '[');
    for (; cell.index < count; cell.index++) {
        struct value value = read_scalar(&cell, element);
        if (cell.index > 0)
            buffer_append_byte(json, ',');
        append_json_scalar(json, &value);
    }
    buffer_append_byte(json, ']');
}

static void append(struct buffer *text, struct cell cell,
                   void append_value(struct buffer *, const struct value *))
{
    value_type type = (value_type)larder_response_type(cell.response, cell.column);
    if (type_is_list(type)) {
        append_list(text, cell, type_element(type));
        return;
    }
    struct value value = read_scalar(&cell, type);
    append_value(text, &value);
}

void answer_value_append(struct buffer *text, const struct larder_response *response, size_t row,
                         size_t column)
{
    append(text, (struct cell){response, row, column, false, 0}, append_scalar);
}

void answer_value_append_json(struct buffer *json, const struct larder_response *response,
                              size_t row, size_t column)
{
    append(json, (struct cell){response, row, column, false, 0}, append_json_scalar);
}
