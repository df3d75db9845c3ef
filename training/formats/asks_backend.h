/*
 * asks_backend.h - what a format of asking rows gives (asks.h).
 *
 * asks.c opens the file, looks at its first bytes, and picks the operations; they read from a
 * descriptor that stands at the file's beginning. A reading is open, then rows until the end, then
 * close; there are two, and `reading` says which.
 */
#ifndef LARDER_TRAINING_FORMATS_ASKS_BACKEND_H
#define LARDER_TRAINING_FORMATS_ASKS_BACKEND_H

#include "training/formats/asks.h"

#include <sys/stat.h>

struct asks_operations {
    /* Makes asks->rows, and tells the columns: asks_take_columns. */
    enum status (*open)(struct asks *asks, struct error *err);
    /* Fills asks->keys, asks->at_us and, in the second reading, asks->cells; *found false is the
     * end, by which asks->types is set. */
    enum status (*next)(struct asks *asks, bool *found, struct error *err);
    void (*close)(struct asks *asks); /* rows may be NULL */
};

/* Where a column's name stands in the file; line 0 where that is no text. */
struct asks_place {
    uint64_t line;
    uint32_t column;
};

struct asks {
    const struct asks_operations *operations;
    const struct selection *selection;
    const char *path; /* for messages */
    bool is_query;    /* whose rows are kept as a CSV that nobody has seen */
    int descriptor;
    bool as_text;
    const atomic_bool *stop; /* while what cannot be read again is kept */
    int reading;             /* 1 or 2 */
    void *rows;              /* the operations' own */
    struct arena names;      /* lives as long as asks */
    struct arena parsed;     /* lives as long as a row */
    const char **columns;
    struct asks_place *places; /* [column_count] */
    value_type *types;         /* [column_count] */
    size_t column_count;
    size_t *key_columns; /* [selection->key_count] */
    size_t time_column;
    struct value *keys;  /* [selection->key_count] */
    struct value *cells; /* [column_count] */
    int64_t at_us;
    struct ask ask;
    uint64_t count;
    struct stat summed; /* the file as it was when its checksum was taken */
};

extern const char asks_time_name[]; /* event_timestamp */

/* Called by open in both readings. INVALID as asks_open. FAILED: the second time they differ. */
enum status asks_take_columns(struct asks *asks, const char *const *columns,
                              const struct asks_place *places, size_t count, struct error *err);

/* An unnamed file, of which nothing is left behind whatever ends the process; and into it. */
enum status asks_make_spool(int *descriptor, struct error *err);
enum status asks_write_spool(int descriptor, const void *bytes, size_t size, struct error *err);
/* Writes the rows of a query there (asks_query.c). */
enum status asks_spool_query(struct offline_store *store, const char *sql, const char *name,
                             const struct selection *selection, int descriptor, struct error *err);

extern const struct asks_operations asks_arrow;
extern const struct asks_operations asks_csv;

#endif
