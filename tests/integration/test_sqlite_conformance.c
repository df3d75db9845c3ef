/* test_sqlite_conformance.c - the suite of every offline store, over SQLite. */
#include "../conformance/offline_store_suite.h"
#include "private_file.h"

static struct offline_store *open_empty(void *context)
{
    private_file_clear(context);
    return private_file_store(context);
}

int main(void)
{
    static const enum join_strategy strategies[] = {JOIN_PROBE, JOIN_PASS};
    struct private_file file;
    int failed = 0;
    private_file_make(&file);
    for (size_t i = 0; i < COUNT_OF(strategies); i++) {
        struct offline_store_maker maker = {
            .open = open_empty, .context = &file, .strategy = strategies[i]};
        failed += offline_store_suite_run(&maker);
    }
    private_file_remove(&file);
    return failed;
}
