/*
 * arrow_field.h - a column of an Arrow schema: how its cells lie, and which of our types holds
 * them.
 *
 * What Arrow has more of is widened: small integers to int32, uint32 and uint64 to int64, half
 * floats to float32, dates and timestamps of any unit to timestamp; a dictionary counts as its
 * values. A type that ours cannot hold is told by its name, and nothing is known of its layout.
 */
#ifndef LARDER_TRAINING_FORMATS_ARROW_FIELD_H
#define LARDER_TRAINING_FORMATS_ARROW_FIELD_H

#include "base/arena.h"
#include "base/error.h"
#include "base/value.h"
#include "training/formats/flat_table.h"

/* As the format numbers them; those that are read. */
enum arrow_kind {
    ARROW_NULL = 1,
    ARROW_INTEGER = 2,
    ARROW_FLOAT = 3,
    ARROW_BINARY = 4,
    ARROW_TEXT = 5,
    ARROW_BOOL = 6,
    ARROW_DATE = 8,
    ARROW_TIMESTAMP = 10,
    ARROW_LIST = 12,
    ARROW_FIXED_BINARY = 15,
    ARROW_LARGE_BINARY = 19,
    ARROW_LARGE_TEXT = 20,
    ARROW_LARGE_LIST = 21,
    ARROW_BINARY_VIEW = 23,
    ARROW_TEXT_VIEW = 24,
};

/* A type without parts. */
struct arrow_scalar {
    value_type type; /* of the values; 0: none of ours can hold them */
    uint8_t kind;    /* an enum arrow_kind */
    uint8_t width;   /* bytes of a number; of what is variable, of its offsets */
    bool is_unsigned;
    int32_t size;        /* bytes of a fixed binary */
    int64_t units_per_s; /* of dates and timestamps; 0: whole days */
};

struct arrow_field {
    const char *name;
    const char *arrow_name;     /* of its type, for messages */
    value_type type;            /* of the values; 0: none of ours can hold them */
    struct arrow_scalar scalar; /* of a list, its elements; of a dictionary, its values */
    unsigned list_width;        /* bytes of a list's offsets; 0: no list */
    bool is_dictionary;
    struct arrow_scalar index; /* of a dictionary */
    int64_t dictionary_id;
};

static inline bool arrow_is_view(uint8_t kind)
{
    return kind == ARROW_BINARY_VIEW || kind == ARROW_TEXT_VIEW;
}

/* Texts and bytes that lie one behind the other. */
static inline bool arrow_has_offsets(uint8_t kind)
{
    return kind == ARROW_BINARY || kind == ARROW_TEXT || kind == ARROW_LARGE_BINARY ||
           kind == ARROW_LARGE_TEXT;
}

/* fields: [*count], in the arena. INVALID: damaged, or another byte order than ours. */
enum status arrow_fields_of(struct flat_table schema, struct arena *arena,
                            struct arrow_field **fields, size_t *count, struct error *err);

#endif
