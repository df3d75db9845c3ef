/*
 * asks.h - the rows that ask for a training set: a CSV with the join keys and event_timestamp,
 * whose other columns pass through.
 *
 * It is read twice: once for the keys and times, once to write each row out beside its answer. So
 * standard input is kept in an unnamed temporary file, and memory stays bounded. One thread.
 */
#ifndef LARDER_TRAINING_ASKS_H
#define LARDER_TRAINING_ASKS_H

#include "base/arena.h"
#include "base/csv.h"
#include "base/error.h"
#include "config/selection.h"

#include <stdbool.h>
#include <stdint.h>

struct asks;

struct ask {
    const struct value *keys; /* [selection->key_count], nulls allowed */
    int64_t at_us;
    const struct csv_field *fields; /* the whole row as it stood */
    size_t field_count;
};

/* Opens and reads the header. INVALID: a key or event_timestamp is missing, or a name stands twice.
 */
enum status asks_open(const char *path, const struct selection *selection, struct asks **asks,
                      struct error *err);
void asks_close(struct asks *asks);

size_t asks_column_count(const struct asks *asks);
const char *asks_column(const struct asks *asks, size_t column);

/* *ask NULL is the end. Borrowed until the next call. INVALID with FILE:LINE:COLUMN. */
enum status asks_next(struct asks *asks, const struct ask **ask, struct error *err);
/* Back to the first row, for the second reading. */
enum status asks_rewind(struct asks *asks, struct error *err);
uint64_t asks_count(const struct asks *asks); /* rows handed out since the start or the rewind */

#endif
