/* column_guess.c - see column_guess.h. */
#include "training/formats/column_guess.h"

#include "base/value_text.h"

#include <strings.h>

static const int64_t exact_in_float64 = INT64_C(1) << 53;

static bool is_word(struct bytes field, const char *word)
{
    return field.size == strlen(word) && strncasecmp(field.data, word, field.size) == 0;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* A number as a number is written: a digit first, and no zero before another digit. */
static bool looks_like_number(struct bytes field)
{
    const char *at = field.data, *end = at + field.size;
    if (at < end && *at == '-')
        at++;
    return at < end && is_digit(*at) && !(at[0] == '0' && at + 1 < end && is_digit(at[1]));
}

static bool is_of(value_type type, struct bytes field, struct arena *scratch, struct value *value)
{
    return value_parse(type, field, scratch, value, NULL) == STATUS_OK;
}

static bool has_only_digits(struct bytes field)
{
    const char *text = field.data;
    for (size_t i = text[0] == '-'; i < field.size; i++)
        if (!is_digit(text[i]))
            return false;
    return true;
}

static void see_number(struct column_guess *guess, struct bytes field, struct arena *scratch)
{
    struct value value = {0};
    if (has_only_digits(field)) {
        bool fits = is_of(TYPE_INT64, field, scratch, &value);
        guess->not_int64 |= !fits || (value.int64 == 0 && field.size > 1); /* "-0" */
        guess->not_float64 |=
            !fits || value.int64 > exact_in_float64 || value.int64 < -exact_in_float64;
    } else {
        guess->not_int64 = true;
        guess->not_float64 |= !is_of(TYPE_FLOAT64, field, scratch, &value);
    }
}

void column_guess_see(struct column_guess *guess, struct bytes field, struct arena *scratch)
{
    guess->has_any = true;
    if (guess->not_bool && guess->not_int64 && guess->not_float64)
        return;
    if (!is_word(field, "true") && !is_word(field, "false"))
        guess->not_bool = true;
    if (looks_like_number(field)) {
        see_number(guess, field, scratch);
        return;
    }
    guess->not_int64 = true;
    if (!is_word(field, "NaN") && !is_word(field, "Infinity") && !is_word(field, "-Infinity"))
        guess->not_float64 = true;
}

value_type column_guess_type(const struct column_guess *guess)
{
    if (!guess->has_any)
        return TYPE_STRING;
    if (!guess->not_bool)
        return TYPE_BOOL;
    if (!guess->not_int64)
        return TYPE_INT64;
    return guess->not_float64 ? TYPE_STRING : TYPE_FLOAT64;
}
