/* Widths of text: cli/screen.h. What needs a terminal is tested end to end. */
#include "cli/screen.h"

#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void columns_are_not_bytes(void **state)
{
    (void)state;
    assert_int_equal(text_columns(""), 0);
    assert_int_equal(text_columns("wind"), 4);
    assert_int_equal(text_columns("Zürich"), 6);
    assert_int_equal(text_columns("東京"), 4);      /* two each */
    assert_int_equal(text_columns("e\xcc\x81"), 1); /* an accent of its own has none */
    assert_int_equal(text_columns("\xff\xfe"), 2);  /* no UTF-8 */
}

static void a_text_that_fits_stays_as_it_is(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 0);
    assert_string_equal(text_cut("wind", 4, &arena), "wind");
    assert_string_equal(text_cut("東京", 4, &arena), "東京");
    assert_string_equal(text_cut("", 1, &arena), "");
    arena_release(&arena);
}

static void a_text_that_is_cut_ends_in_an_ellipsis_within_its_columns(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 0);
    assert_string_equal(text_cut("visibility", 5, &arena), "visi…");
    assert_string_equal(text_cut("Zürich", 3, &arena), "Zü…");
    assert_string_equal(text_cut("東京都", 4, &arena), "東…"); /* no half of a wide one */
    assert_string_equal(text_cut("wind", 1, &arena), "…");
    arena_release(&arena);
}

static void without_a_terminal_a_line_stays_one(void **state)
{
    (void)state;
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    assert_int_equal(screen_width(out), 0);
    for (int i = 0; i < 30; i++)
        fputs("word ", out);
    text_wrap(out, "a  long text", 150, 2, "!");
    fclose(out);
    assert_ptr_equal(strchr(text, '\n'), text + size - 1);
    assert_non_null(strstr(text, "word a  long text!\n"));
    free(text);
}

int main(void)
{
    setlocale(LC_CTYPE, "C.UTF-8");
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(columns_are_not_bytes),
        cmocka_unit_test(a_text_that_fits_stays_as_it_is),
        cmocka_unit_test(a_text_that_is_cut_ends_in_an_ellipsis_within_its_columns),
        cmocka_unit_test(without_a_terminal_a_line_stays_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
