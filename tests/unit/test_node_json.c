/* JSON as nodes: what is JSON is read, what is not is refused, as jansson does. */
#include "config/node_json.h"

#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static int set_up(void **state)
{
    struct arena *arena = malloc(sizeof *arena);
    assert_non_null(arena);
    arena_init(arena, 0);
    *state = arena;
    return 0;
}

static int tear_down(void **state)
{
    arena_release(*state);
    free(*state);
    return 0;
}

static const struct node *read_text(const char *text, struct arena *arena)
{
    return node_read_json(bytes_of_text(text), arena);
}

static void check_scalar(struct arena *arena, const char *text, const char *value, bool plain)
{
    const struct node *node = read_text(text, arena);
    if (!node || node->kind != NODE_TEXT || strcmp(node->text, value) != 0)
        fail_msg("%s was not read as %s", text, value);
    assert_int_equal(node->plain, plain);
    assert_ptr_equal(node->text, node->written);
}

static void texts_and_plain_values_are_told_apart(void **state)
{
    check_scalar(*state, " \"7\" ", "7", false);
    check_scalar(*state, "7", "7", true);
    check_scalar(*state, "-18446744073709551616", "-18446744073709551616", true);
    check_scalar(*state, "\"true\"", "true", false);
    check_scalar(*state, "\ttrue\r\n", "true", true);
    check_scalar(*state, "false", "false", true);
    static const char *const empty[] = {"null", "1.5", "-0.0", "1e9", "2E-3", "1e+2"};
    for (size_t i = 0; i < COUNT_OF(empty); i++)
        assert_int_equal(read_text(empty[i], *state)->kind, NODE_EMPTY);
}

static void escapes_become_what_they_stand_for(void **state)
{
    check_scalar(*state, "\"a\\\"\\\\\\/\\b\\f\\n\\r\\tz\"", "a\"\\/\b\f\n\r\tz", false);
    check_scalar(*state, "\"\\u0041\\u00e9\\u6f22\\uD834\\udd1e\\uffff\"",
                 "A\u00e9\u6f22\U0001d11e\uffff", false);
    check_scalar(*state, "\"\u00e9\U0001d11e\x7f\"", "\u00e9\U0001d11e\x7f", false);
    check_scalar(*state, "\"\"", "", false);
}

static void lists_and_objects_keep_their_order(void **state)
{
    const struct node *root =
        read_text("{ \"b\" : [ 1 , [] , {} ] ,\n\"a\":{\"b\":\"b\"}}", *state);
    assert_int_equal(root->kind, NODE_MAP);
    assert_int_equal(root->count, 2);
    assert_string_equal(root->entries[0].key->text, "b");
    const struct node *list = root->entries[0].value;
    assert_int_equal(list->kind, NODE_LIST);
    assert_int_equal(list->count, 3);
    assert_string_equal(list->items[0]->text, "1");
    assert_int_equal(list->items[1]->kind, NODE_LIST);
    assert_int_equal(list->items[1]->count, 0);
    assert_int_equal(list->items[2]->kind, NODE_MAP);
    assert_string_equal(root->entries[1].value->entries[0].value->text, "b");
}

static void what_is_no_json_is_refused(void **state)
{
    static const char *const texts[] = {
        "",
        " ",
        "{",
        "}",
        "[",
        "]",
        "[1",
        "[1,",
        "[1,]",
        "[,1]",
        "[1 2]",
        "{\"a\"}",
        "{\"a\":}",
        "{\"a\":1,}",
        "{a:1}",
        "{1:1}",
        "{\"a\":1 \"b\":2}",
        "\"a",
        "\"\\\"",
        "\"\\x\"",
        "\"\\u12\"",
        "\"\\u12g4\"",
        "\"\\u0000\"",
        "\"\\ud800\"",
        "\"\\ud800x\"",
        "\"\\ud800\\n\"",
        "\"\\ud800\\u0041\"",
        "\"\\udc00\"",
        "\"\n\"",
        "\"\x01\"",
        "\"\x80\"",
        "\"\xc3\"",
        "\"\xed\xa0\x80\"",
        "\"\\n\xff\"",
        "01",
        "-",
        "+1",
        "1.",
        ".5",
        "1e",
        "1e+",
        "0x1",
        "tru",
        "True",
        "nul",
        "NaN",
        "1 1",
        "{} {}",
        "{\"a\":1,\"a\":1}",
        "{\"a\":{\"b\":1,\"\\u0062\":1}}",
        "/**/1",
        "'a'",
    };
    for (size_t i = 0; i < COUNT_OF(texts); i++)
        if (read_text(texts[i], *state))
            fail_msg("%s was read", texts[i]);
    assert_null(node_read_json((struct bytes){0}, *state));
    assert_null(node_read_json((struct bytes){"1\0", 2}, *state));
}

static void a_key_that_comes_twice_among_many_is_refused(void **state)
{
    char text[8192] = "{";
    for (int i = 0; i < 500; i++)
        sprintf(text + strlen(text), "\"k%d\":1,", i);
    char *end = text + strlen(text);
    strcpy(end, "\"k500\":1}");
    assert_int_equal(read_text(text, *state)->count, 501);
    strcpy(end, "\"k250\":1}");
    assert_null(read_text(text, *state));
}

static void too_many_levels_or_values_are_refused(void **state)
{
    char deep[2 * NODE_DEPTH_MAX + 4] = "";
    for (int levels = NODE_DEPTH_MAX; levels <= NODE_DEPTH_MAX + 1; levels++) {
        memset(deep, '[', (size_t)levels);
        memset(deep + levels, ']', (size_t)levels);
        deep[2 * levels] = '\0';
        assert_int_equal(read_text(deep, *state) != NULL, levels <= NODE_DEPTH_MAX);
    }
    size_t size = 2 * (NODES_MAX + 1);
    char *many = malloc(size);
    memset(many, ',', size);
    for (size_t i = 0; i < size; i += 2)
        many[i] = '1';
    many[0] = '[';
    many[1] = '1';
    many[size - 1] = ']';
    assert_null(node_read_json((struct bytes){many, size}, *state));
    many[size - 5] = ']';
    assert_non_null(node_read_json((struct bytes){many, size - 4}, *state));
    free(many);
}

/* Cuts, swaps and repeats pieces of a text; what comes of it is JSON to both readers or to none. */
static void broken_texts_are_read_as_jansson_reads_them(void **state)
{
    static const char model[] = "{\"a\": [true, false, null, 12, -3, \"x\\\"\\u00e9\\\\\u6f22\"],"
                                " \"b\\n\": {\"c\":{}, \"d\":[[],[0]]}, \"e\":\"\"}";
    (void)state;
    uint32_t random = 1;
    unsigned accepted = 0;
    for (int i = 0; i < 200000; i++) {
        char text[sizeof model];
        size_t size = sizeof model - 1;
        struct arena arena;
        arena_init(&arena, 0);
        memcpy(text, model, sizeof model);
        for (int changes = i % 3; changes >= 0; changes--) {
            random = random * 1664525 + 1013904223;
            size_t to = (random >> 8) % size, from = (random >> 20) % size;
            text[to] = random & 1 ? model[from] : (char)(1 + (random >> 24) % 255);
        }
        json_t *json = json_loadb(text, size, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, NULL);
        const struct node *node = node_read_json((struct bytes){text, size}, &arena);
        if (!json != !node)
            fail_msg("only %s reads %.*s", json ? "jansson" : "this", (int)size, text);
        accepted += node != NULL;
        json_decref(json);
        arena_release(&arena);
    }
    assert_in_range(accepted, 1000, 199000);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(texts_and_plain_values_are_told_apart),
        TEST(escapes_become_what_they_stand_for),
        TEST(lists_and_objects_keep_their_order),
        TEST(what_is_no_json_is_refused),
        TEST(a_key_that_comes_twice_among_many_is_refused),
        TEST(too_many_levels_or_values_are_refused),
        TEST(broken_texts_are_read_as_jansson_reads_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
