/*
 * sqlite_value.h - how values stand in SQLite, which knows five classes of storage and no types.
 *
 *     bool                INTEGER 0 or 1
 *     int32, int64        INTEGER
 *     timestamp           INTEGER, microseconds since 1970 UTC
 *     float32, float64    REAL, or an INTEGER; what SQLite cannot hold as a number (NaN, which it
 *                         makes a null, and -0, which it makes 0) is a BLOB of its 4 or 8 bytes,
 *                         IEEE 754, most significant first
 *     string              TEXT, UTF-8 without NUL
 *     bytes               BLOB
 *     list                TEXT, a JSON array as in CSV (base/value_text.h)
 *
 * A float32 read from a REAL is the nearest one, since SQLite has no shorter REAL; everything else
 * reads as it is or is a misfit: SQLite lets any column hold anything, so it is met a value at a
 * time. Scans, joins and loads stand on this, and the affinity of a column (SQLite's word for what
 * it does to values that are put into it) says what it may be declared as. Pure but for the
 * statement.
 */
#ifndef LARDER_STORE_OFFLINE_SQLITE_VALUE_H
#define LARDER_STORE_OFFLINE_SQLITE_VALUE_H

#include "base/arena.h"
#include "base/buffer.h"
#include "base/error.h"
#include "base/value.h"

#include <sqlite3.h>
#include <stdbool.h>

/* A column of the row that the statement stands on. Strings and bytes are borrowed until its next
 * step, lists are made in the arena. *misfit: NULL, or what stands there ("a text") while the value
 * is null. */
void sqlite_read(sqlite3_stmt *statement, int column, value_type type, struct arena *arena,
                 struct value *value, const char **misfit);

/* SQL: whether a key column holds nothing that is read as such a key; never NULL. column: with its
 * table, in quotes. The connection must know the function that texts are judged with. */
void sqlite_append_unfit_key(struct buffer *sql, const char *column, value_type type);
void sqlite_add_functions(sqlite3 *connection);

/* Binds a value to the parameter (from 1), as above; bytes are copied. scratch is overwritten. */
enum status sqlite_bind(sqlite3_stmt *statement, int parameter, const struct value *value,
                        struct buffer *scratch, struct error *err);

enum sqlite_affinity {
    AFFINITY_NONE,
    AFFINITY_INTEGER,
    AFFINITY_REAL,
    AFFINITY_NUMERIC,
    AFFINITY_TEXT
};
/* Of a column that is declared so (NULL: not at all), by SQLite's own rules; strict: in a STRICT
 * table, where ANY is a type. */
enum sqlite_affinity sqlite_affinity_of(const char *declared, bool strict);
/* Whether a column of that affinity can hold values of the type at all. */
bool sqlite_affinity_fits(enum sqlite_affinity affinity, value_type type);
/* Whether it also gives back what was put into it, bit by bit. */
bool sqlite_affinity_keeps(enum sqlite_affinity affinity, value_type type);
/* What a column for values of the type is declared as, where we make it. */
const char *sqlite_declaration(value_type type);
/* typeof() of a key as it should stand: 'integer', 'text' or 'blob'. */
const char *sqlite_class(value_type key_type);

#endif
