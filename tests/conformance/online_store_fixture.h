/*
 * online_store_fixture.h - an empty store, and the words in which the suite's tests are written.
 *
 * Each test gets a store without a key. Rows have one column, a text, by which tests tell them
 * apart; they belong to view VIEW of project PROJECT where nothing else is said. What is made lives
 * in the fixture's arena. Every call that should succeed and does not ends the test with its
 * message.
 */
#ifndef LARDER_TESTS_ONLINE_STORE_FIXTURE_H
#define LARDER_TESTS_ONLINE_STORE_FIXTURE_H

#include "online_store_suite.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { PROJECT = 3, KEY_SET = 1, VIEW = 7 };

struct fixture {
    const struct online_store_maker *maker;
    struct online_store *store;
    struct arena arena;
    struct row_layout layout; /* one column, text */
    struct error err;
};

int set_up(void **state); /* its initial state is the maker */
int tear_down(void **state);
void check_ok(const struct fixture *f, enum status status);

/* Keys and rows. A row's created time is its event time where nothing else is said. */
struct bytes key_in(struct fixture *f, uint32_t project, uint32_t view, uint32_t generation,
                    int64_t driver);
struct bytes driver(struct fixture *f, int64_t id);
struct bytes row_of(struct fixture *f, struct row_header header, const char *text);
struct bytes row_at(struct fixture *f, int64_t event_time, int64_t position, const char *text);
struct bytes row_as_of(struct fixture *f, int64_t event_time, int64_t position, int64_t floor,
                       const char *text);
struct bytes tombstone(struct fixture *f, int64_t floor);

/* Without put_until's time, rows never expire. */
enum row_outcome put_until(struct fixture *f, int64_t id, struct bytes row, int64_t expires_at_us);
enum row_outcome put(struct fixture *f, int64_t id, struct bytes row);

/* The rows of so many drivers, written at once. */
void put_in(struct fixture *f, uint32_t project, uint32_t view, uint32_t generation, int64_t first,
            int64_t count);

struct bytes read_key(struct fixture *f, struct bytes key);
void check_absent(struct fixture *f, int64_t id);
/* The stored row is whole and holds this text; returns its header. */
struct row_header check_row(struct fixture *f, int64_t id, const char *text);
void check_tombstone(struct fixture *f, int64_t id, int64_t floor);

/* The groups of tests; how many failed. */
int online_store_row_tests(const struct online_store_maker *maker);
int online_store_scan_tests(const struct online_store_maker *maker);
int online_store_definition_tests(const struct online_store_maker *maker);

#endif
