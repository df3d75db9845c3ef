/* copy_target.c - see copy_target.h. */
#include "store/offline/copy_target.h"

#include "base/value_text.h"
#include "store/offline/copy_decode.h"

#include <math.h>
#include <stdlib.h>

#define DAY_US INT64_C(86400000000)

enum { MODIFIER_HEADER = 4 /* numeric, varchar and char add it, so that none is small */ };

typedef bool keeps_function(const struct copy_target *target, const struct value *value);

static bool is_negative_zero(double number)
{
    return number == 0 && signbit(number);
}

/* Whole numbers up to 2^bits, which is out. */
static bool keeps_integer(const struct value *value, int bits)
{
    int64_t most = INT64_MAX >> (63 - bits);
    if (value->type == TYPE_INT32)
        return value->int32 <= most && value->int32 >= -most - 1;
    if (value->type == TYPE_INT64)
        return value->int64 <= most && value->int64 >= -most - 1;
    double number = value->float64, end = ldexp(1.0, bits);
    return number >= -end && number < end && number == trunc(number) && !is_negative_zero(number);
}

static bool keeps_int2(const struct copy_target *target, const struct value *value)
{
    (void)target;
    return keeps_integer(value, 15);
}

static bool keeps_int4(const struct copy_target *target, const struct value *value)
{
    (void)target;
    return keeps_integer(value, 31);
}

static bool keeps_int8(const struct copy_target *target, const struct value *value)
{
    (void)target;
    return keeps_integer(value, 63);
}

static bool keeps_float4(const struct copy_target *target, const struct value *value)
{
    (void)target;
    return value->type == TYPE_FLOAT32 || isnan(value->float64) ||
           (double)(float)value->float64 == value->float64;
}

/* A number as digits without a zero at their end, times ten to the exponent. */
static void count_digits(double number, int *digits, int *exponent)
{
    char text[FLOAT_TEXT_SIZE];
    float64_format(number, text);
    int zeros = 0;
    bool fraction = false;
    *digits = *exponent = 0;
    for (const char *at = text; *at && *at != 'e'; at++) {
        if (*at == '.')
            fraction = true;
        if (*at < '0' || *at > '9')
            continue;
        zeros = *at == '0' ? zeros + 1 : 0;
        *digits += *digits > 0 || *at != '0';
        *exponent -= fraction;
    }
    const char *power = strchr(text, 'e');
    *exponent += zeros + (power ? atoi(power + 1) : 0);
    *digits -= zeros;
}

/* The shortest text is what is stored: with a decimal less it would be another number. */
static bool keeps_numeric(const struct copy_target *target, const struct value *value)
{
    double number = value->float64;
    if (isnan(number) || target->modifier < MODIFIER_HEADER)
        return !is_negative_zero(number);
    if (number == 0 || isinf(number))
        return number == 0 && !signbit(number);
    int modifier = target->modifier - MODIFIER_HEADER, digits, exponent;
    int precision = modifier >> 16 & 0xffff;
    int scale = ((modifier & 0x7ff) ^ 0x400) - 0x400; /* 11 bits, the first for the sign */
    count_digits(number, &digits, &exponent);
    return -exponent <= scale && digits + exponent <= precision - scale;
}

static bool keeps_date(const struct copy_target *target, const struct value *value)
{
    (void)target;
    return value->int64 % DAY_US == 0;
}

static bool keeps_time(const struct copy_target *target, const struct value *value)
{
    int64_t unit_us = 1;
    for (int digits = 6; target->modifier >= 0 && digits > target->modifier; digits--)
        unit_us *= 10;
    return value->int64 % unit_us == 0;
}

static bool has_room(const struct copy_target *target, struct bytes text)
{
    int64_t characters = 0;
    for (size_t i = 0; i < text.size; i++)
        characters += (((const uint8_t *)text.data)[i] & 0xc0) != 0x80;
    return target->modifier < MODIFIER_HEADER || characters <= target->modifier - MODIFIER_HEADER;
}

static bool keeps_varchar(const struct copy_target *target, const struct value *value)
{
    return has_room(target, value->bytes);
}

/* Spaces at the end are padding, which no reader sees. */
static bool keeps_bpchar(const struct copy_target *target, const struct value *value)
{
    struct bytes text = value->bytes;
    return has_room(target, text) &&
           (text.size == 0 || ((const char *)text.data)[text.size - 1] != ' ');
}

static bool keeps_uuid(const struct copy_target *target, const struct value *value)
{
    (void)target;
    static const char form[] = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
    const char *text = value->bytes.data;
    if (value->bytes.size != sizeof form - 1)
        return false;
    for (size_t i = 0; i < value->bytes.size; i++)
        if (form[i] == '-' ? text[i] != '-' : !memchr("0123456789abcdef", text[i], 16))
            return false;
    return true;
}

/* It writes every document in its own way. */
static bool keeps_jsonb(const struct copy_target *target, const struct value *value)
{
    (void)target;
    (void)value;
    return false;
}

/* Types that are not here keep all that they take. */
static const struct keeper {
    uint32_t oid;
    keeps_function *keeps;
    const char *advice;
} keepers[] = {
    {PG_TYPE_INT2, keeps_int2, "correct it, or make the column bigint or double precision"},
    {PG_TYPE_INT4, keeps_int4, "correct it, or make the column bigint or double precision"},
    {PG_TYPE_INT8, keeps_int8, "correct it, or make the column double precision"},
    {PG_TYPE_FLOAT4, keeps_float4, "make the column double precision, or the feature float32"},
    {PG_TYPE_NUMERIC, keeps_numeric, "round it, or make the column double precision"},
    {PG_TYPE_DATE, keeps_date, "give it midnight UTC, or make the column timestamptz"},
    {PG_TYPE_TIMESTAMP, keeps_time, "round it, or make the column timestamptz"},
    {PG_TYPE_TIMESTAMPTZ, keeps_time, "round it, or make the column timestamptz"},
    {PG_TYPE_VARCHAR, keeps_varchar, "shorten it, or make the column text"},
    {PG_TYPE_BPCHAR, keeps_bpchar, "shorten it, or make the column text"},
    {PG_TYPE_UUID, keeps_uuid, "write it in lower case with four hyphens, or make the column text"},
    {PG_TYPE_JSONB, keeps_jsonb, "make the column json or text"},
};

static const struct keeper *find_keeper(const struct copy_target *target)
{
    for (size_t i = 0; i < COUNT_OF(keepers); i++)
        if (keepers[i].oid == target->oid)
            return &keepers[i];
    return NULL;
}

bool copy_target_keeps(const struct copy_target *target, const struct value *value,
                       struct value *culprit)
{
    const struct keeper *keeper = find_keeper(target);
    *culprit = *value;
    if (!keeper)
        return true;
    if (!type_is_list(value->type))
        return keeper->keeps(target, value);
    struct list_cursor cursor = list_begin(value->type, value->bytes);
    while (list_next(&cursor, culprit))
        if (!keeper->keeps(target, culprit))
            return false;
    return true;
}

const char *copy_target_advice(const struct copy_target *target)
{
    const struct keeper *keeper = find_keeper(target);
    return keeper ? keeper->advice : "correct it";
}

static bool is_integer(uint32_t oid)
{
    return oid == PG_TYPE_INT2 || oid == PG_TYPE_INT4 || oid == PG_TYPE_INT8;
}

/* "1e+15" is a number to us, and no integer to PostgreSQL. */
void copy_target_format(const struct copy_target *target, const struct value *value,
                        struct buffer *text)
{
    struct value whole = {.type = TYPE_INT64};
    bool is_whole = value->type == TYPE_FLOAT64 && is_integer(target->oid);
    if (is_whole)
        whole.int64 = (int64_t)value->float64;
    value_format(is_whole ? &whole : value, text);
}
