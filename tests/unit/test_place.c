/* The list of problems, and what it makes of many, of long and of hostile ones. */
#include "config/place.h"

#include "config/wording.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

struct fixture {
    struct arena arena;
    struct problems problems;
};

static int set_up(void **state)
{
    static struct fixture fixture;
    arena_init(&fixture.arena, 0);
    problems_init(&fixture.problems, &fixture.arena);
    *state = &fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    arena_release(&f->arena);
    return 0;
}

static void problems_come_by_file_line_and_column(void **state)
{
    struct fixture *f = *state;
    problems_add(&f->problems, (struct place){"b.yaml", 1, 1}, "fourth");
    problems_add(&f->problems, (struct place){"a.yaml", 10, 1}, "third");
    problems_add(&f->problems, (struct place){"a.yaml", 9, 7}, "second");
    problems_add(&f->problems, (struct place){"a.yaml", 9, 5}, "first");
    problems_add(&f->problems, (struct place){"a.yaml", 9, 7}, "second");
    problems_sort(&f->problems);
    assert_int_equal(f->problems.count, 4);
    assert_string_equal(f->problems.items[0].text, "first");
    assert_string_equal(f->problems.items[1].text, "second");
    assert_string_equal(f->problems.items[2].text, "third");
    assert_string_equal(f->problems.items[3].text, "fourth");
}

static void the_status_names_the_first_and_counts_the_others(void **state)
{
    struct fixture *f = *state;
    struct error err;
    assert_int_equal(problems_status(&f->problems, &err), STATUS_OK);
    problems_add(&f->problems, (struct place){"a.yaml", 9, 5}, "the \"%s\" is wrong", "x");
    assert_int_equal(problems_status(&f->problems, &err), STATUS_INVALID);
    assert_string_equal(err.message, "a.yaml:9:5: the \"x\" is wrong");
    problems_add(&f->problems, (struct place){"a.yaml", 9, 6}, "also");
    problems_status(&f->problems, &err);
    assert_string_equal(err.message, "a.yaml:9:5: the \"x\" is wrong (and 1 more)");
}

static void a_problem_is_one_line_of_whole_characters(void **state)
{
    struct fixture *f = *state;
    char text[3001];
    for (size_t i = 0; i < 3000; i += 2)
        memcpy(text + i, "\xc3\xa4", 2);
    text[3000] = '\0';
    problems_add(&f->problems, (struct place){0}, "a\n\x1b%s", text);
    const char *told = f->problems.items[0].text;
    assert_true(strlen(told) < 1024);
    assert_memory_equal(told, "a  \xc3\xa4", 5);
    assert_int_equal((unsigned char)told[strlen(told) - 1], 0xa4);
}

static void what_is_quoted_is_short_and_harmless(void **state)
{
    struct fixture *f = *state;
    assert_string_equal(quoted(&f->arena, "wind"), "\"wind\"");
    assert_string_equal(quoted(&f->arena, ""), "\"\"");
    assert_string_equal(quoted(&f->arena, "a\x1b[2Jb\x7f\xc2\x9b"), "\"a?[2Jb??\"");
    assert_string_equal(quoted(&f->arena, "caf\xe9 \xc3\xa9"), "\"caf? \xc3\xa9\"");
    char text[201];
    memset(text, 'x', 200);
    text[200] = '\0';
    const char *cut = quoted(&f->arena, text);
    assert_true(strlen(cut) < 90);
    assert_string_equal(cut + strlen(cut) - 5, "x...\"");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(problems_come_by_file_line_and_column, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_status_names_the_first_and_counts_the_others, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_problem_is_one_line_of_whole_characters, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(what_is_quoted_is_short_and_harmless, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
