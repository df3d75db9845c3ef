/*
 * offline_store_fixture.h - a store without tables for each test of the suite, and how it is
 * filled.
 */
#ifndef LARDER_TESTS_OFFLINE_STORE_FIXTURE_H
#define LARDER_TESTS_OFFLINE_STORE_FIXTURE_H

#include "offline_store_suite.h"

#include "base/entity_key.h"

struct offline_fixture {
    const struct offline_store_maker *maker;
    struct offline_store *store;
    struct arena arena;
};

/* For join requests of up to four views: of 480 bytes they leave 474 to a key's values. */
extern const struct entity_key_ids small_key_ids[4];

int offline_fixture_set_up(void **state);
int offline_fixture_tear_down(void **state);

void check_ok(enum status status, const struct error *err);
/* Loads rows of `count` values each into the source's table, which is made if it is not there. */
void load(struct offline_fixture *f, const struct source *source, const struct load_column *columns,
          size_t count, const struct value *rows, size_t row_count);

/* The tests over one small table: broken-off scans and joins, and loads. How many failed. */
int offline_store_suite_run_small(const struct offline_store_maker *maker);

#define OFFLINE_SUITE_TEST(test)                                                                   \
    cmocka_unit_test_prestate_setup_teardown(test, offline_fixture_set_up,                         \
                                             offline_fixture_tear_down, &fixture)

#endif
