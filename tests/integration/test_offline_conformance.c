/* test_offline_conformance.c - the suite of every offline store, over PostgreSQL: with joins that
 * read the sources, and with joins that read copies of them. */
#include "../conformance/offline_store_suite.h"
#include "private_database.h"

struct way {
    struct private_database database;
    const char *options;
};

static struct offline_store *open_empty(void *context)
{
    struct way *way = context;
    private_database_clear(&way->database);
    return private_database_store(&way->database, way->options);
}

int main(void)
{
    static const char *const ways[] = {"options='-c larder.join=probe'",
                                       "options='-c larder.join=copy'"};
    struct way way;
    int failed = 0;
    private_database_make(&way.database);
    for (size_t i = 0; i < COUNT_OF(ways); i++) {
        struct offline_store_maker maker = {.open = open_empty, .context = &way};
        way.options = ways[i];
        failed += offline_store_suite_run(&maker);
    }
    private_database_drop(&way.database);
    return failed;
}
