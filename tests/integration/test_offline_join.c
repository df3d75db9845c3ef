/* test_offline_join.c - point-in-time joins over what an owner's tables may hold. */
#include "offline_text.h"

#include "base/timestamp.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#define NOW "2024-06-01"

static const struct join_request plain = {.as_of_us = AS_OF_NOW};
static const struct join_request as_known = {.as_of_us = AS_OF_NOW, .as_known = true};

static struct join_request as_of(const char *time)
{
    struct join_request request = plain;
    assert_true(timestamp_parse(bytes_of_text(time), &request.as_of_us));
    return request;
}

/* Keys ---------------------------------------------------------------------------------------- */

/* A table whose key has that type and value is found by the first ask, and by none of the others.
 */
static void check_key(struct offline_test *t, const char *column, const char *literal,
                      const char *type, const char *const *asks, size_t count)
{
    owner(t, "DROP TABLE IF EXISTS keyed");
    owner(t, arena_printf(&t->arena,
                          "CREATE TABLE keyed (id %s, at timestamptz, x float8);"
                          "INSERT INTO keyed VALUES (%s, '2024-01-01', 1)",
                          column, literal));
    define(t, arena_printf(&t->arena, "id: %s", type), "table: keyed", X);
    const char *expected = "01-01 00:00:00|null|1\n";
    for (size_t i = 1; i < count; i++)
        expected = arena_printf(&t->arena, "%s-\n", expected);
    check_text(joined(t, "v:x", plain, asks, count),
               arena_printf(&t->arena, "%sleft out 0, unknown 0, misfits 0", expected));
}
#define CHECK_KEY(t, column, literal, type, ...)                                                   \
    check_key(t, column, literal, type, (const char *const[]){__VA_ARGS__},                        \
              COUNT_OF(((const char *const[]){__VA_ARGS__})))

static void keys_of_every_type_are_found(void **state)
{
    struct offline_test *t = *state;
    owner(t, "CREATE TYPE mood AS ENUM ('sad', 'happy'); CREATE DOMAIN whole AS int");
    CHECK_KEY(t, "smallint", "-7", "int32", "-7@" NOW, "7@" NOW, "2147483647@" NOW, "@" NOW);
    CHECK_KEY(t, "integer", "7", "int64", "7@" NOW, "9223372036854775807@" NOW, "-7@" NOW);
    CHECK_KEY(t, "whole", "7", "int64", "7@" NOW, "8@" NOW);
    CHECK_KEY(t, "bigint", "-9223372036854775808", "int64", "-9223372036854775808@" NOW, "0@" NOW);
    CHECK_KEY(t, "boolean", "false", "bool", "false@" NOW, "true@" NOW, "@" NOW);
    CHECK_KEY(t, "bytea", "'\\x00ff'", "bytes", "\\x00ff@" NOW, "\\x@" NOW, "\\x00@" NOW);
    CHECK_KEY(t, "text", "'a '", "string", "a @" NOW, "a@" NOW, "A @" NOW);
    CHECK_KEY(t, "varchar(5)", "'a '", "string", "a @" NOW, "a@" NOW, "toolongforit@" NOW);
    CHECK_KEY(t, "text COLLATE \"C\"", "'a'", "string", "a@" NOW, "b@" NOW);
    CHECK_KEY(t, "char(4)", "'a'", "string", "a@" NOW, "a @" NOW, "a   @" NOW, "b@" NOW);
    CHECK_KEY(t, "mood", "'sad'", "string", "sad@" NOW, "glad@" NOW, "happy@" NOW);
    CHECK_KEY(t, "jsonb", "'{\"a\":1}'", "string", "{\"a\": 1}@" NOW, "{\"a\":1}@" NOW, "{@" NOW);
    CHECK_KEY(t, "uuid", "'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'", "string",
              "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11@" NOW,
              "A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11@" NOW, "a0eebc99@" NOW, "not a uuid@" NOW,
              "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11\n@" NOW);
    CHECK_KEY(t, "date", "'2024-01-01'", "timestamp", "2024-01-01@" NOW,
              "2024-01-01T00:00:01Z@" NOW);
    CHECK_KEY(t, "timestamp", "'1969-12-31 23:59:59.999999'", "timestamp",
              "1969-12-31T23:59:59.999999Z@" NOW, "1970-01-01@" NOW);
    CHECK_KEY(t, "timestamptz", "'0001-01-01'", "timestamp", "0001-01-01@" NOW, "0001-01-02@" NOW);
}

static void one_asking_column_serves_views_of_both_integers(void **state)
{
    struct offline_test *t = *state;
    owner(t, "CREATE TABLE narrow (id int, at timestamptz, x float8);"
             "CREATE TABLE wide (id bigint, at timestamptz, y float8);"
             "INSERT INTO narrow VALUES (1, '2024-01-01', 1);"
             "INSERT INTO wide VALUES (1, '2024-01-02', 2), (4294967297, '2024-01-03', 3)");
    define_yaml(t,
                "project: test\n"
                "entities: [{name: a, join_keys: {id: int32}}, {name: b, join_keys: {id: int64}}]\n"
                "sources: [{name: n, table: narrow, event_time: at},"
                " {name: w, table: wide, event_time: at}]\n"
                "feature_views:\n"
                "- {name: va, entities: [a], source: n, features: [{name: x, type: float64}]}\n"
                "- {name: vb, entities: [b], source: w, features: [{name: y, type: float64}]}\n");
    check_text(JOINED(t, "va:x vb:y", plain, "1@" NOW, "4294967297@" NOW),
               "01-01 00:00:00|null|1;01-02 00:00:00|null|2\n"
               "-;01-03 00:00:00|null|3\nleft out 0, unknown 0, misfits 0");
}

/* Times --------------------------------------------------------------------------------------- */

static void very_long_ttls_are_exact_and_never_overflow(void **state)
{
    struct offline_test *t = *state;
    owner(t, "CREATE TABLE r (id int, at timestamptz, x float8);"
             "INSERT INTO r VALUES (1, '0001-01-01', 1), (2, '0107-06-20 00:00:00.000001', 2),"
             " (3, '0107-06-20', 3)");
    /* 100000 weeks before 2024-01-01 */
    define(t, "id: int32", "table: r", "ttl: 100000w, " X);
    check_text(JOINED(t, "v:x", plain, "1@0001-01-01", "1@2024-01-01", "1@9999-12-31",
                      "2@2024-01-01T00:00:00.000001Z", "2@2024-01-01T00:00:00.000002Z",
                      "3@2024-01-01", "3@2024-01-01T00:00:00.000001Z"),
               arena_printf(&t->arena, "0001-01-01T00:00:00.000000Z|null|1\n-\n-\n"
                                       "0107-06-20T00:00:00.000001Z|null|2\n-\n"
                                       "0107-06-20T00:00:00.000000Z|null|3\n-\n"
                                       "left out 0, unknown 0, misfits 0"));
    define(t, "id: int32", "table: r", "ttl: 3652425d, " X);
    check_text(JOINED(t, "v:x", plain, "1@0001-01-01", "1@9999-12-31"),
               "0001-01-01T00:00:00.000000Z|null|1\n0001-01-01T00:00:00.000000Z|null|1\n"
               "left out 0, unknown 0, misfits 0");
}

static void dates_join_at_midnight_utc(void **state)
{
    struct offline_test *t = *state;
    owner(t, "CREATE TABLE d (id int, at date, x float8); CREATE TABLE p (id int, at timestamp, x "
             "float8);"
             "INSERT INTO d VALUES (1, '2024-01-01', 1), (1, '2024-01-02', 2); INSERT INTO p "
             "SELECT * FROM d");
    for (int i = 0; i < 2; i++) {
        define(t, "id: int32", i ? "table: d" : "table: p", "ttl: 1d, " X);
        check_text(JOINED(t, "v:x", plain, "1@2023-12-31T23:59:59.999999Z", "1@2024-01-01",
                          "1@2024-01-01T23:59:59.999999Z", "1@2024-01-02", "1@2024-01-03",
                          "1@2024-01-03T00:00:00.000001Z"),
                   "-\n01-01 00:00:00|null|1\n01-01 00:00:00|null|1\n01-02 00:00:00|null|2\n"
                   "01-02 00:00:00|null|2\n-\nleft out 0, unknown 0, misfits 0");
    }
}

static void rows_beyond_the_ttl_are_handed_out_for_a_day_where_status_is_asked(void **state)
{
    struct offline_test *t = *state;
    struct join_request with_status = {.as_of_us = AS_OF_NOW, .with_status = true};
    owner(t, "CREATE TABLE r (id int, at timestamptz, x float8); INSERT INTO r VALUES (1, "
             "'2024-01-01', 1)");
    define(t, "id: int32", "table: r", "ttl: 1h, " X);
    check_text(JOINED(t, "v:x", with_status, "1@2024-01-01T01:00:00.000001Z",
                      "1@2024-01-02T01:00:00Z", "1@2024-01-02T01:00:00.000001Z"),
               "01-01 00:00:00|null|1\n01-01 00:00:00|null|1\n-\nleft out 0, unknown 0, misfits 0");
    check_text(JOINED(t, "v:x", plain, "1@2024-01-01T01:00:00Z", "1@2024-01-01T01:00:00.000001Z"),
               "01-01 00:00:00|null|1\n-\nleft out 0, unknown 0, misfits 0");
}

static void rows_that_nobody_can_have_are_left_out_and_counted(void **state)
{
    struct offline_test *t = *state;
    keep_history(t, "(1, '2024-01-01', 1), (NULL, '2024-01-01', 2), (1, NULL, 3), (1, 'infinity', "
                    "4), (2, '-infinity', 5), (2, '0044-03-15 BC', 6), (1, '12345-01-01', 7)");
    check_text(JOINED(t, "v:x", plain, "1@9999-12-31", "2@9999-12-31", "@9999-12-31"),
               "01-01 00:00:00|null|1\n-\n-\nleft out 6, unknown 0, misfits 0");
}

/* Of 480 bytes, small_key_ids leave 474 to the values. */
static void check_long_keys(struct offline_test *t, const char *column, const char *type,
                            const char *kept, const char *too_long)
{
    owner(t, "DROP TABLE IF EXISTS long");
    owner(t, arena_printf(&t->arena,
                          "CREATE TABLE long (id %s, lane bigint, at timestamptz, x float8);"
                          "INSERT INTO long VALUES (%s, 0, '2024-01-01', 1),"
                          " (%s, 0, '2024-01-01', 2), (%s, 0, NULL, 3), (NULL, 0, NULL, 3)",
                          column, kept, too_long, too_long));
    define(t, arena_printf(&t->arena, "id: %s, lane: int64", type), "table: long", X);
    check_text(joined(t, "v:x", plain, NULL, 0), "left out 2, unknown 0, misfits 0, long keys 1");
}

static void source_rows_of_keys_that_are_too_long_are_counted(void **state)
{
    struct offline_test *t = *state;
    check_long_keys(t, "text", "string", "repeat('x', 472)", "repeat('x', 473)");
    check_long_keys(t, "text", "string", "repeat('{', 236)", "repeat('{', 236) || 'x'");
    check_long_keys(t, "varchar(900)", "string", "repeat(chr(228), 236)", "repeat(chr(228), 237)");
    check_long_keys(t, "char(900)", "string", "repeat('x', 472)", "repeat('x', 473)");
    check_long_keys(t, "jsonb", "string", "to_jsonb(repeat('x', 470))",
                    "to_jsonb(repeat('x', 471))");
    check_long_keys(t, "bytea", "bytes", "decode(repeat('7b', 236), 'hex')",
                    "decode(repeat('00', 237), 'hex')");
}

static void row_that_is_left_out_for_two_reasons_counts_once(void **state)
{
    struct offline_test *t = *state;
    owner(t, "CREATE TABLE r (id text, at timestamptz, made timestamptz, x float8);"
             "INSERT INTO r VALUES (repeat('x', 500), '2024-01-01', NULL, 1),"
             " (repeat('x', 500), '2024-01-01', '2024-01-01', 2), ('short', '2024-01-01', NULL, 3),"
             " (NULL, '2024-01-01', NULL, 4), (repeat('x', 500), NULL, NULL, 5)");
    define(t, "id: string", "table: r, created_time: made", X);
    check_text(joined(t, "v:x", as_known, NULL, 0),
               "left out 2, unknown 1, misfits 0, long keys 2");
}

static void views_of_the_same_keys_leave_out_the_same_rows_each(void **state)
{
    struct offline_test *t = *state;
    owner(t, "CREATE TABLE r (id text, b text, at timestamptz, x float8, y float8);"
             "INSERT INTO r VALUES (repeat('x', 500), NULL, '2024-01-01', 1, 1),"
             " ('short', repeat('y', 500), NULL, 1, 1)");
    const char *yaml =
        "project: test\n"
        "entities: [{name: e, join_keys: {id: string}},"
        " {name: f, join_keys: {%s: string}}]\n"
        "sources: [{name: s, table: r, event_time: at}]\n"
        "feature_views:\n"
        "- {name: v, entities: [e], source: s, features: [{name: x, type: float64}]}\n"
        "- {name: w, entities: [f], source: s, features: [{name: y, type: float64}]}\n";
    define_yaml(t, arena_printf(&t->arena, yaml, "id"));
    check_text(joined(t, "v:x w:y", plain, NULL, 0),
               "left out 2, unknown 0, misfits 0, long keys 2");
    define_yaml(t, arena_printf(&t->arena, yaml, "b"));
    check_text(joined(t, "v:x w:y", plain, NULL, 0),
               "left out 3, unknown 0, misfits 0, long keys 1");
}

/* Created times ------------------------------------------------------------------------------- */

static void as_of_takes_what_was_recorded_by_then(void **state)
{
    struct offline_test *t = *state;
    keep_recorded_history(t, "stop",
                          "(1, '2024-01-01', '2024-01-02', 1), (1, '2024-01-01', '2024-02-01', 2),"
                          " (1, '2024-01-01', NULL, 3), (2, '2024-01-01', NULL, 4)");
    check_text(JOINED(t, "v:x", as_of("2024-01-02"), "1@" NOW, "2@" NOW),
               "01-01 00:00:00|01-02 00:00:00|1\n-\nleft out 0, unknown 2, misfits 0");
    check_text(JOINED(t, "v:x", as_of("2024-01-01T23:59:59.999999Z"), "1@" NOW),
               "-\nleft out 0, unknown 2, misfits 0");
    check_text(JOINED(t, "v:x", as_of("2024-02-01"), "1@" NOW, "1@2024-01-01"),
               "01-01 00:00:00|02-01 00:00:00|2\n01-01 00:00:00|02-01 00:00:00|2\n"
               "left out 0, unknown 2, misfits 0");
    check_text(JOINED(t, "v:x", plain, "1@" NOW, "2@" NOW),
               "01-01 00:00:00|02-01 00:00:00|2\n01-01 00:00:00|null|4\n"
               "left out 0, unknown 0, misfits 0");
}

static void as_of_a_time_that_may_still_change_is_refused(void **state)
{
    struct offline_test *t = *state;
    struct join_request request = plain;
    keep_recorded_history(t, "stop", NULL);
    request.as_of_us = timestamp_now() - INT64_C(3599000000);
    check_holds(JOINED(t, "v:x", request, "1@" NOW),
                "INVALID: source s: rows may still arrive that were created up to 1h ago");
    request.as_of_us = timestamp_now() - INT64_C(3601000000);
    check_text(JOINED(t, "v:x", request, "1@" NOW), "-\nleft out 0, unknown 0, misfits 0");
}

static void infinite_created_time_stops_if_its_row_would_be_the_answer(void **state)
{
    struct offline_test *t = *state;
    const char *stopped =
        "INVALID: feature view v: r.made holds an infinite time where id=1, asked at "
        "2024-06-01T00:00:00.000000Z, which created_time (timestamp) cannot be";
    keep_recorded_history(t, "stop",
                          "(1, '2024-01-01', 'infinity', 1), (1, '2024-01-01', '2024-01-02', 2),"
                          " (2, '2024-01-01', '-infinity', 3)");
    check_holds(JOINED(t, "v:x", plain, "1@" NOW), stopped);
    check_holds(JOINED(t, "v:x", as_known, "1@" NOW), stopped);
    check_holds(JOINED(t, "v:x", as_of(NOW), "1@" NOW), stopped);
    check_holds(JOINED(t, "v:x", as_known, "2@" NOW), "id=2");
}

static void infinite_created_time_read_as_null_is_unknown_to_all(void **state)
{
    struct offline_test *t = *state;
    keep_recorded_history(t, "as_null",
                          "(1, '2024-01-01', 'infinity', 1), (1, '2024-01-01', '2024-01-02', 2),"
                          " (2, '2024-01-01', '-infinity', 3), (2, '2023-01-01', '2023-01-01', 4)");
    check_text(JOINED(t, "v:x", plain, "1@" NOW, "2@" NOW),
               "01-01 00:00:00|01-02 00:00:00|2\n01-01 00:00:00|null|3\n"
               "left out 0, unknown 0, misfits 1");
    check_text(JOINED(t, "v:x", as_known, "1@" NOW, "2@" NOW),
               "01-01 00:00:00|01-02 00:00:00|2\n"
               "2023-01-01T00:00:00.000000Z|2023-01-01T00:00:00.000000Z|4\n"
               "left out 0, unknown 2, misfits 0");
    check_text(JOINED(t, "v:x", as_of(NOW), "1@" NOW, "2@" NOW),
               "01-01 00:00:00|01-02 00:00:00|2\n"
               "2023-01-01T00:00:00.000000Z|2023-01-01T00:00:00.000000Z|4\n"
               "left out 0, unknown 2, misfits 0");
}

/* Values -------------------------------------------------------------------------------------- */

static void misfits_stop_the_join_or_read_as_null(void **state)
{
    struct offline_test *t = *state;
    owner(t, "CREATE TABLE r (a text, b int, at timestamptz, x numeric);"
             "INSERT INTO r VALUES ('k', 1, '2024-01-01', 1e400), ('k', 1, '2024-01-02', 5)");
    define(t, "a: string, b: int32", "table: r", X);
    check_text(
        JOINED(t, "v:x", plain, "k,1@2024-01-02", "k,1@2024-01-01T10:00:00Z"),
        "INVALID: feature view v: r.x holds a number beyond float64 where a=k, b=1, asked at "
        "2024-01-01T10:00:00.000000Z, which feature x (float64) cannot be; set misfits: as_null in "
        "source s to read such values as null, or convert it in a query");
    check_text(JOINED(t, "v:x", plain, "k,1@2024-01-02"),
               "01-02 00:00:00|null|5\nleft out 0, unknown 0, misfits 0");
    define(t, "a: string, b: int32", "table: r, misfits: as_null", X);
    check_text(JOINED(t, "v:x", plain, "k,1@2024-01-02", "k,1@2024-01-01", "k,1@2024-01-01"),
               "01-02 00:00:00|null|5\n01-01 00:00:00|null|null\n01-01 00:00:00|null|null\n"
               "left out 0, unknown 0, misfits 2");
}

static void only_the_columns_asked_for_are_read(void **state)
{
    struct offline_test *t = *state;
    owner(t, "CREATE TABLE r (id int, at timestamptz, x float8, y text);"
             "INSERT INTO r VALUES (1, '2024-01-01', 1, 'no number')");
    define(t, "id: int32", "table: r",
           "features: [{name: y, type: float64}, {name: x, type: float64}]");
    check_text(JOINED(t, "v:x", plain, "1@" NOW),
               "01-01 00:00:00|null|1\nleft out 0, unknown 0, misfits 0");
    check_holds(JOINED(t, "v:x v:y", plain, "1@" NOW), "feature y is float64, but r.y is text");
}

static void queries_partitions_and_odd_names_are_joined(void **state)
{
    struct offline_test *t = *state;
    owner(
        t,
        "CREATE TABLE r (\"Id\" int, at timestamptz, x float8) PARTITION BY LIST (\"Id\");"
        "CREATE TABLE r1 PARTITION OF r FOR VALUES IN (1); CREATE TABLE r2 PARTITION OF r DEFAULT;"
        "INSERT INTO r VALUES (1, '2024-01-01', 1), (2, '2024-02-01', 2);"
        "CREATE TABLE asks AS SELECT 3 AS n, 1 AS k0, '2024-01-05'::timestamptz AS at");
    define(t, "id: int32", "table: r, fields: {id: Id}", X);
    check_text(JOINED(t, "v:x", plain, "2@" NOW, "1@" NOW),
               "02-01 00:00:00|null|2\n01-01 00:00:00|null|1\nleft out 0, unknown 0, misfits 0");
    define(t, "id: int32", "query: \"SELECT k0 AS id, at, n AS x FROM asks -- asks.at\"", X);
    check_text(JOINED(t, "v:x", plain, "2@" NOW, "1@" NOW, "1@2024-01-04"),
               "-\n01-05 00:00:00|null|3\n-\nleft out 0, unknown 0, misfits 0");
}

static void query_reads_nothing_of_the_asking_rows(void **state)
{
    struct offline_test *t = *state;
    owner(t, "CREATE TABLE r (id int, at timestamptz)");
    define(t, "id: int32", "query: \"SELECT id, at, asks.n AS x FROM r\"", X);
    check_holds(JOINED(t, "v:x", plain, "1@" NOW), "INVALID: source s: ");
}

static void query_with_parameters_is_refused(void **state)
{
    struct offline_test *t = *state;
    owner(t, "CREATE TABLE r (id int, at timestamptz, x float8)");
    define(t, "id: int32", "query: SELECT * FROM r WHERE at < $1", X);
    check_holds(JOINED(t, "v:x", plain, "1@" NOW), "source s: its query has parameters");
}

/* More than one connection takes at once, and some of whose answers are much to hold. */
static void many_ask_and_some_for_much(void **state)
{
    enum { ASKS = 1300, KEYS = 10, FOUND = 8, GROWTH = 3000 };
    struct offline_test *t = *state;
    static const char *asks[ASKS];
    struct buffer expected;
    buffer_init(&expected, 0);
    owner(t, "CREATE TABLE r (id int, at timestamptz, x text);"
             "INSERT INTO r SELECT k, '2024-01-01', repeat('x', k * 3000)"
             " FROM generate_series(0, 7) AS k");
    define(t, "id: int32", "table: r", "features: [{name: x, type: string}]");
    for (int i = 0; i < ASKS; i++) {
        int key = i % KEYS, size = key * GROWTH;
        asks[i] = arena_printf(&t->arena, "%d@" NOW, key);
        if (key < FOUND)
            buffer_printf(
                &expected, "01-01 00:00:00|null|%.*s\n", size,
                (const char *)memset(arena_alloc(&t->arena, (size_t)size + 1), 'x', (size_t)size));
        else
            buffer_append_text(&expected, "-\n");
    }
    buffer_append(&expected, "left out 0, unknown 0, misfits 0", 33);
    assert_true(strcmp(joined(t, "v:x", plain, asks, ASKS), (const char *)expected.data) == 0);
    buffer_release(&expected);
}

static void keys_under_a_lax_collation_are_refused(void **state)
{
    struct offline_test *t = *state;
    owner(
        t,
        "CREATE COLLATION lax (provider = icu, locale = 'und-u-ks-level2', deterministic = false);"
        "CREATE TABLE r (id text COLLATE lax, at timestamptz, x float8);"
        "INSERT INTO r VALUES ('a', '2024-01-01', 1)");
    define(t, "id: string", "table: r", X);
    check_holds(JOINED(t, "v:x", plain, "A@" NOW), "INVALID: feature view v: r has a string key");
    define(t, "id: string", "query: SELECT * FROM r", X);
    check_holds(JOINED(t, "v:x", plain, "A@" NOW), "calls different strings equal");
    define(t, "id: string", "query: 'SELECT id COLLATE \"C\" AS id, at, x FROM r'", X);
    check_text(JOINED(t, "v:x", plain, "A@" NOW, "a@" NOW),
               "-\n01-01 00:00:00|null|1\nleft out 0, unknown 0, misfits 0");
}

/* What goes wrong ----------------------------------------------------------------------------- */

static struct training_join *open_join(struct offline_test *t, struct selection *selection)
{
    struct bytes reference = bytes_of_text("v:x");
    struct join_request request = {selection, small_key_ids, false, AS_OF_NOW, false, false};
    struct training_join *join;
    struct error err;
    struct value key = {.type = TYPE_INT32, .int32 = 1};
    assert_int_equal(
        selection_of_references(&t->definitions, &reference, 1, false, &t->arena, selection, &err),
        STATUS_OK);
    assert_int_equal(training_join_open(t->store, &request, &JOIN_CHOSEN, &join, &err), STATUS_OK);
    for (int i = 0; i < 100000; i++)
        assert_int_equal(training_join_ask(join, &key, 0, &err), STATUS_OK);
    return join;
}

static void table_dropped_midway_is_named(void **state)
{
    struct offline_test *t = *state;
    struct selection selection;
    struct error err;
    keep_history(t, NULL);
    struct training_join *join = open_join(t, &selection);
    owner(t, "DROP TABLE r");
    assert_int_equal(training_join_run(join, &err), STATUS_NOT_FOUND);
    check_holds(err.message, "there is no table r");
    training_join_close(join);
}

static void column_whose_type_changed_midway_is_refused(void **state)
{
    struct offline_test *t = *state;
    struct selection selection;
    struct error err;
    keep_history(t, NULL);
    struct training_join *join = open_join(t, &selection);
    owner(t, "ALTER TABLE r ALTER x TYPE timestamptz USING now()");
    assert_int_equal(training_join_run(join, &err), STATUS_INVALID);
    check_holds(err.message, "feature x is float64, but r.x is timestamp with time zone");
    training_join_close(join);
}

static void join_leaves_nothing_behind(void **state)
{
    struct offline_test *t = *state;
    keep_history(t, NULL);
    JOINED(t, "v:x", plain, "1@" NOW);
    check_text(private_database_ask(t->database,
                                    "SELECT count(*) FROM pg_class WHERE relname LIKE 'larder%'"),
               "0");
}

static void session_that_reads_only_by_default_can_join(void **state)
{
    struct offline_test *t = *state;
    connect_anew(t, "options='-c default_transaction_read_only=on'");
    keep_history(t, "(1, '2024-01-01', 1)");
    check_text(JOINED(t, "v:x", plain, "1@" NOW),
               "01-01 00:00:00|null|1\nleft out 0, unknown 0, misfits 0");
}

static void user_who_may_only_read_is_answered_either_way(void **state)
{
    struct offline_test *t = *state;
    keep_history(t, NULL);
    make_reader(t);
    owner(t, "GRANT SELECT ON r TO " READER);
    owner(t, arena_printf(&t->arena, "REVOKE TEMP ON DATABASE %s FROM public", t->database->name));
    connect_anew(t, "user=" READER);
    offline_tests_join_by(JOIN_PROBED);
    check_text(JOINED(t, "v:x", plain, "1@" NOW), "-\nleft out 0, unknown 0, misfits 0");
    offline_tests_join_by(JOIN_PASSED);
    check_text(JOINED(t, "v:x", plain, "1@" NOW), "-\nleft out 0, unknown 0, misfits 0");
    owner(t, arena_printf(&t->arena, "GRANT TEMP ON DATABASE %s TO public", t->database->name));
    drop_reader(t);
}

/* Reads --------------------------------------------------------------------------------------- */

static void ask_200_entities(struct offline_test *t, struct join_request request)
{
    const char *asks[200];
    for (int i = 0; i < 200; i++)
        asks[i] =
            arena_printf(&t->arena, "%s@2024-01-01",
                         private_database_ask(
                             t->database, arena_printf(&t->arena, "SELECT md5('%d')::uuid", i)));
    check_holds(joined(t, "v:x", request, asks, COUNT_OF(asks)), "left out 0");
    connect_anew(t, NULL); /* which makes its session report */
}

/* A count of PostgreSQL's statistics, which it tells a little later. */
static int counted(struct offline_test *t, const char *column, const char *statistics)
{
    int count = 0;
    for (int i = 0; i < 100 && count == 0; i++) {
        owner(t, "SELECT pg_stat_clear_snapshot(), pg_sleep(0.05)");
        count = atoi(private_database_ask(
            t->database, arena_printf(&t->arena, "SELECT %s FROM %s", column, statistics)));
    }
    owner(t, "SELECT pg_stat_reset()");
    return count;
}

static int index_scans(struct offline_test *t, struct join_request request)
{
    ask_200_entities(t, request);
    return counted(t, "idx_scan", "pg_stat_user_indexes WHERE indexrelname = 'served'");
}

/* 60 rows each of 1000 entities. */
static void make_many_rows(struct offline_test *t)
{
    owner(t, "CREATE TABLE r (id uuid, at date, made timestamptz, x float8);"
             "INSERT INTO r SELECT md5((i % 1000)::text)::uuid, '2024-01-01'::date - i / 1000,"
             " '2024-01-01', i FROM generate_series(1, 60000) i");
}

static void index_over_keys_and_event_time_serves(void **state)
{
    struct offline_test *t = *state;
    make_many_rows(t);
    owner(t, "CREATE INDEX served ON r (id, at); ANALYZE r");
    define(t, "id: string", "table: r, created_time: made", "ttl: 9w, " X);
    assert_in_range(index_scans(t, plain), 200, 210);
    assert_in_range(index_scans(t, as_known), 200, 210);
    assert_in_range(index_scans(t, as_of("2024-01-01")), 200, 210);
    define(t, "id: string", "table: r, created_time: made, misfits: as_null", X);
    assert_in_range(index_scans(t, as_known), 200, 210);
}

/* Once to stream it and once to count what was left out, whether or not it was ever analyzed; and
 * never again for each row that asks. */
static void source_without_an_index_is_read_twice(void **state)
{
    struct offline_test *t = *state;
    make_many_rows(t);
    for (int i = 0; i < 2; i++) {
        define(t, "id: string", "table: r, created_time: made", X);
        ask_200_entities(t, i ? as_known : plain);
        assert_int_equal(counted(t, "seq_scan", "pg_stat_user_tables WHERE relname = 'r'"), 2);
        define(t, "id: string", "query: SELECT * FROM r", X);
        ask_200_entities(t, plain);
        assert_int_equal(counted(t, "seq_scan", "pg_stat_user_tables WHERE relname = 'r'"), 2);
        owner(t, "ANALYZE r; SELECT pg_stat_reset()");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        OFFLINE_TEST(keys_of_every_type_are_found),
        OFFLINE_TEST(one_asking_column_serves_views_of_both_integers),
        OFFLINE_TEST(very_long_ttls_are_exact_and_never_overflow),
        OFFLINE_TEST(dates_join_at_midnight_utc),
        OFFLINE_TEST(rows_beyond_the_ttl_are_handed_out_for_a_day_where_status_is_asked),
        OFFLINE_TEST(rows_that_nobody_can_have_are_left_out_and_counted),
        OFFLINE_TEST(source_rows_of_keys_that_are_too_long_are_counted),
        OFFLINE_TEST(row_that_is_left_out_for_two_reasons_counts_once),
        OFFLINE_TEST(views_of_the_same_keys_leave_out_the_same_rows_each),
        OFFLINE_TEST(as_of_takes_what_was_recorded_by_then),
        OFFLINE_TEST(as_of_a_time_that_may_still_change_is_refused),
        OFFLINE_TEST(infinite_created_time_stops_if_its_row_would_be_the_answer),
        OFFLINE_TEST(infinite_created_time_read_as_null_is_unknown_to_all),
        OFFLINE_TEST(misfits_stop_the_join_or_read_as_null),
        OFFLINE_TEST(only_the_columns_asked_for_are_read),
        OFFLINE_TEST(queries_partitions_and_odd_names_are_joined),
        OFFLINE_TEST(query_reads_nothing_of_the_asking_rows),
        OFFLINE_TEST(query_with_parameters_is_refused),
        OFFLINE_TEST(many_ask_and_some_for_much),
        OFFLINE_TEST(keys_under_a_lax_collation_are_refused),
        OFFLINE_TEST(table_dropped_midway_is_named),
        OFFLINE_TEST(column_whose_type_changed_midway_is_refused),
        OFFLINE_TEST(join_leaves_nothing_behind),
        OFFLINE_TEST(session_that_reads_only_by_default_can_join),
    };
    const struct CMUnitTest reads[] = {
        OFFLINE_TEST(index_over_keys_and_event_time_serves),
        OFFLINE_TEST(source_without_an_index_is_read_twice),
        OFFLINE_TEST(user_who_may_only_read_is_answered_either_way),
    };
    int failed = 0;
    offline_tests_join_by(JOIN_PROBED);
    failed += cmocka_run_group_tests_name("joins by probes", tests, offline_tests_begin,
                                          offline_tests_end);
    offline_tests_join_by(JOIN_PASSED);
    failed += cmocka_run_group_tests_name("joins by a pass", tests, offline_tests_begin,
                                          offline_tests_end);
    offline_tests_join_by(JOIN_PASSED_IN_PARTS);
    failed += cmocka_run_group_tests_name("joins by a pass in parts", tests, offline_tests_begin,
                                          offline_tests_end);
    offline_tests_join_by(JOIN_CHOSEN);
    failed += cmocka_run_group_tests_name("reads", reads, offline_tests_begin, offline_tests_end);
    return failed;
}
