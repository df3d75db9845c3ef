/*
 * postgres_copy.h - one COPY ... TO STDOUT (FORMAT binary) while it runs, tuple by tuple.
 *
 * Holds one message at a time. Closing it early cancels the statement and reads off what is still
 * under way, so that the connection can be used again; its transaction is then aborted. One thread.
 */
#ifndef LARDER_STORE_OFFLINE_POSTGRES_COPY_H
#define LARDER_STORE_OFFLINE_POSTGRES_COPY_H

#include "store/offline/copy_reader.h"
#include "store/postgres_connection.h"

struct postgres_copy {
    PGconn *connection; /* NULL: nothing runs */
    const char *doing;  /* for errors; borrowed */
    struct copy_reader reader;
    char *chunk;
    enum status failed;   /* a stream that failed stays so */
    struct bytes *fields; /* of the tuple, after a next that was not the end */
};

/* sql is taken. doing and fields[field_count] are kept until close. */
enum status postgres_copy_open(struct postgres_copy *copy, PGconn *connection, const char *doing,
                               struct buffer *sql, struct bytes *fields, size_t field_count,
                               struct error *err);
/* *end: the statement has ended, and well. Fields are borrowed until the next call. */
enum status postgres_copy_next(struct postgres_copy *copy, bool *end, struct error *err);
/* Accepts one that is zeroed, has failed, has ended or is closed. */
void postgres_copy_close(struct postgres_copy *copy);

#endif
