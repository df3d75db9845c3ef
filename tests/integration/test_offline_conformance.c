/* test_offline_conformance.c - the suite of every offline store, over PostgreSQL. */
#include "../conformance/offline_store_suite.h"
#include "private_database.h"

static struct offline_store *open_empty(void *context)
{
    private_database_clear(context);
    return private_database_store(context, NULL);
}

int main(void)
{
    struct private_database database;
    private_database_make(&database);
    struct offline_store_maker maker = {.open = open_empty, .context = &database};
    int failed = offline_store_suite_run(&maker);
    private_database_drop(&database);
    return failed;
}
