/* online_store_suite.c - see online_store_suite.h. */
#include "online_store_suite.h"

#include "online_store_fixture.h"

int online_store_suite_run(const struct online_store_maker *maker)
{
    return online_store_row_tests(maker) + online_store_scan_tests(maker) +
           online_store_definition_tests(maker);
}
