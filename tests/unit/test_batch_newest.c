/* test_batch_newest.c - a row that is not there, and definitions that may not be the newest. */
#include "base/timestamp.h"
#include "server/answer/batch.h"
#include "tests/support/flights.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

static struct flights flights;

static int set_up(void **state)
{
    flights_init(&flights);
    *state = &flights;
    return 0;
}

static int tear_down(void **state)
{
    flights_release(*state);
    return 0;
}

/* For the service `weather` and one airport of three letters. */
static void add(struct flights *f, const char *origin)
{
    batch_add(&f->batch, &larder_v1_api,
              bytes_of_text(arena_printf(
                  &f->arena, "\x0a\x07weather\x1a\x0f\x0a\x06origin\x1a\x05\x0a\x03%s", origin)));
}

static enum status answer(struct flights *f, size_t number)
{
    return batch_answer(&f->batch, number, &f->writer, &f->needs_definitions, &f->err);
}

/* The store's catalog is that of a version and an identity; ours is version 1 of registry 77. */
static enum status answer_without(struct flights *f, const struct snapshot_cell *cell,
                                  uint64_t identity, uint64_t version)
{
    assert_int_equal(online_store_put_catalog(&f->memory.store, "flights", identity, version,
                                              bytes_of_text("text"), true, &f->err),
                     STATUS_OK);
    f->batch.cell = cell;
    batch_begin(&f->batch, f->snapshot, NOW_US);
    add(f, "AAA");
    add(f, "BBB");
    batch_read(&f->batch, &f->memory.store);
    assert_int_equal(answer(f, 1), STATUS_OK); /* whose row is there */
    return answer(f, 0);
}

static void a_row_is_absent_only_if_the_definitions_are_the_newest(void **state)
{
    struct flights *f = *state;
    struct snapshot_cell cell;
    snapshot_cell_init(&cell);
    cell.current = f->snapshot;
    flights_put_weather(f, "BBB", 0, 1);
    assert_string_equal(f->snapshot->catalog.definitions.project, "flights");
    assert_true(f->snapshot->catalog.version == 1 && f->snapshot->catalog.identity == 77);
    assert_int_equal(answer_without(f, &cell, 77, 1), STATUS_OK);
    assert_int_equal(answer_without(f, &cell, 77, 2), STATUS_UNAVAILABLE);
    assert_true(f->needs_definitions);
    assert_int_equal(answer_without(f, &cell, 78, 1), STATUS_UNAVAILABLE);
    assert_true(f->needs_definitions);
    assert_int_equal(answer_without(f, NULL, 77, 2), STATUS_OK);
    /* The registry said so a moment ago, but not of those that were published since. */
    snapshot_confirm(&cell, timestamp_monotonic_us());
    assert_int_equal(answer_without(f, &cell, 77, 2), STATUS_OK);
    cell.current = flights_change(f);
    assert_int_equal(answer_without(f, &cell, 77, 2), STATUS_UNAVAILABLE);
    cell.current = f->snapshot;
    snapshot_confirm(&cell, timestamp_monotonic_us() - SNAPSHOT_TRUSTED_MS * INT64_C(1000));
    assert_int_equal(answer_without(f, &cell, 77, 2), STATUS_UNAVAILABLE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_row_is_absent_only_if_the_definitions_are_the_newest,
                                        set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
