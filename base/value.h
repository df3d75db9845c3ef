/*
 * value.h - the types of features and join keys, and one value of them in memory.
 *
 * A type is one byte: a kind, plus TYPE_LIST for a list of it. The numbers stand in stored rows and
 * in the registry, so they never change.
 *
 * A list is held packed, as it stands in a row: elements of fixed width back to back,
 * little-endian, without padding; strings and bytes each behind their length in 4 bytes,
 * little-endian. Lists hold no nulls and no lists. Text is UTF-8 without NUL; timestamps are in
 * range (timestamp.h).
 */
#ifndef LARDER_BASE_VALUE_H
#define LARDER_BASE_VALUE_H

#include "base/bytes.h"

#include <stdbool.h>
#include <stdint.h>

enum value_type {
    TYPE_BOOL = 1,
    TYPE_INT32 = 2,
    TYPE_INT64 = 3,
    TYPE_FLOAT32 = 4,
    TYPE_FLOAT64 = 5,
    TYPE_STRING = 6,
    TYPE_BYTES = 7,
    TYPE_TIMESTAMP = 8,
    TYPE_LIST = 0x10, /* a bit, not a type of its own */
};
typedef uint8_t value_type; /* a kind, perhaps with TYPE_LIST; the one typedef of an enum's byte */

struct value {
    value_type type;
    bool is_null;
    union {
        bool boolean;
        int32_t int32;
        int64_t int64; /* timestamps, too */
        float float32;
        double float64;
        struct bytes bytes; /* strings, bytes, and every list, packed as above; borrowed */
    };
};

static inline bool type_is_list(value_type type)
{
    return (type & TYPE_LIST) != 0;
}
static inline value_type type_element(value_type type)
{
    return (value_type)(type & ~TYPE_LIST);
}
static inline value_type type_list_of(value_type kind)
{
    return (value_type)(kind | TYPE_LIST);
}

bool type_is_valid(unsigned type);
/* bool, int32, int64, string, bytes, timestamp: not floats, not lists. */
bool type_is_key(value_type type);
/* Bytes of one value in a row: 1, 4 or 8; 0 for what is variable (strings, bytes, lists). */
size_t type_width(value_type type);
/* "float64", "list<string>": as they stand in definitions. Static text. */
const char *type_name(value_type type);
/* The type of that name; 0 if there is none. "list<int64>" may hold spaces inside its brackets. */
value_type type_parse(struct bytes name);

struct value value_null(value_type type);

/* Same type and same bits: NaN equals the same NaN, -0 is not 0; nulls of one type are equal. */
bool value_equal(const struct value *a, const struct value *b);

/* How many elements a packed list holds; false if its bytes are not whole. */
bool list_count(value_type list_type, struct bytes packed, size_t *count);

/* Whether the list is whole and its elements may stand in a row: bools 0 or 1, text valid, times in
 * range. */
bool list_is_valid(value_type list_type, struct bytes packed);

/* Walks a packed list, which must be whole (list_count); element bytes are borrowed from it:
 *     struct list_cursor cursor = list_begin(type, packed);
 *     while (list_next(&cursor, &element)) ... */
struct list_cursor {
    value_type element;
    const uint8_t *at;
    const uint8_t *end;
};
struct list_cursor list_begin(value_type list_type, struct bytes packed);
bool list_next(struct list_cursor *cursor, struct value *element);

/* Appends an element to a packed list being built in `buffer` (see buffer.h). */
struct buffer;
void list_append(struct buffer *buffer, const struct value *element);

/* UTF-8, shortest forms only, no surrogates, no NUL. */
bool text_is_valid(struct bytes text);
/* How many of its first bytes are valid text: where the first mistake stands. */
size_t text_valid_size(struct bytes text);
/* Only bytes 0x01 to 0x7f. */
bool text_is_ascii(struct bytes text);

#endif
