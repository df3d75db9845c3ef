/* test_lmdb_conformance.c - the suite of every online store, over LMDB. */
#include "../conformance/online_store_suite.h"
#include "private_folder.h"

static struct online_store *open_store(void *context)
{
    struct private_folder *folder = context;
    return store_in(folder->path, 5000);
}

static void clear(void *context)
{
    private_folder_clear(context);
}

int main(void)
{
    struct private_folder folder;
    private_folder_make(&folder);
    struct online_store_maker maker = {.open = open_store, .clear = clear, .context = &folder};
    int failed = online_store_suite_run(&maker);
    private_folder_remove(&folder);
    return failed;
}
