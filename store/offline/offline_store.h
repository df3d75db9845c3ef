/*
 * offline_store.h - the history of feature values: scans, point-in-time joins, loads, checks.
 *
 * The materializer scans it, training sets are joined in it, `plan` checks sources against it,
 * `load` fills it. Reads run in READ ONLY transactions with the caller's rights; an owner's table
 * is never altered (a load appends rows, and makes the table if there is none). "Latest" and
 * "eligible" are those of the design, section 5. A handle belongs to one thread and does one thing
 * at a time. Backends include offline_store_backend.h.
 *
 * Values come out typed as the definitions say. What the database holds but a feature cannot (a
 * misfit) stops the run with its table, column and key, or reads as null and is counted, as the
 * source says.
 */
#ifndef LARDER_STORE_OFFLINE_OFFLINE_STORE_H
#define LARDER_STORE_OFFLINE_OFFLINE_STORE_H

#include "base/arena.h"
#include "base/error.h"
#include "config/definitions.h"
#include "config/selection.h"
#include "config/settings.h"
#include "store/examination.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct offline_store;

enum status offline_store_open(const struct settings *settings, struct offline_store **store,
                               struct error *err);
void offline_store_close(struct offline_store *store);
/* From now on every call that takes long ends within a second once the flag is set: with CANCELLED,
 * in the backend's words. What it was part of is then closed as after any failure. NULL: no flag
 * any more. */
void offline_store_stop_on(struct offline_store *store, const atomic_bool *stop);

/* The database's clock, read without a trace; samples, which leave one, tell it, too. Outside a
 * snapshot. */
enum status offline_store_now(struct offline_store *store, int64_t *now_us, struct error *err);

/* Checking --------------------------------------------------------------------------------------
 */

/* Compares every source, and every view on it, with the database: missing table or column, unfit
 * type, a collation unfit for keys, a query that does not parse; hints: no index that serves
 * point-in-time reads (with the CREATE INDEX to run). OK even with findings; an error means that it
 * could not look. */
enum status offline_store_check(struct offline_store *store, const struct definitions *definitions,
                                struct arena *arena, struct findings *findings, struct error *err);
/* What it says of itself, and what its user may not do; of sources it says nothing. */
enum status offline_store_examine(struct offline_store *store, struct arena *arena,
                                  struct examination *examination, struct error *err);

/* Positions -------------------------------------------------------------------------------------
 */

struct offline_sample {
    int64_t position;          /* P: everything committed at or before it ... */
    uint64_t next_transaction; /* ... is visible to a snapshot whose xmin has reached this */
    int64_t reached;           /* no sample that was taken before this one lies above it, or the
                                  database is an earlier state of itself than it was taken from */
    int64_t now_us;            /* the database's clock */
    uint64_t system_identifier;
};
/* Outside a snapshot. */
enum status offline_store_sample(struct offline_store *store, struct offline_sample *sample,
                                 struct error *err);

/* The transaction that has been open longest, for warnings; *found false if none writes. */
struct open_transaction {
    int process_id;
    int64_t age_us;
    const char *text; /* "pid 4711 (psql, user ann), open for 2h" */
};
enum status offline_store_oldest_transaction(struct offline_store *store, struct arena *arena,
                                             struct open_transaction *transaction, bool *found,
                                             struct error *err);

/* Scanning --------------------------------------------------------------------------------------
 */

/* A READ ONLY, REPEATABLE READ transaction; scans happen inside one. */
enum status offline_store_begin(struct offline_store *store, uint64_t *snapshot_xmin,
                                struct error *err);
void offline_store_end(struct offline_store *store);

/* What the transaction saw that last began to read history, for the record: texts that other tools
 * of the same database know, NULL where it has none. Borrowed until the next one begins. */
struct offline_snapshot {
    const char *transactions; /* PostgreSQL's "784:790:786" */
    const char *position;     /* "16/B374D848"; SQLite's is a number */
};
struct offline_snapshot offline_store_snapshot(const struct offline_store *store);

enum scan_mode {
    SCAN_EVENTS,      /* rows whose event time is in [from, to] */
    SCAN_INCREMENTAL, /* rows whose event time or created time is in (from, to], and event time <=
                         to */
};
struct scan_request {
    const struct feature_view *view;
    enum scan_mode mode;
    int64_t from_us; /* INT64_MIN: from the beginning */
    int64_t to_us;
    int64_t oldest_us; /* rows with an event time before it are not wanted in either mode;
                          INT64_MIN: all */
};

struct scan_row {
    int64_t event_time_us;
    int64_t created_time_us;    /* TIMESTAMP_UNKNOWN where null or not there */
    const struct value *keys;   /* [view->key_count], never null */
    const struct value *values; /* [view->feature_count] */
};

struct scan_counts {
    uint64_t expected; /* rows, as the planner estimates before it begins; 0: not known */
    uint64_t rows;     /* handed out */
    uint64_t left_out; /* null or infinite event time, or a null key (in the window as far as can be
                          told) */
    uint64_t misfits;  /* values read as null */
};

struct offline_scan;
enum status offline_scan_open(struct offline_store *store, const struct scan_request *request,
                              struct offline_scan **scan, struct error *err);
/* *row NULL with OK is the end. The row is borrowed until the next call. In no order. */
enum status offline_scan_next(struct offline_scan *scan, const struct scan_row **row,
                              struct error *err);
const struct scan_counts *offline_scan_counts(const struct offline_scan *scan);
void offline_scan_close(
    struct offline_scan *scan); /* at any time: an unfinished scan is cancelled */

/* Point-in-time join ----------------------------------------------------------------------------
 */

#define AS_OF_NOW INT64_MAX
struct entity_key_ids;
struct join_request {
    const struct selection *selection;
    /* [selection->view_count]: of the views' rows online. Source rows whose whole key
     * (base/entity_key.h) would be too long to be there are counted. Only an ask with such a key
     * may meet such a row, or not: its asker can tell. */
    const struct entity_key_ids *key_ids;
    bool as_known;    /* only rows whose created time is at or before the asking time */
    int64_t as_of_us; /* only rows whose created time is at or before it; AS_OF_NOW: no limit */
    bool with_status; /* rows up to ttl plus a day old are wanted, to tell too old from not found */
    bool leaves_uncounted; /* source rows that are left out are not counted: that reads all of them
                            */
};

/* What one view gives to one asking row. */
struct joined_view {
    bool found;
    int64_t event_time_us;
    int64_t created_time_us;
    const struct value *values; /* one for each of selection.features of this view, in that order */
};
struct joined_row {
    const struct joined_view *views; /* [selection->view_count] */
};
struct join_counts {
    uint64_t left_out;        /* source rows with a null or infinite event time or a null key */
    uint64_t long_keys;       /* source rows whose key would be too long online */
    uint64_t unknown_created; /* source rows left out by as_known or as_of for their unknown created
                                 time */
    uint64_t misfits;
    bool is_uncounted; /* only the misfits are counted: the request left the others out */
};

/* Before all else, so that nobody waits for a refusal. INVALID: a view does not fit its source;
 * as_known or as_of with a source that has no created time; as_of later than now less a lookback.
 */
enum status offline_join_check(struct offline_store *store, const struct join_request *request,
                               struct error *err);

/* The rows that ask, in their order. */
struct join_asks {
    uint64_t count;
    void *context;
    /* keys: [selection->key_count], nulls allowed, borrowed until the next call; NULL: no more. */
    enum status (*next)(void *context, const struct value **keys, int64_t *at_us,
                        struct error *err);
};

/*
 * A join inside the database, which probes history for each row that asks. Inside
 * offline_store_begin, until it is closed. It takes who asks a little before it answers, over so
 * many connections at most. EXHAUSTED: more views and features than the database gives at once.
 */
struct offline_join;
enum status offline_join_open(struct offline_store *store, const struct join_request *request,
                              const struct join_asks *asks, size_t connection_max,
                              struct offline_join **join, struct error *err);
/* One answer a row that asks, in their order. *row NULL is the end. Borrowed until the next call.
 */
enum status offline_join_next(struct offline_join *join, const struct joined_row **row,
                              struct error *err);
/* Complete once the end was seen. */
const struct join_counts *offline_join_counts(const struct offline_join *join);
void offline_join_close(struct offline_join *join);

/* Streaming -------------------------------------------------------------------------------------
 */

/*
 * The rows of some views that may answer somebody, in no order and each once, for a join that is
 * made outside the database. Inside offline_store_begin, whose snapshot all readers share. Readers
 * are numbered from 0; each hands out a part of the rows and is used by one thread at a time,
 * several at once. Who is asked for what is the join's request; what a row is, too.
 */
struct stream_request {
    const struct join_request *join;
    int64_t first_us, last_us; /* no row asks before or after */
    size_t reader_max;         /* at least 1 */
};

struct streamed_row {
    size_t view;              /* index into selection.views */
    const struct value *keys; /* [view->key_count], never null */
    int64_t event_time_us;    /* with the created time it ranks the row */
    int64_t created_time_us;  /* TIMESTAMP_UNKNOWN where null or not there */
    int64_t eligible_from_us; /* the first time of asking that the row may answer */
};

/* What it would take to answer for one view: by probes, or by what is streamed. */
struct join_estimate {
    bool is_served;   /* an index serves the probes */
    double rows;      /* that would be streamed */
    double row_bytes; /* of one of them */
    double probe_us;  /* for each row that asks */
    double stream_us; /* for all of history */
    double count_us;  /* to count what is left out */
};
/* Inside offline_store_begin. No row asks before first_us or after last_us. */
enum status offline_join_estimate(struct offline_store *store, const struct join_request *request,
                                  size_t view, int64_t first_us, int64_t last_us,
                                  struct join_estimate *estimate, struct error *err);

struct offline_stream;
enum status offline_stream_open(struct offline_store *store, const struct stream_request *request,
                                struct offline_stream **stream, struct error *err);
size_t offline_stream_reader_count(const struct offline_stream *stream);
/* *row NULL with OK: there is nothing more for this reader. Borrowed until its next call. */
enum status offline_stream_next(struct offline_stream *stream, size_t reader,
                                const struct streamed_row **row, struct error *err);

enum { FITS = 0 };
/* What a row holds beside its rank. A misfit is no error before its row is an answer. */
struct streamed_values {
    const struct value *values; /* one for each of selection.features of this view, in that order */
    /* NULL: all fit. Else FITS or the backend's word for a misfit, of each value (which is then
     * null), of the created time and of the event time, in that order. */
    const uint8_t *misfits;
};
/* Of the row that the reader handed out last. Borrowed until its next row. */
enum status offline_stream_values(struct offline_stream *stream, size_t reader,
                                  struct streamed_values *values, struct error *err);
/* The run stops at the misfit of a streamed row: `place` is where it stood among the misfits. row:
 * "origin=JFK, asked at ...". */
enum status offline_stream_misfit(const struct offline_stream *stream, size_t view, size_t place,
                                  uint8_t misfit, const char *row, struct error *err);
/* Source rows left out; as a join counts them, but no misfits. */
const struct join_counts *offline_stream_counts(const struct offline_stream *stream);
/* From any thread: readers that wait for the database fail soon. */
void offline_stream_stop(struct offline_stream *stream);
void offline_stream_close(struct offline_stream *stream);

/* A caller's own query ---------------------------------------------------------------------------
 */

/* Columns that are to be read as a type; the others are read as what they hold. */
struct query_column {
    const char *name;
    value_type type;
};
/* Its columns, once it is open. */
struct query_columns {
    const char *const *names;
    size_t count;
};
/* One SELECT, as a source's query is: in a READ ONLY transaction with the caller's rights, which is
 * open until close. what: how messages call it. INVALID: the database does not take it, it would
 * write, it gives a name twice, or a wanted column does not fit its type. A wanted column that it
 * does not give is no error here. */
struct offline_query;
enum status offline_query_open(struct offline_store *store, const char *sql, const char *what,
                               const struct query_column *wanted, size_t wanted_count,
                               struct offline_query **query, struct error *err);
struct query_columns offline_query_columns(const struct offline_query *query);
/* *values NULL is the end; else one a column, borrowed until the next call. INVALID: a misfit, with
 * the number of its row and its column. */
enum status offline_query_next(struct offline_query *query, const struct value **values,
                               struct error *err);
void offline_query_close(struct offline_query *query);

/* Loading ---------------------------------------------------------------------------------------
 */

enum load_role { LOAD_KEY, LOAD_FEATURE, LOAD_EVENT_TIME, LOAD_CREATED_TIME };
struct load_column {
    const char *column; /* in the table */
    enum load_role role;
    value_type type;
};
struct offline_load;
/* Columns that the load needs are all keys, the event time, and those given. INVALID for a query
 * source. Where there is no table it is made from `all`, with the index that serves it; *made says
 * so. One transaction: nothing is there until finish. */
enum status offline_load_open(struct offline_store *store, const struct source *source,
                              const struct load_column *all, size_t all_count,
                              const struct load_column *given, size_t given_count, bool *made,
                              struct offline_load **load, struct error *err);
/* INVALID: the table would not give values[*culprit] back as it is. */
enum status offline_load_row(struct offline_load *load, const struct value *values, size_t *culprit,
                             struct error *err);
enum status offline_load_finish(struct offline_load *load, uint64_t *rows, struct error *err);
/* What the table held before, for who loads a file twice without meaning to. */
enum { LOAD_BEFORE_MAX = 10000000 };
struct load_before {
    bool is_known;  /* once the first row was given; not of a table that the user may not read */
    uint64_t rows;  /* counted up to LOAD_BEFORE_MAX */
    bool has_first; /* one with the keys and the times of the first row that was given */
};
const struct load_before *offline_load_before(const struct offline_load *load);
void offline_load_close(struct offline_load *load); /* rolls back what was not finished */

#endif
