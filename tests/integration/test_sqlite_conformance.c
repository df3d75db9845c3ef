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
    /* The last holds no more than a few asks at once. */
    static const struct join_options options[] = {{.strategy = JOIN_PROBE},
                                                  {.strategy = JOIN_PASS},
                                                  {.strategy = JOIN_PASS, .memory_bytes = 1}};
    struct private_file file;
    int failed = 0;
    private_file_make(&file);
    for (size_t i = 0; i < COUNT_OF(options); i++) {
        struct offline_store_maker maker = {
            .open = open_empty, .context = &file, .options = options[i]};
        failed += offline_store_suite_run(&maker);
    }
    private_file_remove(&file);
    return failed;
}
