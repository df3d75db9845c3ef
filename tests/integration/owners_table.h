/*
 * owners_table.h - a random SQLite table (or view, or query) of an owner's, in which any column may
 * hold anything, and the answers to be had from it.
 *
 * Answers are worked out in plain C from the storage class and the bytes of every cell, by what
 * store/offline/sqlite_value.h says of values and the design's section 5 of rows, and nothing else.
 * One seed makes one table. Tame ones hold no misfits.
 */
#ifndef LARDER_TESTS_OWNERS_TABLE_H
#define LARDER_TESTS_OWNERS_TABLE_H

#include "../unit/base_random.h"

#include "base/entity_key.h"
#include "store/offline/offline_store.h"

enum { OWNERS_KEYS_MAX = 2, OWNERS_FEATURES_MAX = 3, OWNERS_ROWS_MAX = 60 };

/* A row as it is read where misfits are nulls. */
struct owners_row {
    struct value keys[OWNERS_KEYS_MAX], event, created, features[OWNERS_FEATURES_MAX];
    unsigned key_misfits, feature_misfits; /* the created time's is among those of features */
    bool event_is_misfit;                  /* it is there, and no integer */
    bool created_is_strange;               /* a number that is no time */
    bool is_long;                          /* its key is too long to be online */
};

struct owners_table {
    struct random_source random;
    struct arena arena;
    bool is_tame, has_created, is_utf16;
    size_t key_count, feature_count;
    value_type key_types[OWNERS_KEYS_MAX], feature_types[OWNERS_FEATURES_MAX];
    int64_t ttl_us;
    const char *source; /* in YAML: "table: h" or "query: ..." */
    const char *select; /* what reads it */
    const char *sql;    /* what makes it, statement by statement; some may fail */
    struct owners_row rows[OWNERS_ROWS_MAX];
    size_t row_count;
};

/* Draws what is to be made; the caller runs it. */
void owners_table_draw(struct owners_table *table, uint64_t seed);
/* The definitions of a view v over it. */
const char *owners_table_yaml(struct owners_table *table);
/* Reads it back. */
void owners_table_read(struct owners_table *table, const char *path,
                       const struct entity_key_ids *ids);
void owners_table_release(struct owners_table *table);

/* No reader knows of such a row. */
bool owners_row_is_unfit(const struct owners_table *table, const struct owners_row *row);

struct owners_question {
    struct value keys[OWNERS_KEYS_MAX]; /* nulls allowed */
    int64_t at_us;
    bool as_known, with_status;
    int64_t as_of_us;
};
struct owners_question owners_question_draw(struct owners_table *table);
/* Whether the row may be the answer: it is eligible, and no eligible one is later. */
bool owners_row_answers(const struct owners_table *table, const struct owners_question *question,
                        const struct owners_row *row);

#endif
