/*
 * asks_arrow_cell.h - one cell of an Arrow column as a value of ours.
 *
 * asks_arrow.c asks it for each column of the schema, then for cells. Nothing that the file says is
 * trusted: every read is held against the size of its buffer, whatever was validated before.
 */
#ifndef LARDER_TRAINING_ASKS_ARROW_CELL_H
#define LARDER_TRAINING_ASKS_ARROW_CELL_H

#include "base/arena.h"
#include "base/error.h"
#include "base/value.h"

struct ArrowSchema;
struct ArrowArrayView;

/* How cells of a column are read. */
struct arrow_cell_type {
    value_type type; /* of the values; 0: none of ours can hold them */
    int arrow;       /* enum ArrowType; of a dictionary, its values; of a list, its elements */
    int unit;        /* enum ArrowTimeUnit, of timestamps */
    int list;        /* enum ArrowType of the list; 0: no list */
    bool is_dictionary;
    int index; /* enum ArrowType of a dictionary's indexes */
};

/* What Arrow has more of is widened: small integers to int32, uint32 and uint64 to int64, half
 * floats to float32, dates and timestamps of any unit to timestamp. */
struct arrow_cell_type arrow_cell_type_of(const struct ArrowSchema *schema);
/* Strings and bytes borrow from the view; lists are made in the arena. INVALID: the value is none
 * that a column of that type can have; the caller adds the place. */
enum status arrow_cell_get(const struct arrow_cell_type *type, const struct ArrowArrayView *view,
                           int64_t row, struct arena *arena, struct value *value,
                           struct error *err);

#endif
