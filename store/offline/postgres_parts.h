/*
 * postgres_parts.h - history cut into parts that can be read at once: a COPY each.
 *
 * Where PostgreSQL would read a table from end to end, ranges of its blocks are the parts (each row
 * stands in one, whatever is written meanwhile: a snapshot's rows stay where they are). A query,
 * and what an index finds, is one part. For postgres_stream.c, inside its transaction.
 */
#ifndef LARDER_STORE_OFFLINE_POSTGRES_PARTS_H
#define LARDER_STORE_OFFLINE_POSTGRES_PARTS_H

#include "store/offline/postgres_join_sql.h"

struct postgres_part {
    size_t view; /* index into selection.views */
    int64_t from_block;
    int64_t to_block; /* which is out; INT64_MAX: to the end */
};
struct postgres_parts {
    const char **selects; /* [view_count] */
    struct postgres_part *parts;
    size_t count;
};

/* Fit for so many readers. */
enum status postgres_parts_cut(const struct postgres_join_sql *sql, size_t reader_count,
                               struct arena *arena, struct postgres_parts *parts,
                               struct error *err);
/* The COPY of a part; returns its view. From any thread. */
size_t postgres_parts_append(const struct postgres_parts *parts, size_t index, struct buffer *sql);

#endif
