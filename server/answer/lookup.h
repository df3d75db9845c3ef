/*
 * lookup.h - from a query's entities to the values of its features: the one core behind every API.
 *
 * In two steps with the store's read between them, so that a worker reads the keys of many queries
 * at once: lookup_begin appends the keys of a query to the batch's list; lookup_finish opens the
 * rows that came back and decides what each counts as. Then any feature of any entity can be had,
 * and both APIs encode from the same result.
 *
 * A row counts as not found if there is none, its key has a null or is longer than the store keeps,
 * it is a tombstone, or it is older than its view's ttl and a day; as too old, its value withheld
 * but its time told, if it is older than the ttl. A row ahead of our clock is served. Bytes that
 * are no whole row are never read as one: CORRUPT.
 */
#ifndef LARDER_SERVER_ANSWER_LOOKUP_H
#define LARDER_SERVER_ANSWER_LOOKUP_H

#include "base/arena.h"
#include "base/buffer.h"
#include "base/error.h"
#include "server/answer/query.h"

#include <stdbool.h>
#include <stdint.h>

/* What is known of one value. The numbers are those of both APIs. */
enum feature_status {
    FEATURE_PRESENT = 1,
    FEATURE_NULL_VALUE = 2,
    FEATURE_NOT_FOUND = 3,
    FEATURE_OUTSIDE_MAX_AGE = 4,
};

/* The keys of a batch, in its arena. */
struct key_list {
    struct bytes *keys;
    size_t count, capacity;
    struct buffer encoded; /* the owner's to init and release; kept from batch to batch */
};

/* The row of one entity in one use of a view. */
struct found_row {
    struct bytes row;
    const struct served_schema *schema;
    int64_t event_time_us;      /* 0 where not found */
    enum feature_status status; /* PRESENT, NOT_FOUND or OUTSIDE_MAX_AGE */
};

struct lookup {
    const struct query *query;
    uint32_t *key_numbers; /* [view_count * row_count], into the list; NO_KEY: nothing to read */
    size_t first_key, key_count; /* its part of the list */
    struct found_row *found;     /* [view_count * row_count], views outermost */
    uint64_t *null_counts;       /* [view_count]: features asked for that are null */
    bool needs_definitions;      /* a row of a schema number that the snapshot does not know */
    bool lacks_rows;             /* some key has none */
};

/* EXHAUSTED, and the list as it was: the keys take more memory than the query may. */
enum status lookup_begin(struct lookup *lookup, const struct query *query, struct key_list *list,
                         struct arena *arena, struct error *err);
/* rows stand as the list's keys do. CORRUPT names the view. Sets needs_definitions, and FAILED,
 * where a row's schema number is not known: it is to be tried again with newer definitions. */
enum status lookup_finish(struct lookup *lookup, const struct bytes *rows, int64_t now_us,
                          struct arena *arena, struct error *err);

/* What lookup_column or lookup_slots found of a feature: for encoders, once for each feature of
 * which not all are PRESENT. */
void lookup_count_nulls(const struct lookup *lookup, const struct plan_feature *feature,
                        const uint8_t *statuses);

static inline const struct found_row *lookup_row(const struct lookup *lookup, size_t view,
                                                 size_t row)
{
    return &lookup->found[view * lookup->query->row_count + row];
}

/* One feature for all entities. values[i] is null, with zero in it, unless statuses[i] is PRESENT.
 * Returns how many are PRESENT. */
size_t lookup_column(const struct lookup *lookup, const struct plan_feature *feature,
                     struct value *values, uint8_t *statuses);

/* The same for a type of fixed width, without a value between the row and the wire: slots[i] is
 * where the value's bytes stand in its row, little-endian, or NULL unless it is PRESENT. */
size_t lookup_slots(const struct lookup *lookup, const struct plan_feature *feature,
                    const uint8_t **slots, uint8_t *statuses);

#endif
