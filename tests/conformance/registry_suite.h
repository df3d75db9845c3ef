/*
 * registry_suite.h - what any backend of the registry must do (store/registry/registry.h), as
 * tests.
 *
 * A backend's test program fills the struct and runs the suite; every test gets a registry to which
 * nothing was applied. Several handles are opened on it at once, by several threads too.
 */
#ifndef LARDER_TESTS_CONFORMANCE_REGISTRY_SUITE_H
#define LARDER_TESTS_CONFORMANCE_REGISTRY_SUITE_H

#include "config/settings.h"

struct registry_under_test {
    const char *name; /* of the backend, for the report */
    /* Settings by which registry_open finds an empty registry; they live until `stop`. */
    void (*start)(void *context, struct settings *settings);
    void (*stop)(void *context);
    void *context;
};

/* How many tests failed. */
int registry_suite_run(struct registry_under_test *backend);

#endif
