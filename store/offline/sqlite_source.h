/*
 * sqlite_source.h - a source as it stands in a SQLite database: its columns, what they fit, and the
 * SQL that reads them.
 *
 * Scans, joins, loads and checks all begin here, so that a column is refused by each in the same
 * words. A column that is declared (a table's, or one that a query hands through) is compared with
 * the type it is to be read as; one that is computed is not, and its values alone decide.
 * Everything lives in the arena passed, and borrows from the definitions.
 */
#ifndef LARDER_STORE_OFFLINE_SQLITE_SOURCE_H
#define LARDER_STORE_OFFLINE_SQLITE_SOURCE_H

#include "store/offline/sqlite_store.h"
#include "store/offline/sqlite_value.h"

struct sqlite_column {
    const char *name;
    const char *written;  /* as the query calls it: SQLite renames the second of a name */
    const char *declared; /* as its table declares it; NULL: it is computed, or not declared */
};

struct sqlite_source {
    const struct source *source;
    const char *name; /* in messages: "weather", "the query of source weather" */
    const char *from; /* SQL for FROM, without an alias */
    const struct sqlite_column *columns;
    size_t column_count;
};

/* A column of a source, to be read as a type. */
struct sqlite_field {
    const char *what; /* "feature wind", "join key origin", "event_time" */
    const struct sqlite_column *column;
    value_type type;
};

/* A view bound to its source. */
struct sqlite_view {
    const struct feature_view *view;
    struct sqlite_source source;
    struct sqlite_field event;
    struct sqlite_field created; /* column NULL: the source has none */
    struct sqlite_field *keys;   /* [view->key_count] */
    struct sqlite_field *features;
    size_t feature_count;
};

/* NOT_FOUND: no such table; INVALID: a query that SQLite does not take, or that would do more than
 * read. */
enum status sqlite_source_resolve(struct sqlite_store *store, const struct source *source,
                                  struct arena *arena, struct sqlite_source *resolved,
                                  struct error *err);
/* who: "feature view airport_weather". NOT_FOUND: no such column; INVALID: it does not fit. */
enum status sqlite_source_bind(const struct sqlite_source *source, const char *who,
                               const char *what, const char *column, value_type type,
                               struct sqlite_field *field, struct error *err);
/* The times alone; created->column stays NULL where the source has none. */
enum status sqlite_bind_times(const struct sqlite_source *source, struct arena *arena,
                              struct sqlite_field *event, struct sqlite_field *created,
                              struct error *err);
enum status sqlite_bind_key(const struct sqlite_source *source, const struct feature_view *view,
                            size_t key, struct arena *arena, struct sqlite_field *field,
                            struct error *err);
enum status sqlite_bind_feature(const struct sqlite_source *source, const struct feature_view *view,
                                size_t feature, struct arena *arena, struct sqlite_field *field,
                                struct error *err);
/* The features are those of the indexes given; NULL: all, in the view's order. */
enum status sqlite_view_bind(struct sqlite_store *store, const struct feature_view *view,
                             const uint16_t *features, size_t feature_count, struct arena *arena,
                             struct sqlite_view *bound, struct error *err);

/* SQL ----------------------------------------------------------------------------------------- */

/* source."column" */
void sqlite_append_field(struct buffer *sql, const struct sqlite_field *field);
/* Keys, event time, created time if there is one, features: as scans and joins read them. */
void sqlite_append_fields(struct buffer *sql, const struct sqlite_view *view);
/* Whether the event time is one that no row can have: null, out of range, or no integer (texts and
 * blobs stand above all numbers). Either half can be served by an index on the column. */
void sqlite_append_unfit_time(struct buffer *sql, const struct sqlite_field *field);
/* The created time as a row has it: where misfits read as null, so do they here. */
void sqlite_append_created(struct buffer *sql, const struct sqlite_view *view);

/* The run stops at a misfit: where it is, what it is, what to do. row: "origin=JFK,
 * event_time=...". */
enum status sqlite_misfit(const struct sqlite_view *view, const struct sqlite_field *field,
                          const char *misfit, const char *row, struct error *err);

#endif
