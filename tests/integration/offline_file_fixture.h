/*
 * offline_file_fixture.h - an offline store on a SQLite file of the test program's own, which each
 * test finds empty; its tests are told in the words of offline_text.h.
 */
#ifndef LARDER_TESTS_OFFLINE_FILE_FIXTURE_H
#define LARDER_TESTS_OFFLINE_FILE_FIXTURE_H

#include "offline_text.h"
#include "private_file.h"

extern struct private_file file;

/* 2024-01-01 and so many days, as SQL. */
#define JANUARY "1704067200000000"
#define DAY(n) "(" JANUARY " + " #n " * 86400000000)"

/* Runs SQL as the owner. */
void run(const char *sql);
/* The table h, made anew. */
void make_history(struct offline_test *t, const char *columns, const char *rows);

int offline_file_set_up(void **state);
int offline_file_tear_down(void **state);
#define FILE_TEST(name)                                                                            \
    cmocka_unit_test_setup_teardown(name, offline_file_set_up, offline_file_tear_down)

/* Runs the tests once for each way in which joins are answered; how many failed. */
struct CMUnitTest;
int offline_file_tests_run(const struct CMUnitTest *tests, size_t count);

#endif
