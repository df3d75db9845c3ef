/*
 * sqlite_probe.h - the latest eligible row of one view, a key and a time at a time.
 *
 * SQLite runs inside our process, so asking it once per row costs microseconds where an index
 * serves: on the keys, then the event time. Where none does (EXPLAIN QUERY PLAN says), each probe
 * reads the whole source, and a pass over what is streamed is better. Within a transaction.
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

enum status sqlite_probe_open(struct sqlite_probe *probe, struct sqlite_store *store,
                              const struct join_request *request, const struct sqlite_view *view,
                              struct arena *arena, struct error *err);
/* keys: the view's, none null. *found: the statement stands on the row, until the next call. */
enum status sqlite_probe_ask(struct sqlite_probe *probe, const struct value *keys, int64_t at_us,
                             struct buffer *scratch, bool *found, struct error *err);
void sqlite_probe_close(struct sqlite_probe *probe); /* one that was never opened is fine */

/* All rows that may answer somebody who asks in [first_us, last_us], in no order. */
enum status sqlite_probe_stream(struct sqlite_store *store, const struct join_request *request,
                                const struct sqlite_view *view, int64_t first_us, int64_t last_us,
                                const char *doing, sqlite3_stmt **statement, struct error *err);

/* Whether an index of the view's table serves such reads. */
enum status sqlite_probe_is_served(struct sqlite_store *store, const struct sqlite_view *view,
                                   struct arena *arena, bool *served, struct error *err);

#endif
