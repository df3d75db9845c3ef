/*
 * asks.h - the rows that ask for a training set: a table with the join keys and event_timestamp,
 * whose other columns pass through. A CSV, or Arrow's IPC format as a file or as a stream: the
 * first bytes tell.
 *
 * It is read twice: once for the keys and times, once to write each row out beside its answer. So
 * what cannot be read again (standard input, a pipe) is kept in an unnamed temporary file, and
 * memory stays bounded. A CSV does not say what its columns are: the first reading finds out
 * (column_guess.h), unless they are wanted as they stand. One thread.
 */
#ifndef LARDER_TRAINING_FORMATS_ASKS_H
#define LARDER_TRAINING_FORMATS_ASKS_H

#include "base/arena.h"
#include "base/error.h"
#include "config/selection.h"
#include "training/formats/checksum.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct asks;
struct offline_store;

struct ask {
    const struct value *keys; /* [selection->key_count], nulls allowed */
    int64_t at_us;
    const struct value *cells; /* the whole row: [asks_column_count], each of its column's type; in
                                  the second reading alone */
};

/* Opens and reads the header. as_text: the cells of a CSV are strings, as they stood. stop, which
 * may be NULL: what is not a file ends where it is set, and the caller looks at it. INVALID: a key
 * or event_timestamp is missing, or a name stands twice. */
enum status asks_open(const char *path, const struct selection *selection, bool as_text,
                      const atomic_bool *stop, struct asks **asks, struct error *err);
/* The same of a query in the offline store, whose rows are kept as a CSV: name is how messages call
 * it. INVALID as offline_query_open, too. */
enum status asks_open_query(struct offline_store *store, const char *sql, const char *name,
                            const struct selection *selection, bool as_text, struct asks **asks,
                            struct error *err);
void asks_close(struct asks *asks);

/* In messages: "standard input". */
const char *asks_name(const struct asks *asks);
size_t asks_column_count(const struct asks *asks);
const char *asks_column(const struct asks *asks, size_t column);
/* Puts where a column's name stands before the message that err holds; returns err's status. */
enum status asks_fail_at_column(const struct asks *asks, size_t column, struct error *err);
/* Known once the first reading has come to its end. Keys have the type that the selection asks for,
 * event_timestamp is a timestamp. */
value_type asks_column_type(const struct asks *asks, size_t column);
/* Where a key stands among the columns, and event_timestamp. */
size_t asks_key_column(const struct asks *asks, size_t key);
size_t asks_time_column(const struct asks *asks);

/* *ask NULL is the end. Borrowed until the next call. INVALID with FILE:LINE:COLUMN. */
enum status asks_next(struct asks *asks, const struct ask **ask, struct error *err);
/* Back to the first row, for the second reading. */
enum status asks_rewind(struct asks *asks, struct error *err);
/* FAILED: the second reading does not meet what the first one did. */
enum status asks_changed(const struct asks *asks, struct error *err);
/* What the bytes are known by; reads them through. Before the first row is read. */
enum status asks_checksum(struct asks *asks, uint64_t *size, char sha256[CHECKSUM_TEXT_SIZE],
                          struct error *err);
/* FAILED: the file was written to since its checksum was taken. */
enum status asks_check_unchanged(const struct asks *asks, struct error *err);
uint64_t asks_count(const struct asks *asks); /* rows handed out since the start or the rewind */

#endif
