/*
 * flat_table.h - tables of a FlatBuffers message, in which Arrow writes what its files hold.
 *
 * Nothing that the message says is trusted: every read is held against its size. What lies outside
 * marks the message as damaged and reads as if it were not there, so a caller reads all that it
 * wants and looks at `damaged` once, before it acts on any of it. A table that is absent has only
 * absent slots. All numbers are little-endian; a slot's number is its field's place in the schema.
 *
 * A table refers to its message, which neither moves nor changes while tables of it are read.
 */
#ifndef LARDER_TRAINING_FORMATS_FLAT_TABLE_H
#define LARDER_TRAINING_FORMATS_FLAT_TABLE_H

#include "base/bytes.h"

#include <stdbool.h>
#include <stdint.h>

struct flat_message {
    const uint8_t *data;
    size_t size;
    bool damaged;
};

struct flat_table {
    struct flat_message *message;
    size_t at; /* 0: absent */
};

struct flat_vector {
    struct flat_message *message;
    size_t at;
    size_t count; /* 0: absent or empty; else all elements lie within the message */
    size_t width; /* bytes of an element */
};

struct flat_table flat_root(struct flat_message *message);
static inline bool flat_is_present(struct flat_table table)
{
    return table.at != 0;
}

/* A signed number of 1, 2, 4 or 8 bytes; `otherwise` where the slot is absent. */
int64_t flat_integer(struct flat_table table, unsigned slot, unsigned width, int64_t otherwise);
struct flat_table flat_child(struct flat_table table, unsigned slot);
/* Borrowed from the message; data NULL: absent. */
struct bytes flat_text(struct flat_table table, unsigned slot);

/* Of tables, width is 4; of structs and numbers, their size. */
struct flat_vector flat_vector(struct flat_table table, unsigned slot, size_t width);
/* index is below count. */
struct flat_table flat_vector_table(struct flat_vector vector, size_t index);
const uint8_t *flat_vector_element(struct flat_vector vector, size_t index);

#endif
