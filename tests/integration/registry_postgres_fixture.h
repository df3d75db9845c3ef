/*
 * registry_postgres_fixture.h - a handle of a PostgreSQL registry in the schema larder of a
 * database of the test program's own; each test finds no such schema. What fails here fails the
 * test.
 */
#ifndef LARDER_TESTS_REGISTRY_POSTGRES_FIXTURE_H
#define LARDER_TESTS_REGISTRY_POSTGRES_FIXTURE_H

#include "store/registry/registry.h"
#include "tests/support/postgres_database.h"

extern struct postgres_database database; /* made and dropped by main */

struct fixture {
    struct settings settings;
    struct registry *registry;
    struct arena arena;
    struct error err;
};

int set_up(void **state);
int tear_down(void **state);

/* The handle is another from then on. */
enum status open_as(struct fixture *f, const char *schema, const char *url);
void demand(struct fixture *f, enum status status);
enum status apply(struct fixture *f, const struct definitions *definitions);
uint64_t version(struct fixture *f);
/* The last error says these words. */
void check_words(struct fixture *f, const char *words);
long tables_in(const char *schema);

#endif
