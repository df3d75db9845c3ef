/* test_offline_scan.c - scans of what an owner's tables may hold. */
#include "offline_text.h"

#include "base/timestamp.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

static struct scan_request window(enum scan_mode mode, const char *from, const char *to)
{
    struct scan_request request = {NULL, mode, INT64_MIN, INT64_MAX, INT64_MIN};
    if (from)
        assert_true(timestamp_parse(bytes_of_text(from), &request.from_us));
    if (to)
        assert_true(timestamp_parse(bytes_of_text(to), &request.to_us));
    return request;
}

/* A table of one column c, read as that type; what row 1's value comes out as. */
static const char *read_as(struct offline_test *t, const char *column, const char *literal,
                           const char *type)
{
    owner(t, "DROP TABLE IF EXISTS typed");
    owner(t, arena_printf(&t->arena,
                          "CREATE TABLE typed (id int, at timestamptz, c %s);"
                          "INSERT INTO typed VALUES (1, '2024-01-01', %s)",
                          column, literal));
    define(t, "id: int32", "table: typed",
           arena_printf(&t->arena, "features: [{name: c, type: %s}]", type));
    return scanned_all(t);
}

static void check_read(struct offline_test *t, const char *column, const char *literal,
                       const char *type, const char *value)
{
    check_text(read_as(t, column, literal, type),
               arena_printf(&t->arena, "1|01-01 00:00:00|null|%s\nleft out 0, misfits 0", value));
}

static void types_that_fit_are_read(void **state)
{
    struct offline_test *t = *state;
    owner(t, "CREATE TYPE mood AS ENUM ('sad', 'happy ')");
    check_read(t, "smallint", "'-32768'", "int32", "-32768");
    check_read(t, "integer", "7", "int64", "7");
    check_read(t, "bigint", "9007199254740993", "float64", "9.007199254740992e+15");
    check_read(t, "smallint", "3", "float64", "3");
    check_read(t, "real", "0.1", "float32", "0.1");
    check_read(t, "real", "'NaN'", "float64", "NaN");
    check_read(t, "numeric(10,3)", "12345.678", "float64", "12345.678");
    check_read(t, "numeric", "'-Infinity'", "float64", "-Infinity");
    check_read(t, "varchar(9)", "'a b '", "string", "a b ");
    check_read(t, "char(9)", "'a b '", "string", "a b");
    check_read(t, "uuid", "'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11'", "string",
               "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11");
    check_read(t, "json", "'{\"a\":  1}'", "string", "{\"a\":  1}");
    check_read(t, "jsonb", "'{\"a\":  1}'", "string", "{\"a\": 1}");
    check_read(t, "mood", "'happy '", "string", "happy ");
    check_read(t, "date", "'2024-02-29'", "timestamp", "02-29 00:00:00");
    check_read(t, "timestamp", "'2024-02-29 01:02:03'", "timestamp", "02-29 01:02:03");
    check_read(t, "timestamptz", "'2024-02-29 01:02:03+05:30'", "timestamp", "02-28 19:32:03");
    check_read(t, "bytea", "'\\x00ff'", "bytes", "\\x00ff");
    check_read(t, "boolean", "true", "bool", "true");
}

static void arrays_that_fit_are_read(void **state)
{
    struct offline_test *t = *state;
    owner(t, "CREATE TYPE mood AS ENUM ('sad', 'happy')");
    check_read(t, "smallint[]", "'[7:8]={1,2}'", "list<int32>", "[1,2]");
    check_read(t, "numeric[]", "'{0.5,1e3}'", "list<float64>", "[0.5,1000]");
    check_read(t, "char(3)[]", "'{a,\"b \"}'", "list<string>", "[\"a\",\"b\"]");
    check_read(t, "mood[]", "'{happy,sad}'", "list<string>", "[\"happy\",\"sad\"]");
    check_read(t, "jsonb[]", "ARRAY['{}'::jsonb]", "list<string>", "[\"{}\"]");
    check_read(t, "uuid[]", "'{}'", "list<string>", "[]");
    check_read(t, "date[]", "'{1970-01-02}'", "list<timestamp>",
               "[\"1970-01-02T00:00:00.000000Z\"]");
    check_read(t, "integer[]", "NULL", "list<int32>", "null");
}

static void domains_are_read_as_what_they_are_made_of(void **state)
{
    struct offline_test *t = *state;
    owner(t, "CREATE DOMAIN whole AS integer; CREATE DOMAIN positive AS whole CHECK (VALUE > 0);"
             "CREATE DOMAIN wholes AS whole[]; CREATE DOMAIN code AS char(4)");
    check_read(t, "positive", "5", "int32", "5");
    check_read(t, "positive", "5", "float64", "5");
    check_read(t, "wholes", "'{1,2}'", "list<int64>", "[1,2]");
    check_read(t, "positive[]", "'{1,2}'", "list<int32>", "[1,2]");
    check_read(t, "code", "'ab'", "string", "ab");
    check_read(t, "code[]", "'{ab}'", "list<string>", "[\"ab\"]");
}

static void types_that_do_not_fit_are_refused_by_name(void **state)
{
    static const struct {
        const char *column, *type;
    } misfits[] = {
        {"bigint", "int32"},
        {"double precision", "float32"},
        {"numeric", "float32"},
        {"integer", "string"},
        {"text", "bytes"},
        {"interval", "timestamp"},
        {"time without time zone", "timestamp"},
        {"integer[]", "int32"},
        {"integer", "list<int32>"},
        {"bytea", "string"},
        {"text", "bool"},
        {"double precision", "int64"},
        {"name", "string"},
        {"int4range", "string"},
        {"jsonb", "list<string>"},
    };
    struct offline_test *t = *state;
    for (size_t i = 0; i < COUNT_OF(misfits); i++) {
        const char *text = read_as(t, misfits[i].column, "NULL", misfits[i].type);
        check_text(text,
                   arena_printf(&t->arena,
                                "INVALID: feature view v: feature c is %s, but typed.c is %s; "
                                "declare a type that fits, or cast it in a query",
                                misfits[i].type, misfits[i].column));
    }
}

/* What a misfit does under both policies. */
static void check_misfit(struct offline_test *t, const char *column, const char *literal,
                         const char *type, const char *met)
{
    check_text(read_as(t, column, literal, type),
               arena_printf(&t->arena,
                            "INVALID: feature view v: typed.c holds %s where id=1, "
                            "event_time=2024-01-01T00:00:00.000000Z, which feature c "
                            "(%s) cannot be; set misfits: as_null in source s to read such values "
                            "as null, or convert it in a query",
                            met, type));
    define(t, "id: int32", "table: typed, misfits: as_null",
           arena_printf(&t->arena, "features: [{name: c, type: %s}]", type));
    check_text(scanned_all(t), "1|01-01 00:00:00|null|null\nleft out 0, misfits 1");
}

static void misfits_stop_the_scan_or_read_as_null(void **state)
{
    struct offline_test *t = *state;
    const char *nested = "an array of more than one dimension";
    const char *with_null = "an array with a null in it";
    const char *out_of_range = "a time outside the years 1 to 9999";
    check_misfit(t, "timestamptz", "'infinity'", "timestamp", "an infinite time");
    check_misfit(t, "timestamp", "'-infinity'", "timestamp", "an infinite time");
    check_misfit(t, "date", "'infinity'", "timestamp", "an infinite time");
    check_misfit(t, "date", "'5874897-12-31'", "timestamp", out_of_range);
    check_misfit(t, "timestamptz", "'10000-01-01'", "timestamp", out_of_range);
    check_misfit(t, "timestamp", "'0001-12-31 BC'", "timestamp", out_of_range);
    check_misfit(t, "numeric", "1.8e308", "float64", "a number beyond float64");
    check_misfit(t, "numeric[]", "'{1,-1e400}'", "list<float64>", "a number beyond float64");
    check_misfit(t, "text[]", "'{a,NULL}'", "list<string>", with_null);
    check_misfit(t, "integer[]", "'{{1},{2}}'", "list<int32>", nested);
    check_misfit(t, "timestamptz[]", "'{infinity}'", "list<timestamp>", "an infinite time");
}

static void misfit_names_every_key(void **state)
{
    struct offline_test *t = *state;
    owner(t,
          "CREATE SCHEMA \"Odd Schema\";"
          "CREATE TABLE \"Odd Schema\".\"Odd Table\" (a text, b bytea, at date, \"X y\" timestamp);"
          "INSERT INTO \"Odd Schema\".\"Odd Table\" VALUES"
          " ('it''s', '\\x01', '2024-01-01', 'infinity')");
    define(t, "a: string, b: bytes", "table: Odd Schema.Odd Table, fields: {x: X y}",
           "features: [{name: x, type: timestamp}]");
    check_holds(
        scanned_all(t),
        "Odd Schema.Odd Table.X y holds an infinite time where a=it's, "
        "b=\\x01, event_time=2024-01-01T00:00:00.000000Z, which feature x (timestamp) cannot be");
    owner(t, "DROP SCHEMA \"Odd Schema\" CASCADE");
}

static void long_keys_are_cut_in_messages(void **state)
{
    struct offline_test *t = *state;
    owner(t, "CREATE TABLE r (id text, at date, x timestamp);"
             "INSERT INTO r VALUES (repeat('\xc3\xa4', 300), '2024-01-01', 'infinity')");
    define(t, "id: string", "table: r", "features: [{name: x, type: timestamp}]");
    check_holds(scanned_all(t), "\xc3\xa4\xc3\xa4..., event_time=2024");
}

static void rows_without_key_or_time_are_left_out(void **state)
{
    struct offline_test *t = *state;
    keep_history(t, "(1, '2024-01-01', 1), (NULL, '2024-01-01', 2), (2, NULL, 3), (3, 'infinity', "
                    "4), (4, '-infinity', 5), (5, '20000-01-01', 6), (6, '0044-03-15 BC', 7)");
    check_text(scanned_all(t), "1|01-01 00:00:00|null|1\nleft out 6, misfits 0");
    check_text(scanned(t, window(SCAN_EVENTS, NULL, "2024-01-01")),
               "1|01-01 00:00:00|null|1\nleft out 6, misfits 0");
    check_text(scanned(t, window(SCAN_EVENTS, "2023-01-01", "2024-01-02")),
               "1|01-01 00:00:00|null|1\nleft out 1, misfits 0");
}

static void first_and_last_microsecond_of_all_years_are_read(void **state)
{
    struct offline_test *t = *state;
    keep_history(t, "(1, '0001-01-01', 1), (2, '9999-12-31 23:59:59.999999', 2)");
    check_text(scanned_all(t), "1|0001-01-01T00:00:00.000000Z|null|1\n"
                               "2|9999-12-31T23:59:59.999999Z|null|2\nleft out 0, misfits 0");
}

static void misfits_of_rows_left_out_stop_nothing(void **state)
{
    struct offline_test *t = *state;
    owner(t, "CREATE TABLE r (id int, at timestamptz, x numeric);"
             "INSERT INTO r VALUES (NULL, '2024-01-01', 1e400), (1, NULL, 1e400)");
    define(t, "id: int32", "table: r", X);
    check_text(scanned_all(t), "left out 2, misfits 0");
}

static void key_that_is_a_misfit_stops_or_leaves_out(void **state)
{
    struct offline_test *t = *state;
    owner(t, "CREATE TABLE r (id date, at timestamptz, x float8);"
             "INSERT INTO r VALUES ('infinity', '2024-01-01', 1), ('2024-01-01', '2024-01-01', 2)");
    define(t, "id: timestamp", "table: r", X);
    check_holds(scanned_all(t),
                "INVALID: feature view v: r.id holds an infinite time where event_time=2024-01-01");
    define(t, "id: timestamp", "table: r, misfits: as_null", X);
    check_text(scanned_all(t), "01-01 00:00:00|01-01 00:00:00|null|2\nleft out 1, misfits 1");
}

static void created_time_that_is_a_misfit_stops_or_is_unknown(void **state)
{
    struct offline_test *t = *state;
    owner(t, "CREATE TABLE r (id int, at timestamptz, made timestamp, x float8);"
             "INSERT INTO r VALUES (1, '2024-01-01', 'infinity', 1), (2, '2024-01-01', NULL, 2),"
             " (3, '2024-01-01', '2024-01-02', 3)");
    define(t, "id: int32", "table: r, created_time: made", X);
    check_holds(scanned_all(t), "r.made holds an infinite time where id=1, "
                                "event_time=2024-01-01T00:00:00.000000Z, which created_time");
    define(t, "id: int32", "table: r, created_time: made, misfits: as_null", X);
    check_text(scanned_all(t), "1|01-01 00:00:00|null|1\n2|01-01 00:00:00|null|2\n"
                               "3|01-01 00:00:00|01-02 00:00:00|3\nleft out 0, misfits 1");
}

static void incremental_scan_counts_what_was_recorded_in_its_window(void **state)
{
    struct offline_test *t = *state;
    keep_recorded_history(t, "stop",
                          " (1, '2024-01-01', '2024-03-01', 1)," /* recorded in the window */
                          " (2, NULL, '2024-03-01', 2), (3, 'infinity', '2024-03-01', 3),"
                          " (4, NULL, '2024-05-01', 4)," /* recorded later: not in the window */
                          " (NULL, '2024-03-01', NULL, 5),"
                          " (5, '2024-05-01', '2024-03-01', 6)"); /* not due */
    check_text(scanned(t, window(SCAN_INCREMENTAL, "2024-02-01", "2024-04-01")),
               "1|01-01 00:00:00|03-01 00:00:00|1\nleft out 3, misfits 0");
}

static void dates_and_times_without_zone_are_utc(void **state)
{
    struct offline_test *t = *state;
    owner(t, "CREATE TABLE d (id int, at date, x float8);"
             "INSERT INTO d VALUES (1, '2024-01-01', 1), (2, '2024-01-02', 2);"
             "CREATE TABLE p (id int, at timestamp, x float8);"
             "INSERT INTO p SELECT * FROM d");
    struct scan_request until_midnight = window(SCAN_EVENTS, NULL, "2024-01-01T23:59:59.999999Z");
    struct scan_request at_midnight = window(SCAN_EVENTS, "2024-01-02", "2024-01-02");
    for (int i = 0; i < 2; i++) {
        define(t, "id: int32", i ? "table: d" : "table: p", X);
        check_text(scanned(t, until_midnight), "1|01-01 00:00:00|null|1\nleft out 0, misfits 0");
        check_text(scanned(t, at_midnight), "2|01-02 00:00:00|null|2\nleft out 0, misfits 0");
    }
}

static void partitions_and_views_are_read(void **state)
{
    struct offline_test *t = *state;
    owner(t, "CREATE TABLE r (id int, at timestamptz, x float8) PARTITION BY RANGE (at);"
             "CREATE TABLE r1 PARTITION OF r FOR VALUES FROM ('2024-01-01') TO ('2024-02-01');"
             "CREATE TABLE r2 PARTITION OF r DEFAULT;"
             "INSERT INTO r VALUES (1, '2024-01-01', 1), (2, '2024-02-01', 2);"
             "CREATE VIEW seen AS SELECT id, at, x * 2 AS x FROM r WHERE id = 2");
    define(t, "id: int32", "table: r", X);
    check_text(scanned_all(t), "1|01-01 00:00:00|null|1\n2|02-01 00:00:00|null|2\n"
                               "left out 0, misfits 0");
    define(t, "id: int32", "table: public.seen", X);
    check_text(scanned_all(t), "2|02-01 00:00:00|null|4\nleft out 0, misfits 0");
}

static void queries_are_read(void **state)
{
    struct offline_test *t = *state;
    owner(t, "CREATE TABLE r (id int, at timestamptz, x float8);"
             "INSERT INTO r VALUES (1, '2024-01-01', 1), (1, '2024-01-02', 2)");
    define(t, "id: int32",
           "query: 'WITH w AS (SELECT * FROM r) SELECT id, max(at) AS at, sum(x) AS x FROM w GROUP "
           "BY id"
           " -- a comment'",
           X);
    check_text(scanned_all(t), "1|01-02 00:00:00|null|3\nleft out 0, misfits 0");
}

static void query_cannot_write(void **state)
{
    struct offline_test *t = *state;
    owner(t, "CREATE TABLE r (id int, at timestamptz, x float8); CREATE SEQUENCE q;"
             "CREATE FUNCTION sneak() RETURNS float8 LANGUAGE sql AS"
             " 'INSERT INTO r VALUES (1, now(), 1) RETURNING x'");
    define(t, "id: int32", "query: \"SELECT 1 AS id, now() AS at, sneak() AS x\"", X);
    check_holds(scanned_all(t), "read-only transaction");
    define(t, "id: int32", "query: \"SELECT 1 AS id, now() AS at, nextval('q')::float8 AS x\"", X);
    check_holds(scanned_all(t), "read-only transaction");
    assert_string_equal(private_database_ask(t->database, "SELECT count(*) FROM r"), "0");
}

static void misfit_of_a_query_names_its_source(void **state)
{
    struct offline_test *t = *state;
    define(t, "id: int32", "query: \"SELECT 1 AS id, now() AS at, 1e400 AS x\"", X);
    check_holds(scanned_all(t), "column x of the query of source s holds a number beyond float64");
}

static void missing_things_are_named(void **state)
{
    struct offline_test *t = *state;
    define(t, "id: int32", "table: nowhere", X);
    check_holds(scanned_all(t), "NOT_FOUND: source s: there is no table nowhere");
    define(t, "id: int32", "table: nowhere.at_all", X);
    check_holds(scanned_all(t), "NOT_FOUND: source s: there is no table nowhere.at_all");
    owner(t, "CREATE TABLE r (id int, at timestamptz, temprature float8)");
    define(t, "id: int32", "table: r", "features: [{name: temperature, type: float64}]");
    check_text(
        scanned_all(t),
        "NOT_FOUND: feature view v: feature temperature is read from column temperature, but r "
        "has no such column: did you mean \"temprature\"?");
    define(t, "id: int32", "query: SELECT * FROM nowhere", X);
    check_holds(scanned_all(t), "INVALID: source s: ");
    define(t, "id: int32", "query: SELECT FROM WHERE", X);
    check_text(scanned_all(t),
               "INVALID: source s: its query, line 1, column 13: syntax error at or "
               "near \"WHERE\"");
    define(t, "id: int32", "query: \"SELECT *, 'ö'\\nFROM r\\n  WHERE nothing > 0\"", X);
    check_text(scanned_all(t),
               "INVALID: source s: its query, line 3, column 9: column \"nothing\" does not exist");
}

static void column_given_twice_is_refused(void **state)
{
    struct offline_test *t = *state;
    define(t, "id: int32", "query: \"SELECT 1 AS id, now() AS at, 1 AS x, 2 AS x\"", X);
    check_holds(scanned_all(t), "which the query of source s gives 2 times");
}

static void failed_scan_leaves_the_handle_usable(void **state)
{
    struct offline_test *t = *state;
    owner(t, "CREATE TABLE r (id int, at timestamptz, x numeric);"
             "INSERT INTO r SELECT i, '2024-01-01', CASE i WHEN 3 THEN 1e400 ELSE 1 END"
             " FROM generate_series(1, 50000) i");
    define(t, "id: int32", "table: r", X);
    check_holds(scanned_all(t), "where id=3,");
    owner(t, "DELETE FROM r WHERE id > 1");
    check_text(scanned_all(t), "1|01-01 00:00:00|null|1\nleft out 0, misfits 0");
}

static void scan_that_postgres_breaks_off_is_no_short_scan(void **state)
{
    struct offline_test *t = *state;
    define(t, "id: int32",
           "query: \"SELECT i AS id, '2024-01-01'::timestamptz AS at, 1.0 / (40 - i) AS x"
           " FROM generate_series(1, 50) i\"",
           X);
    check_holds(scanned_all(t),
                "FAILED: feature view v: reading the query of source s: division by");
}

static void scan_of_a_killed_connection_is_unavailable_and_the_handle_recovers(void **state)
{
    struct offline_test *t = *state;
    struct offline_scan *scan;
    const struct scan_row *row;
    struct error err;
    enum status status = STATUS_OK;
    owner(t, "CREATE TABLE r AS SELECT i AS id, '2024-01-01'::timestamptz AS at, i::float8 AS x"
             " FROM generate_series(1, 1000000) i");
    define(t, "id: int32", "table: r", X);
    struct scan_request all = window(SCAN_EVENTS, NULL, NULL);
    all.view = &t->definitions.views[0];
    assert_int_equal(offline_store_begin(t->store, NULL, &err), STATUS_OK);
    assert_int_equal(offline_scan_open(t->store, &all, &scan, &err), STATUS_OK);
    owner(t, "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
             " WHERE application_name = 'larder' AND datname = current_database()");
    do
        status = offline_scan_next(scan, &row, &err);
    while (!status && row);
    assert_int_equal(status, STATUS_UNAVAILABLE);
    offline_scan_close(scan);
    offline_store_end(t->store);
    owner(t, "DELETE FROM r WHERE id > 1");
    check_text(scanned_all(t), "1|01-01 00:00:00|null|1\nleft out 0, misfits 0");
}

static void a_scan_begins_with_the_planners_estimate_of_its_rows(void **state)
{
    struct offline_test *t = *state;
    struct offline_scan *scan;
    struct error err;
    owner(t,
          "CREATE TABLE r AS SELECT i AS id, '2024-01-01'::timestamptz + i * interval '1 s' AS at,"
          " i::float8 AS x FROM generate_series(1, 10000) i; ANALYZE r");
    define(t, "id: int32", "table: r", X);
    struct scan_request half = window(SCAN_EVENTS, "2024-01-01T00:00:00Z", "2024-01-01T01:23:20Z");
    half.view = &t->definitions.views[0];
    assert_int_equal(offline_store_begin(t->store, NULL, &err), STATUS_OK);
    assert_int_equal(offline_scan_open(t->store, &half, &scan, &err), STATUS_OK);
    assert_in_range(offline_scan_counts(scan)->expected, 4000, 6000);
    offline_scan_close(scan);
    offline_store_end(t->store);
}

static void snapshot_does_not_change_while_it_stands(void **state)
{
    struct offline_test *t = *state;
    struct offline_scan *scan;
    const struct scan_row *row;
    struct error err;
    keep_history(t, NULL);
    struct scan_request all = window(SCAN_EVENTS, NULL, NULL);
    all.view = &t->definitions.views[0];
    assert_int_equal(offline_store_begin(t->store, NULL, &err), STATUS_OK);
    owner(t, "INSERT INTO r VALUES (1, '2024-01-01', 1)");
    assert_int_equal(offline_scan_open(t->store, &all, &scan, &err), STATUS_OK);
    assert_int_equal(offline_scan_next(scan, &row, &err), STATUS_OK);
    assert_null(row);
    offline_scan_close(scan);
    offline_store_end(t->store);
    check_text(scanned_all(t), "1|01-01 00:00:00|null|1\nleft out 0, misfits 0");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        OFFLINE_TEST(types_that_fit_are_read),
        OFFLINE_TEST(arrays_that_fit_are_read),
        OFFLINE_TEST(domains_are_read_as_what_they_are_made_of),
        OFFLINE_TEST(types_that_do_not_fit_are_refused_by_name),
        OFFLINE_TEST(misfits_stop_the_scan_or_read_as_null),
        OFFLINE_TEST(misfit_names_every_key),
        OFFLINE_TEST(long_keys_are_cut_in_messages),
        OFFLINE_TEST(rows_without_key_or_time_are_left_out),
        OFFLINE_TEST(first_and_last_microsecond_of_all_years_are_read),
        OFFLINE_TEST(misfits_of_rows_left_out_stop_nothing),
        OFFLINE_TEST(key_that_is_a_misfit_stops_or_leaves_out),
        OFFLINE_TEST(created_time_that_is_a_misfit_stops_or_is_unknown),
        OFFLINE_TEST(incremental_scan_counts_what_was_recorded_in_its_window),
        OFFLINE_TEST(dates_and_times_without_zone_are_utc),
        OFFLINE_TEST(partitions_and_views_are_read),
        OFFLINE_TEST(queries_are_read),
        OFFLINE_TEST(query_cannot_write),
        OFFLINE_TEST(misfit_of_a_query_names_its_source),
        OFFLINE_TEST(missing_things_are_named),
        OFFLINE_TEST(column_given_twice_is_refused),
        OFFLINE_TEST(failed_scan_leaves_the_handle_usable),
        OFFLINE_TEST(scan_that_postgres_breaks_off_is_no_short_scan),
        OFFLINE_TEST(scan_of_a_killed_connection_is_unavailable_and_the_handle_recovers),
        OFFLINE_TEST(a_scan_begins_with_the_planners_estimate_of_its_rows),
        OFFLINE_TEST(snapshot_does_not_change_while_it_stands),
    };
    return cmocka_run_group_tests(tests, offline_tests_begin, offline_tests_end);
}
