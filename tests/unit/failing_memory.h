/*
 * failing_memory.h - makes the nth allocation of the code under test fail.
 *
 * Programs that use it are linked with --wrap for malloc, calloc and realloc
 * (tests/unit/sdk.cmake); what shared libraries allocate for themselves is not touched. One thread.
 */
#ifndef LARDER_TESTS_FAILING_MEMORY_H
#define LARDER_TESTS_FAILING_MEMORY_H

#include <stdbool.h>

/* The nth allocation from now on fails, counted from 1; those behind it do not, so that a failure
 * that nobody noticed shows. */
void failing_memory_from(unsigned nth);

/* Whether one has failed since; then ends the failing. */
bool failing_memory_end(void);

#endif
