/* test_memory_online_store.c - the suite of every online store, over the one that tests stand on.
 */
#include "../conformance/online_store_suite.h"
#include "tests/support/memory_online_store.h"

static struct online_store *open_store(void *context)
{
    struct memory_online_store *memory = context;
    return &memory->store;
}

static void clear(void *context)
{
    memory_online_store_release(context);
    memory_online_store_init(context);
}

int main(void)
{
    struct memory_online_store memory;
    memory_online_store_init(&memory);
    struct online_store_maker maker = {.open = open_store, .clear = clear, .context = &memory};
    int failed = online_store_suite_run(&maker);
    memory_online_store_release(&memory);
    return failed;
}
