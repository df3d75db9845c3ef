/* test_sqlite_conformance.c - the suite of every offline store, over SQLite. */
#include "../conformance/offline_store_suite.h"
#include "private_file.h"

static struct offline_store *open_empty(void *context)
{
    private_file_clear(context);
    return private_file_store(context);
}

/* Joins then go by a copy of the history. */
static void drop_index(void *context)
{
    private_file_run(context, "DROP INDEX History_larder");
}

int main(void)
{
    struct private_file file;
    private_file_make(&file);
    struct offline_store_maker maker = {.open = open_empty, .context = &file};
    int failed = offline_store_suite_run(&maker);
    maker.loaded = drop_index;
    failed += offline_store_suite_run(&maker);
    private_file_remove(&file);
    return failed;
}
