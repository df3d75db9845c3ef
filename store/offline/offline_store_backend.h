/*
 * offline_store_backend.h - what a backend of the offline store provides.
 *
 * For backends and offline_store.c only. A backend is one static const table of operations, every
 * slot filled; what each does is said at the function of its name in offline_store.h. Its handles
 * begin with the structs below, whose `operations` leads a call on them back to it. A backend must
 * pass tests/conformance/offline_store_suite.c.
 */
#ifndef LARDER_STORE_OFFLINE_OFFLINE_STORE_BACKEND_H
#define LARDER_STORE_OFFLINE_OFFLINE_STORE_BACKEND_H

#include "store/offline/offline_store.h"

struct offline_store_operations {
    enum status (*open)(const struct settings *settings, struct offline_store **store,
                        struct error *err);
    void (*close)(struct offline_store *store);
    void (*stop_on)(struct offline_store *store, const atomic_bool *stop);
    enum status (*now)(struct offline_store *store, int64_t *now_us, struct error *err);
    enum status (*check)(struct offline_store *store, const struct definitions *definitions,
                         struct arena *arena, struct findings *findings, struct error *err);
    enum status (*examine)(struct offline_store *store, struct arena *arena,
                           struct examination *examination, struct error *err);
    enum status (*sample)(struct offline_store *store, struct offline_sample *sample,
                          struct error *err);
    enum status (*oldest_transaction)(struct offline_store *store, struct arena *arena,
                                      struct open_transaction *transaction, bool *found,
                                      struct error *err);
    enum status (*begin)(struct offline_store *store, uint64_t *snapshot_xmin, struct error *err);
    void (*end)(struct offline_store *store);

    enum status (*scan_open)(struct offline_store *store, const struct scan_request *request,
                             struct offline_scan **scan, struct error *err);
    enum status (*scan_next)(struct offline_scan *scan, const struct scan_row **row,
                             struct error *err);
    void (*scan_close)(struct offline_scan *scan);

    enum status (*join_check)(struct offline_store *store, const struct join_request *request,
                              struct error *err);
    enum status (*join_estimate)(struct offline_store *store, const struct join_request *request,
                                 size_t view, int64_t first_us, int64_t last_us,
                                 struct join_estimate *estimate, struct error *err);
    enum status (*join_open)(struct offline_store *store, const struct join_request *request,
                             const struct join_asks *asks, size_t connection_max,
                             struct offline_join **join, struct error *err);
    enum status (*join_next)(struct offline_join *join, const struct joined_row **row,
                             struct error *err);
    void (*join_close)(struct offline_join *join);

    enum status (*stream_open)(struct offline_store *store, const struct stream_request *request,
                               struct offline_stream **stream, struct error *err);
    enum status (*stream_next)(struct offline_stream *stream, size_t reader,
                               const struct streamed_row **row, struct error *err);
    enum status (*stream_values)(struct offline_stream *stream, size_t reader,
                                 struct streamed_values *values, struct error *err);
    enum status (*stream_misfit)(const struct offline_stream *stream, size_t view, size_t place,
                                 uint8_t misfit, const char *row, struct error *err);
    void (*stream_stop)(struct offline_stream *stream);
    void (*stream_close)(struct offline_stream *stream);

    enum status (*query_open)(struct offline_store *store, const char *sql, const char *what,
                              const struct query_column *wanted, size_t wanted_count,
                              struct offline_query **query, struct error *err);
    enum status (*query_next)(struct offline_query *query, const struct value **values,
                              struct error *err);
    void (*query_close)(struct offline_query *query);

    enum status (*load_open)(struct offline_store *store, const struct source *source,
                             const struct load_column *all, size_t all_count,
                             const struct load_column *given, size_t given_count, bool *made,
                             struct offline_load **load, struct error *err);
    enum status (*load_row)(struct offline_load *load, const struct value *values, size_t *culprit,
                            struct error *err);
    enum status (*load_finish)(struct offline_load *load, uint64_t *rows, struct error *err);
    void (*load_close)(struct offline_load *load);
};

struct offline_store {
    const struct offline_store_operations *operations;
    struct offline_snapshot snapshot; /* kept by the backend */
};
struct offline_scan {
    const struct offline_store_operations *operations;
    struct scan_counts counts;
};
struct offline_join {
    const struct offline_store_operations *operations;
    struct join_counts counts;
};
struct offline_stream {
    const struct offline_store_operations *operations;
    size_t reader_count;
    struct join_counts counts;
};
struct offline_query {
    const struct offline_store_operations *operations;
    struct query_columns columns;
};
struct offline_load {
    const struct offline_store_operations *operations;
    struct load_before before;
};

extern const struct offline_store_operations offline_store_postgres, offline_store_sqlite;

/* For query_open: what a column is to be read as; 0: as what it holds. */
value_type query_type_wanted(const struct query_column *wanted, size_t wanted_count,
                             const char *name);

/* For load_open, which is called with a source that is a table, and with all that rows need. */

struct load_columns {
    const struct load_column *columns;
    size_t count;
};
/* A copy, in the arena. */
struct load_columns load_columns_keep(const struct load_column *columns, size_t count,
                                      struct arena *arena);
/* What a table is made of: each column once, though two views may read it. compare: 0 where the
 * database calls two names equal. INVALID: one would have to be of two types. Borrows the names. */
enum status load_columns_distinct(const struct source *source, const struct load_column *all,
                                  size_t count, int (*compare)(const char *, const char *),
                                  struct arena *arena, struct load_columns *distinct,
                                  struct error *err);

#endif
