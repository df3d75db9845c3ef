/*
 * registry_fixture.h - what the tests of registry_suite.h are told in: a handle of an empty
 * registry, and the few things that people do with one. What fails here fails the test, with the
 * message.
 */
#ifndef LARDER_TESTS_CONFORMANCE_REGISTRY_FIXTURE_H
#define LARDER_TESTS_CONFORMANCE_REGISTRY_FIXTURE_H

#include "store/registry/registry.h"
#include "tests/conformance/registry_suite.h"

#include <stdbool.h>
#include <stdint.h>

struct fixture;

struct named_test {
    const char *name;
    void (*run)(struct fixture *f);
};

struct fixture {
    struct registry_under_test *backend;
    const struct named_test *test;
    struct settings settings;
    struct registry *registry;
    struct arena arena;
    struct error err;
};

void demand(struct fixture *f, enum status status);
struct registry *another_handle(struct fixture *f);
struct apply_outcome *apply_with(struct fixture *f, const struct definitions *definitions,
                                 struct apply_options options);
struct apply_outcome *apply(struct fixture *f, const struct definitions *definitions);
struct apply_outcome *prune(struct fixture *f, const struct definitions *definitions);
void check_refused(struct fixture *f, const struct definitions *definitions,
                   const char *const *words, size_t count);
const struct catalog *read_catalog(struct fixture *f);
uint64_t version(struct fixture *f);
const struct catalog_view *view_of(const struct catalog *catalog, const char *name);
struct view_state state_of(struct fixture *f, const char *view);
/* Whether the registry calls it outdated. */
bool advance_under(struct fixture *f, const struct catalog *catalog, const char *view,
                   int64_t watermark_us, int64_t position, bool clears_stale);
void advance(struct fixture *f, const char *view, int64_t watermark_us, int64_t position);
bool same_catalog(struct fixture *f, const struct catalog *a, const struct catalog *b);

/* The tests, by what they are of. */
struct test_list {
    const struct named_test *tests;
    size_t count;
};
struct test_list registry_apply_tests(void);
struct test_list registry_state_tests(void);
struct test_list registry_generation_tests(void);
struct test_list registry_many_tests(void);

#endif
