/* test_batch_newest.c - a row that is not there, and definitions that may not be the newest. */
#include "base/timestamp.h"
#include "materializer/sweep.h"
#include "server/answer/batch.h"
#include "tests/support/flights.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

static void add(struct flights *f, const char *origin)
{
    batch_add(&f->batch, &larder_v1_api, flights_weather_request(f, origin));
}

static enum status answer(struct flights *f, size_t number)
{
    return batch_answer(&f->batch, number, &f->writer, &f->needs_definitions, &f->err);
}

_Static_assert((int)SNAPSHOT_TRUSTED_MS < (int)SWEEP_AFTER_MS, "rows go while they are trusted");

static void put_catalog(struct flights *f, uint64_t identity, uint64_t version)
{
    assert_int_equal(online_store_put_catalog(&f->memory.store, "flights", identity, version,
                                              bytes_of_text("text"), true, &f->err),
                     STATUS_OK);
}

/* Of AAA, which has no row, beside BBB, which has one. */
static enum status answer_without(struct flights *f)
{
    batch_begin(&f->batch, f->snapshot, NOW_US);
    add(f, "AAA");
    add(f, "BBB");
    add(f, "CCC");
    batch_read(&f->batch, &f->memory.store);
    assert_int_equal(answer(f, 1), STATUS_OK);
    enum status status = answer(f, 0);
    assert_int_equal(answer(f, 2), status); /* nor has CCC */
    return status;
}

static void confirm(struct flights *f, int64_t monotonic_us)
{
    struct snapshot_cell cell;
    snapshot_cell_init(&cell);
    cell.current = f->snapshot;
    snapshot_confirm(&cell, monotonic_us);
}

/* Ours are version 1 of registry 77. */
static void a_row_is_absent_only_if_the_definitions_are_the_newest(void **state)
{
    struct flights *f = *state;
    flights_put_weather(f, "BBB", 0, 1);
    assert_string_equal(f->snapshot->catalog.definitions.project, "flights");
    assert_true(f->snapshot->catalog.version == 1 && f->snapshot->catalog.identity == 77);
    assert_int_equal(answer_without(f), STATUS_OK); /* nobody has put any */
    put_catalog(f, 77, 1);
    assert_int_equal(answer_without(f), STATUS_OK);
    put_catalog(f, 77, 2);
    assert_int_equal(answer_without(f), STATUS_UNAVAILABLE);
    assert_true(f->needs_definitions);
    put_catalog(f, 78, 1);
    assert_int_equal(answer_without(f), STATUS_UNAVAILABLE);
    assert_true(f->needs_definitions);
}

static void what_the_registry_said_a_moment_ago_is_believed(void **state)
{
    struct flights *f = *state;
    flights_put_weather(f, "BBB", 0, 1);
    put_catalog(f, 77, 2);
    confirm(f, timestamp_monotonic_us());
    assert_int_equal(answer_without(f), STATUS_OK);
    confirm(f, timestamp_monotonic_us() - SNAPSHOT_TRUSTED_MS * INT64_C(1000));
    assert_int_equal(answer_without(f), STATUS_UNAVAILABLE);
}

static void a_store_that_cannot_say_is_away(void **state)
{
    struct flights *f = *state;
    flights_put_weather(f, "BBB", 0, 1);
    f->memory.catalog_status = STATUS_CORRUPT;
    assert_int_equal(answer_without(f), STATUS_UNAVAILABLE);
    assert_false(f->needs_definitions);           /* newer ones would not help */
    assert_int_equal(f->memory.catalog_count, 1); /* for both */
}

/* Each request reads its own rows, and asks behind that. */
static void rows_that_are_read_one_request_at_a_time_may_be_absent(void **state)
{
    struct flights *f = *state;
    flights_put_weather(f, "BBB", 0, 1);
    flights_put_weather(f, "DDD", 0, 1);
    f->memory.read_bytes_max = 100; /* a row is of more than 50 */
    put_catalog(f, 77, 1);
    batch_begin(&f->batch, f->snapshot, NOW_US);
    add(f, "AAA");
    add(f, "BBB");
    add(f, "CCC");
    add(f, "DDD");
    batch_read(&f->batch, &f->memory.store);
    assert_true(f->batch.is_divided);
    assert_int_equal(answer(f, 0), STATUS_OK);
    assert_int_equal(answer(f, 1), STATUS_OK);
    put_catalog(f, 77, 2); /* whose rows CCC's may be among */
    assert_int_equal(answer(f, 2), STATUS_UNAVAILABLE);
    assert_true(f->needs_definitions);
    assert_int_equal(answer(f, 3), STATUS_OK);
    assert_int_equal(f->memory.catalog_count, 2);
}

static void a_request_that_is_read_in_steps_asks_behind_the_last(void **state)
{
    struct flights *f = *state;
    put_catalog(f, 77, 1);
    batch_begin(&f->batch, f->snapshot, NOW_US);
    batch_add_alone(&f->batch, &larder_v1_api, flights_weather_request(f, "AAA"));
    assert_true(batch_read_step(&f->batch, &f->memory.store));
    put_catalog(f, 77, 2);
    assert_int_equal(answer(f, 0), STATUS_UNAVAILABLE);
    assert_true(f->needs_definitions);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, flights_set_up, flights_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_row_is_absent_only_if_the_definitions_are_the_newest),
        TEST(what_the_registry_said_a_moment_ago_is_believed),
        TEST(a_store_that_cannot_say_is_away),
        TEST(rows_that_are_read_one_request_at_a_time_may_be_absent),
        TEST(a_request_that_is_read_in_steps_asks_behind_the_last),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
