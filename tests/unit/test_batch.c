/* test_batch.c - many requests in one read of the store, and rows that are not as they should be.
 */
#include "server/batch.h"

#include "base/entity_key.h"
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

/* A larder.v1 request for the service `weather` and one airport of three letters. */
static struct bytes request_for(struct flights *f, const char *origin)
{
    return bytes_of_text(
        arena_printf(&f->arena, "\x0a\x07weather\x1a\x0f\x0a\x06origin\x1a\x05\x0a\x03%s", origin));
}

static void begin(struct flights *f, const struct snapshot *snapshot)
{
    batch_begin(&f->batch, snapshot, NOW_US);
}

static void add(struct flights *f, const char *origin)
{
    batch_add(&f->batch, &larder_v1_api, request_for(f, origin));
}

static enum status answer(struct flights *f, size_t number)
{
    return batch_answer(&f->batch, number, &f->writer, &f->needs_definitions, &f->err);
}

static struct bytes weather_key(struct flights *f, const char *origin)
{
    struct value key = flights_text(origin);
    return flights_key(f, "airport_weather", &key, 1);
}

static bool contains(struct bytes bytes, const void *part, size_t size)
{
    return memmem(bytes.data, bytes.size, part, size) != NULL;
}

static void many_requests_cost_one_read(void **state)
{
    struct flights *f = *state;
    flights_put_weather(f, "AAA", 0, 11.5);
    flights_put_weather(f, "BBB", 0, 12.5);
    begin(f, f->snapshot);
    add(f, "AAA");
    add(f, "BBB");
    batch_read(&f->batch, &f->memory.store);
    assert_int_equal(f->memory.read_count, 1);
    double first = 11.5, second = 12.5;
    assert_int_equal(answer(f, 0), STATUS_OK);
    assert_true(contains(wire_written(&f->writer), &first, sizeof first));
    assert_int_equal(answer(f, 1), STATUS_OK);
    assert_true(contains(wire_written(&f->writer), &second, sizeof second));
    assert_false(contains(wire_written(&f->writer), &first, sizeof first));
}

static void a_wrong_request_fails_alone_and_reads_nothing(void **state)
{
    struct flights *f = *state;
    begin(f, f->snapshot);
    batch_add(&f->batch, &larder_v1_api, bytes_of_text("garbage"));
    batch_read(&f->batch, &f->memory.store);
    assert_int_equal(f->memory.read_count, 0);
    assert_int_equal(answer(f, 0), STATUS_INVALID);
    begin(f, f->snapshot);
    batch_add(&f->batch, &larder_v1_api, bytes_of_text("garbage"));
    add(f, "AAA");
    batch_read(&f->batch, &f->memory.store);
    assert_int_equal(answer(f, 0), STATUS_INVALID);
    assert_int_equal(answer(f, 1), STATUS_OK);
}

static void a_store_that_is_away_fails_those_that_needed_it(void **state)
{
    struct flights *f = *state;
    f->memory.read_status = STATUS_UNAVAILABLE;
    begin(f, f->snapshot);
    batch_add(&f->batch, &larder_v1_api, bytes_of_text("garbage"));
    add(f, "AAA");
    batch_read(&f->batch, &f->memory.store);
    assert_int_equal(answer(f, 0), STATUS_INVALID);
    assert_int_equal(answer(f, 1), STATUS_UNAVAILABLE);
    f->memory.read_status = STATUS_OK;
    begin(f, f->snapshot);
    add(f, "AAA");
    batch_read(&f->batch, &f->memory.store);
    assert_int_equal(answer(f, 0), STATUS_OK);
}

static void every_damaged_byte_of_a_row_is_noticed(void **state)
{
    struct flights *f = *state;
    struct value values[] = {flights_double(1), flights_double(2), flights_int(3)};
    struct bytes row = flights_row(f, f->snapshot, "airport_weather", 0, values);
    uint8_t *damaged = arena_alloc(&f->arena, row.size);
    for (size_t i = 0; i < row.size; i++) {
        memcpy(damaged, row.data, row.size);
        damaged[i] ^= 0x10;
        memory_online_store_put(&f->memory, weather_key(f, "BAD"),
                                (struct bytes){damaged, row.size});
        flights_put_weather(f, "AAA", 0, 1);
        begin(f, f->snapshot);
        add(f, "BAD");
        add(f, "AAA");
        batch_read(&f->batch, &f->memory.store);
        enum status status = answer(f, 0);
        assert_true(status == STATUS_CORRUPT || (status == STATUS_FAILED && f->needs_definitions));
        assert_non_null(strstr(f->err.message, "airport_weather"));
        assert_int_equal(answer(f, 1), STATUS_OK);
    }
    memory_online_store_put(&f->memory, weather_key(f, "BAD"), (struct bytes){"", 0});
    begin(f, f->snapshot);
    add(f, "BAD");
    batch_read(&f->batch, &f->memory.store);
    assert_int_equal(answer(f, 0), STATUS_CORRUPT);
}

static void a_tombstone_is_not_found(void **state)
{
    struct flights *f = *state;
    struct buffer row;
    buffer_init(&row, 0);
    row_pack_tombstone(5, &row);
    memory_online_store_put(&f->memory, weather_key(f, "AAA"), buffer_bytes(&row));
    begin(f, f->snapshot);
    add(f, "AAA");
    batch_read(&f->batch, &f->memory.store);
    assert_int_equal(answer(f, 0), STATUS_OK);
    assert_true(contains(wire_written(&f->writer), "\x62\x01\x03", 3)); /* statuses: NOT_FOUND */
    ((uint8_t *)row.data)[30] ^= 1;
    memory_online_store_put(&f->memory, weather_key(f, "AAA"), buffer_bytes(&row));
    begin(f, f->snapshot);
    add(f, "AAA");
    batch_read(&f->batch, &f->memory.store);
    assert_int_equal(answer(f, 0), STATUS_CORRUPT);
    buffer_release(&row);
}

static void rows_of_an_older_schema_read_by_name_and_type(void **state)
{
    struct flights *f = *state;
    flights_put_weather(f, "AAA", 0, 11.5);
    begin(f, flights_change(f));
    add(f, "AAA");
    batch_read(&f->batch, &f->memory.store);
    if (answer(f, 0))
        fail_msg("%s", f->err.message);
    const struct lookup *lookup = &f->batch.requests[0].lookup;
    const struct plan *plan = lookup->query->plan;
    struct value value;
    uint8_t status;
    assert_int_equal(plan->feature_count, 4);
    assert_int_equal(lookup_column(lookup, &plan->features[0], &value, &status), 0);
    assert_int_equal(status, FEATURE_NOT_FOUND); /* rain, which these rows do not have */
    assert_int_equal(lookup_column(lookup, &plan->features[2], &value, &status), 1);
    assert_true(value.float64 == 11.5); /* wind, which stood elsewhere */
    assert_int_equal(lookup_column(lookup, &plan->features[3], &value, &status), 1);
    assert_int_equal(value.int64, 3);
}

static void a_row_of_a_newer_schema_is_given_back_and_then_read(void **state)
{
    struct flights *f = *state;
    flights_change(f);
    struct value values[] = {flights_double(8.5), flights_double(1), flights_double(2),
                             flights_int(3)};
    memory_online_store_put(&f->memory, weather_key(f, "AAA"),
                            flights_row(f, f->next, "airport_weather", 0, values));
    flights_put_weather(f, "BBB", 0, 1);
    begin(f, f->snapshot);
    add(f, "AAA");
    add(f, "BBB");
    batch_read(&f->batch, &f->memory.store);
    assert_int_equal(answer(f, 0), STATUS_FAILED);
    assert_true(f->needs_definitions);
    assert_int_equal(answer(f, 1), STATUS_OK);
    assert_false(f->needs_definitions);
    begin(f, f->next);
    add(f, "AAA");
    batch_read(&f->batch, &f->memory.store);
    assert_int_equal(answer(f, 0), STATUS_OK);
    double rain = 8.5;
    assert_true(contains(wire_written(&f->writer), &rain, sizeof rain));
}

static void an_answer_that_is_too_large_is_refused(void **state)
{
    struct flights *f = *state;
    wire_writer_release(&f->writer);
    wire_writer_init(&f->writer, 100);
    begin(f, f->snapshot);
    add(f, "AAA");
    batch_read(&f->batch, &f->memory.store);
    f->writer.max_size = 20;
    assert_int_equal(answer(f, 0), STATUS_EXHAUSTED);
    f->writer.max_size = 1000;
    assert_int_equal(answer(f, 0), STATUS_OK);
}

static void a_batch_is_full_at_its_number_of_requests(void **state)
{
    struct flights *f = *state;
    begin(f, f->snapshot);
    size_t count = 0;
    for (; batch_has_room(&f->batch); count++)
        add(f, "AAA");
    assert_int_equal(count, BATCH_REQUESTS_MAX);
    batch_read(&f->batch, &f->memory.store);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(answer(f, i), STATUS_OK);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(many_requests_cost_one_read),
        TEST(a_wrong_request_fails_alone_and_reads_nothing),
        TEST(a_store_that_is_away_fails_those_that_needed_it),
        TEST(every_damaged_byte_of_a_row_is_noticed),
        TEST(a_tombstone_is_not_found),
        TEST(rows_of_an_older_schema_read_by_name_and_type),
        TEST(a_row_of_a_newer_schema_is_given_back_and_then_read),
        TEST(an_answer_that_is_too_large_is_refused),
        TEST(a_batch_is_full_at_its_number_of_requests),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
