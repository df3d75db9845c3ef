/*
 * comparison.h - what the online store and history say of one key, and whether they agree.
 *
 * For verify_view.c, which tells it the row that is served and, in any order, the rows of history
 * that are due and not too old. Pure; one thread.
 *
 * Three rows count. The served one. The latest: the greatest event time, then the greatest created
 * time, an unknown one being least. And the latest that the last run of materialize has to have
 * seen, which is the least that may be served: runs lag behind history, so what history gained
 * since may be served already, or not yet.
 */
#ifndef LARDER_TRAINING_COMPARISON_H
#define LARDER_TRAINING_COMPARISON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum verdict {
    VERDICT_NONE,      /* neither side has a row */
    VERDICT_EQUAL,     /* the latest row is served, bit by bit */
    VERDICT_BEHIND,    /* so was an earlier one, and the next run brings the latest */
    VERDICT_MISSING,   /* none is served */
    VERDICT_EXTRA,     /* what is served is no row of history */
    VERDICT_STALE,     /* an earlier one is served than the last run has to have seen */
    VERDICT_DIFFERENT, /* the row of these times has other values */
    VERDICT_AMBIGUOUS, /* several rows have these times and other values; one of them is served */
};
enum { VERDICT_COUNT = 8 };

/* Whether training and serving differ because of it. */
static inline bool verdict_is_difference(enum verdict verdict)
{
    return verdict >= VERDICT_MISSING && verdict <= VERDICT_DIFFERENT;
}

struct row_times {
    int64_t event_us;
    int64_t created_us; /* TIMESTAMP_UNKNOWN, the least, where it is not known */
};

struct comparison {
    struct row_times served, latest, seen;
    bool has_served, has_latest, has_seen;
    bool is_unreadable; /* what is served is no whole row of the view */
    bool is_equal;      /* history has the served row */
    bool is_unequal;    /* history has a row of its times with other values */
};

/* Adds a row of history. true: it has the served row's times, so its values are to be compared:
 * is_equal or is_unequal then says what came of it. */
bool comparison_add(struct comparison *comparison, struct row_times times, bool is_seen);
/* When all rows were added. Rows with an event time before expiring_us may have left the online
 * store by now. */
enum verdict comparison_end(const struct comparison *comparison, int64_t expiring_us);

#endif
