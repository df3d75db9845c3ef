/* offline_file_fixture.c - see offline_file_fixture.h. */
#include "offline_file_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

struct private_file file;
static struct offline_test test;

void run(const char *sql)
{
    private_file_run(&file, sql);
}

void make_history(struct offline_test *t, const char *columns, const char *rows)
{
    run("DROP TABLE IF EXISTS h");
    run(arena_printf(&t->arena, "CREATE TABLE h (%s); INSERT INTO h VALUES %s", columns, rows));
}

static int begin(void **state)
{
    (void)state;
    private_file_make(&file);
    return 0;
}

static int end(void **state)
{
    (void)state;
    private_file_remove(&file);
    return 0;
}

int offline_file_set_up(void **state)
{
    private_file_clear(&file);
    private_file_run(&file, "");
    test.store = private_file_store(&file);
    arena_init(&test.arena, 0);
    *state = &test;
    return 0;
}

int offline_file_tear_down(void **state)
{
    struct offline_test *t = *state;
    offline_store_close(t->store);
    arena_release(&t->arena);
    return 0;
}

int offline_file_tests_run(const struct CMUnitTest *tests, size_t count)
{
    const struct join_options ways[] = {JOIN_PROBED, JOIN_PASSED, JOIN_PASSED_IN_PARTS};
    int failed = 0;
    for (size_t i = 0; i < COUNT_OF(ways); i++) {
        offline_tests_join_by(ways[i]);
        failed += _cmocka_run_group_tests("tests", tests, count, begin, end);
    }
    return failed;
}
