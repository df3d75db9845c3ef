/*
 * postgres_store.h - what the files of the PostgreSQL backend share: the connection and its
 * transactions.
 *
 * A handle is either idle or in one transaction. Whoever begins one ends it; rolling back an idle
 * handle does nothing, so that tearing down half-built things is easy. A connection that broke is
 * opened again by the next thing that begins.
 */
#ifndef LARDER_STORE_OFFLINE_POSTGRES_STORE_H
#define LARDER_STORE_OFFLINE_POSTGRES_STORE_H

#include "store/offline/offline_store_backend.h"
#include "store/postgres_connection.h"

struct postgres_canceller;

struct postgres_store {
    struct offline_store base;
    PGconn *connection;
    char *url;
    uint32_t timeout_ms;
    const atomic_bool *stop;              /* NULL: nobody wants to stop it */
    struct postgres_canceller *canceller; /* NULL where stop is */
    PGresult *snapshot;                   /* what base.snapshot points into */
};

static inline struct postgres_store *postgres_store_of(struct offline_store *store)
{
    return (struct postgres_store *)store;
}

/* READ ONLY and REPEATABLE READ: one snapshot, taken now. snapshot_xmin may be NULL. */
enum status postgres_begin_read(struct postgres_store *store, uint64_t *snapshot_xmin,
                                struct error *err);
/* READ WRITE, whatever the default of the role or the database. */
enum status postgres_begin_write(struct postgres_store *store, struct error *err);
enum status postgres_commit(struct postgres_store *store, const char *doing, struct error *err);
void postgres_rollback(struct postgres_store *store);

/* In a transaction or without one. */
enum status postgres_clock(struct postgres_store *store, int64_t *now_us, struct error *err);

/* sql is taken: released, whatever comes of it. */
enum status postgres_query_buffer(struct postgres_store *store, const char *doing,
                                  struct buffer *sql, PGresult **result, struct error *err);

enum status postgres_check(struct offline_store *store, const struct definitions *definitions,
                           struct arena *arena, struct findings *findings, struct error *err);
enum status postgres_examine(struct offline_store *store, struct arena *arena,
                             struct examination *examination, struct error *err);
enum status postgres_scan_open(struct offline_store *store, const struct scan_request *request,
                               struct offline_scan **scan, struct error *err);
enum status postgres_scan_next(struct offline_scan *scan, const struct scan_row **row,
                               struct error *err);
void postgres_scan_close(struct offline_scan *scan);
enum status postgres_join_check(struct offline_store *store, const struct join_request *request,
                                struct error *err);
enum status postgres_join_estimate(struct offline_store *store, const struct join_request *request,
                                   size_t view, int64_t first_us, int64_t last_us,
                                   struct join_estimate *estimate, struct error *err);
enum status postgres_join_open(struct offline_store *store, const struct join_request *request,
                               const struct join_asks *asks, size_t connection_max,
                               struct offline_join **join, struct error *err);
enum status postgres_join_next(struct offline_join *join, const struct joined_row **row,
                               struct error *err);
void postgres_join_close(struct offline_join *join);
enum status postgres_stream_open(struct offline_store *store, const struct stream_request *request,
                                 struct offline_stream **stream, struct error *err);
enum status postgres_stream_next(struct offline_stream *stream, size_t reader,
                                 const struct streamed_row **row, struct error *err);
enum status postgres_stream_values(struct offline_stream *stream, size_t reader,
                                   struct streamed_values *values, struct error *err);
enum status postgres_stream_misfit(const struct offline_stream *stream, size_t view, size_t place,
                                   uint8_t misfit, const char *row, struct error *err);
void postgres_stream_stop(struct offline_stream *stream);
void postgres_stream_close(struct offline_stream *stream);
enum status postgres_query_open(struct offline_store *store, const char *sql, const char *what,
                                const struct query_column *wanted, size_t wanted_count,
                                struct offline_query **query, struct error *err);
enum status postgres_query_next(struct offline_query *query, const struct value **values,
                                struct error *err);
void postgres_query_close(struct offline_query *query);
enum status postgres_load_open(struct offline_store *store, const struct source *source,
                               const struct load_column *all, size_t all_count,
                               const struct load_column *given, size_t given_count, bool *made,
                               struct offline_load **load, struct error *err);
enum status postgres_load_row(struct offline_load *load, const struct value *values,
                              size_t *culprit, struct error *err);
enum status postgres_load_finish(struct offline_load *load, uint64_t *rows, struct error *err);
void postgres_load_close(struct offline_load *load);

#endif
