/*
 * postgres_wait.h - waiting for PostgreSQL no longer than a limit.
 *
 * libpq's own calls wait for as long as the connection stands, which a PostgreSQL that hangs, or a
 * lock that somebody holds, can make for ever. For postgres_connection.c and those who send
 * statements themselves. What was given up is over: its connection is broken, and is to be closed.
 * Looking up the name of a host is the resolver's own affair, and takes the time that it takes.
 */
#ifndef LARDER_STORE_POSTGRES_WAIT_H
#define LARDER_STORE_POSTGRES_WAIT_H

#include <libpq-fe.h>
#include <stdbool.h>
#include <stdint.h>

struct postgres_limit {
    uint32_t timeout_ms; /* of each statement, or address to connect to; 0: none */
    int wake_fd; /* -1: none. Once it can be read, somebody waits for the caller: what runs then has
                    at most POSTGRES_GRACE_MS more */
};

enum { POSTGRES_GRACE_MS = 600 };

/* Carries PQconnectStart through. false: given up; else PQstatus says what came of it. */
bool postgres_wait_connected(PGconn *connection, const struct postgres_limit *limit);

/* As PQexec and PQexecParams (with text parameters), except that NULL says one thing alone: it was
 * given up. */
PGresult *postgres_wait_run(PGconn *connection, const struct postgres_limit *limit,
                            const char *sql);
PGresult *postgres_wait_query(PGconn *connection, const struct postgres_limit *limit,
                              const char *sql, int count, const char *const *values);

#endif
