/* A line and a caret: cli/excerpt.h. */
#include "cli/excerpt.h"

#include "cli/screen.h"

#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

struct fixture {
    char folder[64];
    char path[128];
    char *shown;
};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    strcpy(f->folder, "/tmp/larder-excerpt-XXXXXX");
    assert_non_null(mkdtemp(f->folder));
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    unlink(f->path);
    rmdir(f->folder);
    free(f->shown);
    free(f);
    return 0;
}

/* What is printed for a place in a file of that name and text. */
static const char *shown(struct fixture *f, const char *name, const char *text, uint64_t line,
                         uint32_t column)
{
    size_t size;
    unlink(f->path);
    snprintf(f->path, sizeof f->path, "%s/%s", f->folder, name);
    FILE *file = fopen(f->path, "w");
    fputs(text, file);
    fclose(file);
    free(f->shown);
    FILE *out = open_memstream(&f->shown, &size);
    excerpt_print(out, &(struct place){f->path, line, column});
    fclose(out);
    return f->shown;
}

static void the_caret_stands_under_the_column(void **state)
{
    const char *yaml = "feature_views:\n  - name: weather\n    tll: 6h\n";
    assert_string_equal(shown(*state, "a.yaml", yaml, 3, 5), "   3 |     tll: 6h\n"
                                                             "     |     ^\n");
}

static void columns_are_characters_and_wide_ones_take_two(void **state)
{
    assert_string_equal(shown(*state, "a.csv", "ü,x\n", 1, 3), "   1 | ü,x\n"
                                                               "     |   ^\n");
    assert_string_equal(shown(*state, "a.csv", "東京,x\n", 1, 4), "   1 | 東京,x\n"
                                                                  "     |      ^\n");
}

static void a_byte_order_mark_is_no_column(void **state)
{
    assert_string_equal(shown(*state, "a.csv", "\xef\xbb\xbfx,y\r\n", 1, 3), "   1 | x,y\n"
                                                                             "     |   ^\n");
}

static void a_place_behind_the_line_is_its_end(void **state)
{
    assert_string_equal(shown(*state, "a.csv", "x,y\n", 1, 9), "   1 | x,y\n"
                                                               "     |    ^\n");
}

static void what_is_not_there_is_not_shown(void **state)
{
    assert_string_equal(shown(*state, "a.csv", "x\n", 2, 1), "");
    assert_string_equal(shown(*state, "a.csv", "x\n\n", 2, 1), "");
    assert_string_equal(shown(*state, "a.csv", "", 1, 1), "");
    assert_string_equal(shown(*state, "a.csv", "x\n", 1, 0), "");
}

static void a_pipe_is_not_waited_for(void **state)
{
    struct fixture *f = *state;
    char *text;
    size_t size;
    snprintf(f->path, sizeof f->path, "%s/pipe.csv", f->folder);
    assert_int_equal(mkfifo(f->path, 0600), 0);
    FILE *out = open_memstream(&text, &size);
    excerpt_print(out, &(struct place){f->path, 1, 1});
    fclose(out);
    assert_string_equal(text, "");
    free(text);
}

/* Both lines of the excerpt within 80 columns, the caret under the X. */
static void check_long(const char *text)
{
    const char *second = strchr(text, '\n') + 1, *x = strchr(text, 'X'),
               *caret = strchr(second, '^');
    char before[512], below[512];
    snprintf(before, sizeof before, "%.*s", (int)(x - text), text);
    snprintf(below, sizeof below, "%.*s", (int)(caret - second), second);
    assert_int_equal(text_columns(before), text_columns(below));
    snprintf(before, sizeof before, "%.*s", (int)(second - text - 1), text);
    assert_true(text_columns(before) <= 80);
    assert_true(text_columns(before) >= 70);
}

static void a_long_line_is_cut_around_the_caret(void **state)
{
    for (int at = 0; at < 300; at += 7) {
        char line[4 * 300 + 2] = "";
        for (int i = 0; i < 300; i++)
            strcat(line, i == at ? "X" : i % 3 ? "o" : "ü");
        check_long(shown(*state, "a.csv", line, 1, (uint32_t)at + 1));
    }
}

static void control_bytes_do_not_reach_the_terminal(void **state)
{
    assert_string_equal(shown(*state, "a.csv", "\x1b[2J\tx\n", 1, 6), "   1 | ?[2J x\n"
                                                                      "     |      ^\n");
}

static void bytes_that_are_no_text_are_shown_as_such(void **state)
{
    assert_string_equal(shown(*state, "a.csv", "\xff\xfe\xc2\x9b,x\n", 1, 1), "   1 | ???,x\n"
                                                                              "     | ^\n");
}

static void of_the_settings_only_keys_are_shown(void **state)
{
    assert_string_equal(shown(*state, "larder.yaml", "ofline_store: {url: \"x\"}\n", 1, 1),
                        "   1 | ofline_store: {url: …\n"
                        "     | ^\n");
    assert_string_equal(shown(*state, "larder.yaml", "  type: reddis\n", 1, 9),
                        "   1 |   type: …\n"
                        "     |         ^\n");
    assert_string_equal(shown(*state, "larder.yaml", "a: {pw: hunter2, tyep: x}\n", 1, 18), "");
    assert_string_equal(shown(*state, "larder.yaml", "   hunter2@host\"}\n", 1, 4),
                        "   1 |    …\n"
                        "     |    ^\n");
}

static void of_other_files_nothing_is_shown_that_looks_like_a_secret(void **state)
{
    const char *line = "offline_store: {url: \"postgresql://ann:hunter2@db/x\"}\n";
    assert_string_equal(shown(*state, "a.yaml", line, 1, 1),
                        "   1 | offline_store: {url: \"postgresql…\n"
                        "     | ^\n");
    assert_string_equal(shown(*state, "a.yaml", "{PassWord: hunter2, x: y}\n", 1, 21), "");
}

int main(void)
{
    setlocale(LC_CTYPE, "C.UTF-8");
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_caret_stands_under_the_column, set_up, tear_down),
        cmocka_unit_test_setup_teardown(columns_are_characters_and_wide_ones_take_two, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_byte_order_mark_is_no_column, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_place_behind_the_line_is_its_end, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_not_there_is_not_shown, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_pipe_is_not_waited_for, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_long_line_is_cut_around_the_caret, set_up, tear_down),
        cmocka_unit_test_setup_teardown(control_bytes_do_not_reach_the_terminal, set_up, tear_down),
        cmocka_unit_test_setup_teardown(bytes_that_are_no_text_are_shown_as_such, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(of_the_settings_only_keys_are_shown, set_up, tear_down),
        cmocka_unit_test_setup_teardown(of_other_files_nothing_is_shown_that_looks_like_a_secret,
                                        set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
