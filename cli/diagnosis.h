/*
 * diagnosis.h - what was looked at, what was seen, and what is wrong: the answer of `larder
 * doctor`.
 *
 *     online store   wrong    redis 7.0.15, redis://localhost:6379/0, 1.2 MiB used
 *       error: redis localhost:6379 drops rows silently when it is full ...
 *
 * Checks stand in the order in which they were begun. Where one could not be looked at, because
 * another thing is away, it says so, and counts as neither good nor wrong. Everything is in the
 * arena.
 */
#ifndef LARDER_CLI_DIAGNOSIS_H
#define LARDER_CLI_DIAGNOSIS_H

#include "store/finding.h"

#include <stdbool.h>
#include <stddef.h>

struct json_t;

enum { CHECKS_MAX = 16 };

struct check {
    const char *name; /* "offline_store" */
    const char *seen; /* "PostgreSQL 15.14, postgresql://localhost/flights" */
    bool is_unknown;  /* it was not looked at, and seen says why */
    struct findings findings;
};

struct diagnosis {
    struct arena *arena;
    struct check checks[CHECKS_MAX];
    size_t count;
};

/* The next check, of which nothing is seen yet. */
struct check *diagnosis_begin(struct diagnosis *diagnosis, const char *name);
void diagnosis_see(struct diagnosis *diagnosis, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void diagnosis_cannot_see(struct diagnosis *diagnosis, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void diagnosis_find(struct diagnosis *diagnosis, enum finding_kind kind, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

void diagnosis_take(struct diagnosis *diagnosis, const struct findings *findings);

/* How many findings of a kind all checks have. */
size_t diagnosis_tally(const struct diagnosis *diagnosis, enum finding_kind kind);

void diagnosis_print(const struct diagnosis *diagnosis);
/* The list of checks. */
struct json_t *diagnosis_to_json(const struct diagnosis *diagnosis);

#endif
