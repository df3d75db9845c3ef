/*
 * postgres_join_sql.h - the statements of a point-in-time join, as text.
 *
 * postgres_join.c runs them. One COPY answers all the rows that ask (postgres_asks.h), in their
 * order: for every selected view its event time (null: nothing found), its created time if the
 * source has one, and its features. The views are what is read: sources, or copies of them
 * (postgres_history.h).
 */
#ifndef LARDER_STORE_OFFLINE_POSTGRES_JOIN_SQL_H
#define LARDER_STORE_OFFLINE_POSTGRES_JOIN_SQL_H

#include "store/offline/postgres_source.h"

struct postgres_join_sql {
    struct postgres_store *store;
    const struct join_request *request;
    const struct postgres_view *views; /* [selection->view_count] */
    const char *table;                 /* of the rows that ask */
    int64_t first_us, last_us;         /* between which all of them ask */
};

void postgres_append_join(const struct postgres_join_sql *join, struct buffer *sql);
/* The SELECT of one view's answers alone, in no order. */
void postgres_append_probe(const struct postgres_join_sql *join, size_t index, struct buffer *sql);
/*
 * The SELECT of all rows of a view's history that an ask may have for an answer: columns k0, k1,
 * ... (the keys, as text where they are read as text), event, created if the source has one, f0,
 * f1, ... Keys that are too long to be online are left out: an index could not hold all of them.
 */
void postgres_append_history(const struct postgres_join_sql *join, size_t index,
                             struct buffer *sql);

#endif
