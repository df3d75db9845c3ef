/*
 * postgres_history.h - what a join reads for a view: its source, or a copy of what it needs of it.
 *
 * Where no index serves, or the source is a query, PostgreSQL would read the whole source for every
 * row that asks. Then temporary tables take the rows that may be answers and get the index that
 * serves, and the join's own statement reads those instead: there is one definition of what an
 * answer is. PostgreSQL's estimates of both ways decide, for all views together, so that one
 * snapshot still answers. The session's setting larder.join decides otherwise: 'probe' never
 * copies, 'copy' always does (tests use it, and ALTER ROLE may).
 *
 * A copy is made in a transaction that writes, filled in one that is READ ONLY (temporary tables
 * may be written there, and a source's query runs nowhere else), and then indexed. The answers are
 * taken when all that is over, so that no snapshot holds the owner's vacuum back while a file is
 * written.
 */
#ifndef LARDER_STORE_OFFLINE_POSTGRES_HISTORY_H
#define LARDER_STORE_OFFLINE_POSTGRES_HISTORY_H

#include "store/offline/postgres_join_sql.h"

struct postgres_history {
    const char *copy;          /* the table, with its schema, as SQL; NULL: there is none */
    struct postgres_view view; /* of the copy, to be read instead of the source */
};

/* All that takes `join` wants its views to be those of the sources. */

/* Whether it is better to copy, given how many rows ask. Inside a transaction that reads. */
enum status postgres_history_choose(const struct postgres_join_sql *join, uint64_t ask_count,
                                    bool *copies, struct error *err);
/* Inside a transaction that writes. */
enum status postgres_history_make(const struct postgres_join_sql *join, size_t index,
                                  struct arena *arena, struct postgres_history *history,
                                  struct error *err);
/* Inside one that reads, and is committed. */
enum status postgres_history_fill(const struct postgres_join_sql *join, size_t index,
                                  struct arena *arena, struct postgres_history *history,
                                  struct error *err);
/* Inside one that writes. */
enum status postgres_history_index(struct postgres_store *store,
                                   const struct postgres_history *history, struct error *err);
/* Drops the copy. Accepts one that is zeroed, or whose making was rolled back. */
void postgres_history_close(struct postgres_store *store, struct postgres_history *history);

#endif
