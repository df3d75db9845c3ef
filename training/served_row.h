/*
 * served_row.h - a row of the online store as a reader gets it: by name and type, whatever schema
 * of the view it was written under. Pure; any thread.
 */
#ifndef LARDER_TRAINING_SERVED_ROW_H
#define LARDER_TRAINING_SERVED_ROW_H

#include "base/error.h"
#include "base/row.h"
#include "store/registry/catalog.h"

#include <stdbool.h>

struct served_row {
    struct bytes bytes; /* borrowed */
    struct row_header header;
    const struct view_schema *schema; /* NULL for a tombstone */
    bool is_tombstone;
};

/* CORRUPT: it is no whole row of the view. */
enum status served_row_open(const struct catalog_view *view, struct bytes bytes,
                            struct served_row *row, struct error *err);
/* The value of a feature, by its index in the view, borrowed from the row. false: the row lacks it,
 * or holds it under another type. */
bool served_row_value(const struct served_row *row, const struct feature_view *view, size_t feature,
                      struct value *value);
/* Whether all features have these values, bit by bit. */
bool served_row_equals(const struct served_row *row, const struct feature_view *view,
                       const struct value *values);

#endif
