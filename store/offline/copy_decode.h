/*
 * copy_decode.h - a field of PostgreSQL's COPY BINARY, as a typed value.
 *
 * Scans and joins take fields from a copy_reader and decode each by the PostgreSQL type it is sent
 * as and the type it is wanted as. No libpq here, and no trust: bytes that PostgreSQL would not
 * send are CORRUPT, never read past, never guessed at.
 *
 * What PostgreSQL can hold and a feature cannot is a misfit: no error here, but a null with a
 * reason. Callers decide whether that stops them. Pure; any thread.
 */
#ifndef LARDER_STORE_OFFLINE_COPY_DECODE_H
#define LARDER_STORE_OFFLINE_COPY_DECODE_H

#include "base/arena.h"
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

#endif
