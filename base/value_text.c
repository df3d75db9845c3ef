/*
 * value_text.c - see value_text.h. Floats are written in float_text.c, and single values are read
 * in scalar_parse.c; here is the rest: writing, and lists, which are JSON.
 */
#include "base/value_text.h"

#include "base/scalar_parse.h"
#include "base/timestamp.h"

#include <assert.h>
#include <jansson.h>
#include <math.h>

static void append_int64(struct buffer *text, int64_t number)
{
    char digits[24];
    char *end = digits + sizeof digits;
    char *at = end;
    uint64_t rest = number < 0 ? 0 - (uint64_t)number : (uint64_t)number;
    do
        *--at = (char)('0' + rest % 10);
    while ((rest /= 10) > 0);
    if (number < 0)
        *--at = '-';
    buffer_append(text, at, (size_t)(end - at));
}

static void append_hex(struct buffer *text, struct bytes bytes)
{
    static const char digits[] = "0123456789abcdef";
    const uint8_t *from = bytes.data;
    uint8_t *to = buffer_reserve(text, 2 + bytes.size * 2);
    if (!to)
        return;
    *to++ = '\\';
    *to++ = 'x';
    for (size_t i = 0; i < bytes.size; i++) {
        *to++ = (uint8_t)digits[from[i] >> 4];
        *to++ = (uint8_t)digits[from[i] & 15];
    }
    text->size += 2 + bytes.size * 2;
}

static void append_scalar(struct buffer *text, const struct value *value)
{
    char number[FLOAT_TEXT_SIZE], time[TIMESTAMP_TEXT_SIZE];
    switch (value->type) {
    case TYPE_BOOL:
        buffer_append_text(text, value->boolean ? "true" : "false");
        break;
    case TYPE_INT32:
        append_int64(text, value->int32);
        break;
    case TYPE_INT64:
        append_int64(text, value->int64);
        break;
    case TYPE_FLOAT32:
        buffer_append(text, number, float32_format(value->float32, number));
        break;
    case TYPE_FLOAT64:
        buffer_append(text, number, float64_format(value->float64, number));
        break;
    case TYPE_TIMESTAMP:
        buffer_append(text, time, timestamp_format(value->int64, time));
        break;
    case TYPE_BYTES:
        append_hex(text, value->bytes);
        break;
    default:
        buffer_append(text, value->bytes.data, value->bytes.size);
    }
}

static const char *json_escape(uint8_t byte, char unicode[8])
{
    switch (byte) {
    case '"':
        return "\\\"";
    case '\\':
        return "\\\\";
    case '\n':
        return "\\n";
    case '\r':
        return "\\r";
    case '\t':
        return "\\t";
    default:
        break;
    }
    if (byte >= 0x20)
        return NULL;
    static const char digits[] = "0123456789abcdef";
    memcpy(unicode, (char[]){'\\', 'u', '0', '0', digits[byte >> 4], digits[byte & 15], '\0'}, 7);
    return unicode;
}

void json_text_append(struct buffer *json, struct bytes text)
{
    const uint8_t *data = text.data;
    size_t plain = 0; /* where what was not appended yet begins */
    buffer_append_byte(json, '"');
    for (size_t i = 0; i < text.size; i++) {
        char unicode[8];
        const char *escape = json_escape(data[i], unicode);
        if (!escape)
            continue;
        buffer_append(json, data + plain, i - plain);
        buffer_append_text(json, escape);
        plain = i + 1;
    }
    if (text.size > plain)
        buffer_append(json, data + plain, text.size - plain);
    buffer_append_byte(json, '"');
}

/* JSON has no words for these, so they stand as strings. */
static bool is_json_string(const struct value *value)
{
    switch (value->type) {
    case TYPE_FLOAT32:
        return !isfinite(value->float32);
    case TYPE_FLOAT64:
        return !isfinite(value->float64);
    case TYPE_BYTES:
    case TYPE_TIMESTAMP:
        return true;
    default:
        return false;
    }
}

static void append_element(struct buffer *text, const struct value *element)
{
    if (element->type == TYPE_STRING) {
        json_text_append(text, element->bytes);
    } else if (element->type == TYPE_BYTES) {
        buffer_append_text(text, "\"\\"); /* a backslash is escaped in JSON */
        append_hex(text, element->bytes);
        buffer_append_byte(text, '"');
    } else if (is_json_string(element)) {
        buffer_append_byte(text, '"');
        append_scalar(text, element);
        buffer_append_byte(text, '"');
    } else {
        append_scalar(text, element);
    }
}

void value_format(const struct value *value, struct buffer *text)
{
    assert(!value->is_null);
    if (!type_is_list(value->type)) {
        append_scalar(text, value);
        return;
    }
    buffer_append_byte(text, '[');
    struct list_cursor cursor = list_begin(value->type, value->bytes);
    struct value element;
    for (bool first = true; list_next(&cursor, &element); first = false) {
        if (!first)
            buffer_append_byte(text, ',');
        append_element(text, &element);
    }
    buffer_append_byte(text, ']');
}

static enum status wrong_element(struct error *err, size_t index, value_type element,
                                 const char *why)
{
    return fail(err, STATUS_INVALID, "element %zu of the list: not %s %s%s", index + 1,
                strchr("aeiou", *type_name(element)) ? "an" : "a", type_name(element), why);
}

static bool take_integer(json_int_t number, struct value *element)
{
    element->int64 = number;
    if (element->type == TYPE_INT64)
        return true;
    if (number < INT32_MIN || number > INT32_MAX)
        return false;
    element->int32 = (int32_t)number;
    return true;
}

static bool take_real(double number, struct value *element)
{
    element->float64 = number;
    if (element->type == TYPE_FLOAT64)
        return true;
    float nearest = (float)number;
    if (isinf(nearest) || (nearest == 0 && number != 0))
        return false;
    element->float32 = nearest;
    return true;
}

/* Strings, and what JSON has no words for. A float may be a string only where it is none of its
 * numbers. */
static enum status take_text(const json_t *json, struct arena *arena, struct value *element,
                             struct error *err)
{
    struct bytes text = {json_string_value(json), json_string_length(json)};
    if (element->type == TYPE_FLOAT32 || element->type == TYPE_FLOAT64) {
        static const char *const names[] = {"NaN", "Infinity", "-Infinity"};
        bool is_name = false;
        for (size_t i = 0; i < COUNT_OF(names); i++)
            is_name = is_name || bytes_equal(text, bytes_of_text(names[i]));
        if (!is_name)
            return fail(err, STATUS_INVALID,
                        "not a %s: a string other than NaN, Infinity, -Infinity",
                        type_name(element->type));
    }
    return scalar_parse(element->type, text, arena, element, err);
}

static enum status take_element(const json_t *json, size_t index, struct arena *arena,
                                struct value *element, struct error *err)
{
    value_type type = element->type;
    bool is_float = type == TYPE_FLOAT32 || type == TYPE_FLOAT64;
    bool is_integer = type == TYPE_INT32 || type == TYPE_INT64;
    if (json_is_null(json))
        return fail(err, STATUS_INVALID, "element %zu of the list: a list cannot hold null",
                    index + 1);
    if (json_is_array(json) || json_is_object(json))
        return wrong_element(err, index, type, "; a list cannot hold lists or objects");
    if (json_is_string(json) && !is_integer && type != TYPE_BOOL) {
        if (take_text(json, arena, element, err) != STATUS_OK)
            return fail_within(err, "element %zu of the list", index + 1);
        return STATUS_OK;
    }
    if (json_is_boolean(json) && type == TYPE_BOOL) {
        element->boolean = json_is_true(json);
        return STATUS_OK;
    }
    if (json_is_integer(json) && is_integer)
        return take_integer(json_integer_value(json), element)
                   ? STATUS_OK
                   : wrong_element(err, index, type, ": out of its range");
    if (json_is_real(json) && is_float)
        return take_real(json_real_value(json), element)
                   ? STATUS_OK
                   : wrong_element(err, index, type, ": out of its range");
    return wrong_element(err, index, type, "");
}

static enum status parse_list(struct bytes text, struct arena *arena, struct value *list,
                              struct error *err)
{
    value_type element_type = type_element(list->type);
    bool is_float = element_type == TYPE_FLOAT32 || element_type == TYPE_FLOAT64;
    enum status status = STATUS_OK;
    struct buffer packed;
    json_error_t problem;
    buffer_init(&packed, UINT32_MAX);
    json_t *array =
        json_loadb(text.data, text.size, is_float ? JSON_DECODE_INT_AS_REAL : 0, &problem);
    if (!json_is_array(array)) {
        status = fail(err, STATUS_INVALID, "not a JSON array of %s: %s", type_name(element_type),
                      array ? "it is an object" : problem.text);
        goto done;
    }
    for (size_t i = 0; i < json_array_size(array); i++) {
        struct value element = {.type = element_type};
        status = take_element(json_array_get(array, i), i, arena, &element, err);
        if (status != STATUS_OK)
            goto done;
        list_append(&packed, &element);
    }
    if (packed.overflow)
        status = fail(err, STATUS_INVALID, "a list of over 4 GiB");
    list->bytes = arena_bytes(arena, buffer_bytes(&packed));
done:
    json_decref(array);
    buffer_release(&packed);
    return status;
}

enum status value_parse(value_type type, struct bytes text, struct arena *arena,
                        struct value *value, struct error *err)
{
    assert(type_is_valid(type));
    if (!type_is_list(type))
        return scalar_parse(type, text, arena, value, err);
    *value = (struct value){.type = type};
    return parse_list(text, arena, value, err);
}
