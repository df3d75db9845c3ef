/* What is no YAML, and YAML that means harm: told with its place, never half read. */
#include "definitions_text.h"

#include "base/buffer.h"
#include "config/node.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const char *yaml_mistakes_of(const char *yaml, struct arena *arena)
{
    struct problems problems;
    const struct node *root;
    problems_init(&problems, arena);
    bool whole = node_read_yaml("test.yaml", bytes_of_text(yaml), arena, &problems, &root);
    assert_true(whole || (problems.count > 0 && !root));
    return problems_text(&problems, arena);
}

static void text_that_is_no_yaml_is_told_with_its_place(void **state)
{
    (void)state;
    static const struct mistake mistakes[] = {
        {"a tab", "a:\n\tb: 1\n", "2:1: a tab in the indentation: YAML is indented with spaces"},
        {"a tab behind spaces", "a:\n  b: 1\n  \tc: 2\n",
         "3:3: a tab in the indentation: YAML is indented with spaces"},
        {"a tab in a block", "a: |\n  x\n\ty\n",
         "3:1: a tab in the indentation: YAML is indented with spaces"},
        {"tabs between values are fine", "a:\t1\n", ""},
        {"an unclosed quote", "a: 1\nb: \"text\nc: 2\n", "2:4: a quote is not closed"},
        {"an unclosed list", "a: [1, 2\nb: 3\n",
         "2:2: a \",\" or \"]\" was expected here: what line 1 opens is not closed"},
        {"a list without a comma", "a: [1 {b: 2}]\n", "1:7: a \",\" or \"]\" was expected here"},
        {"a list open at the end", "a: [1, 2\n\n", "1:4: this \"[\" is never closed"},
        {"a mapping open at the end", "x: y\na: {b: 1\n", "2:4: this \"{\" is never closed"},
        {"a colon too many", "a: b: c\n",
         "1:5: a \":\" cannot stand here: check the indentation, or put the text in quotes"},
        {"a line that is indented too little", "a:\n    b: 1\n  c: 2\n",
         "3:3: a key was expected here: check the indentation and quotes"},
        {"a list item among keys", "a: 1\n- b\n",
         "2:1: a key was expected here: check the indentation and quotes"},
        {"a character that begins nothing", "a: @b\n",
         "1:4: a value cannot begin with this character: put it in quotes"},
        {"a word without a colon", "a: 1\nword\n", "3:1: a \":\" is missing behind the key"},
        {"a control character", "a: 1\nb: \x01\n", "2:4: a control character cannot stand in YAML"},
        {"bytes that are not UTF-8", "a: 1\nb: caf\xe9\n",
         "2:7: the byte 0xe9 is not UTF-8: save the file as UTF-8"},
        {"the column counts characters", "\xc3\xa4: \xc3\xb6 \xff\n",
         "1:6: the byte 0xff is not UTF-8: save the file as UTF-8"},
        {"NUL in an escape", "a: \"x\\0y\"\n", "1:4: a text may not hold the NUL character"},
        {"a directive", "# hello\n%YAML 1.1\n---\na: 1\n",
         "2:1: YAML directives are not read here: remove this line"},
        {"a directive behind a document", "a: 1\n...\n%TAG ! x\n---\na: 1\n",
         "3:1: YAML directives are not read here: remove this line"},
        {"a tag", "a: !!int 5\n",
         "1:4: YAML tags are not read here: leave \"tag:yaml.org,2002:int\" out"},
        {"two documents", "a: 1\n---\nb: 2\n",
         "2:1: a second YAML document begins here: keep one in a file"},
        {"a duplicate key", "a: 1\nb: 2\na: 3\n",
         "3:1: the key \"a\" stands here twice: it was on line 1"},
        {"a duplicate key far down", "a: 1\nb: 2\nc: 3\nd: 4\ne: 5\nf: 6\ng: 7\nh: 8\ni: 9\nb: 0\n",
         "10:1: the key \"b\" stands here twice: it was on line 2"},
        {"a list for a key", "? [a]\n: 1\n", "1:3: a key must be a text, not a list"},
        {"an anchor in a circle", "a: &x\n  b: *x\n",
         "2:6: the anchor \"x\" contains itself: YAML in a circle has no end"},
        {"a circle of two", "a: &x [&y [*x, *y]]\n",
         "1:12: the anchor \"x\" contains itself: YAML in a circle has no end\n"
         "1:16: the anchor \"y\" contains itself: YAML in a circle has no end"},
        {"an anchor that is not there", "a: &weather 1\nb: *wether\n",
         "2:4: no anchor is called \"wether\": did you mean \"weather\"?"},
        {"nothing at all", "", ""},
        {"comments alone", "# nothing\n\n", ""},
        {"a byte order mark",
         "\xef\xbb\xbf"
         "a: 1\n",
         ""},
    };
    check_mistakes(mistakes, COUNT_OF(mistakes), yaml_mistakes_of);
}

/* What a text too long to write down is answered. */
static void check_answer(const struct buffer *yaml, const char *expected)
{
    struct arena arena;
    struct problems problems;
    const struct node *root;
    arena_init(&arena, 0);
    problems_init(&problems, &arena);
    node_read_yaml("test.yaml", buffer_bytes(yaml), &arena, &problems, &root);
    assert_string_equal(problems_text(&problems, &arena), expected);
    if (*expected)
        assert_null(root);
    arena_release(&arena);
}

static void anchors_that_expand_without_end_are_refused(void **state)
{
    (void)state;
    struct buffer yaml;
    buffer_init(&yaml, 0);
    buffer_append_text(&yaml, "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for (int i = 1; i < 30; i++) {
        buffer_printf(&yaml, "a%d: &a%d [", i, i);
        for (int j = 0; j < 10; j++)
            buffer_printf(&yaml, "*a%d, ", i - 1);
        buffer_append_text(&yaml, "]\n");
    }
    check_answer(&yaml,
                 "6:55: this file expands to more than 1000000 values: use fewer aliases, or "
                 "more files");
    buffer_release(&yaml);
}

static void nesting_of_a_hundred_levels_is_the_most(void **state)
{
    (void)state;
    for (int depth = NODE_DEPTH_MAX; depth <= NODE_DEPTH_MAX + 1; depth++) {
        struct buffer yaml;
        buffer_init(&yaml, 0);
        for (int i = 0; i < depth; i++)
            buffer_append_byte(&yaml, '[');
        for (int i = 0; i < depth; i++)
            buffer_append_byte(&yaml, ']');
        check_answer(&yaml,
                     depth > NODE_DEPTH_MAX ? "1:101: nested more than 100 levels deep" : "");
        buffer_release(&yaml);
    }
}

static void aliases_cannot_nest_deeper_either(void **state)
{
    (void)state;
    struct buffer yaml;
    buffer_init(&yaml, 0);
    buffer_append_text(&yaml, "- &a0 x\n");
    for (int i = 1; i <= 3; i++) {
        buffer_printf(&yaml, "- &a%d ", i);
        for (int j = 0; j < 40; j++)
            buffer_append_byte(&yaml, '[');
        buffer_printf(&yaml, "*a%d", i - 1);
        for (int j = 0; j < 40; j++)
            buffer_append_byte(&yaml, ']');
        buffer_append_byte(&yaml, '\n');
    }
    check_answer(&yaml, "4:47: nested more than 100 levels deep");
    buffer_release(&yaml);
}

static void a_very_deep_text_is_refused_quickly(void **state)
{
    (void)state;
    struct buffer yaml;
    buffer_init(&yaml, 0);
    for (int i = 0; i < YAML_SIZE_MAX / 2; i++)
        buffer_append_text(&yaml, "- ");
    check_answer(&yaml, "1:201: nested more than 100 levels deep");
    buffer_release(&yaml);
}

static void a_file_over_4_mib_is_refused(void **state)
{
    (void)state;
    struct buffer yaml;
    buffer_init(&yaml, 0);
    buffer_append_text(&yaml, "a: 1\n#");
    while (yaml.size < YAML_SIZE_MAX)
        buffer_append_byte(&yaml, 'x');
    check_answer(&yaml, "");
    buffer_append_byte(&yaml, 'x');
    check_answer(&yaml, "0:0: is larger than 4 MiB: split it into several files");
    buffer_release(&yaml);
}

static void more_than_a_thousand_anchors_are_refused(void **state)
{
    (void)state;
    struct buffer yaml;
    buffer_init(&yaml, 0);
    for (int i = 0; i < 2000; i++)
        buffer_printf(&yaml, "- &a%d x\n", i);
    check_answer(&yaml, "1001:3: more than 1000 anchors in one file");
    buffer_release(&yaml);
}

static void very_many_equal_keys_are_told_in_linear_time(void **state)
{
    (void)state;
    struct buffer yaml;
    buffer_init(&yaml, 0);
    for (int i = 0; i < 400000; i++)
        buffer_printf(&yaml, "k%d: 1\n", i % 200000);
    struct arena arena;
    struct problems problems;
    const struct node *root;
    arena_init(&arena, 0);
    problems_init(&problems, &arena);
    node_read_yaml("test.yaml", buffer_bytes(&yaml), &arena, &problems, &root);
    assert_int_equal(problems.count, PROBLEMS_MAX + 1);
    assert_string_equal(problems.items[0].text,
                        "the key \"k0\" stands here twice: it was on line 1");
    arena_release(&arena);
    buffer_release(&yaml);
}

static void an_alias_stands_for_what_its_anchor_holds(void **state)
{
    (void)state;
    struct arena arena;
    struct problems problems;
    const struct node *root;
    arena_init(&arena, 0);
    problems_init(&problems, &arena);
    const char *yaml = "a: &x {k: [1, ~, '~', yes]}\nb: *x\n";
    assert_true(node_read_yaml("test.yaml", bytes_of_text(yaml), &arena, &problems, &root));
    assert_ptr_equal(root->entries[0].value, root->entries[1].value);
    const struct node *list = root->entries[1].value->entries[0].value;
    assert_int_equal(list->count, 4);
    assert_int_equal(list->items[0]->kind, NODE_TEXT);
    assert_int_equal(list->items[1]->kind, NODE_EMPTY);
    assert_int_equal(list->items[2]->kind, NODE_TEXT);
    assert_string_equal(list->items[3]->text, "yes");
    assert_int_equal(list->items[3]->place.line, 1);
    assert_int_equal(list->items[3]->place.column, 23);
    arena_release(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_that_is_no_yaml_is_told_with_its_place),
        cmocka_unit_test(anchors_that_expand_without_end_are_refused),
        cmocka_unit_test(nesting_of_a_hundred_levels_is_the_most),
        cmocka_unit_test(aliases_cannot_nest_deeper_either),
        cmocka_unit_test(a_very_deep_text_is_refused_quickly),
        cmocka_unit_test(a_file_over_4_mib_is_refused),
        cmocka_unit_test(more_than_a_thousand_anchors_are_refused),
        cmocka_unit_test(very_many_equal_keys_are_told_in_linear_time),
        cmocka_unit_test(an_alias_stands_for_what_its_anchor_holds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
