/*
 * load_columns.h - the columns of a source's table as its definitions know them, and what the
 * header of a CSV means by its names.
 */
#ifndef LARDER_CLI_LOAD_COLUMNS_H
#define LARDER_CLI_LOAD_COLUMNS_H

#include "base/arena.h"
#include "base/csv.h"
#include "config/definitions.h"
#include "store/offline/offline_store.h"

struct load_columns {
    const struct load_column *items;
    const char *const
        *names; /* [count]: the key or feature that stands in each; the column otherwise */
    size_t count;
};

/* All of them: keys first, then the event time, the created time, and the features of every view on
 * the source. INVALID where two views want one column as types that no column serves, or no view
 * uses the source. */
enum status load_columns_of(const struct definitions *definitions, const struct source *source,
                            struct arena *arena, struct load_columns *columns, struct error *err);

/* given[i] is the column of header field i. INVALID: an unknown name ("did you mean"), one that
 * stands twice, a key or the event time missing. */
enum status load_columns_match(const struct load_columns *columns, const char *file,
                               const struct csv_field *header, size_t count, struct arena *arena,
                               const struct load_column **given, struct error *err);

#endif
