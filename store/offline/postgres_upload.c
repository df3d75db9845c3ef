/* postgres_upload.c - see postgres_upload.h. */
#include "store/offline/postgres_upload.h"

#include <stdlib.h>

enum { PIECE_SIZE = 64 * 1024 };

enum status postgres_upload_open(struct postgres_upload *upload, PGconn *connection,
                                 const char *doing, struct buffer *sql, struct error *err)
{
    *upload = (struct postgres_upload){.doing = doing};
    buffer_init(&upload->rows, 0);
    buffer_append_byte(sql, 0);
    enum status status =
        postgres_query(connection, doing, (const char *)sql->data, 0, NULL, NULL, err);
    buffer_release(sql);
    upload->connection = status ? NULL : connection;
    return status;
}

/* With the line and column that PostgreSQL stumbled over, which it tells apart from its message. */
static enum status refused(const struct postgres_upload *upload, const PGresult *result,
                           struct error *err)
{
    enum status status = postgres_fail(upload->connection, result, upload->doing, err);
    const char *where = PQresultErrorField(result, PG_DIAG_CONTEXT);
    if (!where || !err)
        return status;
    char message[ERROR_MESSAGE_SIZE];
    memcpy(message, err->message, sizeof message);
    return fail(err, status, "%s (%s)", message, where);
}

/* Reads off the outcome; nothing runs afterwards. */
static enum status take_outcome(struct postgres_upload *upload, uint64_t *row_count,
                                struct error *err)
{
    enum status status = STATUS_OK;
    for (PGresult *result; (result = PQgetResult(upload->connection)); PQclear(result)) {
        if (PQresultStatus(result) != PGRES_COMMAND_OK && !status)
            status = refused(upload, result, err);
        if (row_count)
            *row_count = strtoull(PQcmdTuples(result), NULL, 10);
        /* It goes on, because libpq could not tell PostgreSQL to end it: only without memory. */
        if (PQresultStatus(result) == PGRES_COPY_IN)
            out_of_memory();
    }
    upload->connection = NULL;
    return status;
}

static enum status broken_off(struct postgres_upload *upload, struct error *err)
{
    PGconn *connection = upload->connection;
    if (PQputCopyEnd(connection, "an earlier piece failed") != 1 &&
        PQstatus(connection) != CONNECTION_OK) {
        upload->connection = NULL;
        return postgres_fail(connection, NULL, upload->doing, err);
    }
    enum status status = take_outcome(upload, NULL, err);
    return status ? status : fail(err, STATUS_FAILED, "%s: PostgreSQL broke it off", upload->doing);
}

static enum status send_piece(struct postgres_upload *upload, struct error *err)
{
    struct bytes piece = buffer_bytes(&upload->rows);
    buffer_clear(&upload->rows);
    if (!upload->connection)
        return fail(err, STATUS_FAILED, "%s: it has failed before", upload->doing);
    bool sent = PQputCopyData(upload->connection, piece.data, (int)piece.size) == 1;
    return sent ? STATUS_OK : broken_off(upload, err);
}

enum status postgres_upload_row(struct postgres_upload *upload, struct error *err)
{
    return upload->rows.size >= PIECE_SIZE ? send_piece(upload, err) : STATUS_OK;
}

enum status postgres_upload_finish(struct postgres_upload *upload, uint64_t *row_count,
                                   struct error *err)
{
    enum status status = send_piece(upload, err);
    if (status)
        return status;
    return PQputCopyEnd(upload->connection, NULL) == 1 ? take_outcome(upload, row_count, err)
                                                       : broken_off(upload, err);
}

void postgres_upload_close(struct postgres_upload *upload)
{
    if (upload->connection)
        broken_off(upload, NULL);
    buffer_release(&upload->rows);
    *upload = (struct postgres_upload){0};
}
