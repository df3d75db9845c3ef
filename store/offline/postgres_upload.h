/*
 * postgres_upload.h - one COPY ... FROM STDIN while it runs: rows on their way up.
 *
 * The caller appends whole rows to `rows` and tells of each; they are sent in pieces, so memory
 * stays bounded. An error of PostgreSQL's is noticed within a few pieces. One thread.
 */
#ifndef LARDER_STORE_OFFLINE_POSTGRES_UPLOAD_H
#define LARDER_STORE_OFFLINE_POSTGRES_UPLOAD_H

#include "store/postgres_connection.h"

struct postgres_upload {
    PGconn *connection; /* NULL: nothing runs */
    const char *doing;  /* for errors; borrowed */
    struct buffer rows;
};

/* sql is taken. */
enum status postgres_upload_open(struct postgres_upload *upload, PGconn *connection,
                                 const char *doing, struct buffer *sql, struct error *err);
/* After each row: sends what has gathered, if it is enough. */
enum status postgres_upload_row(struct postgres_upload *upload, struct error *err);
/* Sends the rest and waits for PostgreSQL's word; row_count may be NULL. */
enum status postgres_upload_finish(struct postgres_upload *upload, uint64_t *row_count,
                                   struct error *err);
/* Gives up what was not finished. Accepts one that is zeroed, has failed, is finished or closed. */
void postgres_upload_close(struct postgres_upload *upload);

#endif
