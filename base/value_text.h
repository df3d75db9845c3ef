/*
 * value_text.h - values as text, in the form that CSV, the command line and messages share.
 *
 * bool: true, false. Integers: decimal. Floats: the shortest text that reads back the same, NaN,
 * Infinity, -Infinity. Strings as they are. Bytes: \x and hex. Timestamps: RFC 3339 UTC with
 * microseconds. Lists: a JSON array in which strings, times, bytes, NaN and infinities are strings.
 * A null has no text here: CSV writes nothing for it, and each caller decides.
 */
#ifndef LARDER_BASE_VALUE_TEXT_H
#define LARDER_BASE_VALUE_TEXT_H

#include "base/arena.h"
#include "base/buffer.h"
#include "base/error.h"
#include "base/value.h"

/* Appends the text; value must not be null. */
void value_format(const struct value *value, struct buffer *text);

/* Reads the text of a value of that type. Bytes and lists are made in the arena; a string borrows
 * from text. INVALID names what was expected ("not an int32: \"x\""), without file or place. Bools
 * take true/false in any case, and t/f/1/0; times take what timestamp_parse takes. */
enum status value_parse(value_type type, struct bytes text, struct arena *arena,
                        struct value *value, struct error *err);

/* The shortest decimal text that reads back to the same bits (NaN, Infinity, -Infinity by name). */
enum { FLOAT_TEXT_SIZE = 32 };
size_t float64_format(double number, char text[FLOAT_TEXT_SIZE]);
size_t float32_format(float number, char text[FLOAT_TEXT_SIZE]);

/* Appends a JSON string, quoted and escaped. */
void json_text_append(struct buffer *json, struct bytes text);

#endif
