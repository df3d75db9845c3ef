/*
 * copy_target.h - a column that COPY fills, and whether it keeps a value as it is.
 *
 * PostgreSQL rounds and cuts what it is given to what a column's type holds, often without a word.
 * A load asks here first, so that what is stored reads back bit by bit as what was loaded, or is
 * not stored. No libpq. Pure; any thread.
 */
#ifndef LARDER_STORE_OFFLINE_COPY_TARGET_H
#define LARDER_STORE_OFFLINE_COPY_TARGET_H

#include "base/buffer.h"
#include "base/value.h"

#include <stdbool.h>
#include <stdint.h>

struct copy_target {
    uint32_t oid;     /* of the column's type behind any domains; of an array's elements */
    int32_t modifier; /* of that type, as pg_attribute.atttypmod has it: -1 for none */
};

/* Whether the column gives the value (of a type that fits it, not null) back as it is; of a list,
 * *culprit is the first element that it does not, otherwise the value itself. */
bool copy_target_keeps(const struct copy_target *target, const struct value *value,
                       struct value *culprit);
/* What to do about one that is not kept: "round it, or make the column double precision". */
const char *copy_target_advice(const struct copy_target *target);
/* Appends a value that is no list and is kept as text that PostgreSQL takes for the column. */
void copy_target_format(const struct copy_target *target, const struct value *value,
                        struct buffer *text);

#endif
