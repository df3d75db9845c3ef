/* copy_decode.c - see copy_decode.h. */
#include "store/offline/copy_decode.h"

#include "base/buffer.h"
#include "base/byte_order.h"
#include "base/timestamp.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    ARRAY_HEADER_SIZE = 12,
    ARRAY_DIMENSION_SIZE = 8,
    NUMERIC_HEADER_SIZE = 8,
    DAYS_MAX = 10000 * 366,
    /* 1000 decimal digits: more than the 767 that can decide how a float64 is rounded. */
    NUMERIC_DIGITS_KEPT = 250,
};

#define DAY_US INT64_C(86400000000)
#define KIND(type) (1u << (type))

/* Reads one value that is not null into value, whose type is set; false if the bytes are wrong. */
typedef bool read_function(struct bytes field, struct value *value, enum copy_misfit *misfit);

struct copy_wire {
    uint32_t oid;
    uint32_t kinds; /* what it may become: KIND bits */
    size_t width;   /* 0: variable */
    read_function *read;
};

const char *copy_misfit_text(enum copy_misfit misfit)
{
    static const char *const texts[] = {
        [COPY_FITS] = "a value that fits",
        [COPY_INFINITE_TIME] = "an infinite time",
        [COPY_TIME_OUT_OF_RANGE] = "a time outside the years 1 to 9999",
        [COPY_BEYOND_FLOAT64] = "a number beyond float64",
        [COPY_NULL_IN_LIST] = "an array with a null in it",
        [COPY_NESTED_ARRAY] = "an array of more than one dimension",
    };
    return texts[misfit];
}

static bool read_bool(struct bytes field, struct value *value, enum copy_misfit *misfit)
{
    (void)misfit;
    uint8_t byte = *(const uint8_t *)field.data;
    value->boolean = byte == 1;
    return byte <= 1;
}

static bool set_integer(struct value *value, int64_t number)
{
    if (value->type == TYPE_FLOAT64)
        value->float64 = (double)number;
    else if (value->type == TYPE_INT64)
        value->int64 = number;
    else
        value->int32 = (int32_t)number;
    return true;
}

static bool read_int2(struct bytes field, struct value *value, enum copy_misfit *misfit)
{
    (void)misfit;
    return set_integer(value, (int16_t)load_be16(field.data));
}

static bool read_int4(struct bytes field, struct value *value, enum copy_misfit *misfit)
{
    (void)misfit;
    return set_integer(value, (int32_t)load_be32(field.data));
}

static bool read_int8(struct bytes field, struct value *value, enum copy_misfit *misfit)
{
    (void)misfit;
    return set_integer(value, (int64_t)load_be64(field.data));
}

static bool read_float4(struct bytes field, struct value *value, enum copy_misfit *misfit)
{
    (void)misfit;
    uint32_t bits = load_be32(field.data);
    float number;
    memcpy(&number, &bits, sizeof number);
    if (value->type == TYPE_FLOAT32)
        memcpy(&value->float32, &bits, sizeof bits);
    else
        value->float64 = (double)number;
    return true;
}

static bool read_float8(struct bytes field, struct value *value, enum copy_misfit *misfit)
{
    (void)misfit;
    uint64_t bits = load_be64(field.data);
    memcpy(&value->float64, &bits, sizeof bits);
    return true;
}

static bool set_time(struct value *value, int64_t us, enum copy_misfit *misfit)
{
    if (!timestamp_in_range(us))
        *misfit = COPY_TIME_OUT_OF_RANGE;
    value->int64 = us;
    return true;
}

static bool read_date(struct bytes field, struct value *value, enum copy_misfit *misfit)
{
    int32_t days = (int32_t)load_be32(field.data);
    if (days == INT32_MIN || days == INT32_MAX) {
        *misfit = COPY_INFINITE_TIME;
        return true;
    }
    /* PostgreSQL's dates go on for millions of years, which microseconds do not. */
    if (days < -DAYS_MAX || days > DAYS_MAX)
        *misfit = COPY_TIME_OUT_OF_RANGE;
    else
        set_time(value, days * DAY_US + TIMESTAMP_POSTGRES_EPOCH_US, misfit);
    return true;
}

static bool read_timestamp(struct bytes field, struct value *value, enum copy_misfit *misfit)
{
    int64_t us = (int64_t)load_be64(field.data);
    if (us == INT64_MIN || us == INT64_MAX) {
        *misfit = COPY_INFINITE_TIME;
        return true;
    }
    return set_time(value, timestamp_add(us, TIMESTAMP_POSTGRES_EPOCH_US), misfit);
}

static bool read_text(struct bytes field, struct value *value, enum copy_misfit *misfit)
{
    (void)misfit;
    value->bytes = field;
    return text_is_valid(field);
}

static bool read_bytea(struct bytes field, struct value *value, enum copy_misfit *misfit)
{
    (void)misfit;
    value->bytes = field;
    return true;
}

/* A numeric's digits are of base 10000, the first one worth 10000^weight. */
struct numeric {
    const uint8_t *digits; /* two bytes each */
    int count, weight;
    bool negative;
};

static bool numeric_digits_are_valid(const struct numeric *numeric)
{
    for (int i = 0; i < numeric->count; i++)
        if (load_be16(numeric->digits + 2 * i) > 9999)
            return false;
    return true;
}

static void numeric_strip_zeros(struct numeric *numeric)
{
    while (numeric->count > 0 && load_be16(numeric->digits + 2 * (numeric->count - 1)) == 0)
        numeric->count--;
    while (numeric->count > 0 && load_be16(numeric->digits) == 0) {
        numeric->digits += 2;
        numeric->count--;
        numeric->weight--;
    }
}

static char *put_digits(char *at, unsigned number)
{
    for (unsigned unit = 1000; unit > 0; unit /= 10)
        *at++ = (char)('0' + number / unit % 10);
    return at;
}

/* strtod rounds a decimal text to the nearest float64 whatever its length; digits that are too many
 * to be kept count as "a little more", which is all that they can change. */
static double numeric_to_float64(const struct numeric *numeric)
{
    char text[4 * NUMERIC_DIGITS_KEPT + 32];
    char *at = text;
    int kept = numeric->count < NUMERIC_DIGITS_KEPT ? numeric->count : NUMERIC_DIGITS_KEPT;
    int exponent = 4 * (numeric->weight - kept + 1);
    if (numeric->negative)
        *at++ = '-';
    for (int i = 0; i < kept; i++)
        at = put_digits(at, load_be16(numeric->digits + 2 * i));
    if (kept < numeric->count) {
        *at++ = '1';
        exponent--;
    }
    snprintf(at, 16, "e%d", exponent);
    return strtod(text, NULL);
}

static bool read_numeric(struct bytes field, struct value *value, enum copy_misfit *misfit)
{
    enum {
        NEGATIVE = 0x4000,
        NOT_A_NUMBER = 0xc000,
        PLUS_INFINITY = 0xd000,
        MINUS_INFINITY = 0xf000
    };
    const uint8_t *at = field.data;
    if (field.size < NUMERIC_HEADER_SIZE)
        return false;
    size_t count = load_be16(at);
    if (field.size != NUMERIC_HEADER_SIZE + 2 * count || count > INT16_MAX)
        return false;
    unsigned sign = load_be16(at + 4);
    struct numeric numeric = {.digits = at + NUMERIC_HEADER_SIZE,
                              .count = (int)count,
                              .weight = (int16_t)load_be16(at + 2),
                              .negative = sign == NEGATIVE};
    if (!numeric_digits_are_valid(&numeric))
        return false;
    if (sign == NOT_A_NUMBER || sign == PLUS_INFINITY || sign == MINUS_INFINITY) {
        value->float64 = sign == NOT_A_NUMBER ? (double)NAN : (double)INFINITY;
        if (sign == MINUS_INFINITY)
            value->float64 = -value->float64;
        return count == 0;
    }
    if (sign != 0 && sign != NEGATIVE)
        return false;
    numeric_strip_zeros(&numeric);
    value->float64 = numeric.count > 0 ? numeric_to_float64(&numeric) : 0.0;
    if (isinf(value->float64))
        *misfit = COPY_BEYOND_FLOAT64;
    return true;
}

#define INTEGER_KINDS (KIND(TYPE_INT64) | KIND(TYPE_FLOAT64))

static const struct copy_wire wires[] = {
    {PG_TYPE_BOOL, KIND(TYPE_BOOL), 1, read_bool},
    {PG_TYPE_BYTEA, KIND(TYPE_BYTES), 0, read_bytea},
    {PG_TYPE_INT8, INTEGER_KINDS, 8, read_int8},
    {PG_TYPE_INT2, INTEGER_KINDS | KIND(TYPE_INT32), 2, read_int2},
    {PG_TYPE_INT4, INTEGER_KINDS | KIND(TYPE_INT32), 4, read_int4},
    {PG_TYPE_TEXT, KIND(TYPE_STRING), 0, read_text},
    {PG_TYPE_VARCHAR, KIND(TYPE_STRING), 0, read_text},
    {PG_TYPE_FLOAT4, KIND(TYPE_FLOAT32) | KIND(TYPE_FLOAT64), 4, read_float4},
    {PG_TYPE_FLOAT8, KIND(TYPE_FLOAT64), 8, read_float8},
    {PG_TYPE_DATE, KIND(TYPE_TIMESTAMP), 4, read_date},
    {PG_TYPE_TIMESTAMP, KIND(TYPE_TIMESTAMP), 8, read_timestamp},
    {PG_TYPE_TIMESTAMPTZ, KIND(TYPE_TIMESTAMP), 8, read_timestamp},
    {PG_TYPE_NUMERIC, KIND(TYPE_FLOAT64), 0, read_numeric},
};

bool copy_column_init(struct copy_column *column, uint32_t oid, value_type type)
{
    for (size_t i = 0; i < COUNT_OF(wires); i++) {
        if (wires[i].oid != oid)
            continue;
        *column = (struct copy_column){&wires[i], type};
        return (wires[i].kinds & KIND(type_element(type))) != 0;
    }
    return false;
}

static bool read_scalar(const struct copy_wire *wire, struct bytes field, struct value *value,
                        enum copy_misfit *misfit)
{
    return (wire->width == 0 || field.size == wire->width) && wire->read(field, value, misfit);
}

/* Takes an array's element from the front of rest; a null one has no data. */
static bool take_element(struct bytes *rest, struct bytes *element)
{
    const uint8_t *at = rest->data;
    if (rest->size < 4)
        return false;
    size_t size = load_be32(at);
    *element = (struct bytes){at + 4, size};
    if (size == UINT32_MAX)
        *element = (struct bytes){NULL, 0};
    if (element->size > rest->size - 4)
        return false;
    *rest = (struct bytes){at + 4 + element->size, rest->size - 4 - element->size};
    return true;
}

static bool read_elements(const struct copy_column *column, struct bytes rest, size_t count,
                          struct arena *arena, struct value *value, enum copy_misfit *misfit)
{
    /* Each element takes 4 bytes and itself in the field, and no more in a packed list but where it
     * becomes wider; so this is enough, and the buffer never grows out of the arena. */
    size_t width = type_width(type_element(column->type));
    size_t capacity = width > 0 ? count * width : rest.size;
    struct buffer packed = {.data = arena_alloc(arena, capacity + 1), .capacity = capacity + 1};
    for (size_t i = 0; i < count; i++) {
        struct bytes field;
        struct value element = {.type = type_element(column->type)};
        if (!take_element(&rest, &field))
            return false;
        if (!field.data) {
            *misfit = COPY_NULL_IN_LIST;
            continue;
        }
        if (!read_scalar(column->wire, field, &element, misfit))
            return false;
        if (*misfit == COPY_FITS)
            list_append(&packed, &element);
    }
    assert(packed.size <= capacity);
    value->bytes = (struct bytes){packed.data, packed.size};
    return rest.size == 0;
}

static bool read_array(const struct copy_column *column, struct bytes field, struct arena *arena,
                       struct value *value, enum copy_misfit *misfit)
{
    const uint8_t *at = field.data;
    if (field.size < ARRAY_HEADER_SIZE)
        return false;
    uint32_t dimensions = load_be32(at);
    if (dimensions == 0) {
        value->bytes = (struct bytes){"", 0};
        return field.size == ARRAY_HEADER_SIZE;
    }
    if (dimensions > 1) {
        *misfit = COPY_NESTED_ARRAY;
        return dimensions <= 6 &&
               field.size >= ARRAY_HEADER_SIZE + dimensions * ARRAY_DIMENSION_SIZE;
    }
    size_t header = ARRAY_HEADER_SIZE + ARRAY_DIMENSION_SIZE;
    if (field.size < header)
        return false;
    size_t count = load_be32(at + ARRAY_HEADER_SIZE);
    if (count > (field.size - header) / 4)
        return false;
    struct bytes elements = {at + header, field.size - header};
    return read_elements(column, elements, count, arena, value, misfit);
}

enum status copy_decode(const struct copy_column *column, struct bytes field, struct arena *arena,
                        struct value *value, enum copy_misfit *misfit, struct error *err)
{
    *misfit = COPY_FITS;
    *value = (struct value){.type = column->type, .is_null = !field.data};
    if (!field.data)
        return STATUS_OK;
    bool whole = type_is_list(column->type) ? read_array(column, field, arena, value, misfit)
                                            : read_scalar(column->wire, field, value, misfit);
    if (!whole)
        return fail(err, STATUS_CORRUPT, "PostgreSQL sent %zu bytes that are no %s", field.size,
                    type_name(column->type));
    if (*misfit != COPY_FITS)
        *value = value_null(column->type);
    return STATUS_OK;
}
