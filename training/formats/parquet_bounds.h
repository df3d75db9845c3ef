/*
 * parquet_bounds.h - the least and the greatest value of a column chunk, by which readers skip row
 * groups.
 *
 * There are none where a reader could be misled: of a chunk of NaNs, which have no order, and of
 * strings that are long.
 */
#ifndef LARDER_TRAINING_FORMATS_PARQUET_BOUNDS_H
#define LARDER_TRAINING_FORMATS_PARQUET_BOUNDS_H

#include "base/value.h"

#include <stdbool.h>

enum { PARQUET_BOUND_MAX = 64 };

struct parquet_bound {
    uint8_t bytes[PARQUET_BOUND_MAX]; /* as PLAIN has a value, without a length */
    size_t size;
};
struct parquet_bounds {
    bool any;
    bool none;                                      /* a value was too long to be one */
    struct value least, greatest;                   /* those of fixed width; not nulls */
    struct parquet_bound least_text, greatest_text; /* strings and bytes */
};

void parquet_bounds_see(struct parquet_bounds *bounds, const struct value *value);
/* false: there are none. */
bool parquet_bounds_get(const struct parquet_bounds *bounds, struct parquet_bound *least,
                        struct parquet_bound *greatest);

#endif
