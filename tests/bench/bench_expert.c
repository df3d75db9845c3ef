/*
 * bench_expert.c - a training set as somebody makes it who knows PostgreSQL well: one session, COPY
 * in and out.
 *
 *     bench_expert --url URL [--prepare "SQL"] [--asks FILE --into "asks (id, ...)"]
 *                  [--read "SELECT ..."]... [--answer "SELECT ..." --out FILE]
 *
 * Prepares; copies the asks in; reads history by COPY BINARY, and throws it away; copies the answer
 * out as CSV. Each is left out where it is not given. Prints one line of JSON: the seconds of each,
 * and the rows of the last two. "timeout": true where a statement ran into the statement_timeout
 * that was prepared.
 */
#include "tests/bench/arguments.h"
#include "tests/bench/latency.h"

#include <errno.h>
#include <libpq-fe.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PIECE_SIZE = 1 << 16 };

static const char query_canceled[] = "57014";

struct expert {
    PGconn *connection;
    bool timeout;
    unsigned long long read_rows, rows;
};

/* Takes the result; a timeout is an end like any other. */
static bool went_well(struct expert *expert, PGresult *result, ExecStatusType wanted)
{
    const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    if (PQresultStatus(result) != wanted && !(state && strcmp(state, query_canceled) == 0))
        die("%s", PQerrorMessage(expert->connection));
    expert->timeout = PQresultStatus(result) != wanted;
    PQclear(result);
    return !expert->timeout;
}

static PGresult *start_copy(struct expert *expert, const char *before, const char *what,
                            const char *after)
{
    char *copy;
    if (asprintf(&copy, "COPY %s%s%s", before, what, after) < 0)
        die("no memory");
    PGresult *result = PQexec(expert->connection, copy);
    free(copy);
    return result;
}

static void prepare(struct expert *expert, const char *sql)
{
    PGresult *result = PQexec(expert->connection, sql);
    ExecStatusType status = PQresultStatus(result);
    if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK)
        die("%s", PQresultErrorMessage(result));
    PQclear(result);
}

static void copy_in(struct expert *expert, const char *path, const char *into)
{
    static char piece[PIECE_SIZE];
    FILE *file = fopen(path, "r");
    if (!file)
        die("%s: %s", path, strerror(errno));
    if (!went_well(expert, start_copy(expert, "", into, " FROM STDIN (FORMAT csv, HEADER)"),
                   PGRES_COPY_IN))
        die("%s: it took too long", path);
    for (size_t size; (size = fread(piece, 1, sizeof piece, file)) > 0;)
        if (PQputCopyData(expert->connection, piece, (int)size) != 1)
            die("%s", PQerrorMessage(expert->connection));
    fclose(file);
    if (PQputCopyEnd(expert->connection, NULL) != 1)
        die("%s", PQerrorMessage(expert->connection));
    went_well(expert, PQgetResult(expert->connection), PGRES_COMMAND_OK);
    PQclear(PQgetResult(expert->connection));
}

/* file: NULL to throw it away. Returns how many rows came. */
static unsigned long long copy_out(struct expert *expert, const char *query, const char *format,
                                   FILE *file)
{
    char *piece;
    if (!went_well(expert, start_copy(expert, "(", query, format), PGRES_COPY_OUT))
        return 0;
    for (int size; (size = PQgetCopyData(expert->connection, &piece, 0)) > 0; PQfreemem(piece))
        if (file && fwrite(piece, 1, (size_t)size, file) != (size_t)size)
            die("the answer cannot be written: %s", strerror(errno));
    PGresult *result = PQgetResult(expert->connection);
    unsigned long long rows = strtoull(PQcmdTuples(result), NULL, 10);
    went_well(expert, result, PGRES_COMMAND_OK);
    PQclear(PQgetResult(expert->connection));
    return rows;
}

static void read_history(struct expert *expert, int count, char **words)
{
    for (int i = 1; i + 1 < count && !expert->timeout; i += 2)
        if (strcmp(words[i], "--read") == 0)
            expert->read_rows +=
                copy_out(expert, words[i + 1], ") TO STDOUT (FORMAT binary)", NULL);
}

static void write_answer(struct expert *expert, const char *query, const char *path)
{
    FILE *file = fopen(path, "w");
    if (!file)
        die("%s: %s", path, strerror(errno));
    expert->rows = copy_out(expert, query, ") TO STDOUT (FORMAT csv, HEADER)", file);
    if (fclose(file))
        die("%s: %s", path, strerror(errno));
}

static double lap(int64_t *since_ns)
{
    int64_t now_ns = latency_now_ns();
    double seconds = (double)(now_ns - *since_ns) / 1e9;
    *since_ns = now_ns;
    return seconds;
}

int main(int count, char **words)
{
    struct expert expert = {
        .connection = PQconnectdb(argument_text(count, words, "url", NULL)),
    };
    const char *asks = argument_text(count, words, "asks", "");
    const char *answer = argument_text(count, words, "answer", "");
    if (PQstatus(expert.connection) != CONNECTION_OK)
        die("%s", PQerrorMessage(expert.connection));
    prepare(&expert, argument_text(count, words, "prepare", "SELECT 1"));
    int64_t since_ns = latency_now_ns();
    if (*asks)
        copy_in(&expert, asks, argument_text(count, words, "into", NULL));
    double asked = lap(&since_ns);
    read_history(&expert, count, words);
    double read = lap(&since_ns);
    if (*answer && !expert.timeout)
        write_answer(&expert, answer, argument_text(count, words, "out", NULL));
    double answered = lap(&since_ns);
    printf("{\"asked_seconds\": %.6f, \"read_seconds\": %.6f, \"answer_seconds\": %.6f, "
           "\"read_rows\": %llu, \"rows\": %llu, \"timeout\": %s}\n",
           asked, read, answered, expert.read_rows, expert.rows, expert.timeout ? "true" : "false");
    PQfinish(expert.connection);
    return EXIT_SUCCESS;
}
