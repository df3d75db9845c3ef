/*
 * offline_text.h - what the offline store says, as text that a test can write down.
 *
 * Also what every test of it begins with: an empty database, a store on it, and the smallest
 * history.
 *
 * Fields stand with '|' between them, null as "null", values as CSV has them. Times of the year
 * 2024 are written short: "01-02 03:04:05".
 */
#ifndef LARDER_TESTS_OFFLINE_TEXT_H
#define LARDER_TESTS_OFFLINE_TEXT_H

#include "base/entity_key.h"
#include "private_database.h"
#include "training/join.h"

struct offline_test {
    struct private_database *database;
    struct offline_store *store;
    struct arena arena;
    struct definitions definitions;
};

/* A program makes its database once; each of its tests has an offline_test, and finds it empty:
 *     const struct CMUnitTest tests[] = {OFFLINE_TEST(one), OFFLINE_TEST(another)};
 *     return cmocka_run_group_tests(tests, offline_tests_begin, offline_tests_end); */
int offline_tests_begin(void **state);
int offline_tests_end(void **state);
int offline_test_set_up(void **state);
int offline_test_tear_down(void **state);
#define OFFLINE_TEST(name)                                                                         \
    cmocka_unit_test_setup_teardown(name, offline_test_set_up, offline_test_tear_down)

/* How joins are answered from now on; at first as JOIN_CHOSEN. */
void offline_tests_join_by(struct join_options options);
#define JOIN_CHOSEN ((struct join_options){.strategy = JOIN_BY_COST})
#define JOIN_PROBED ((struct join_options){.strategy = JOIN_PROBE})
#define JOIN_PASSED ((struct join_options){.strategy = JOIN_PASS})
#define JOIN_PASSED_IN_PARTS ((struct join_options){.strategy = JOIN_PASS, .memory_bytes = 1})

/* A role that may use the schema and nothing else. Dropping it connects the store as before. */
#define READER "larder_test_reader"
void make_reader(struct offline_test *t);
void drop_reader(struct offline_test *t);

/* The store is opened anew; options: more of a connection string, such as "user=ann", or NULL. */
void connect_anew(struct offline_test *t, const char *options);

/* Runs SQL as the owner. */
void owner(struct offline_test *t, const char *sql);
/* Definitions: `entity` and `source` fill in "join_keys: {...}" and "table: ...", `view` the view
 * v's own. */
void define(struct offline_test *t, const char *join_keys, const char *source, const char *view);
void define_yaml(struct offline_test *t, const char *yaml);
#define X "features: [{name: x, type: float64}]"

/* The table r (id int, at timestamptz, x float8) with those rows ("(1, '2024-01-01', 1)"; NULL:
 * none), and view v of its x. */
void keep_history(struct offline_test *t, const char *rows);
/* The same with a created time made, between at and x; policy: what misfits do. */
void keep_recorded_history(struct offline_test *t, const char *policy, const char *rows);

/*
 * A scan of view v: a line "keys|event|created|features" for each row, sorted, then
 * "left out N, misfits N"; or "STATUS: message".
 */
const char *scanned(struct offline_test *t, struct scan_request request);
const char *scanned_all(struct offline_test *t);

/* What joins of up to four views are asked with. */
extern const struct entity_key_ids small_key_ids[4];

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
