/*
 * postgres_source.h - a source as it stands in the database: its columns, what they fit, the SQL
 * that reads them, and how messages call them.
 *
 * Scans, joins, loads and checks all begin here, so that a column is refused by each in the same
 * words. Resolving is done inside the transaction that goes on to read: it locks the table, so that
 * the types found are those that arrive. Everything lives in the arena passed, and borrows from the
 * definitions.
 */
#ifndef LARDER_STORE_OFFLINE_POSTGRES_SOURCE_H
#define LARDER_STORE_OFFLINE_POSTGRES_SOURCE_H

#include "store/offline/copy_decode.h"
#include "store/offline/postgres_store.h"

struct postgres_column {
    const char *name;
    const char *type_text; /* as PostgreSQL writes it: "character varying(10)" */
    uint32_t oid;          /* of its type behind any domains; of an array's elements */
    int32_t modifier;      /* of that type: numeric's digits, varchar's length; -1: none */
    bool is_array;
    bool is_enum;
};

struct postgres_source {
    const struct source *source;
    const char *name; /* in messages: "public.weather", "the query of source weather" */
    const char *from; /* SQL for FROM, without an alias */
    const struct postgres_column *columns;
    size_t column_count;
};

/* A column of a source, to be read as a type. */
struct postgres_field {
    const char *what; /* "feature wind", "join key origin", "event_time" */
    const struct postgres_column *column;
    const char *cast; /* SQL to stand behind the column where it is sent: "" or "::text" */
    struct copy_column decoder;
};

/* NOT_FOUND: no such table; INVALID: a query that PostgreSQL does not take. */
enum status postgres_source_resolve(struct postgres_store *store, const struct source *source,
                                    struct arena *arena, struct postgres_source *resolved,
                                    struct error *err);
/* who: "feature view airport_weather". NOT_FOUND: no such column; INVALID: it does not fit. */
enum status postgres_source_bind(const struct postgres_source *source, const char *who,
                                 const char *what, const char *column, value_type type,
                                 struct postgres_field *field, struct error *err);

/* A view bound to its source. */
struct postgres_view {
    const struct feature_view *view;
    struct postgres_source source;
    struct postgres_field event;
    struct postgres_field created; /* column NULL: the source has none */
    struct postgres_field *keys;   /* [view->key_count] */
    struct postgres_field *features;
    size_t feature_count;
};

/* The features are those of the indexes given; NULL: all, in the view's order. */
enum status postgres_view_bind(struct postgres_store *store, const struct feature_view *view,
                               const uint16_t *features, size_t feature_count, struct arena *arena,
                               struct postgres_view *bound, struct error *err);
/* The times alone; field->column stays NULL where the source has no created time. */
enum status postgres_bind_times(const struct postgres_source *source, struct arena *arena,
                                struct postgres_field *event, struct postgres_field *created,
                                struct error *err);
enum status postgres_bind_key(const struct postgres_source *source, const struct feature_view *view,
                              size_t key, struct arena *arena, struct postgres_field *field,
                              struct error *err);
enum status postgres_bind_feature(const struct postgres_source *source,
                                  const struct feature_view *view, size_t feature,
                                  struct arena *arena, struct postgres_field *field,
                                  struct error *err);
/* INVALID: a string key lies under a collation that calls different strings equal. keys: the
 * columns that could be bound, [view->key_count], column NULL for the others. */
enum status postgres_check_collations(struct postgres_store *store,
                                      const struct postgres_source *source,
                                      const struct feature_view *view,
                                      const struct postgres_field *keys, struct error *err);

/* SQL ----------------------------------------------------------------------------------------- */

/* source."column" */
void postgres_append_field(struct postgres_store *store, struct buffer *sql,
                           const struct postgres_field *field);
/* A timestamptz; a time outside the years 1 to 9999 becomes the nearest within. */
void postgres_append_time(struct buffer *sql, int64_t us);
/* Whether the field is a time that no row can have: null, infinite, or out of range. */
void postgres_append_unfit_time(struct postgres_store *store, struct buffer *sql,
                                const struct postgres_field *field);
/* The created time as a row has it: where misfits read as null, so do they here. */
void postgres_append_created(struct postgres_store *store, struct buffer *sql,
                             const struct postgres_view *view);

/* Errors -------------------------------------------------------------------------------------- */

/* The run stops at a misfit: where it is, what it is, what to do. row: "origin=JFK,
 * event_time=...". */
enum status postgres_misfit(const struct postgres_view *view, const struct postgres_field *field,
                            enum copy_misfit misfit, const char *row, struct error *err);

#endif
