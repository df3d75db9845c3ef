/* postgres_database.c - see postgres_database.h. */
#include "tests/support/postgres_database.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static const char *server_url(void)
{
    const char *url = getenv("LARDER_TEST_POSTGRES");
    if (url && *url)
        return url;
    fprintf(stderr, "LARDER_TEST_POSTGRES is not set: run this through tests/support/with-services "
                    "(scripts/test does)\n");
    exit(1);
}

static PGconn *session_of(const char *url)
{
    PGconn *session = PQconnectdb(url);
    if (PQstatus(session) != CONNECTION_OK) {
        fprintf(stderr, "%s", PQerrorMessage(session));
        exit(1);
    }
    sql_run(session, "SET client_min_messages = error");
    return session;
}

/* One value of a connection, as a url writes it. */
static const char *escaped(const char *text, char url_part[256])
{
    size_t size = 0;
    for (const char *at = text; *at && size + 4 < 256; at++)
        size += (size_t)snprintf(url_part + size, 256 - size, "%%%02X", (unsigned char)*at);
    url_part[size] = '\0';
    return url_part;
}

const char *postgres_database_url_as(const struct postgres_database *database, const char *user,
                                     const char *password, char url[1024])
{
    char user_part[256], password_part[256] = "";
    if (password)
        escaped(password, password_part);
    snprintf(url, 1024, "postgresql://%s%s%s@%s:%s/%s", escaped(user, user_part),
             password ? ":" : "", password_part, PQhost(database->session),
             PQport(database->session), database->name);
    return url;
}

void postgres_database_make(struct postgres_database *database, const char *purpose)
{
    char sql[128];
    PGconn *server = session_of(server_url());
    snprintf(database->name, sizeof database->name, "larder_%s_%d", purpose, (int)getpid());
    snprintf(sql, sizeof sql, "CREATE DATABASE %s TEMPLATE template0 ENCODING 'UTF8'",
             database->name);
    sql_run(server, sql);
    database->session = server; /* for its host and port */
    const char *password = PQpass(server);
    postgres_database_url_as(database, PQuser(server), *password ? password : NULL, database->url);
    PQfinish(server);
    database->session = session_of(database->url);
}

void postgres_database_drop(struct postgres_database *database)
{
    char sql[128];
    PQfinish(database->session);
    PGconn *server = session_of(server_url());
    snprintf(sql, sizeof sql, "DROP DATABASE %s WITH (FORCE)", database->name);
    sql_run(server, sql);
    PQfinish(server);
}

void sql_run(PGconn *session, const char *sql)
{
    PGresult *result = PQexec(session, sql);
    ExecStatusType outcome = PQresultStatus(result);
    if (outcome != PGRES_COMMAND_OK && outcome != PGRES_TUPLES_OK)
        fail_msg("%s: %s", sql, PQresultErrorMessage(result));
    PQclear(result);
}

const char *sql_text(PGconn *session, const char *sql, char cell[256])
{
    PGresult *result = PQexec(session, sql);
    if (PQresultStatus(result) != PGRES_TUPLES_OK)
        fail_msg("%s: %s", sql, PQresultErrorMessage(result));
    if (PQntuples(result) != 1)
        fail_msg("%s: %d rows", sql, PQntuples(result));
    snprintf(cell, 256, "%s", PQgetvalue(result, 0, 0));
    PQclear(result);
    return cell;
}

long sql_number(PGconn *session, const char *sql)
{
    char cell[256];
    return strtol(sql_text(session, sql, cell), NULL, 10);
}
