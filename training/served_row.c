/* served_row.c - see served_row.h. */
#include "training/served_row.h"

enum status served_row_open(const struct catalog_view *view, struct bytes bytes,
                            struct served_row *row, struct error *err)
{
    static const struct row_layout no_columns = {.tail_offset = ROW_HEADER_SIZE};
    *row = (struct served_row){.bytes = bytes};
    if (!row_peek(bytes, &row->header))
        return fail(err, STATUS_CORRUPT, "the stored bytes are no row");
    row->is_tombstone = row->header.flags & ROW_TOMBSTONE;
    if (!row->is_tombstone)
        row->schema = catalog_view_schema(view, row->header.schema);
    if (!row->is_tombstone && !row->schema)
        return fail(err, STATUS_CORRUPT, "it has schema number %u, which the view never had",
                    row->header.schema);
    return row_open(bytes, row->schema ? &row->schema->layout : &no_columns, &row->header, err);
}

bool served_row_value(const struct served_row *row, const struct feature_view *view, size_t feature,
                      struct value *value)
{
    const struct feature *wanted = &view->features[feature];
    int16_t column = row->schema ? view_schema_column(row->schema, wanted, feature) : -1;
    *value = column < 0 ? value_null(wanted->type)
                        : row_get(row->bytes, &row->schema->layout, (size_t)column);
    return column >= 0;
}

bool served_row_equals(const struct served_row *row, const struct feature_view *view,
                       const struct value *values)
{
    struct value value;
    for (size_t i = 0; i < view->feature_count; i++)
        if (!served_row_value(row, view, i, &value) || !value_equal(&value, &values[i]))
            return false;
    return true;
}
