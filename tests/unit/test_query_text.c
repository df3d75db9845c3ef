/* Which texts can be a source's query or table. */
#include "config/query_text.h"

#include "base/bytes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void check_all(const char *const *texts, size_t count, const char *expected,
                      const char *(*mistake)(const char *))
{
    for (size_t i = 0; i < count; i++) {
        const char *found = mistake(texts[i]);
        if (found != expected && (!found || !expected || strcmp(found, expected) != 0))
            fail_msg("%s: %s, not %s", texts[i], found ? found : "right",
                     expected ? expected : "right");
    }
}

static void one_select_is_a_query(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "SELECT 1",
        "select\n1",
        "  -- why\n  /* and /* how */ */ SELECT 1",
        "WITH x AS (SELECT 1) SELECT * FROM x",
        "(SELECT 1) UNION (SELECT 2)",
        "SELECT ';' AS a, \";\" -- ;\n FROM t /* ; */",
        "SELECT $$;$$, $tag$ ; $$ ; $tag$",
        "SELECT E'\\';', 'it''s;'",
        "SELECT a$b, e ';'",
        "SELECT ')' FROM t",
        "SELECT 1 -- a comment that ends the text",
        "SELECT \xc3\xa4 FROM t",
    };
    check_all(texts, COUNT_OF(texts), NULL, query_text_mistake);
}

static void what_begins_otherwise_is_no_query(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",           "DELETE FROM t", "selection",  "SELECTED",     "-- SELECT",
        "/* SELECT ", "e'SELECT",      "( ( INSERT", "$$SELECT 1$$", "VALUES (1)",
    };
    check_all(texts, COUNT_OF(texts), "must begin with SELECT or WITH", query_text_mistake);
}

static void two_statements_are_no_query(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "SELECT 1;",
        "SELECT 1; DROP TABLE t",
        "SELECT 'a\\'; DROP TABLE t --'",
        "SELECT a$x$; DROP TABLE t -- $x$",
        "SELECT /* /* */ */ ; ",
    };
    check_all(texts, COUNT_OF(texts), "must be one statement, without a semicolon",
              query_text_mistake);
}

static void a_query_cannot_leave_its_parentheses(void **state)
{
    (void)state;
    static const char *const closing[] = {"SELECT 1) AS x, (SELECT 2", "SELECT 1)", "(SELECT 1))("};
    static const char *const opening[] = {"SELECT (1", "(SELECT 1", "SELECT ')' FROM (t"};
    static const char *const unclosed[] = {"SELECT 'a",   "SELECT \"a",    "SELECT $$ a",
                                           "SELECT /* a", "SELECT E'a\\'", "SELECT $a$ $b$ $A$"};
    check_all(closing, COUNT_OF(closing), "closes a parenthesis that it did not open",
              query_text_mistake);
    check_all(opening, COUNT_OF(opening), "opens a parenthesis that it does not close",
              query_text_mistake);
    check_all(unclosed, COUNT_OF(unclosed), "opens a quote or comment that it does not close",
              query_text_mistake);
}

static void a_table_has_one_name_or_two(void **state)
{
    (void)state;
    static const char *const right[] = {"t", "public.weather", "Weather.Hourly", "my table"};
    static const char *const nameless[] = {"", ".", "a.", ".b", "a..b"};
    check_all(right, COUNT_OF(right), NULL, table_text_mistake);
    check_all(nameless, COUNT_OF(nameless), "must be table or schema.table, each of 1 to 63 bytes",
              table_text_mistake);
    assert_non_null(table_text_mistake("a.b.c"));
    assert_non_null(table_text_mistake("\"Quoted\""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_select_is_a_query),
        cmocka_unit_test(what_begins_otherwise_is_no_query),
        cmocka_unit_test(two_statements_are_no_query),
        cmocka_unit_test(a_query_cannot_leave_its_parentheses),
        cmocka_unit_test(a_table_has_one_name_or_two),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
