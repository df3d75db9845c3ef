/*
 * postgres_join_sql.h - the statements of a point-in-time join, as text.
 *
 * postgres_join.c runs them. One SELECT answers the rows that ask (postgres_asks.h), in their
 * order: for every selected view its event time (null: nothing found), its created time if the
 * source has one, and its features.
 */
#ifndef LARDER_STORE_OFFLINE_POSTGRES_JOIN_SQL_H
#define LARDER_STORE_OFFLINE_POSTGRES_JOIN_SQL_H

#include "store/offline/postgres_source.h"

struct postgres_join_sql {
    struct postgres_store *store;
    const struct join_request *request;
    const struct postgres_view *views; /* [selection->view_count] */
    int64_t first_us, last_us;         /* between which all of them ask; for the stream alone */
};

void postgres_append_join(const struct postgres_join_sql *join, struct buffer *sql);
/* The same for one view and one ask of nothing, to be explained: what a probe costs. */
void postgres_append_probe(const struct postgres_join_sql *join, size_t index, struct buffer *sql);
/*
 * The SELECT of all rows of a view that may answer somebody who asks between first_us and last_us:
 * keys, event time, created time if the source has one, features. It ends in a condition, to which
 * " AND ..." may be appended.
 */
void postgres_append_stream(const struct postgres_join_sql *join, size_t index, struct buffer *sql);

#endif
