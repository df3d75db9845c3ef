/*
 * postgres_database.h - a database of its own for one test program, on the server that
 * LARDER_TEST_POSTGRES names (tests/support/with-services starts one). Without that variable the
 * program ends with a sentence that says so. What fails here ends the running test.
 */
#ifndef LARDER_TESTS_SUPPORT_POSTGRES_DATABASE_H
#define LARDER_TESTS_SUPPORT_POSTGRES_DATABASE_H

#include <libpq-fe.h>

struct postgres_database {
    char name[64];
    char url[1024];  /* of the database, as the superuser */
    PGconn *session; /* in it, as the superuser */
};

/* `purpose` goes into the name, beside the process id. */
void postgres_database_make(struct postgres_database *database, const char *purpose);
/* Ends whatever is connected to it. */
void postgres_database_drop(struct postgres_database *database);

/* The url with another user (and password, unless NULL). Static text is not used: give room. */
const char *postgres_database_url_as(const struct postgres_database *database, const char *user,
                                     const char *password, char url[1024]);

/* Statements that must work; the answer is a number, or the first cell's text in `cell`. */
void sql_run(PGconn *session, const char *sql);
long sql_number(PGconn *session, const char *sql);
const char *sql_text(PGconn *session, const char *sql, char cell[256]);

#endif
