/*
 * sqlite_connection.h - one SQLite database file, opened and spoken to in one way.
 *
 * For the SQLite backends of the registry and the offline store, which share a file; nobody else.
 * The file is in WAL mode once one of them has written to it, so that a scan never holds up a
 * write; a commit is on the disk when it returns. Another process's write is waited for up to the
 * timeout. Errors carry SQLite's own words on one line. Statuses: busy beyond the timeout is
 * UNAVAILABLE, an interrupt CANCELLED, a full disk EXHAUSTED, a file that is none of SQLite's
 * CORRUPT, anything else FAILED. One thread a connection.
 */
#ifndef LARDER_STORE_SQLITE_CONNECTION_H
#define LARDER_STORE_SQLITE_CONNECTION_H

#include "base/buffer.h"
#include "base/error.h"

#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>

/* How long another's lock is waited for, which is asked again and again. SQLite's own wait looks
 * ten times a second; where several write one after the other, whoever has waited long then hardly
 * ever finds the moment between two of them. */
struct sqlite_patience {
    uint32_t (*limit_ms)(void *context);
    void *context;
    int64_t since_us; /* when this wait began (monotonic) */
};

/* NOT_FOUND: there is no such file, and it is not to be made. Its folder is never made. What is in
 * the file is not looked at. The patience lasts as long as the connection. */
enum status sqlite_connect(const char *path, struct sqlite_patience *patience, bool make,
                           sqlite3 **connection, struct error *err);
void sqlite_disconnect(sqlite3 *connection); /* NULL is fine */

/* Fills err from the connection's last error; `doing` says what was tried ("reading weather"). */
enum status sqlite_fail(sqlite3 *connection, const char *doing, struct error *err);

/* Runs statements that give no rows. */
enum status sqlite_run(sqlite3 *connection, const char *doing, const char *sql, struct error *err);
/* The caller's to sqlite3_finalize. */
enum status sqlite_prepare(sqlite3 *connection, const char *doing, const char *sql,
                           sqlite3_stmt **statement, struct error *err);
/* *row false is the end. */
enum status sqlite_step(sqlite3_stmt *statement, const char *doing, bool *row, struct error *err);

enum status sqlite_begin_write(sqlite3 *connection, const char *doing, struct error *err);
enum status sqlite_commit(sqlite3 *connection, const char *doing, struct error *err);
void sqlite_rollback(sqlite3 *connection); /* whatever is open; nothing is fine */

/* Appends an identifier in quotes; "main.weather" written as in definitions is quoted in parts. */
void sqlite_append_identifier(struct buffer *sql, const char *identifier);
void sqlite_append_table(struct buffer *sql, const char *table);
/* "weather", of "main.weather" as definitions write it. */
const char *sqlite_table_name(const char *table);

#endif
