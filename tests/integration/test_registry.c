/* test_registry.c - the registry's conformance suite over PostgreSQL, a schema for each test. */
#include "tests/conformance/registry_suite.h"

#include "base/bytes.h"
#include "tests/support/postgres_database.h"

#include <stdio.h>

struct place_for_tests {
    struct postgres_database database;
    char schema[32];
    unsigned count;
};

static void start(void *context, struct settings *settings)
{
    struct place_for_tests *place = context;
    snprintf(place->schema, sizeof place->schema, "larder_%u", ++place->count);
    *settings = (struct settings){
        .project = "shop",
        .offline_store = {.type = "postgres", .url = place->database.url, .timeout_ms = 5000},
        .registry_schema = place->schema,
    };
}

static void stop(void *context)
{
    (void)context; /* the database goes at the end, with all schemas */
}

int main(void)
{
    struct place_for_tests place = {0};
    struct registry_under_test backend = {"postgres", start, stop, &place};
    postgres_database_make(&place.database, "registry");
    int failed = registry_suite_run(&backend);
    postgres_database_drop(&place.database);
    return failed;
}
