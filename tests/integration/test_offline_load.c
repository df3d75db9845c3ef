/* test_offline_load.c - loads into tables that are an owner's, or are made. */
#include "offline_text.h"

#include "base/value_text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

enum { COLUMNS_MAX = 8 };

struct columns {
    struct load_column items[COLUMNS_MAX];
    size_t count;
};

/* Column `at` is the event time and `made` the created time; "id" is the key; the rest are
 * features. */
static struct columns columns_of(struct offline_test *t, const char *const *pairs, size_t count)
{
    struct columns columns = {.count = count};
    for (size_t i = 0; i < count; i++) {
        char *name = arena_text(&t->arena, pairs[i]);
        char *type = strchr(name, ' ');
        *type++ = '\0';
        columns.items[i] = (struct load_column){
            name,
            strcmp(name, "id") == 0     ? LOAD_KEY
            : strcmp(name, "at") == 0   ? LOAD_EVENT_TIME
            : strcmp(name, "made") == 0 ? LOAD_CREATED_TIME
                                        : LOAD_FEATURE,
            type_parse(bytes_of_text(type)),
        };
    }
    return columns;
}

static struct value value_of(struct offline_test *t, value_type type, const char *text)
{
    struct value value = value_null(type);
    struct error err;
    if (text)
        assert_int_equal(value_parse(type, bytes_of_text(text), &t->arena, &value, &err),
                         STATUS_OK);
    return value;
}

/* Loads rows of texts (NULL: null); "N rows", "N rows, made", or "STATUS: message", where a value
 * that is refused has its number before the message. */
static const char *loaded(struct offline_test *t, struct columns columns, const char *const *texts,
                          size_t count)
{
    struct offline_load *load;
    struct value values[COLUMNS_MAX];
    struct error err;
    bool made;
    uint64_t rows = 0;
    size_t culprit;
    enum status status =
        offline_load_open(t->store, &t->definitions.sources[0], columns.items, columns.count,
                          columns.items, columns.count, &made, &load, &err);
    for (size_t i = 0; i < count && !status; i += columns.count) {
        for (size_t c = 0; c < columns.count; c++)
            values[c] = value_of(t, columns.items[c].type, texts[i + c]);
        status = offline_load_row(load, values, &culprit, &err);
        if (status == STATUS_INVALID)
            fail_within(&err, "value %zu", culprit);
    }
    if (!status)
        status = offline_load_finish(load, &rows, &err);
    const char *text = status
                           ? arena_printf(&t->arena, "%s: %s", status_name(status), err.message)
                           : arena_printf(&t->arena, "%d rows%s", (int)rows, made ? ", made" : "");
    offline_load_close(load);
    return text;
}

#define COLUMNS(t, ...)                                                                            \
    columns_of(t, (const char *const[]){__VA_ARGS__},                                              \
               COUNT_OF(((const char *const[]){__VA_ARGS__})))
#define LOADED(t, columns, ...)                                                                    \
    loaded(t, columns, (const char *const[]){__VA_ARGS__},                                         \
           COUNT_OF(((const char *const[]){__VA_ARGS__})))

static void define_table(struct offline_test *t, const char *table)
{
    define(t, "id: int64", arena_printf(&t->arena, "table: %s", table),
           "features: [{name: x, type: float64}]");
}

static const char *table_text(struct offline_test *t, const char *sql)
{
    return private_database_ask(t->database, sql);
}

static void missing_table_is_made_from_the_declared_types(void **state)
{
    struct offline_test *t = *state;
    define_table(t, "Made");
    struct columns columns = COLUMNS(t, "id int64", "at timestamp", "made timestamp", "s string",
                                     "f list<float32>", "b bytes", "i int32", "t bool");
    check_text(LOADED(t, columns, "1", "2024-01-01", NULL, "a\tb\\", "[1.5]", "\\x00", "7", "true"),
               "1 rows, made");
    check_text(
        table_text(t, "SELECT string_agg(attname || ' ' || atttypid::regtype || "
                      "CASE WHEN attnotnull THEN ' not null' ELSE '' END, ', ' ORDER BY attnum)"
                      " FROM pg_attribute WHERE attrelid = '\"Made\"'::regclass AND attnum > 0"),
        "id bigint not null, at timestamp with time zone not null, made timestamp with time zone, "
        "s text, f real[], b bytea, i integer, t boolean");
    check_text(
        table_text(t, "SELECT indexdef FROM pg_indexes WHERE tablename = 'Made'"),
        "CREATE INDEX \"Made_id_at_made_idx\" ON public.\"Made\" USING btree (id, at DESC, made "
        "DESC NULLS LAST)");
    check_text(table_text(t, "SELECT \"Made\"::text FROM \"Made\""),
               "(1,\"2024-01-01 00:00:00+00\",,\"a\tb\\\\\",{1.5},\"\\\\x00\",7,t)");
}

static void columns_named_twice_are_made_once(void **state)
{
    struct offline_test *t = *state;
    struct columns all = COLUMNS(t, "id int64", "at timestamp", "x int32", "x int32");
    struct columns given = COLUMNS(t, "id int64", "at timestamp", "x int32");
    struct offline_load *load;
    struct error err;
    bool made;
    define_table(t, "twice");
    assert_int_equal(offline_load_open(t->store, &t->definitions.sources[0], all.items, 4,
                                       given.items, 3, &made, &load, &err),
                     STATUS_OK);
    offline_load_close(load);
    all = COLUMNS(t, "id int64", "at timestamp", "x int32", "x string");
    assert_int_equal(offline_load_open(t->store, &t->definitions.sources[0], all.items, 4,
                                       given.items, 3, &made, &load, &err),
                     STATUS_INVALID);
    check_holds(err.message, "column x would have to be int32 and string");
}

static void missing_schema_is_named(void **state)
{
    struct offline_test *t = *state;
    define_table(t, "no_such_place.r");
    check_holds(LOADED(t, COLUMNS(t, "id int64", "at timestamp"), "1", "2024-01-01"),
                "making table no_such_place.r: schema \"no_such_place\" does not exist");
}

static void owners_types_are_converted_into(void **state)
{
    struct offline_test *t = *state;
    owner(t,
          "CREATE TYPE mood AS ENUM ('sad'); CREATE TABLE r (id smallint, at timestamp, made date,"
          " x numeric(9,2), v varchar(3), u uuid, m mood, j json)");
    define_table(t, "r");
    struct columns columns = COLUMNS(t, "id int64", "at timestamp", "made timestamp", "x float64",
                                     "v string", "u string", "m string", "j string");
    check_text(LOADED(t, columns, "1", "2024-01-01T01:02:03.000004Z", "2024-02-01", "1.25", "abc",
                      "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", "sad", "{\"a\": 1}"),
               "1 rows");
    check_text(table_text(t, "SELECT r::text FROM r"),
               "(1,\"2024-01-01 01:02:03.000004\",2024-02-01,1.25,abc,"
               "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11,sad,\"{\"\"a\"\": 1}\")");
}

static void row_that_postgres_refuses_is_named_and_nothing_stays(void **state)
{
    struct offline_test *t = *state;
    owner(t, "CREATE TYPE mood AS ENUM ('sad'); CREATE TABLE r (id bigint, at timestamptz,"
             " v varchar(3) CHECK (v <> 'no'), m mood)");
    define_table(t, "r");
    struct columns columns = COLUMNS(t, "id int64", "at timestamp", "v string", "m string");
    check_holds(LOADED(t, columns, "1", "2024-01-01", "a", "sad", "2", "2024-01-01", "a", "glad"),
                "invalid input value for enum mood: \"glad\" (COPY r, line 2, column m: \"glad\")");
    check_holds(LOADED(t, columns, "1", "2024-01-01", "no", NULL), "violates check constraint");
    check_text(table_text(t, "SELECT count(*) FROM r"), "0");
}

static void mistake_in_the_first_of_many_rows_is_told(void **state)
{
    struct offline_test *t = *state;
    owner(t, "CREATE TABLE r (id bigint CHECK (id < 7), at timestamptz)");
    define_table(t, "r");
    struct columns columns = COLUMNS(t, "id int64", "at timestamp");
    struct offline_load *load;
    struct error err;
    bool made;
    uint64_t rows;
    size_t culprit;
    struct value row[2] = {{.type = TYPE_INT64, .int64 = 70000}, {.type = TYPE_TIMESTAMP}};
    assert_int_equal(offline_load_open(t->store, &t->definitions.sources[0], columns.items, 2,
                                       columns.items, 2, &made, &load, &err),
                     STATUS_OK);
    enum status status = STATUS_OK;
    for (int64_t sent = 0; sent < 500000 && !status; sent++, row[0].int64 = 1)
        status = offline_load_row(load, row, &culprit, &err);
    if (!status)
        status = offline_load_finish(load, &rows, &err);
    offline_load_close(load);
    assert_int_equal(status, STATUS_FAILED);
    check_holds(err.message, "check constraint \"r_id_check\"; Failing row contains (70000,");
    check_holds(err.message, "(COPY r, line 1: ");
    check_text(table_text(t, "SELECT count(*) FROM r"), "0");
}

static void column_that_does_not_fit_is_refused(void **state)
{
    struct offline_test *t = *state;
    owner(t, "CREATE TABLE r (id bigint, at timestamptz, x text, tags int[])");
    define_table(t, "r");
    check_holds(LOADED(t, COLUMNS(t, "id int64", "at timestamp", "x float64"), NULL),
                "INVALID: source s: what is loaded into x is float64, but r.x is text");
    check_holds(
        LOADED(t, COLUMNS(t, "id int64", "at timestamp", "tag list<int32>"), NULL),
        "NOT_FOUND: source s: what is loaded into tag is read from column tag, but r has no such "
        "column: did you mean \"tags\"?");
}

static void value_that_a_column_would_change_is_refused_by_its_place(void **state)
{
    struct offline_test *t = *state;
    owner(t, "CREATE TABLE r (id bigint, at date, x numeric(9,2), days date[])");
    define_table(t, "r");
    struct columns columns =
        COLUMNS(t, "id int64", "at timestamp", "x float64", "days list<timestamp>");
    check_text(LOADED(t, columns, "1", "2024-01-01", "1.25", "[\"2024-01-02T00:00:00Z\"]", "2",
                      "1969-12-31", NULL, NULL),
               "2 rows");
    check_text(LOADED(t, columns, "1", "2024-01-01", "1.255", NULL),
               "INVALID: value 2: r.x is numeric(9,2), which does not keep 1.255 as it is: round "
               "it, or make the column double precision");
    check_holds(LOADED(t, columns, "1", "2024-01-01T00:00:00.000001Z", NULL, NULL),
                "INVALID: value 1: r.at is date, which does not keep 2024-01-01T00:00:00.000001Z");
    check_holds(LOADED(t, columns, "1", "2024-01-01", "1",
                       "[\"2024-01-02T00:00:00Z\", \"2024-01-02T10:00:00Z\"]"),
                "INVALID: value 3: r.days is date[], which does not keep 2024-01-02T10:00:00");
    check_text(table_text(t, "SELECT count(*) FROM r"), "2");
}

/* What a load would tell of the table before is no reason to fail. */
static void who_cannot_read_the_table_may_still_load(void **state)
{
    struct offline_test *t = *state;
    owner(t, "CREATE TABLE keyed (id json, at timestamptz); CREATE TABLE r (id bigint, at date)");
    define(t, "id: string", "table: keyed", "features: [{name: x, type: float64}]");
    check_text(LOADED(t, COLUMNS(t, "id string", "at timestamp"), "1", "2024-01-01"), "1 rows");
    make_reader(t);
    owner(t, "GRANT INSERT ON r TO " READER);
    connect_anew(t, "user=" READER);
    define_table(t, "r");
    check_text(LOADED(t, COLUMNS(t, "id int64", "at timestamp"), "1", "2024-01-01"), "1 rows");
    drop_reader(t);
}

static void query_takes_no_rows(void **state)
{
    struct offline_test *t = *state;
    struct offline_load *load = NULL;
    struct columns columns = COLUMNS(t, "id int64", "at timestamp");
    struct error err;
    bool made;
    define(t, "id: int64", "query: SELECT 1", "features: [{name: x, type: float64}]");
    assert_int_equal(offline_load_open(t->store, &t->definitions.sources[0], columns.items, 2,
                                       columns.items, 2, &made, &load, &err),
                     STATUS_INVALID);
    check_holds(err.message, "source s is a query");
    assert_null(load);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        OFFLINE_TEST(missing_table_is_made_from_the_declared_types),
        OFFLINE_TEST(columns_named_twice_are_made_once),
        OFFLINE_TEST(missing_schema_is_named),
        OFFLINE_TEST(owners_types_are_converted_into),
        OFFLINE_TEST(row_that_postgres_refuses_is_named_and_nothing_stays),
        OFFLINE_TEST(mistake_in_the_first_of_many_rows_is_told),
        OFFLINE_TEST(column_that_does_not_fit_is_refused),
        OFFLINE_TEST(value_that_a_column_would_change_is_refused_by_its_place),
        OFFLINE_TEST(who_cannot_read_the_table_may_still_load),
        OFFLINE_TEST(query_takes_no_rows),
    };
    return cmocka_run_group_tests(tests, offline_tests_begin, offline_tests_end);
}
