/*
 * offline_history.h - a random history of one source, and the answers to be had from it.
 *
 * Answers are worked out by looking at every row, by the rules of the design's section 5 and
 * nothing else. Each row carries a number, by which tests tell rows apart. One seed makes one
 * history.
 */
#ifndef LARDER_TESTS_OFFLINE_HISTORY_H
#define LARDER_TESTS_OFFLINE_HISTORY_H

#include "store/offline/offline_store.h"

enum { HISTORY_KEYS_MAX = 3, HISTORY_ENTITIES_MAX = 24, HISTORY_ROWS_MAX = 300 };

struct history_row {
    struct value keys[HISTORY_KEYS_MAX];
    int64_t event_us;
    int64_t created_us; /* TIMESTAMP_UNKNOWN: null */
    int64_t number;     /* from 1 */
};

struct history {
    uint64_t random;
    size_t key_count;
    value_type types[HISTORY_KEYS_MAX]; /* of keys k1, k2, k3 */
    struct value entities[HISTORY_ENTITIES_MAX][HISTORY_KEYS_MAX];
    size_t entity_count;
    struct history_row rows[HISTORY_ROWS_MAX];
    size_t row_count;
    int64_t start_us;
    int64_t ttl_us; /* the edges that asks are made around */
};

void history_init(struct history *history, uint64_t seed);
uint64_t history_random(struct history *history, uint64_t below);
int64_t history_pick(struct history *history, const int64_t *numbers, size_t count);
/* A time at, or right beside, an event, a created time, or an end of the ttl. */
int64_t history_edge(struct history *history);
/* An entity's keys, or now and then strange ones; perhaps with a null. */
void history_ask(struct history *history, struct value *keys);

struct history_question {
    const struct value *keys;
    int64_t at_us;
    int64_t ttl_us; /* 0: none */
    bool as_known;
    int64_t as_of_us;
};
/* The latest eligible row, or NULL. */
const struct history_row *history_latest(const struct history *history,
                                         const struct history_question *question);

#endif
