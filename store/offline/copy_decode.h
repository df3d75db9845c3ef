/*
 * copy_decode.h - the bytes of PostgreSQL's COPY BINARY, as tuples of typed values.
 *
 * Scans and joins feed a reader with whatever arrives and take whole tuples from it; each field is
 * then decoded by the PostgreSQL type it is sent as and the type it is wanted as. No libpq here,
 * and no trust: bytes that PostgreSQL would not send are CORRUPT, never read past, never guessed
 * at.
 *
 * What PostgreSQL can hold and a feature cannot is a misfit: no error here, but a null with a
 * reason. Callers decide whether that stops them. One thread.
 */
#ifndef LARDER_STORE_OFFLINE_COPY_DECODE_H
#define LARDER_STORE_OFFLINE_COPY_DECODE_H

#include "base/arena.h"
#include "base/buffer.h"
#include "base/error.h"
#include "base/value.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Oids of the types that are read; PostgreSQL never changes them. */
enum {
    PG_TYPE_BOOL = 16,
    PG_TYPE_BYTEA = 17,
    PG_TYPE_INT8 = 20,
    PG_TYPE_INT2 = 21,
    PG_TYPE_INT4 = 23,
    PG_TYPE_TEXT = 25,
    PG_TYPE_JSON = 114,
    PG_TYPE_FLOAT4 = 700,
    PG_TYPE_FLOAT8 = 701,
    PG_TYPE_BPCHAR = 1042,
    PG_TYPE_VARCHAR = 1043,
    PG_TYPE_DATE = 1082,
    PG_TYPE_TIMESTAMP = 1114,
    PG_TYPE_TIMESTAMPTZ = 1184,
    PG_TYPE_NUMERIC = 1700,
    PG_TYPE_UUID = 2950,
    PG_TYPE_JSONB = 3802,
};

/* Values ----------------------------------------------------------------------------------------
 */

enum copy_misfit {
    COPY_FITS,
    COPY_INFINITE_TIME,
    COPY_TIME_OUT_OF_RANGE,
    COPY_BEYOND_FLOAT64,
    COPY_NULL_IN_LIST,
    COPY_NESTED_ARRAY,
};
/* "an infinite time": how a message calls what was met. */
const char *copy_misfit_text(enum copy_misfit misfit);

struct copy_wire;
/* How one column of a stream is read. */
struct copy_column {
    const struct copy_wire *wire; /* of the value, or of a list's elements */
    value_type type;              /* of what is made */
};

/* oid: the type sent; for a list, that of the array's elements. false if such values cannot become
 * values of the type. Text-like types but text and varchar are to be cast to text before they are
 * sent. */
bool copy_column_init(struct copy_column *column, uint32_t oid, value_type type);

/*
 * A field without data is null. Strings and bytes borrow from the field, lists are made in the
 * arena. With a misfit the value is null. CORRUPT: the bytes are not of the column's type.
 */
enum status copy_decode(const struct copy_column *column, struct bytes field, struct arena *arena,
                        struct value *value, enum copy_misfit *misfit, struct error *err);

/* Tuples ----------------------------------------------------------------------------------------
 */

enum copy_step { COPY_TUPLE, COPY_MORE, COPY_END };

struct copy_reader {
    struct bytes rest;     /* fed and not yet taken: in the last chunk, or in kept */
    struct buffer kept;    /* the beginning of a tuple, until the rest of it arrives */
    size_t field_count;    /* that every tuple must have */
    bool in_tuples, ended; /* behind the header; behind the trailer */
};

void copy_reader_init(struct copy_reader *reader, size_t field_count);
void copy_reader_release(struct copy_reader *reader);
/* Lends a chunk until copy_reader_next answers COPY_MORE; only before the first such call or behind
 * one. */
enum status copy_reader_feed(struct copy_reader *reader, struct bytes chunk, struct error *err);
/* COPY_TUPLE fills fields[field_count], borrowed until the next call. COPY_MORE: feed it. COPY_END:
 * the trailer was read. CORRUPT: this is no such stream, or has another number of fields. */
enum status copy_reader_next(struct copy_reader *reader, struct bytes *fields, enum copy_step *step,
                             struct error *err);

#endif
