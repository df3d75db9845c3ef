/*
 * postgres_asks.h - some of the rows that ask, on their way into a statement as its parameters.
 *
 * One array a column goes up, and the statement reads them as a table: asks, with the columns n
 * (the order of asking, from 1), at, and k0, k1, ... for the selection's keys. So nothing is made
 * in the owner's database, and a standby answers like any other. One thread.
 */
#ifndef LARDER_STORE_OFFLINE_POSTGRES_ASKS_H
#define LARDER_STORE_OFFLINE_POSTGRES_ASKS_H

#include "store/offline/postgres_store.h"

struct postgres_asks {
    const struct selection *selection;
    struct arena arena;     /* of the keys that are held */
    size_t count, capacity; /* rows */
    int64_t *times;         /* [count] */
    struct value *keys;     /* [count][selection->key_count] */
    struct buffer *columns; /* [1 + selection->key_count]: of the statement under way */
};

void postgres_asks_init(struct postgres_asks *asks, const struct selection *selection);
void postgres_asks_release(struct postgres_asks *asks); /* accepts one that is zeroed */

/* Drops what it holds, and takes so many rows at most; fewer, or none: there are no more. */
enum status postgres_asks_take(struct postgres_asks *asks, const struct join_asks *from,
                               size_t most, struct error *err);
/* The keys of a row that it holds. */
const struct value *postgres_asks_keys(const struct postgres_asks *asks, size_t row);

/* What a statement reads them from: "unnest($1::timestamptz[], ...) ... AS asks(at, k0, n)". */
void postgres_append_asks(const struct selection *selection, struct buffer *sql);
/* One row that asks for nothing, as "... AS asks", to be explained. */
void postgres_append_no_ask(const struct selection *selection, struct buffer *sql);

/* The connection's unnamed statement; it runs with postgres_asks_send, again and again. */
enum status postgres_asks_prepare(const struct selection *selection, PGconn *connection,
                                  const char *doing, const char *sql, struct error *err);
/* Answers come binary, and are the caller's to take. */
enum status postgres_asks_send(struct postgres_asks *asks, PGconn *connection, const char *doing,
                               struct error *err);

#endif
