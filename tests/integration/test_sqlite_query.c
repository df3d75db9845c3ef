/* test_sqlite_query.c - what SQLite makes of a source's query, and of columns that hold anything.
 */
#include "offline_file_fixture.h"

#include "base/timestamp.h"
#include "store/offline/sqlite_probe.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static const char *joined_at(struct offline_test *t, struct join_request request, const char *ask)
{
    return joined(t, "v:x", request, &ask, 1);
}

static const struct join_request plain = {.as_of_us = AS_OF_NOW};

/* All that reads the view says so. */
static void check_refused(struct offline_test *t, const char *words)
{
    check_holds(scanned_all(t), "INVALID: source s: ");
    check_holds(scanned_all(t), words);
    check_holds(joined_at(t, plain, "1@2024-02-01"), words);
    check_holds(checked(t), words);
}

/* In quotes of YAML an empty line is where a line ends. */
static void mistake_in_a_query_is_told_with_its_place(void **state)
{
    static const char *const queries[][2] = {
        {"SELECT id, at, x FRM h", "its query, line 1, column 22: "},
        {"SELECT id, at,\n\n''é'' || nothing x FROM h", "its query, line 2, column 8: "},
        {"SELECT id, at, x\n\nFROM h WHERE at > now() - interval ''1 hour''",
         "its query, line 2, column"},
    };
    struct offline_test *t = *state;
    make_history(t, "id INTEGER, at INTEGER, x REAL", "(1, " DAY(0) ", 1)");
    for (size_t i = 0; i < COUNT_OF(queries); i++) {
        define(t, "id: int32", arena_printf(&t->arena, "query: '%s'", queries[i][0]), X);
        check_refused(t, queries[i][1]);
    }
}

/* PostgreSQL's comments nest, so to it the rest of each is one, and definitions are read as it
 * reads. */
static void query_is_one_statement_to_sqlite_too(void **state)
{
    static const char *const queries[][2] = {
        {"SELECT id, at, x FROM h /* /* */ ) AS source; DELETE FROM h; COMMIT; -- */",
         "syntax error"},
        {"SELECT id, at, x FROM h /* /* */; DELETE FROM h; -- */", "more than one statement"},
    };
    struct offline_test *t = *state;
    make_history(t, "id INTEGER, at INTEGER, x REAL", "(1, " DAY(0) ", 1)");
    for (size_t i = 0; i < COUNT_OF(queries); i++) {
        define(t, "id: int32", arena_printf(&t->arena, "query: '%s'", queries[i][0]), X);
        const char *said = joined_at(t, plain, "1@2024-02-01");
        define(t, "id: int32", "table: h", X);
        check_holds(scanned_all(t), "1|01-01 00:00:00|null|1");
        check_holds(said, queries[i][1]);
        define(t, "id: int32", arena_printf(&t->arena, "query: '%s'", queries[i][0]), X);
        check_refused(t, queries[i][1]);
    }
}

static void parameter_of_a_query_is_refused(void **state)
{
    struct offline_test *t = *state;
    make_history(t, "id INTEGER, at INTEGER, x REAL", "(1, " DAY(0) ", 1)");
    define(t, "id: int32", "query: 'SELECT id, at, x FROM h WHERE at < ?1'", X);
    check_refused(t, "parameter");
    define(t, "id: int32", "query: 'SELECT id, at, x + :more AS x FROM h'", X);
    check_refused(t, "parameter :more");
}

static void column_that_a_query_gives_twice_is_refused(void **state)
{
    struct offline_test *t = *state;
    make_history(t, "id INTEGER, at INTEGER, x REAL", "(1, " DAY(0) ", 1)");
    run("CREATE TABLE g (id INTEGER, x REAL); INSERT INTO g VALUES (1, 2)");
    define(t, "id: int32", "query: 'SELECT h.id, at, g.x, h.x FROM h JOIN g ON g.id = h.id'", X);
    check_holds(scanned_all(t), "which the query of source s gives 2 times");
    check_holds(checked(t), "which the query of source s gives 2 times");
}

/* SQLite would take the name for a text, and every row would hold it. */
static void misspelt_column_in_double_quotes_is_no_text(void **state)
{
    struct offline_test *t = *state;
    make_history(t, "id INTEGER, at INTEGER, x TEXT", "(1, " DAY(0) ", 'here')");
    define(t, "id: int32", "query: 'SELECT id, at, \"y\" AS x FROM h'",
           "features: [{name: x, type: string}]");
    check_refused(t, "no such column: y");
}

/* Each part of a UNION ALL gives its own kind of value; what is copied for a join keeps it. */
static void copies_keep_values_as_they_are(void **state)
{
    struct offline_test *t = *state;
    make_history(t, "id INTEGER, at INTEGER, x REAL", "(2, " DAY(0) ", 8)");
    run("CREATE TABLE g (id INTEGER, at INTEGER, x TEXT);"
        "INSERT INTO g VALUES (1, " DAY(0) ", '7')");
    define(t, "id: int32",
           "query: 'SELECT id, at, x FROM h UNION ALL SELECT id, at, x FROM g', misfits: as_null",
           "features: [{name: x, type: string}]");
    check_text(scanned_all(t), "1|01-01 00:00:00|null|7\n2|01-01 00:00:00|null|null\n"
                               "left out 0, misfits 1");
    check_text(JOINED(t, "v:x", plain, "1@2024-02-01", "2@2024-02-01"),
               "01-01 00:00:00|null|7\n01-01 00:00:00|null|null\n"
               "left out 0, unknown 0, misfits 1");
}

static void row_whose_time_is_no_integer_hides_no_other(void **state)
{
    struct offline_test *t = *state;
    make_history(t, "id INTEGER, at, x REAL",
                 "(1, " DAY(0) ", 1), (1, " DAY(1) " + 0.5, 2), (1, '2024-01-03', 3)");
    define(t, "id: int32", "table: h, misfits: as_null", X);
    check_text(scanned_all(t), "1|01-01 00:00:00|null|1\nleft out 2, misfits 2");
    for (int i = 0; i < 2; i++) {
        check_text(joined_at(t, plain, "1@2024-02-01"),
                   "01-01 00:00:00|null|1\nleft out 2, unknown 0, misfits 0");
        run("CREATE INDEX IF NOT EXISTS h_i ON h (id, at)");
    }
    define(t, "id: int32", "table: h", X);
    check_holds(joined_at(t, plain, "1@2024-02-01"), "h.at holds a real number where id=1");
}

static void created_time_that_is_none_stops_what_asks_for_it(void **state)
{
    static const char *const strange[] = {"'2024-01-02'", "9223372036854775807", DAY(1) " + 0.5",
                                          "-9223372036854775807"};
    static const struct join_request requests[] = {
        {.as_of_us = AS_OF_NOW}, {.as_known = true, .as_of_us = AS_OF_NOW}, {.as_of_us = 0}};
    struct offline_test *t = *state;
    for (size_t i = 0; i < COUNT_OF(strange); i++) {
        make_history(t, "id INTEGER, at INTEGER, recorded, x REAL",
                     arena_printf(&t->arena,
                                  "(1, " DAY(0) ", " DAY(0) ", 1), (1, " DAY(1) ", %s, 2)",
                                  strange[i]));
        define(t, "id: int32", "table: h, created_time: recorded", X);
        for (size_t r = 0; r < COUNT_OF(requests); r++) {
            struct join_request request = requests[r];
            request.as_of_us = request.as_of_us ? AS_OF_NOW : timestamp_now() - 7200000000;
            check_holds(joined_at(t, request, "1@2024-02-01"),
                        "INVALID: feature view v: h.recorded");
        }
        define(t, "id: int32", "table: h, created_time: recorded, misfits: as_null", X);
        check_text(joined_at(t, requests[1], "1@2024-02-01"),
                   "01-01 00:00:00|01-01 00:00:00|1\nleft out 0, unknown 1, misfits 0");
    }
}

/* Scans and joins leave the same rows out. */
static void keys_that_are_none_are_counted_alike(void **state)
{
    static const struct {
        const char *type, *keys;
        int left_out;
    } cases[] = {
        {"int32", "(3000000000), (-3000000000), (NULL), ('x'), (1.5)", 5},
        {"int64", "(3000000000), (9e300), (x'01')", 2},
        {"bool", "(2), (-1), (0), (1), ('true')", 3},
        {"timestamp", "(9223372036854775807), (-9223372036854775807), (5), ('2024-01-01')", 3},
        {"string", "(CAST(x'ff' AS TEXT)), ('a' || char(0) || 'b'), ('ok'), (7), (x'61')", 4},
        {"bytes", "(x'ff'), ('text'), (1)", 2},
    };
    struct offline_test *t = *state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        make_history(t, "id, at INTEGER, x REAL", "(NULL, NULL, 1)");
        run(arena_printf(&t->arena,
                         "WITH k (id) AS (VALUES %s) INSERT INTO h SELECT id, " DAY(0) ", 1 FROM k",
                         cases[i].keys));
        define(t, arena_printf(&t->arena, "id: %s", cases[i].type), "table: h, misfits: as_null",
               X);
        const char *left_out = arena_printf(&t->arena, "left out %d,", 1 + cases[i].left_out);
        check_holds(scanned_all(t), left_out);
        const char *ask = strcmp(cases[i].type, "timestamp") == 0
                              ? "2024-01-01T00:00:00Z@2024-02-01"
                          : strcmp(cases[i].type, "bool") == 0  ? "true@2024-02-01"
                          : strcmp(cases[i].type, "bytes") == 0 ? "\\x01@2024-02-01"
                                                                : "1@2024-02-01";
        check_holds(joined_at(t, plain, ask), left_out);
    }
}

static void load_knows_that_any_keeps_texts_in_strict_tables_alone(void **state)
{
    static const struct load_column columns[] = {{"id", LOAD_KEY, TYPE_STRING},
                                                 {"at", LOAD_EVENT_TIME, TYPE_TIMESTAMP}};
    struct offline_test *t = *state;
    struct offline_load *load;
    struct error err;
    bool made;
    define(t, "id: string", "table: h", X);
    run("CREATE TABLE h (id ANY, at INTEGER, x REAL) STRICT");
    assert_int_equal(offline_load_open(t->store, &t->definitions.sources[0], columns, 2, columns, 2,
                                       &made, &load, &err),
                     STATUS_OK);
    offline_load_close(load);
    run("DROP TABLE h; CREATE TABLE h (id ANY, at INTEGER, x REAL)");
    assert_int_equal(offline_load_open(t->store, &t->definitions.sources[0], columns, 2, columns, 2,
                                       &made, &load, &err),
                     STATUS_INVALID);
    check_holds(err.message, "h.id is declared ANY, which makes numbers of texts");
}

static void table_named_with_its_schema_gets_a_hint_that_runs(void **state)
{
    struct offline_test *t = *state;
    make_history(t, "id INTEGER, at INTEGER, x REAL", "(1, " DAY(0) ", 1)");
    define(t, "id: int32", "table: main.h", X);
    const char *hint = checked(t);
    check_holds(hint, "hint: feature view v: no index serves point-in-time reads of main.h; run: ");
    run(strstr(hint, "CREATE INDEX"));
    check_text(checked(t), "");
}

/* Thirty numbers leave little room for a text. */
static void long_keys_are_counted_whatever_they_are_made_of(void **state)
{
    struct offline_test *t = *state;
    const char *keys = "", *columns = "t TEXT", *row = "replace(hex(zeroblob(70)), '0', '{')";
    for (int i = 0; i < 28; i++) {
        keys = arena_printf(&t->arena, "%sk%d: int64, ", keys, i);
        columns = arena_printf(&t->arena, "%s, k%d INTEGER", columns, i);
        row = arena_printf(&t->arena, "%s, 9223372036854775807", row);
    }
    make_history(t, arena_printf(&t->arena, "%s, at INTEGER, x REAL", columns),
                 arena_printf(&t->arena, "(%s, " DAY(0) ", 1)", row));
    define(t, arena_printf(&t->arena, "%st: string", keys), "table: h", X);
    const char *ask = "";
    for (int i = 0; i < 28; i++)
        ask = arena_printf(&t->arena, "%s1,", ask);
    check_holds(joined_at(t, plain, arena_printf(&t->arena, "%sa@2024-02-01", ask)),
                ", long keys 1");
}

/* Whether an index leads from the key to its times, or only from something else to all times. */
static void index_serves_if_it_leads_through_the_key(void **state)
{
    static const struct {
        const char *index, *source;
        bool serves;
    } cases[] = {
        {"(id, at)", "table: h", true},
        {"(id, at DESC, x)", "table: h", true},
        {"(at, id)", "table: h", false},
        {"(kind, at)", "table: h", false},
        {"(id COLLATE NOCASE, at)", "table: h", false},
        {"(kind, at)", "query: SELECT * FROM h WHERE kind = 'rain'", false},
        {"(kind, id, at)", "query: SELECT * FROM h WHERE kind = 'rain'", true},
        {"(id, at)", "query: SELECT * FROM h WHERE kind = 'rain'", true},
        {"(id, at)", "query: SELECT * FROM h ORDER BY x LIMIT 5", false},
        {"(id, at)", "query: 'SELECT upper(id) AS id, at, x FROM h'", false},
        {"(kind, at)", "table: rain", false},
        {"(kind, id, at)", "table: rain", true},
    };
    struct offline_test *t = *state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct sqlite_view view;
        struct sqlite_store *store = (struct sqlite_store *)t->store;
        struct error err;
        bool served;
        make_history(t, "kind TEXT, id TEXT, at INTEGER, x REAL", "('rain', 'a', 1, 1)");
        run(arena_printf(&t->arena,
                         "CREATE INDEX h_i ON h %s; DROP VIEW IF EXISTS rain;"
                         "CREATE VIEW rain AS SELECT * FROM h WHERE kind = 'rain'",
                         cases[i].index));
        define(t, "id: string", cases[i].source, X);
        assert_int_equal(offline_store_begin(t->store, NULL, &err), STATUS_OK);
        assert_int_equal(
            sqlite_view_bind(store, &t->definitions.views[0], NULL, 0, &t->arena, &view, &err),
            STATUS_OK);
        assert_int_equal(sqlite_probe_is_served(store, &view, &t->arena, &served, &err), STATUS_OK);
        offline_store_end(t->store);
        if (served != cases[i].serves)
            fail_msg("index %s, %s", cases[i].index, cases[i].source);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FILE_TEST(mistake_in_a_query_is_told_with_its_place),
        FILE_TEST(query_is_one_statement_to_sqlite_too),
        FILE_TEST(parameter_of_a_query_is_refused),
        FILE_TEST(column_that_a_query_gives_twice_is_refused),
        FILE_TEST(misspelt_column_in_double_quotes_is_no_text),
        FILE_TEST(copies_keep_values_as_they_are),
        FILE_TEST(row_whose_time_is_no_integer_hides_no_other),
        FILE_TEST(created_time_that_is_none_stops_what_asks_for_it),
        FILE_TEST(keys_that_are_none_are_counted_alike),
        FILE_TEST(load_knows_that_any_keeps_texts_in_strict_tables_alone),
        FILE_TEST(table_named_with_its_schema_gets_a_hint_that_runs),
        FILE_TEST(long_keys_are_counted_whatever_they_are_made_of),
        FILE_TEST(index_serves_if_it_leads_through_the_key),
    };
    return offline_file_tests_run(tests, COUNT_OF(tests));
}
