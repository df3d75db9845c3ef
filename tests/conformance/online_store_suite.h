/*
 * online_store_suite.h - what every backend of the online store must do.
 *
 * A backend's test makes a store that is empty, and runs the suite over it. The suite needs nothing
 * but online_store.h; base/row.h's row_resolve is its oracle.
 */
#ifndef LARDER_TESTS_ONLINE_STORE_SUITE_H
#define LARDER_TESTS_ONLINE_STORE_SUITE_H

#include "store/online/online_store.h"

struct online_store_maker {
    /* A handle on the store, which is the same for all handles. The suite closes it. */
    struct online_store *(*open)(void *context);
    /* Leaves the store without a key. */
    void (*clear)(void *context);
    void *context;
};

/* Runs all tests; how many failed. */
int online_store_suite_run(const struct online_store_maker *maker);

#endif
