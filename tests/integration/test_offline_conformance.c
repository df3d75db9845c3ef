/* test_offline_conformance.c - the suite of every offline store, over PostgreSQL, with each
 * strategy. */
#include "../conformance/offline_store_suite.h"
#include "private_database.h"

static struct offline_store *open_empty(void *context)
{
    private_database_clear(context);
    return private_database_store(context, NULL);
}

int main(void)
{
    /* The last holds no more than a few asks at once. */
    static const struct join_options options[] = {{.strategy = JOIN_PROBE},
                                                  {.strategy = JOIN_PASS},
                                                  {.strategy = JOIN_PASS, .memory_bytes = 1}};
    struct private_database database;
    int failed = 0;
    private_database_make(&database);
    for (size_t i = 0; i < COUNT_OF(options); i++) {
        struct offline_store_maker maker = {
            .open = open_empty, .context = &database, .options = options[i]};
        failed += offline_store_suite_run(&maker);
    }
    private_database_drop(&database);
    return failed;
}
