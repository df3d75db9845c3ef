/* test_offline_check.c - what plan is told of sources and views. */
#include "offline_text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#define TABLE "CREATE TABLE r (id int, at timestamptz, made timestamptz, x float8);"

static void table_with_the_index_has_no_finding(void **state)
{
    static const char *const indexes[] = {
        "(id, at)",
        "(id, at DESC, made DESC NULLS LAST)",
        "(id DESC, at, x)",
        "(id, at) INCLUDE (x)",
    };
    struct offline_test *t = *state;
    for (size_t i = 0; i < COUNT_OF(indexes); i++) {
        owner(t, "DROP TABLE IF EXISTS r;" TABLE);
        owner(t, arena_printf(&t->arena, "CREATE INDEX ON r %s", indexes[i]));
        define(t, "id: int32", "table: r, created_time: made", X);
        check_text(checked(t), "");
    }
}

static void table_without_the_index_has_a_hint_that_runs(void **state)
{
    static const char *const indexes[] = {
        "SELECT 1",
        "CREATE INDEX ON r (at)",
        "CREATE INDEX ON r (id)",
        "CREATE INDEX ON r (at, id)",
        "CREATE INDEX ON r (id, x, at)",
        "CREATE INDEX ON r (id, at) WHERE x > 0",
        "CREATE INDEX ON r ((id + 1), at)",
        "CREATE INDEX ON r USING brin (id, at)",
    };
    struct offline_test *t = *state;
    for (size_t i = 0; i < COUNT_OF(indexes); i++) {
        owner(t, "DROP TABLE IF EXISTS r;" TABLE);
        owner(t, indexes[i]);
        define(t, "id: int32", "table: r, created_time: made", X);
        check_text(checked(t),
                   "hint: feature view v: no index serves point-in-time reads of r; run: "
                   "CREATE INDEX ON \"r\" (\"id\", \"at\" DESC, \"made\" DESC NULLS LAST);\n");
    }
    owner(t, strstr(checked(t), "CREATE INDEX"));
    check_text(checked(t), "");
}

static void keys_may_stand_in_any_order_in_the_index(void **state)
{
    struct offline_test *t = *state;
    owner(t, "CREATE TABLE r (a int, \"B \"\" b\" text, at date, x float8);"
             "CREATE INDEX ON r (\"B \"\" b\", a, at)");
    define(t, "a: int32, b: string", "table: r, fields: {b: 'B \" b'}", X);
    check_text(checked(t), "");
}

static void index_under_another_collation_does_not_serve(void **state)
{
    struct offline_test *t = *state;
    owner(t, "CREATE TABLE r (a text, at date, x float8); CREATE INDEX ON r (a COLLATE \"C\", at)");
    define(t, "a: string", "table: r", X);
    check_holds(checked(t), "hint: feature view v: no index");
}

static void partitioned_table_is_served_by_its_own_index(void **state)
{
    struct offline_test *t = *state;
    owner(t, "CREATE TABLE r (id int, at timestamptz, x float8) PARTITION BY RANGE (at);"
             "CREATE TABLE r1 PARTITION OF r DEFAULT");
    define(t, "id: int32", "table: r", X);
    check_holds(checked(t), "hint: feature view v: no index");
    owner(t, "CREATE INDEX ON r (id, at)");
    check_text(checked(t), "");
}

static void views_and_queries_have_no_hint(void **state)
{
    struct offline_test *t = *state;
    owner(t, TABLE "CREATE VIEW seen AS SELECT * FROM r");
    define(t, "id: int32", "table: seen", X);
    check_text(checked(t), "");
    define(t, "id: int32", "query: SELECT * FROM r", X);
    check_text(checked(t), "");
}

static void all_findings_are_told_in_the_order_of_the_file(void **state)
{
    struct offline_test *t = *state;
    owner(t, "CREATE TABLE r (id text, at timestamptz, recorded text, x text);"
             "CREATE TABLE fine (id int, at date, x real); CREATE INDEX ON fine (id, at)");
    define_yaml(t,
                "project: test\n"
                "entities: [{name: thing, join_keys: {id: int32}}]\n"
                "sources:\n"
                "- {name: z, table: gone, event_time: at}\n"
                "- {name: s, table: r, event_time: at, created_time: recorded}\n"
                "- {name: f, table: fine, event_time: att}\n"
                "- {name: q, query: SELECT 1 AS, event_time: at}\n"
                "feature_views:\n"
                "- {name: vb, entities: [thing], source: s, features: [{name: x, type: float64},"
                " {name: missing, type: bool}]}\n"
                "- {name: va, entities: [thing], source: f, features: [{name: x, type: int32}]}\n"
                "- {name: vc, entities: [thing], source: z, features: [{name: x, type: int32}]}\n");
    check_text(checked(t),
               "error: source z: there is no table gone; make it (larder load does), or correct "
               "the name\n"
               "error: source s: created_time is timestamp, but r.recorded is text; declare a type "
               "that fits, or cast it in a query\n"
               "error: source f: event_time is read from column att, but fine has no such column: "
               "did you mean \"at\"?\n"
               "error: source q: at the end of its query: syntax error at or near \")\"\n"
               "error: feature view vb: join key id is int32, but r.id is text; declare a type "
               "that fits, or cast it in a query\n"
               "error: feature view vb: feature x is float64, but r.x is text; declare a type that "
               "fits, or cast it in a query\n"
               "error: feature view vb: feature missing is read from column missing, but r has no "
               "such column; add it, or correct the name\n"
               "error: feature view va: feature x is int32, but fine.x is real; declare a type "
               "that fits, or cast it in a query\n");
}

static void lax_collations_are_errors_for_keys_alone(void **state)
{
    struct offline_test *t = *state;
    owner(
        t,
        "CREATE COLLATION lax (provider = icu, locale = 'und-u-ks-level2', deterministic = false);"
        "CREATE TABLE r (id text COLLATE lax, at date, x text COLLATE lax);"
        "CREATE TABLE f (id text, at date, x text COLLATE lax); CREATE INDEX ON f (id, at)");
    define(t, "id: string", "table: r", "features: [{name: x, type: string}]");
    check_holds(checked(t),
                "error: feature view v: r has a string key under the collation lax, which");
    define(t, "id: string", "table: f", "features: [{name: x, type: string}]");
    check_text(checked(t), "");
}

static void missing_rights_are_errors(void **state)
{
    struct offline_test *t = *state;
    make_reader(t);
    owner(t,
          TABLE "CREATE INDEX ON r (id, at); CREATE SCHEMA hidden; CREATE TABLE hidden.r (id int);"
                "CREATE TABLE k (id text, at date, x float8); CREATE INDEX ON k (id, at)");
    connect_anew(t, "user=" READER);
    define(t, "id: int32", "table: r", X);
    owner(t, "GRANT SELECT (id, at) ON r TO " READER);
    check_holds(checked(t), "error: feature view v: reading r: permission denied for table r");
    owner(t, "GRANT SELECT (x) ON r TO " READER);
    check_text(checked(t), "");
    check_text(scanned_all(t), "left out 0, misfits 0");
    define(t, "id: int32", "table: hidden.r", X);
    check_holds(checked(t),
                "error: source s: looking at its columns: permission denied for schema");
    define(t, "id: string", "table: k", X);
    check_holds(checked(t), "permission denied for table k");
    drop_reader(t);
    owner(t, "DROP SCHEMA hidden CASCADE");
}

/* Not from inside the database, which PostgreSQL does not let shut its own door. */
static void allow_connections(struct offline_test *t, bool allow)
{
    const char *sql = arena_printf(&t->arena, "ALTER DATABASE %s ALLOW_CONNECTIONS %s",
                                   t->database->name, allow ? "true" : "false");
    PQclear(PQexec(t->database->server, sql));
}

static void check_that_cannot_look_is_an_error(void **state)
{
    struct offline_test *t = *state;
    owner(t, TABLE);
    define(t, "id: int32", "table: r", X);
    allow_connections(t, false);
    owner(t, "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
             " WHERE application_name = 'larder' AND datname = current_database()");
    check_holds(checked(t), "UNAVAILABLE: ");
    check_holds(checked(t), "UNAVAILABLE: ");
    allow_connections(t, true);
    check_holds(checked(t), "hint: ");
}

/* Positions and transactions ------------------------------------------------------------------ */

static void sample_tells_where_the_database_stands(void **state)
{
    struct offline_test *t = *state;
    struct offline_sample first, second;
    struct error err;
    uint64_t xmin;
    assert_int_equal(offline_store_sample(t->store, &first, &err), STATUS_OK);
    owner(t, TABLE "INSERT INTO r VALUES (1); SELECT pg_switch_wal()");
    assert_int_equal(offline_store_sample(t->store, &second, &err), STATUS_OK);
    assert_true(first.position > 0 && second.position > first.position);
    assert_true(second.reached >= first.position);
    assert_true(second.next_transaction > first.next_transaction);
    assert_true(second.now_us > first.now_us);
    assert_int_equal(first.system_identifier, second.system_identifier);
    assert_string_equal(
        private_database_ask(t->database, "SELECT system_identifier FROM pg_control_system()"),
        arena_printf(&t->arena, "%lld", (long long)first.system_identifier));
    assert_string_equal(
        private_database_ask(
            t->database, arena_printf(&t->arena, "SELECT (pg_current_wal_lsn() - '0/0') >= %lld",
                                      (long long)second.position)),
        "t");
    assert_int_equal(offline_store_begin(t->store, &xmin, &err), STATUS_OK);
    offline_store_end(t->store);
    assert_true(xmin >= second.next_transaction);
}

static void snapshot_waits_for_what_was_open_at_the_sample(void **state)
{
    struct offline_test *t = *state;
    struct offline_sample sample;
    struct error err;
    uint64_t xmin;
    owner(t, "BEGIN; SELECT pg_current_xact_id()");
    assert_int_equal(offline_store_sample(t->store, &sample, &err), STATUS_OK);
    assert_int_equal(offline_store_begin(t->store, &xmin, &err), STATUS_OK);
    offline_store_end(t->store);
    assert_true(xmin < sample.next_transaction);
    owner(t, "COMMIT");
    assert_int_equal(offline_store_begin(t->store, &xmin, &err), STATUS_OK);
    offline_store_end(t->store);
    assert_true(xmin >= sample.next_transaction);
}

static void oldest_transaction_is_one_that_writes(void **state)
{
    struct offline_test *t = *state;
    struct open_transaction transaction;
    struct error err;
    bool found = true;
    owner(t, "SET application_name = 'the owner'; BEGIN; SELECT 1");
    for (int i = 0; i < 100 && found; i++) /* autovacuum may write just now */
        assert_int_equal(
            offline_store_oldest_transaction(t->store, &t->arena, &transaction, &found, &err),
            STATUS_OK);
    assert_false(found);
    owner(t, "SELECT pg_current_xact_id()");
    assert_int_equal(
        offline_store_oldest_transaction(t->store, &t->arena, &transaction, &found, &err),
        STATUS_OK);
    assert_true(found);
    check_holds(transaction.text, "(the owner, user postgres), open for ");
    assert_int_equal(transaction.process_id,
                     atoi(private_database_ask(t->database, "SELECT pg_backend_pid()")));
    assert_true(transaction.age_us > 0);
    owner(t, "COMMIT");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        OFFLINE_TEST(table_with_the_index_has_no_finding),
        OFFLINE_TEST(table_without_the_index_has_a_hint_that_runs),
        OFFLINE_TEST(keys_may_stand_in_any_order_in_the_index),
        OFFLINE_TEST(index_under_another_collation_does_not_serve),
        OFFLINE_TEST(partitioned_table_is_served_by_its_own_index),
        OFFLINE_TEST(views_and_queries_have_no_hint),
        OFFLINE_TEST(all_findings_are_told_in_the_order_of_the_file),
        OFFLINE_TEST(lax_collations_are_errors_for_keys_alone),
        OFFLINE_TEST(missing_rights_are_errors),
        OFFLINE_TEST(check_that_cannot_look_is_an_error),
        OFFLINE_TEST(sample_tells_where_the_database_stands),
        OFFLINE_TEST(snapshot_waits_for_what_was_open_at_the_sample),
        OFFLINE_TEST(oldest_transaction_is_one_that_writes),
    };
    return cmocka_run_group_tests(tests, offline_tests_begin, offline_tests_end);
}
