/* registry_suite.c - sets a registry up for each test, and runs them all. See registry_suite.h. */
#include "tests/conformance/registry_suite.h"

#include "tests/conformance/registry_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

/* What cmocka hands to one test before it is set up. */
struct planned_test {
    struct registry_under_test *backend;
    const struct named_test *test;
};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    assert_non_null(f);
    const struct planned_test *planned = *state;
    f->backend = planned->backend;
    f->test = planned->test;
    arena_init(&f->arena, 0);
    f->backend->start(f->backend->context, &f->settings);
    if (registry_open(&f->settings, &f->registry, &f->err))
        fail_msg("%s", f->err.message);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    registry_close(f->registry);
    f->backend->stop(f->backend->context);
    arena_release(&f->arena);
    free(f);
    return 0;
}

static void run_planned(void **state)
{
    struct fixture *f = *state;
    f->test->run(f);
}

int registry_suite_run(struct registry_under_test *backend)
{
    enum { TESTS_MAX = 100 };
    struct planned_test planned[TESTS_MAX];
    struct CMUnitTest tests[TESTS_MAX];
    const struct test_list lists[] = {registry_apply_tests(), registry_state_tests(),
                                      registry_generation_tests(), registry_many_tests()};
    size_t count = 0;
    for (size_t i = 0; i < COUNT_OF(lists); i++)
        for (size_t j = 0; j < lists[i].count; j++, count++) {
            assert_true(count < TESTS_MAX);
            planned[count] = (struct planned_test){backend, &lists[i].tests[j]};
            tests[count] = (struct CMUnitTest){lists[i].tests[j].name, run_planned, set_up,
                                               tear_down, &planned[count]};
        }
    return _cmocka_run_group_tests(backend->name, tests, count, NULL, NULL);
}
