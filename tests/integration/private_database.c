/* private_database.c - see private_database.h. */
#include "private_database.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static void stop(const char *doing, PGconn *connection)
{
    fprintf(stderr, "%s: %s\n", doing, PQerrorMessage(connection));
    exit(1);
}

static void run(PGconn *connection, const char *sql)
{
    PGresult *result = PQexec(connection, sql);
    ExecStatusType status = PQresultStatus(result);
    if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK)
        stop(sql, connection);
    PQclear(result);
}

static PGconn *connect_to(const char *url)
{
    PGconn *connection = PQconnectdb(url);
    if (PQstatus(connection) != CONNECTION_OK)
        stop("connecting", connection);
    run(connection, "SET client_min_messages = error; SET TimeZone = 'UTC'; SET DateStyle = 'ISO'");
    return connection;
}

void private_database_make(struct private_database *database)
{
    const char *server = getenv("LARDER_TEST_POSTGRES");
    if (!server) {
        fprintf(stderr,
                "LARDER_TEST_POSTGRES is not set: run tests/support/with-services COMMAND, or "
                "scripts/test\n");
        exit(1);
    }
    database->server = connect_to(server);
    snprintf(database->name, sizeof database->name, "larder_offline_%ld", (long)getpid());
    char sql[128];
    snprintf(sql, sizeof sql, "CREATE DATABASE %s", database->name);
    run(database->server, sql);
    snprintf(database->url, sizeof database->url, "host='%s' port='%s' user='%s' dbname='%s'",
             PQhost(database->server), PQport(database->server), PQuser(database->server),
             database->name);
    database->owner = connect_to(database->url);
}

void private_database_drop(struct private_database *database)
{
    char sql[128];
    PQfinish(database->owner);
    snprintf(sql, sizeof sql, "DROP DATABASE %s WITH (FORCE)", database->name);
    run(database->server, sql);
    PQfinish(database->server);
}

void private_database_run(struct private_database *database, const char *sql)
{
    run(database->owner, sql);
}

const char *private_database_ask(struct private_database *database, const char *sql)
{
    static char answer[1024];
    PGresult *result = PQexec(database->owner, sql);
    if (PQresultStatus(result) != PGRES_TUPLES_OK)
        stop(sql, database->owner);
    snprintf(answer, sizeof answer, "%s", PQntuples(result) ? PQgetvalue(result, 0, 0) : "");
    PQclear(result);
    return answer;
}

void private_database_clear(struct private_database *database)
{
    run(database->owner, "DROP SCHEMA public CASCADE; CREATE SCHEMA public");
}

struct offline_store *private_database_store(struct private_database *database, const char *options)
{
    char url[2048];
    snprintf(url, sizeof url, "%s %s", database->url, options ? options : "");
    struct settings settings = {
        .offline_store = {.type = "postgres", .url = url, .timeout_ms = 5000}};
    struct offline_store *store;
    struct error err;
    if (offline_store_open(&settings, &store, &err)) {
        fprintf(stderr, "%s\n", err.message);
        exit(1);
    }
    return store;
}
