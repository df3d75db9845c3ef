/*
 * sqlite_probe.h - the latest eligible row of one view, a key and a time at a time.
 *
 * SQLite runs inside our process, so asking it once per row costs microseconds where an index
 * serves: on the keys, then the event time. Where none does (EXPLAIN QUERY PLAN says), the rows
 * that any ask could find are copied once into a temporary table with such an index, so that no
 * join is quadratic. For sqlite_join.c; within its transaction.
 */
#ifndef LARDER_STORE_OFFLINE_SQLITE_PROBE_H
#define LARDER_STORE_OFFLINE_SQLITE_PROBE_H

#include "store/offline/sqlite_source.h"

struct sqlite_probe {
    struct sqlite_store *store;
    const struct join_request *request;
    const struct sqlite_view *view;
    const char *doing;
    sqlite3_stmt *statement; /* fields as sqlite_append_fields has them */
};

/* Asks lie in [first_us, last_us]. */
enum status sqlite_probe_open(struct sqlite_probe *probe, struct sqlite_store *store,
                              const struct join_request *request, const struct sqlite_view *view,
                              int64_t first_us, int64_t last_us, struct arena *arena,
                              struct error *err);
/* keys: the view's, none null. *found: the statement stands on the row, until the next call. */
enum status sqlite_probe_ask(struct sqlite_probe *probe, const struct value *keys, int64_t at_us,
                             struct buffer *scratch, bool *found, struct error *err);
void sqlite_probe_close(struct sqlite_probe *probe); /* one that was never opened is fine */

/* Whether an index of the view's table serves such reads. */
enum status sqlite_probe_is_served(struct sqlite_store *store, const struct sqlite_view *view,
                                   struct arena *arena, bool *served, struct error *err);

#endif
