/* test_sqlite_offline.c - what an owner's SQLite file may hold, and what is made of it. */
#include "offline_file_fixture.h"

#include "base/timestamp.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static const char *read_as(struct offline_test *t, const char *column, const char *literal,
                           const char *type, const char *misfits)
{
    run("DROP TABLE IF EXISTS typed");
    run(arena_printf(&t->arena,
                     "CREATE TABLE typed (id INTEGER, at INTEGER, c %s);"
                     "INSERT INTO typed VALUES (1, " JANUARY ", %s)",
                     column, literal));
    define(t, "id: int32", arena_printf(&t->arena, "table: typed, misfits: %s", misfits),
           arena_printf(&t->arena, "features: [{name: c, type: %s}]", type));
    return scanned_all(t);
}

static void check_read(struct offline_test *t, const char *column, const char *literal,
                       const char *type, const char *value)
{
    check_text(read_as(t, column, literal, type, "stop"),
               arena_printf(&t->arena, "1|01-01 00:00:00|null|%s\nleft out 0, misfits 0", value));
}

static void values_are_read_by_what_they_are(void **state)
{
    struct offline_test *t = *state;
    check_read(t, "INTEGER", "-2147483648", "int32", "-2147483648");
    check_read(t, "BIGINT", "9223372036854775807", "int64", "9223372036854775807");
    check_read(t, "", "7", "int64", "7");
    check_read(t, "INT", "3", "float64", "3");
    check_read(t, "REAL", "3", "float64", "3");
    check_read(t, "DOUBLE PRECISION", "0.1", "float64", "0.1");
    check_read(t, "REAL", "9e999", "float64", "Infinity");
    check_read(t, "REAL", "x'8000000000000000'", "float64", "-0");
    check_read(t, "REAL", "0.1", "float32", "0.1");
    check_read(t, "REAL", "x'7fc00000'", "float32", "NaN");
    check_read(t, "NUMERIC", "12.5", "float64", "12.5");
    check_read(t, "VARCHAR(3)", "'longer '", "string", "longer ");
    check_read(t, "TEXT", "12", "string", "12");
    check_read(t, "UUID", "'a0eebc99'", "string", "a0eebc99");
    check_read(t, "BLOB", "x'00ff'", "bytes", "\\x00ff");
    check_read(t, "BLOB", "zeroblob(0)", "bytes", "\\x");
    check_read(t, "BOOLEAN", "true", "bool", "true");
    check_read(t, "TIMESTAMP", DAY(1), "timestamp", "01-02 00:00:00");
    check_read(t, "TEXT", "'[0.5, 1e3, \"NaN\"]'", "list<float64>", "[0.5,1000,\"NaN\"]");
    check_read(t, "JSON", "'[]'", "list<string>", "[]");
    check_read(t, "TEXT", "NULL", "list<string>", "null");
}

static void what_does_not_fit_stops_the_run_or_reads_as_null(void **state)
{
    static const struct {
        const char *column, *literal, *type, *told;
    } misfits[] = {
        {"INTEGER", "2147483648", "int32", "an integer beyond int32"},
        {"INTEGER", "'seven'", "int64", "a text"},
        {"INTEGER", "1.5", "int64", "a real number"},
        {"BOOLEAN", "2", "bool", "an integer other than 0 and 1"},
        {"REAL", "'tall'", "float64", "a text"},
        {"REAL", "1e300", "float32", "a number beyond float32"},
        {"REAL", "x'00'", "float64", "a blob"},
        {"TEXT", "x'ff'", "string", "a blob"},
        {"TEXT", "CAST(x'ff' AS TEXT)", "string", "a text that is not UTF-8"},
        {"NUMERIC", "'0012'", "string", "an integer"},
        {"BLOB", "'text'", "bytes", "a text"},
        {"TIMESTAMP", "'2024-01-01 00:00:00'", "timestamp", "a text"},
        {"INTEGER", "9223372036854775807", "timestamp", "a time outside the years 1 to 9999"},
        {"TEXT", "'[1, null]'", "list<int32>", "a text that is no JSON array"},
        {"TEXT", "'[[1]]'", "list<int32>", "a text that is no JSON array"},
        {"TEXT", "'{1,2}'", "list<int32>", "a text that is no JSON array"},
    };
    struct offline_test *t = *state;
    for (size_t i = 0; i < COUNT_OF(misfits); i++) {
        const char *stopped =
            read_as(t, misfits[i].column, misfits[i].literal, misfits[i].type, "stop");
        check_holds(stopped, misfits[i].told);
        check_holds(stopped, "feature view v: typed.c holds ");
        check_holds(stopped, "where id=1, event_time=2024-01-01T00:00:00.000000Z");
        check_text(read_as(t, misfits[i].column, misfits[i].literal, misfits[i].type, "as_null"),
                   "1|01-01 00:00:00|null|null\nleft out 0, misfits 1");
    }
}

static void columns_that_cannot_fit_are_refused_by_name(void **state)
{
    struct offline_test *t = *state;
    check_text(read_as(t, "TEXT", "1", "int64", "stop"),
               "INVALID: feature view v: feature c is int64, but typed.c is TEXT; declare a type "
               "that fits, or convert it in a query");
    check_holds(read_as(t, "REAL", "1", "string", "stop"), "but typed.c is REAL");
    check_holds(read_as(t, "TEXT", "1", "timestamp", "stop"), "microseconds since 1970");
}

static void rows_without_a_time_or_a_key_are_left_out(void **state)
{
    struct offline_test *t = *state;
    make_history(t, "id, at, x",
                 "(1, " DAY(0) ", 1), (NULL, " DAY(0) ", 2), (2, NULL, 3), (3, 9e18, 4),"
                                                      " (4, 9000000000000000000, 5)");
    define(t, "id: int32", "table: h, misfits: as_null", X);
    check_text(scanned_all(t), "1|01-01 00:00:00|null|1\nleft out 4, misfits 1");
    check_text(JOINED(t, "v:x", ((struct join_request){.as_of_us = AS_OF_NOW}), "1@2024-01-02",
                      "4@9999-01-01"),
               "01-01 00:00:00|null|1\n-\nleft out 4, unknown 0, misfits 0");
}

static void times_written_as_text_are_told_and_not_passed_over(void **state)
{
    struct offline_test *t = *state;
    make_history(t, "id INTEGER, at TIMESTAMP, x REAL", "(1, '2024-01-01 00:00:00', 1)");
    define(t, "id: int32", "table: h", X);
    check_holds(scanned_all(t), "INVALID: feature view v: h.at holds a text where id=1");
    struct scan_request late = {
        .mode = SCAN_INCREMENTAL, .from_us = 5, .to_us = 6, .oldest_us = INT64_MIN};
    check_holds(scanned(t, late), "h.at holds a text");
    check_holds(checked(t), "error: feature view v: h.at holds a text where id=1");
}

static void query_converts_what_an_owner_wrote(void **state)
{
    struct offline_test *t = *state;
    make_history(t, "id INTEGER, at TEXT, x REAL",
                 "(1, '2024-01-01 00:00:00', 1), (1, '2024-01-02 00:00:00', 2)");
    define(t, "id: int32",
           "query: 'SELECT id, 1000000 * unixepoch(at) AS at, x FROM h -- all of it'", X);
    check_text(scanned_all(t), "1|01-01 00:00:00|null|1\n1|01-02 00:00:00|null|2\n"
                               "left out 0, misfits 0");
    check_text(JOINED(t, "v:x", ((struct join_request){.as_of_us = AS_OF_NOW}), "1@2024-01-01",
                      "1@2024-01-03", "2@2024-01-03"),
               "01-01 00:00:00|null|1\n01-02 00:00:00|null|2\n-\n"
               "left out 0, unknown 0, misfits 0");
    check_text(checked(t), "");
}

/* What the owner's collation or SQLite's numbers call equal is another key all the same. */
static void keys_are_compared_byte_by_byte(void **state)
{
    struct offline_test *t = *state;
    make_history(t, "id TEXT COLLATE NOCASE, at INTEGER, x REAL",
                 "('a', " DAY(0) ", 1), ('A', " DAY(1) ", 2), ('b ', " DAY(1) ", 3)");
    for (int i = 0; i < 2; i++) {
        define(t, "id: string", "table: h", X);
        check_text(JOINED(t, "v:x", ((struct join_request){.as_of_us = AS_OF_NOW}), "a@2024-02-01",
                          "A@2024-02-01", "b@2024-02-01"),
                   "01-01 00:00:00|null|1\n01-02 00:00:00|null|2\n-\n"
                   "left out 0, unknown 0, misfits 0");
        if (i == 0)
            run("CREATE INDEX h_i ON h (id, at)");
    }
    run("CREATE TABLE n (id, at INTEGER, x REAL); INSERT INTO n VALUES ('1', " DAY(
        0) ", 1),"
           " (1.0, " DAY(0) ", 2), (1, " DAY(0) ", 3)");
    define(t, "id: int64", "table: n, misfits: as_null", X);
    check_text(JOINED(t, "v:x", ((struct join_request){.as_of_us = AS_OF_NOW}), "1@2024-02-01"),
               "01-01 00:00:00|null|3\nleft out 2, unknown 0, misfits 0");
}

static void plan_tells_what_is_missing_or_slow(void **state)
{
    struct offline_test *t = *state;
    define(t, "id: int32", "table: h", "features: [{name: speed, type: float64}]");
    check_holds(checked(t), "error: source s: there is no table h; make it (larder load does), or "
                            "correct the name");
    make_history(t, "id INTEGER, At INTEGER, speeds REAL", "(1, " DAY(0) ", 1)");
    check_holds(checked(t),
                "error: feature view v: feature speed is read from column speed, but h has no "
                "such column: did you mean \"speeds\"?");
    run("ALTER TABLE h RENAME COLUMN speeds TO speed");
    check_holds(checked(t), "hint: feature view v: no index serves point-in-time reads of h; run: "
                            "CREATE INDEX \"h_v\" ON \"h\" (\"id\", \"At\");");
    run("CREATE INDEX \"h_v\" ON \"h\" (\"id\", \"At\")");
    check_text(checked(t), "");
    define(t, "id: int32", "table: public.h", X);
    check_holds(checked(t), "SQLite has no schemas");
}

static void query_that_would_write_is_refused(void **state)
{
    struct offline_test *t = *state;
    make_history(t, "id INTEGER, at INTEGER, x REAL", "(1, " DAY(0) ", 1)");
    define(t, "id: int32", "query: 'WITH w AS (SELECT 1) DELETE FROM h RETURNING id, at, x'", X);
    check_holds(scanned_all(t), "INVALID: source s: ");
    define(t, "id: int32", "table: h", X);
    check_holds(scanned_all(t), "1|01-01 00:00:00|null|1");
}

static void load_refuses_columns_that_change_what_is_put_in(void **state)
{
    static const struct load_column columns[] = {{"id", LOAD_KEY, TYPE_STRING},
                                                 {"at", LOAD_EVENT_TIME, TYPE_TIMESTAMP}};
    struct offline_test *t = *state;
    struct offline_load *load;
    struct error err;
    bool made;
    run("CREATE TABLE h (id STRING, at INTEGER, x REAL)");
    define(t, "id: string", "table: h", X);
    assert_int_equal(offline_load_open(t->store, &t->definitions.sources[0], columns, 2, columns, 2,
                                       &made, &load, &err),
                     STATUS_INVALID);
    check_text(err.message, "source s: h.id is declared STRING, which makes numbers of texts that "
                            "look like one; declare it TEXT");
}

static void nobody_waits_for_a_writer_once_told_to_stop(void **state)
{
    struct offline_test *t = *state;
    static const struct load_column columns[] = {{"id", LOAD_KEY, TYPE_INT32},
                                                 {"at", LOAD_EVENT_TIME, TYPE_TIMESTAMP}};
    const atomic_bool stop = true;
    struct offline_store *writer = private_file_store(&file);
    struct offline_sample sample;
    struct offline_load *load;
    struct error err;
    bool made;
    define(t, "id: int32", "table: h", X);
    assert_int_equal(offline_load_open(writer, &t->definitions.sources[0], columns, 2, columns, 2,
                                       &made, &load, &err),
                     STATUS_OK);
    offline_store_stop_on(t->store, &stop);
    assert_int_equal(offline_store_sample(t->store, &sample, &err), STATUS_CANCELLED);
    check_holds(err.message, "stopped");
    offline_load_close(load);
    offline_store_close(writer);
}

static void a_registry_of_any_name_counts_positions(void **state)
{
    static const char *const names[] = {"it's \"here\" %s", "Larder", "larder"};
    struct settings settings = private_file_settings(&file);
    struct offline_sample sample;
    struct offline_store *store;
    struct error err;
    uint64_t seen;
    (void)state;
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        settings.registry_schema = names[i];
        assert_int_equal(offline_store_open(&settings, &store, &err), STATUS_OK);
        assert_int_equal(offline_store_sample(store, &sample, &err), STATUS_OK);
        assert_int_equal(offline_store_begin(store, &seen, &err), STATUS_OK);
        assert_true(seen > 0 && seen == sample.next_transaction);
        offline_store_close(store);
    }
}

static void writer_elsewhere_is_waited_for_and_then_named(void **state)
{
    struct offline_test *t = *state;
    struct settings settings = private_file_settings(&file);
    struct offline_sample sample;
    struct offline_store *impatient, *writer;
    struct offline_load *load;
    struct error err;
    bool made;
    static const struct load_column columns[] = {{"id", LOAD_KEY, TYPE_INT32},
                                                 {"at", LOAD_EVENT_TIME, TYPE_TIMESTAMP}};
    define(t, "id: int32", "table: h", X);
    settings.offline_store.timeout_ms = 50;
    assert_int_equal(offline_store_open(&settings, &impatient, &err), STATUS_OK);
    writer = private_file_store(&file);
    assert_int_equal(offline_load_open(writer, &t->definitions.sources[0], columns, 2, columns, 2,
                                       &made, &load, &err),
                     STATUS_OK);
    assert_int_equal(offline_store_sample(impatient, &sample, &err), STATUS_UNAVAILABLE);
    check_holds(err.message, "another process writes to it");
    offline_load_close(load);
    assert_int_equal(offline_store_sample(impatient, &sample, &err), STATUS_OK);
    offline_store_close(writer);
    offline_store_close(impatient);
}

static void positions_rise_and_are_seen_by_the_snapshot(void **state)
{
    struct offline_test *t = *state;
    struct offline_sample first, second;
    struct error err;
    uint64_t xmin;
    assert_int_equal(offline_store_sample(t->store, &first, &err), STATUS_OK);
    assert_int_equal(offline_store_sample(t->store, &second, &err), STATUS_OK);
    assert_true(first.position > 0 && second.position > first.position);
    assert_true(second.reached >= first.position && second.reached < second.position);
    assert_true(first.system_identifier == second.system_identifier);
    assert_int_equal(offline_store_begin(t->store, &xmin, &err), STATUS_OK);
    assert_true(xmin >= second.next_transaction);
    offline_store_end(t->store);
}

static void reading_makes_no_file(void **state)
{
    struct offline_test *t = *state;
    struct offline_sample sample;
    struct error err;
    offline_store_close(t->store);
    private_file_clear(&file);
    t->store = private_file_store(&file);
    define(t, "id: int32", "table: h", X);
    check_holds(checked(t), "error: source s: there is no table h; make it (larder load does)");
    check_holds(scanned_all(t), "there is no table h");
    assert_int_equal(access(file.path, F_OK), -1);
    assert_int_equal(offline_store_sample(t->store, &sample, &err), STATUS_OK);
    assert_int_equal(access(file.path, F_OK), 0);
}

static void folder_that_is_missing_is_asked_for(void **state)
{
    struct offline_test *t = *state;
    struct settings settings = private_file_settings(&file);
    struct offline_sample sample;
    struct error err;
    offline_store_close(t->store);
    settings.offline_store.path = arena_printf(&t->arena, "%s/no/h.db", file.directory);
    assert_int_equal(offline_store_open(&settings, &t->store, &err), STATUS_OK);
    assert_int_equal(offline_store_sample(t->store, &sample, &err), STATUS_FAILED);
    check_holds(err.message, settings.offline_store.path);
    check_holds(err.message, "the folder that is to hold it does not exist");
}

static void file_that_is_no_database_is_named(void **state)
{
    struct offline_test *t = *state;
    offline_store_close(t->store);
    FILE *stream = fopen(file.path, "w");
    fputs("this is a text, and long enough to be taken for a header of something else\n", stream);
    fclose(stream);
    struct settings settings = private_file_settings(&file);
    struct offline_sample sample;
    struct error err;
    enum status status = offline_store_open(&settings, &t->store, &err);
    if (!status)
        status = offline_store_sample(t->store, &sample, &err);
    assert_int_equal(status, STATUS_CORRUPT);
    check_holds(err.message, "is no SQLite database");
    check_holds(err.message, file.path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FILE_TEST(values_are_read_by_what_they_are),
        FILE_TEST(what_does_not_fit_stops_the_run_or_reads_as_null),
        FILE_TEST(columns_that_cannot_fit_are_refused_by_name),
        FILE_TEST(rows_without_a_time_or_a_key_are_left_out),
        FILE_TEST(times_written_as_text_are_told_and_not_passed_over),
        FILE_TEST(query_converts_what_an_owner_wrote),
        FILE_TEST(keys_are_compared_byte_by_byte),
        FILE_TEST(plan_tells_what_is_missing_or_slow),
        FILE_TEST(query_that_would_write_is_refused),
        FILE_TEST(load_refuses_columns_that_change_what_is_put_in),
        FILE_TEST(writer_elsewhere_is_waited_for_and_then_named),
        FILE_TEST(nobody_waits_for_a_writer_once_told_to_stop),
        FILE_TEST(a_registry_of_any_name_counts_positions),
        FILE_TEST(positions_rise_and_are_seen_by_the_snapshot),
        FILE_TEST(reading_makes_no_file),
        FILE_TEST(folder_that_is_missing_is_asked_for),
        FILE_TEST(file_that_is_no_database_is_named),
    };
    return offline_file_tests_run(tests, COUNT_OF(tests));
}
