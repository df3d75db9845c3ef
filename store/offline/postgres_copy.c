/* postgres_copy.c - see postgres_copy.h. */
#include "store/offline/postgres_copy.h"

#include <libpq-fe.h>

enum status postgres_copy_open(struct postgres_copy *copy, PGconn *connection, const char *doing,
                               struct buffer *sql, struct bytes *fields, size_t field_count,
                               struct error *err)
{
    *copy = (struct postgres_copy){.doing = doing, .fields = fields};
    buffer_append_byte(sql, 0);
    /* With the extended protocol, which takes one statement: whatever a query holds, it cannot end
     * this one and begin another. */
    PGresult *result = NULL;
    enum status status =
        postgres_query(connection, doing, (const char *)sql->data, 0, NULL, &result, err);
    buffer_release(sql);
    if (status)
        return status;
    PQclear(result);
    copy->connection = connection;
    copy_reader_init(&copy->reader, field_count);
    return STATUS_OK;
}

/* Behind the last message: whether the statement ended well. */
static enum status take_outcome(struct postgres_copy *copy, struct error *err)
{
    enum status status = STATUS_OK;
    for (PGresult *result; (result = PQgetResult(copy->connection)); PQclear(result))
        if (PQresultStatus(result) != PGRES_COMMAND_OK && !status)
            status = postgres_fail(copy->connection, result, copy->doing, err);
    return status;
}

static enum status read_chunk(struct postgres_copy *copy, bool *end, struct error *err)
{
    PQfreemem(copy->chunk);
    copy->chunk = NULL;
    int size = PQgetCopyData(copy->connection, &copy->chunk, 0);
    if (size > 0)
        return copy_reader_feed(&copy->reader, (struct bytes){copy->chunk, (size_t)size}, err);
    if (size == -2)
        return postgres_fail(copy->connection, NULL, copy->doing, err);
    *end = true;
    enum status status = take_outcome(copy, err);
    if (!status && !copy->reader.ended)
        status =
            fail(err, STATUS_CORRUPT, "%s: PostgreSQL ended the stream too early", copy->doing);
    if (PQstatus(copy->connection) == CONNECTION_OK)
        copy->connection = NULL;
    return status;
}

enum status postgres_copy_next(struct postgres_copy *copy, bool *end, struct error *err)
{
    enum copy_step step = COPY_MORE;
    *end = !copy->connection;
    if (copy->failed)
        return fail(err, copy->failed, "%s: it has failed before", copy->doing);
    while (!*end && !copy->failed) {
        copy->failed = copy_reader_next(&copy->reader, copy->fields, &step, err);
        if (!copy->failed && step == COPY_TUPLE)
            return STATUS_OK;
        if (!copy->failed)
            copy->failed = read_chunk(copy, end, err);
    }
    return copy->failed;
}

static void cancel(PGconn *connection)
{
    char words[256];
    PGcancel *request = PQgetCancel(connection);
    if (request)
        PQcancel(request, words, sizeof words);
    PQfreeCancel(request);
    for (char *chunk = NULL; PQgetCopyData(connection, &chunk, 0) > 0; chunk = NULL)
        PQfreemem(chunk);
    /* A stream that goes on is one whose next row libpq had no memory for. */
    for (PGresult *result; (result = PQgetResult(connection)); PQclear(result))
        if (PQresultStatus(result) == PGRES_COPY_OUT)
            out_of_memory();
}

void postgres_copy_close(struct postgres_copy *copy)
{
    if (copy->connection && PQstatus(copy->connection) == CONNECTION_OK)
        cancel(copy->connection);
    PQfreemem(copy->chunk);
    copy_reader_release(&copy->reader);
    *copy = (struct postgres_copy){0};
}
