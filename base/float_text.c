/*
 * float_text.c - the shortest decimal text of a float (value_text.h).
 *
 * Numbers between about 1e-11 and 1e15, which is nearly all there are, take an exact way in 128-bit
 * integers: a float is m * 2^e, and m * 5^k fits. The rest is tried out with the C library.
 */
#include "base/value_text.h"

#include <assert.h>
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

__extension__ typedef unsigned __int128 wide; /* ISO C has no name for it */

enum {
    POWER_MAX = 27, /* 5^27 < 2^63 */
    TEN_LEAST = -20,
    DIGITS_MAX = 17,
    POSITIONAL_LEAST = -4, /* 0.0001 is still written out, 1e-05 is not; as PostgreSQL has it */
    POSITIONAL_END = 15,
};

static const uint64_t fives[POWER_MAX + 1] = {UINT64_C(1),
                                              UINT64_C(5),
                                              UINT64_C(25),
                                              UINT64_C(125),
                                              UINT64_C(625),
                                              UINT64_C(3125),
                                              UINT64_C(15625),
                                              UINT64_C(78125),
                                              UINT64_C(390625),
                                              UINT64_C(1953125),
                                              UINT64_C(9765625),
                                              UINT64_C(48828125),
                                              UINT64_C(244140625),
                                              UINT64_C(1220703125),
                                              UINT64_C(6103515625),
                                              UINT64_C(30517578125),
                                              UINT64_C(152587890625),
                                              UINT64_C(762939453125),
                                              UINT64_C(3814697265625),
                                              UINT64_C(19073486328125),
                                              UINT64_C(95367431640625),
                                              UINT64_C(476837158203125),
                                              UINT64_C(2384185791015625),
                                              UINT64_C(11920928955078125),
                                              UINT64_C(59604644775390625),
                                              UINT64_C(298023223876953125),
                                              UINT64_C(1490116119384765625),
                                              UINT64_C(7450580596923828125)};

static const double tens[] = {1e-20, 1e-19, 1e-18, 1e-17, 1e-16, 1e-15, 1e-14, 1e-13, 1e-12,
                              1e-11, 1e-10, 1e-9,  1e-8,  1e-7,  1e-6,  1e-5,  1e-4,  1e-3,
                              1e-2,  1e-1,  1e0,   1e1,   1e2,   1e3,   1e4,   1e5,   1e6,
                              1e7,   1e8,   1e9,   1e10,  1e11,  1e12,  1e13,  1e14,  1e15};

#define FLOAT64_BELOW 1e15
#define FLOAT32_BELOW 16777216.0

/* A positive number, and the numbers on both sides up to which a decimal text reads back as it, all
 * three times 2^exponent. */
struct binary {
    uint64_t value, least, most;
    int exponent;
    bool ends_count; /* a text that is exactly least or most reads back, too */
    int digits_least, digits_most;
    double below; /* whole numbers below this are written in all their digits */
};

/* digits * 10^exponent, no trailing zero in digits */
struct decimal {
    uint64_t digits;
    int exponent;
};

/* floor(log10(number)) of a number in 1e-20..1e15 */
static int tens_exponent(double number)
{
    int i = 0;
    for (int step = 32; step > 0; step /= 2)
        if (i + step < (int)COUNT_OF(tens) && tens[i + step] <= number)
            i += step;
    return i + TEN_LEAST;
}

/* The decimal of 10^-power steps that is nearest to the number; false if it reads back as another.
 */
static bool round_to(const struct binary *number, int power, struct decimal *decimal)
{
    int shift = -(number->exponent + power);
    assert(power >= 0 && power <= POWER_MAX && shift > 0 && shift < 128);
    wide product = (wide)number->value * fives[power];
    wide rest = product & (((wide)1 << shift) - 1);
    wide half = (wide)1 << (shift - 1);
    uint64_t digits = (uint64_t)(product >> shift);
    digits += rest > half || (rest == half && (digits & 1));
    *decimal = (struct decimal){digits, -power};
    wide scaled = (wide)digits << shift;
    wide least = (wide)number->least * fives[power];
    wide most = (wide)number->most * fives[power];
    return number->ends_count ? least <= scaled && scaled <= most : least < scaled && scaled < most;
}

static void drop_zeros(struct decimal *decimal)
{
    assert(decimal->digits > 0);
    while (decimal->digits % 10 == 0) {
        decimal->digits /= 10;
        decimal->exponent++;
    }
}

/* false if the number lies outside the range in which the products fit. */
static bool find_decimal(const struct binary *number, double magnitude, struct decimal *decimal)
{
    if (!(magnitude >= tens[0] && magnitude < number->below))
        return false;
    int exponent = tens_exponent(magnitude);
    if (number->digits_most - 1 - exponent > POWER_MAX)
        return false;
    /* It is not whole, so no text without all the digits before the point reads back as it. */
    int digits = exponent < number->digits_least ? number->digits_least : exponent + 1;
    while (!round_to(number, digits - 1 - exponent, decimal) && digits < number->digits_most)
        digits++;
    drop_zeros(decimal);
    return true;
}

static size_t put_digits(uint64_t number, char *at)
{
    char reversed[24];
    size_t count = 0;
    do
        reversed[count++] = (char)('0' + number % 10);
    while ((number /= 10) > 0);
    for (size_t i = 0; i < count; i++)
        at[i] = reversed[count - 1 - i];
    return count;
}

static size_t put_exponent(int exponent, char *at)
{
    char *start = at;
    *at++ = 'e';
    *at++ = exponent < 0 ? '-' : '+';
    if (abs(exponent) < 10)
        *at++ = '0';
    at += put_digits((uint64_t)abs(exponent), at);
    return (size_t)(at - start);
}

/* Puts the point, or the exponent, to the digits. */
static size_t put_decimal(const struct decimal *decimal, char *text)
{
    char digits[24];
    int count = (int)put_digits(decimal->digits, digits);
    int point = count + decimal->exponent; /* how many digits stand before it */
    char *at = text;
    if (point <= POSITIONAL_LEAST || point > POSITIONAL_END) {
        *at++ = digits[0];
        if (count > 1)
            *at++ = '.';
        memcpy(at, digits + 1, (size_t)count - 1);
        at += count - 1;
        return (size_t)(at - text) + put_exponent(point - 1, at);
    }
    if (point <= 0)
        *at++ = '0';
    for (int i = 0; i < point; i++)
        *at++ = i < count ? digits[i] : '0';
    if (point < count)
        *at++ = '.';
    for (int i = point; i < count; i++)
        *at++ = i < 0 ? '0' : digits[i];
    return (size_t)(at - text);
}

/* Takes the digits out of what "%.*e" wrote, whatever stands for the point in this locale. */
static struct decimal read_exponential(const char *text)
{
    struct decimal decimal = {0, 1};
    for (; *text != 'e'; text++)
        if (*text >= '0' && *text <= '9') {
            decimal.digits = decimal.digits * 10 + (uint64_t)(*text - '0');
            decimal.exponent--;
        }
    decimal.exponent += atoi(text + 1);
    drop_zeros(&decimal);
    return decimal;
}

static struct decimal try_decimals(double magnitude, bool is_float32)
{
    char text[64];
    /* Numbers that are not normal have fewer digits than the others, down to one. */
    bool is_normal = magnitude >= (is_float32 ? (double)FLT_MIN : DBL_MIN);
    for (int digits = !is_normal ? 1 : is_float32 ? 6 : 15;; digits++) {
        snprintf(text, sizeof text, "%.*e", digits - 1, magnitude);
        bool same = strtod(text, NULL) == magnitude;
        if (is_float32)
            same = strtof(text, NULL) == (float)magnitude &&
                   (float)strtod(text, NULL) == (float)magnitude;
        if (same || digits == DIGITS_MAX)
            return read_exponential(text);
    }
}

/* What needs no digits found: 0 if it is none of that. */
static size_t put_special(double number, double whole_below, char text[FLOAT_TEXT_SIZE])
{
    const char *name = isnan(number) ? "NaN" : number > 0 ? "Infinity" : "-Infinity";
    if (!isfinite(number)) {
        memcpy(text, name, strlen(name) + 1);
        return strlen(name);
    }
    double magnitude = fabs(number);
    if (!(magnitude < whole_below) || magnitude != (double)(uint64_t)magnitude)
        return 0;
    text[0] = '-';
    size_t size = signbit(number) ? 1 : 0;
    size += put_digits((uint64_t)magnitude, text + size);
    text[size] = '\0';
    return size;
}

static size_t put_number(double number, const struct binary *binary, bool is_float32,
                         char text[FLOAT_TEXT_SIZE])
{
    struct decimal decimal;
    double magnitude = fabs(number);
    if (!find_decimal(binary, magnitude, &decimal))
        decimal = try_decimals(magnitude, is_float32);
    text[0] = '-';
    size_t size = signbit(number) ? 1 : 0;
    size += put_decimal(&decimal, text + size);
    text[size] = '\0';
    return size;
}

/* The number's middle and ends, in quarters of its last place. The place below a power of two is
 * half as wide. Numbers that are not normal do not come here: find_decimal refuses them. */
static struct binary take_apart(uint64_t mantissa, int exponent, bool is_power_of_two)
{
    return (struct binary){.value = mantissa * 4,
                           .least = mantissa * 4 - (is_power_of_two ? 1 : 2),
                           .most = mantissa * 4 + 2,
                           .exponent = exponent - 2,
                           .ends_count = mantissa % 2 == 0};
}

size_t float64_format(double number, char text[FLOAT_TEXT_SIZE])
{
    size_t special = put_special(number, FLOAT64_BELOW, text);
    if (special > 0)
        return special;
    uint64_t bits;
    memcpy(&bits, &number, sizeof bits);
    uint64_t fraction = bits & ((UINT64_C(1) << 52) - 1);
    struct binary binary = take_apart(UINT64_C(1) << 52 | fraction,
                                      (int)(bits >> 52 & 0x7ff) - 1023 - 52, fraction == 0);
    binary.digits_least = 15;
    binary.digits_most = DIGITS_MAX;
    binary.below = FLOAT64_BELOW;
    return put_number(number, &binary, false, text);
}

size_t float32_format(float number, char text[FLOAT_TEXT_SIZE])
{
    enum { FINER_BITS = 28 };
    size_t special = put_special((double)number, FLOAT32_BELOW, text);
    if (special > 0)
        return special;
    uint32_t bits;
    memcpy(&bits, &number, sizeof bits);
    uint32_t fraction = bits & ((UINT32_C(1) << 23) - 1);
    struct binary binary = take_apart(UINT32_C(1) << 23 | fraction,
                                      (int)(bits >> 23 & 0xff) - 127 - 23, fraction == 0);
    /* Many readers take a float64 first and then round it. So the ends move inward by one place of
     * a float64, and no text is so near to one that rounding twice would cross it. */
    binary.value <<= FINER_BITS;
    binary.least = (binary.least << FINER_BITS) + 2;
    binary.most = (binary.most << FINER_BITS) - 2;
    binary.exponent -= FINER_BITS;
    binary.digits_least = 6;
    binary.digits_most = 9;
    binary.below = FLOAT32_BELOW;
    return put_number((double)number, &binary, true, text);
}
