/*
 * arrow_cell.h - one cell of an Arrow column as a value of ours.
 *
 * Nothing that the file says is trusted: every read is held against the size of its buffer.
 */
#ifndef LARDER_TRAINING_FORMATS_ARROW_CELL_H
#define LARDER_TRAINING_FORMATS_ARROW_CELL_H

#include "training/formats/arrow_column.h"

/* Strings and bytes borrow from the column; lists are made in the arena. The value is of the
 * field's type. INVALID: it is none that a column of that type can have; the caller adds the place.
 */
enum status arrow_cell_get(const struct arrow_field *field, const struct arrow_column *column,
                           int64_t row, struct arena *arena, struct value *value,
                           struct error *err);

#endif
