/*
 * bench_copy.c - what reading history costs by itself: COPY BINARY of a query, thrown away.
 *
 *     bench_copy --url URL --query "SELECT ..."
 *
 * Prints one line of JSON.
 */
#include "tests/bench/arguments.h"
#include "tests/bench/latency.h"

#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>

int main(int count, char **words)
{
    PGconn *connection = PQconnectdb(argument_text(count, words, "url", NULL));
    if (PQstatus(connection) != CONNECTION_OK)
        die("%s", PQerrorMessage(connection));
    char *copy;
    if (asprintf(&copy, "COPY (%s) TO STDOUT (FORMAT binary)",
                 argument_text(count, words, "query", NULL)) < 0)
        die("no memory");
    int64_t start_ns = latency_now_ns();
    PGresult *result = PQexec(connection, copy);
    if (PQresultStatus(result) != PGRES_COPY_OUT)
        die("%s", PQresultErrorMessage(result));
    PQclear(result);
    unsigned long long bytes = 0;
    char *piece;
    for (int size; (size = PQgetCopyData(connection, &piece, 0)) > 0;) {
        bytes += (unsigned long long)size;
        PQfreemem(piece);
    }
    result = PQgetResult(connection);
    if (PQresultStatus(result) != PGRES_COMMAND_OK)
        die("%s", PQresultErrorMessage(result));
    double seconds = (double)(latency_now_ns() - start_ns) / 1e9;
    printf("{\"rows\": %s, \"bytes\": %llu, \"seconds\": %.6f}\n", PQcmdTuples(result), bytes,
           seconds);
    PQclear(result);
    PQfinish(connection);
    free(copy);
    return EXIT_SUCCESS;
}
