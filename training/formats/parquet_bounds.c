/* parquet_bounds.c - see parquet_bounds.h. */
#include "training/formats/parquet_bounds.h"

#include "base/byte_order.h"

#include <math.h>

static bool is_text(value_type type)
{
    return type == TYPE_STRING || type == TYPE_BYTES;
}

static bool is_nan(const struct value *value)
{
    return (value->type == TYPE_FLOAT32 && isnan(value->float32)) ||
           (value->type == TYPE_FLOAT64 && isnan(value->float64));
}

static bool is_less(const struct value *a, const struct value *b)
{
    switch (a->type) {
    case TYPE_BOOL:
        return a->boolean < b->boolean;
    case TYPE_INT32:
        return a->int32 < b->int32;
    case TYPE_FLOAT32:
        return a->float32 < b->float32;
    case TYPE_FLOAT64:
        return a->float64 < b->float64;
    default:
        return a->int64 < b->int64;
    }
}

/* Bytewise, which is the order of UTF-8 as well. */
static bool is_before(struct bytes text, const struct parquet_bound *bound)
{
    size_t shared = text.size < bound->size ? text.size : bound->size;
    int order = shared ? memcmp(text.data, bound->bytes, shared) : 0;
    return order ? order < 0 : text.size < bound->size;
}

static void set_text(struct parquet_bound *bound, struct bytes text)
{
    if (text.size > 0)
        memcpy(bound->bytes, text.data, text.size);
    bound->size = text.size;
}

static void see_text(struct parquet_bounds *bounds, struct bytes text)
{
    if (text.size > PARQUET_BOUND_MAX) {
        bounds->none = true;
        return;
    }
    bool is_least = !bounds->any || is_before(text, &bounds->least_text);
    const struct parquet_bound *greatest = &bounds->greatest_text;
    bool is_same = text.size == greatest->size &&
                   (text.size == 0 || memcmp(text.data, greatest->bytes, text.size) == 0);
    if (!bounds->any || (!is_same && !is_before(text, greatest)))
        set_text(&bounds->greatest_text, text);
    if (is_least)
        set_text(&bounds->least_text, text);
    bounds->any = true;
}

void parquet_bounds_see(struct parquet_bounds *bounds, const struct value *value)
{
    if (bounds->none || is_nan(value))
        return;
    if (is_text(value->type)) {
        bounds->least.type = value->type;
        see_text(bounds, value->bytes);
        return;
    }
    if (!bounds->any || is_less(value, &bounds->least))
        bounds->least = *value;
    if (!bounds->any || is_less(&bounds->greatest, value))
        bounds->greatest = *value;
    bounds->any = true;
}

/* Zero has two signs that are equal: a bound includes both. */
static void give_sign_to_zero(struct value *value, bool is_least)
{
    if (value->type == TYPE_FLOAT32 && value->float32 == 0)
        value->float32 = is_least ? -0.0f : 0.0f;
    if (value->type == TYPE_FLOAT64 && value->float64 == 0)
        value->float64 = is_least ? -0.0 : 0.0;
}

static void set_number(struct parquet_bound *bound, struct value value, bool is_least)
{
    give_sign_to_zero(&value, is_least);
    bound->size = type_width(value.type);
    if (value.type == TYPE_BOOL)
        bound->bytes[0] = value.boolean;
    else if (bound->size == sizeof(int32_t))
        store_le32(bound->bytes, (uint32_t)value.int32); /* a float's bits, too */
    else
        store_le64(bound->bytes, (uint64_t)value.int64);
}

bool parquet_bounds_get(const struct parquet_bounds *bounds, struct parquet_bound *least,
                        struct parquet_bound *greatest)
{
    if (!bounds->any || bounds->none)
        return false;
    if (is_text(bounds->least.type)) {
        *least = bounds->least_text;
        *greatest = bounds->greatest_text;
    } else {
        set_number(least, bounds->least, true);
        set_number(greatest, bounds->greatest, false);
    }
    return true;
}
