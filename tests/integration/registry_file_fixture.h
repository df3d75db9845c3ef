/*
 * registry_file_fixture.h - a handle of a registry with the schema larder in a SQLite file of the
 * test program's own, which each test finds gone. What fails here fails the test.
 */
#ifndef LARDER_TESTS_REGISTRY_FILE_FIXTURE_H
#define LARDER_TESTS_REGISTRY_FILE_FIXTURE_H

#include "store/registry/registry.h"
#include "tests/integration/private_file.h"

extern struct private_file file;

struct fixture {
    struct settings settings;
    struct registry *registry;
    struct arena arena;
    struct error err;
};

int registry_file_begin(void **state);
int registry_file_end(void **state);
int registry_file_set_up(void **state);
int registry_file_tear_down(void **state);
#define FILE_TEST(name)                                                                            \
    cmocka_unit_test_setup_teardown(name, registry_file_set_up, registry_file_tear_down)

/* The handle is another from then on. */
enum status open_as(struct fixture *f, const char *schema);
void demand(struct fixture *f, enum status status);
enum status apply(struct fixture *f, const struct definitions *definitions);
uint64_t version(struct fixture *f);
/* The last error says these words. */
void check_words(struct fixture *f, const char *words);
/* As an owner asks. The first column of the first row. */
const char *ask(struct fixture *f, const char *sql);
const char *table_names(struct fixture *f);

#endif
