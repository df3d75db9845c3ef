/* test_sqlite_registry.c - the registry's conformance suite over a SQLite file, new for each test.
 */
#include "private_file.h"
#include "tests/conformance/registry_suite.h"

static void start(void *context, struct settings *settings)
{
    private_file_clear(context);
    *settings = private_file_settings(context);
    settings->project = "shop";
}

static void stop(void *context)
{
    (void)context; /* the file goes at the end */
}

int main(void)
{
    struct private_file file;
    private_file_make(&file);
    struct registry_under_test backend = {"sqlite", start, stop, &file};
    int failed = registry_suite_run(&backend);
    private_file_remove(&file);
    return failed;
}
