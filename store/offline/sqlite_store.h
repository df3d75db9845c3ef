/*
 * sqlite_store.h - the handle of the offline store in SQLite, for the files sqlite*.c alone.
 *
 * Everything reads in one deferred transaction, which in WAL mode is a snapshot, and through
 * statements that SQLite itself calls read-only; a load is one IMMEDIATE transaction. Only what
 * writes makes the file.
 */
#ifndef LARDER_STORE_OFFLINE_SQLITE_STORE_H
#define LARDER_STORE_OFFLINE_SQLITE_STORE_H

#include "store/offline/offline_store_backend.h"
#include "store/sqlite_connection.h"

struct sqlite_store {
    struct offline_store base;
    const char *path;
    uint32_t timeout_ms;
    sqlite3 *connection;
    bool is_missing; /* there is no file yet: an empty database in memory stands for it */
    const char *positions_name, *positions; /* of the table that counts them; the same as SQL */
    struct arena arena;                     /* as long as the handle */
    const atomic_bool *stop;
    struct sqlite_patience patience;
    char position[24]; /* what base.snapshot points to */
};

static inline struct sqlite_store *sqlite_store_of(struct offline_store *store)
{
    return (struct sqlite_store *)store;
}

/* Prepares a statement of the buffer's text, which it releases. INVALID: it would write. */
enum status sqlite_prepare_read(struct sqlite_store *store, const char *doing, struct buffer *sql,
                                sqlite3_stmt **statement, struct error *err);
/* Runs the buffer's text, and releases it. */
enum status sqlite_run_buffer(struct sqlite_store *store, const char *doing, struct buffer *sql,
                              struct error *err);
/* Makes the file if it is not there, and begins a transaction that writes. */
enum status sqlite_begin_making(struct sqlite_store *store, const char *doing, struct error *err);
enum status sqlite_begin_read(struct sqlite_store *store, uint64_t *snapshot_xmin,
                              struct error *err);

/* The slots of the table of operations that stand in other files. */
enum status sqlite_check(struct offline_store *store, const struct definitions *definitions,
                         struct arena *arena, struct findings *findings, struct error *err);
enum status sqlite_examine(struct offline_store *store, struct arena *arena,
                           struct examination *examination, struct error *err);
enum status sqlite_scan_open(struct offline_store *store, const struct scan_request *request,
                             struct offline_scan **scan, struct error *err);
enum status sqlite_scan_next(struct offline_scan *scan, const struct scan_row **row,
                             struct error *err);
void sqlite_scan_close(struct offline_scan *scan);
enum status sqlite_join_check(struct offline_store *store, const struct join_request *request,
                              struct error *err);
enum status sqlite_join_estimate(struct offline_store *store, const struct join_request *request,
                                 size_t view, int64_t first_us, int64_t last_us,
                                 struct join_estimate *estimate, struct error *err);
enum status sqlite_join_open(struct offline_store *store, const struct join_request *request,
                             const struct join_asks *asks, size_t connection_max,
                             struct offline_join **join, struct error *err);
enum status sqlite_join_next(struct offline_join *join, const struct joined_row **row,
                             struct error *err);
void sqlite_join_close(struct offline_join *join);
enum status sqlite_stream_open(struct offline_store *store, const struct stream_request *request,
                               struct offline_stream **stream, struct error *err);
enum status sqlite_stream_next(struct offline_stream *stream, size_t reader,
                               const struct streamed_row **row, struct error *err);
enum status sqlite_stream_values(struct offline_stream *stream, size_t reader,
                                 struct streamed_values *values, struct error *err);
enum status sqlite_stream_misfit(const struct offline_stream *stream, size_t view, size_t place,
                                 uint8_t misfit, const char *row, struct error *err);
void sqlite_stream_stop(struct offline_stream *stream);
void sqlite_stream_close(struct offline_stream *stream);
enum status sqlite_query_open(struct offline_store *store, const char *sql, const char *what,
                              const struct query_column *wanted, size_t wanted_count,
                              struct offline_query **query, struct error *err);
enum status sqlite_query_next(struct offline_query *query, const struct value **values,
                              struct error *err);
void sqlite_query_close(struct offline_query *query);
enum status sqlite_load_open(struct offline_store *store, const struct source *source,
                             const struct load_column *all, size_t all_count,
                             const struct load_column *given, size_t given_count, bool *made,
                             struct offline_load **load, struct error *err);
enum status sqlite_load_row(struct offline_load *load, const struct value *values, size_t *culprit,
                            struct error *err);
enum status sqlite_load_finish(struct offline_load *load, uint64_t *rows, struct error *err);
void sqlite_load_close(struct offline_load *load);

#endif
