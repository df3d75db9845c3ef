/*
 * arrow_column.h - the columns of a record batch, or of a dictionary, in memory.
 *
 * Each buffer is read by itself, those of wanted columns alone, decompressed where it is
 * compressed. Offsets were looked at: they never go back, nor beyond what they lead into; whatever
 * else stands there, arrow_cell.h holds every read of a cell against its buffer. All buffers
 * together are bounded, by the size of the body and a limit of what compression may add.
 */
#ifndef LARDER_TRAINING_FORMATS_ARROW_COLUMN_H
#define LARDER_TRAINING_FORMATS_ARROW_COLUMN_H

#include "training/formats/arrow_field.h"
#include "training/formats/arrow_input.h"

struct arrow_column {
    int64_t length;
    struct bytes validity; /* a bit a cell; empty: none is null */
    struct bytes values;   /* numbers, bits, indexes, views; of what is variable, offsets */
    struct bytes data;     /* what offsets lead into */
    struct bytes *buffers; /* [buffer_count], what views lead into */
    size_t buffer_count;
    struct arrow_column *elements;         /* of a list */
    const struct arrow_column *dictionary; /* set by the caller */
};

/* batch: the header of a batch's message; of a dictionary's, the batch inside. Types of all fields
 * are known. columns: [count], filled where wanted, in the arena; the batch has *rows. INVALID: it
 * does not fit its schema, or is damaged; EXHAUSTED: too large. */
enum status arrow_columns_load(const struct arrow_input *input, const struct arrow_message *message,
                               struct flat_table batch, const struct arrow_field *fields,
                               const bool *wanted, size_t count, struct arena *arena,
                               struct arrow_column *columns, int64_t *rows, struct error *err);

#endif
