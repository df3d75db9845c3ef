/*
 * postgres_canceller.h - ends what a connection does, once somebody wants to stop.
 *
 * libpq waits for PostgreSQL as long as it takes: for a lock, a join, a commit. So a thread of the
 * canceller's own looks at a flag, and once that is set asks the server to cancel whatever runs;
 * the call that waits then fails with CANCELLED. It asks again and again, because what runs may be
 * between two statements, or waiting for its next row to be fetched.
 *
 * All functions are called by the thread that owns the connection.
 */
#ifndef LARDER_STORE_OFFLINE_POSTGRES_CANCELLER_H
#define LARDER_STORE_OFFLINE_POSTGRES_CANCELLER_H

#include <libpq-fe.h>
#include <stdatomic.h>

struct postgres_canceller;

struct postgres_canceller *postgres_canceller_open(const atomic_bool *stop);
/* The connection to watch over from now on; NULL: none. */
void postgres_canceller_aim(struct postgres_canceller *canceller, PGconn *connection);
void postgres_canceller_close(struct postgres_canceller *canceller);

#endif
