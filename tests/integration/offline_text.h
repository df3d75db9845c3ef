/*
 * offline_text.h - what the offline store says, as text that a test can write down.
 *
 * Fields stand with '|' between them, null as "null", values as CSV has them. Times of the year
 * 2024 are written short: "01-02 03:04:05".
 */
#ifndef LARDER_TESTS_OFFLINE_TEXT_H
#define LARDER_TESTS_OFFLINE_TEXT_H

#include "private_database.h"

struct offline_test {
    struct private_database *database;
    struct offline_store *store;
    struct arena arena;
    struct definitions definitions;
};

/* For cmocka: prestate is the offline_test with its database; each test begins with an empty one.
 */
int offline_test_set_up(void **state);
int offline_test_tear_down(void **state);

/* Runs SQL as the owner. */
void owner(struct offline_test *t, const char *sql);
/* Definitions: `entity` and `source` fill in "join_keys: {...}" and "table: ...", `view` the view
 * v's own. */
void define(struct offline_test *t, const char *join_keys, const char *source, const char *view);
void define_yaml(struct offline_test *t, const char *yaml);

/*
 * A scan of view v: a line "keys|event|created|features" for each row, sorted, then
 * "left out N, misfits N"; or "STATUS: message".
 */
const char *scanned(struct offline_test *t, struct scan_request request);
const char *scanned_all(struct offline_test *t);

/*
 * Asks "key,key@time" (an empty key is null) of some features "v:x v:y", or of a service: a line
 * "event|created|features" for each ask (of each view, with ';' between), then
 * "left out N, unknown N, misfits N", with ", long keys N" where there are any; or
 * "STATUS: message".
 */
const char *joined(struct offline_test *t, const char *features, struct join_request request,
                   const char *const *asks, size_t count);
#define JOINED(t, features, request, ...)                                                          \
    joined(t, features, request, (const char *const[]){__VA_ARGS__},                               \
           COUNT_OF(((const char *const[]){__VA_ARGS__})))

/* "error: text" or "hint: text" of each finding, a line each. */
const char *checked(struct offline_test *t);

/* Fails the test, with both, unless the text is the one expected; or, begins or holds it. */
void check_text(const char *text, const char *expected);
void check_holds(const char *text, const char *part);

#endif
