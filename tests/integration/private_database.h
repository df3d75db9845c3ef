/*
 * private_database.h - a database of a test program's own, on the server of LARDER_TEST_POSTGRES.
 *
 * Made empty, with a connection for its owner, who is who the tests play when they make tables. The
 * program drops it at its end.
 */
#ifndef LARDER_TESTS_PRIVATE_DATABASE_H
#define LARDER_TESTS_PRIVATE_DATABASE_H

#include "store/offline/offline_store.h"

#include <libpq-fe.h>

struct private_database {
    char url[1024]; /* of the database, as a connection string */
    char name[64];
    PGconn *server;
    PGconn *owner;
};

/* Ends the program with a sentence if there is no server. */
void private_database_make(struct private_database *database);
void private_database_drop(struct private_database *database);
/* Runs statements as the owner; ends the program if they fail. */
void private_database_run(struct private_database *database, const char *sql);
/* The first value of a query's first row, in a static buffer. */
const char *private_database_ask(struct private_database *database, const char *sql);
/* Nothing but an empty schema public is left. */
void private_database_clear(struct private_database *database);
/* A store on it; options: more of a connection string, such as "user=ann", or NULL. */
struct offline_store *private_database_store(struct private_database *database,
                                             const char *options);

#endif
