/* scalar_parse.c - see scalar_parse.h. */
#include "base/scalar_parse.h"

#include "base/timestamp.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <strings.h>

enum { SHOWN_MAX = 64 }; /* of a wrong text, in messages */

static enum status misfit(struct error *err, const char *problem, struct bytes text)
{
    size_t shown = text_valid_size(text);
    if (shown < text.size && shown < SHOWN_MAX)
        return fail(err, STATUS_INVALID, "%s: not UTF-8 text", problem);
    shown = text.size;
    const uint8_t *data = text.data;
    if (shown > SHOWN_MAX)
        for (shown = SHOWN_MAX; (data[shown] & 0xc0) == 0x80; shown--)
            continue;
    return fail(err, STATUS_INVALID, "%s: \"%.*s\"%s", problem, (int)shown, (const char *)data,
                shown < text.size ? "..." : "");
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_word(struct bytes text, const char *word)
{
    return text.size == strlen(word) && strncasecmp(text.data, word, text.size) == 0;
}

static enum status parse_bool(struct bytes text, struct value *value, struct error *err)
{
    static const char *const words[] = {"false", "true", "f", "t", "0", "1"};
    for (size_t i = 0; i < COUNT_OF(words); i++)
        if (is_word(text, words[i])) {
            value->boolean = i % 2;
            return STATUS_OK;
        }
    return misfit(err, "not a bool (true or false)", text);
}

enum reading { READ, NOT_A_NUMBER, OUT_OF_RANGE };

static enum reading read_int64(struct bytes text, int64_t *number)
{
    const char *at = text.data;
    const char *end = at + text.size;
    bool is_negative = text.size > 0 && *at == '-';
    if (text.size > 0 && (*at == '-' || *at == '+'))
        at++;
    if (at == end)
        return NOT_A_NUMBER;
    bool in_range = true;
    *number = 0;
    for (; at < end; at++) {
        if (!is_digit(*at))
            return NOT_A_NUMBER;
        int digit = is_negative ? '0' - *at : *at - '0';
        if (__builtin_mul_overflow(*number, 10, number) ||
            __builtin_add_overflow(*number, digit, number))
            in_range = false;
    }
    return in_range ? READ : OUT_OF_RANGE;
}

static enum status parse_integer(struct bytes text, struct value *value, struct error *err)
{
    bool is_int32 = value->type == TYPE_INT32;
    int64_t number;
    enum reading reading = read_int64(text, &number);
    if (reading == NOT_A_NUMBER)
        return misfit(err, is_int32 ? "not an int32" : "not an int64", text);
    if (reading == OUT_OF_RANGE || (is_int32 && (number < INT32_MIN || number > INT32_MAX)))
        return misfit(err, is_int32 ? "out of the range of int32" : "out of the range of int64",
                      text);
    if (is_int32)
        value->int32 = (int32_t)number;
    else
        value->int64 = number;
    return STATUS_OK;
}

static const char *skip_digits(const char *at, const char *end)
{
    while (at < end && is_digit(*at))
        at++;
    return at;
}

/* [+-] digits [. digits] [e [+-] digits], with a digit on one side of the point at least. *is_zero:
 * all digits before the exponent are 0. */
static bool is_decimal(struct bytes text, bool *is_zero)
{
    const char *at = text.data;
    const char *end = at + text.size;
    if (at < end && (*at == '-' || *at == '+'))
        at++;
    const char *whole = at;
    at = skip_digits(at, end);
    size_t digits = (size_t)(at - whole);
    if (at < end && *at == '.') {
        const char *fraction = at + 1;
        at = skip_digits(fraction, end);
        digits += (size_t)(at - fraction);
    }
    *is_zero = true;
    for (const char *digit = whole; digit < at; digit++)
        if (*digit != '0' && *digit != '.')
            *is_zero = false;
    if (digits == 0)
        return false;
    if (at < end && (*at == 'e' || *at == 'E')) {
        at++;
        if (at < end && (*at == '-' || *at == '+'))
            at++;
        const char *exponent = at;
        at = skip_digits(at, end);
        if (at == exponent)
            return false;
    }
    return at == end;
}

static bool read_float_name(struct bytes text, double *number)
{
    static const struct {
        const char *name;
        double number;
    } names[] = {{"nan", NAN},
                 {"inf", INFINITY},
                 {"infinity", INFINITY},
                 {"+inf", INFINITY},
                 {"+infinity", INFINITY},
                 {"-inf", -INFINITY},
                 {"-infinity", -INFINITY}};
    for (size_t i = 0; i < COUNT_OF(names); i++)
        if (is_word(text, names[i].name)) {
            *number = names[i].number;
            return true;
        }
    return false;
}

/* Up to 15 digits and no exponent, as most numbers are: both the digits and the power of ten they
 * are divided by are exact, so that one division rounds once. false if it is not so simple. */
static bool read_simple_float64(struct bytes text, double *number)
{
    static const double tens[] = {1e0, 1e1, 1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                  1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15};
    const char *at = text.data;
    const char *end = at + text.size;
    const char *point = NULL;
    bool is_negative = at < end && *at == '-';
    at += is_negative;
    if (end - at > 16 || at == end || !is_digit(end[-1]))
        return false;
    int64_t digits = 0;
    for (; at < end; at++) {
        if (*at == '.' && !point)
            point = at;
        else if (is_digit(*at))
            digits = digits * 10 + (*at - '0');
        else
            return false;
    }
    if (digits >= INT64_C(1000000000000000))
        return false;
    double magnitude = (double)digits / tens[point ? end - point - 1 : 0];
    *number = is_negative ? -magnitude : magnitude;
    return true;
}

/* The slow and general way. (The C library wants a NUL behind the text.) */
static enum reading read_float(struct bytes text, bool is_float32, struct arena *arena,
                               struct value *value)
{
    bool is_zero;
    double number;
    if (read_float_name(text, &number)) {
        if (is_float32)
            value->float32 = (float)number;
        else
            value->float64 = number;
        return READ;
    }
    if (!is_decimal(text, &is_zero))
        return NOT_A_NUMBER;
    char *terminated = arena_text_of(arena, text);
    if (is_float32)
        number = (double)(value->float32 = strtof(terminated, NULL));
    else
        number = value->float64 = strtod(terminated, NULL);
    return isinf(number) || (number == 0 && !is_zero) ? OUT_OF_RANGE : READ;
}

static enum status parse_float(struct bytes text, struct arena *arena, struct value *value,
                               struct error *err)
{
    bool is_float32 = value->type == TYPE_FLOAT32;
    if (!is_float32 && read_simple_float64(text, &value->float64))
        return STATUS_OK;
    switch (read_float(text, is_float32, arena, value)) {
    case NOT_A_NUMBER:
        return misfit(err, is_float32 ? "not a float32" : "not a float64", text);
    case OUT_OF_RANGE:
        return misfit(
            err, is_float32 ? "out of the range of float32" : "out of the range of float64", text);
    default:
        return STATUS_OK;
    }
}

static enum status parse_timestamp(struct bytes text, struct value *value, struct error *err)
{
    if (timestamp_parse(text, &value->int64))
        return STATUS_OK;
    return misfit(err, "not a timestamp of the years 1 to 9999, such as 2013-01-01T10:00:00Z",
                  text);
}

static int hex_digit(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static enum status parse_bytes(struct bytes text, struct arena *arena, struct value *value,
                               struct error *err)
{
    const char *problem = "not bytes (\\x and pairs of hex digits)";
    const uint8_t *from = text.data;
    if (text.size < 2 || text.size % 2 != 0 || from[0] != '\\' || from[1] != 'x')
        return misfit(err, problem, text);
    size_t size = text.size / 2 - 1;
    uint8_t *bytes = arena_alloc(arena, size);
    for (size_t i = 0; i < size; i++) {
        int high = hex_digit(from[2 + i * 2]);
        int low = hex_digit(from[3 + i * 2]);
        if (high < 0 || low < 0)
            return misfit(err, problem, text);
        bytes[i] = (uint8_t)(high << 4 | low);
    }
    value->bytes = (struct bytes){bytes, size};
    return STATUS_OK;
}

enum status scalar_parse(value_type type, struct bytes text, struct arena *arena,
                         struct value *value, struct error *err)
{
    assert(!type_is_list(type));
    *value = (struct value){.type = type};
    switch (type) {
    case TYPE_BOOL:
        return parse_bool(text, value, err);
    case TYPE_INT32:
    case TYPE_INT64:
        return parse_integer(text, value, err);
    case TYPE_FLOAT32:
    case TYPE_FLOAT64:
        return parse_float(text, arena, value, err);
    case TYPE_TIMESTAMP:
        return parse_timestamp(text, value, err);
    case TYPE_BYTES:
        return parse_bytes(text, arena, value, err);
    default:
        value->bytes = text;
        if (!text_is_valid(text))
            return fail(err, STATUS_INVALID, "not a string: not UTF-8 text, or it holds a NUL");
        return STATUS_OK;
    }
}
