/*
 * postgres_connection.h - one libpq connection, opened and spoken to in one way.
 *
 * For the PostgreSQL backends of the registry and the offline store (and later the change stream);
 * nobody else. Every session has TimeZone UTC, UTF8, ISO dates, extra_float_digits 3,
 * synchronous_commit on, application_name "larder". Errors carry PostgreSQL's own words on one
 * line, and never a password. Statuses: a lost or refused connection is UNAVAILABLE, a cancelled
 * statement CANCELLED, a wrong password UNAVAILABLE with a clear sentence, anything else FAILED
 * unless the caller maps its SQLSTATE. One thread.
 */
#ifndef LARDER_STORE_POSTGRES_CONNECTION_H
#define LARDER_STORE_POSTGRES_CONNECTION_H

#include "base/arena.h"
#include "base/buffer.h"
#include "base/error.h"
#include "store/postgres_wait.h"

#include <libpq-fe.h>
#include <stdint.h>

/* timeout_ms: for each address, unless the url has a connect_timeout. */
enum status postgres_connect(const char *url, uint32_t timeout_ms, PGconn **connection,
                             struct error *err);
/* The same within the limit. */
enum status postgres_connect_within(const char *url, const struct postgres_limit *limit,
                                    PGconn **connection, struct error *err);

/* Fills err from a failed result or connection; `doing` says what was tried ("reading
 * public.weather"). */
enum status postgres_fail(PGconn *connection, const PGresult *result, const char *doing,
                          struct error *err);
/* Where postgres_wait.h gave up: UNAVAILABLE. */
enum status postgres_no_answer(const char *doing, struct error *err);
/* The five-letter SQLSTATE of a result; "" if there is none. */
const char *postgres_sqlstate(const PGresult *result);

/* Runs one statement with text parameters (NULL: none); on OK *result may be NULL (dropped) or the
 * caller's to PQclear. A COPY is OK, too, and leaves the connection in its copy mode. */
enum status postgres_query(PGconn *connection, const char *doing, const char *sql, int count,
                           const char *const *values, PGresult **result, struct error *err);
enum status postgres_run(PGconn *connection, const char *doing, const char *sql, struct error *err);
/* The same within the limit. UNAVAILABLE: it was given up, and the connection is broken. */
enum status postgres_run_within(PGconn *connection, const struct postgres_limit *limit,
                                const char *doing, const char *sql, struct error *err);

/* Appends an identifier, quoted by libpq; "schema.table" written as in definitions is quoted in
 * parts. */
void postgres_append_identifier(PGconn *connection, struct buffer *sql, const char *identifier);
void postgres_append_table(PGconn *connection, struct buffer *sql, const char *table);
void postgres_append_literal(PGconn *connection, struct buffer *sql, const char *text);

#endif
