/*
 * offline_store_suite.h - what every backend of the offline store must do.
 *
 * A backend's test makes a store without tables, and runs the suite over it. Joins
 * are those of training/join.h, whose strategies are to agree on every store. The suite loads
 * histories, reads them back, and compares with answers that it works out itself by looking at
 * every row.
 */
#ifndef LARDER_TESTS_OFFLINE_STORE_SUITE_H
#define LARDER_TESTS_OFFLINE_STORE_SUITE_H

#include "training/join.h"

struct offline_store_maker {
    /* A handle on a store that has no tables any more. The suite closes it. */
    struct offline_store *(*open)(void *context);
    void *context;
    struct join_options options; /* of all joins */
};

/* Runs all tests; how many failed. */
int offline_store_suite_run(const struct offline_store_maker *maker);

#endif
