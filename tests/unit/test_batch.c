/* test_batch.c - many requests in one read of the store, and rows that are not as they should be.
 */
#include "server/answer/batch.h"

#include "base/entity_key.h"
#include "tests/support/flights.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

static void begin(struct flights *f, const struct snapshot *snapshot)
{
    batch_begin(&f->batch, snapshot, NOW_US);
}

static void add(struct flights *f, const char *origin)
{
    batch_add(&f->batch, &larder_v1_api, flights_weather_request(f, origin));
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

/* Requests as nobody sends them unless to do harm ------------------------------------------------
 */

enum { MIB = 1024 * 1024 };

static void put_varint(struct buffer *buffer, size_t integer)
{
    for (; integer >= 0x80; integer >>= 7)
        buffer_append_byte(buffer, (uint8_t)(integer | 0x80));
    buffer_append_byte(buffer, (uint8_t)integer);
}

static void put_field(struct buffer *buffer, uint32_t number, struct bytes bytes)
{
    put_varint(buffer, number << 3 | 2);
    put_varint(buffer, bytes.size);
    buffer_append(buffer, bytes.data, bytes.size);
}

/* Adds a column of Feast's: a value that is not set is a null, and costs two bytes. */
static void put_nulls(struct buffer *request, const char *name, size_t row_count)
{
    struct buffer values, entry;
    buffer_init(&values, 0);
    buffer_init(&entry, 0);
    for (size_t i = 0; i < row_count; i++)
        put_field(&values, 1, bytes_of_text(""));
    put_field(&entry, 1, bytes_of_text(name));
    put_field(&entry, 2, buffer_bytes(&values));
    put_field(request, 3, buffer_bytes(&entry));
    buffer_release(&values);
    buffer_release(&entry);
}

static void begin_request(struct buffer *request, const char *service)
{
    buffer_init(request, 0);
    put_field(request, 1, bytes_of_text(service));
}

static struct bytes end_request(struct flights *f, struct buffer *request)
{
    struct bytes copy = arena_bytes(&f->arena, buffer_bytes(request));
    buffer_release(request);
    return copy;
}

/* Three rows an entity, none of which is asked of the store. */
static struct bytes request_of_nulls(struct flights *f, size_t row_count)
{
    static const char *const keys[] = {"origin", "carrier", "dest"};
    struct buffer request;
    begin_request(&request, "delay_model");
    for (size_t i = 0; i < COUNT_OF(keys); i++)
        put_nulls(&request, keys[i], row_count);
    return end_request(f, &request);
}

/* A larder.v1 request for `weather` and many airports, each of so many letters. */
static struct bytes request_for_many(struct flights *f, size_t row_count, size_t letters)
{
    struct buffer request, column, values;
    char *origin = arena_alloc(&f->arena, letters);
    memset(origin, 'A', letters);
    begin_request(&request, "weather");
    buffer_init(&column, 0);
    buffer_init(&values, 0);
    for (size_t i = 0; i < row_count; i++)
        put_field(&values, 1, (struct bytes){origin, letters});
    put_field(&column, 1, bytes_of_text("origin"));
    put_field(&column, 3, buffer_bytes(&values));
    put_field(&request, 3, buffer_bytes(&column));
    buffer_release(&values);
    buffer_release(&column);
    return end_request(f, &request);
}

/* How often a request goes into one batch, which is then read. */
static size_t fill_with(struct flights *f, const struct api *api, struct bytes request)
{
    size_t count = 0;
    begin(f, f->snapshot);
    while (batch_has_room(&f->batch) && batch_add(&f->batch, api, request))
        count++;
    batch_read(&f->batch, &f->memory.store);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(answer(f, i), STATUS_OK);
    return count;
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

static void requests_of_null_keys_alone_fill_a_batch(void **state)
{
    struct flights *f = *state;
    assert_int_equal(fill_with(f, &feast_serving_api, request_of_nulls(f, 100)), 2);
    assert_int_equal(f->memory.key_count, 0);
    assert_in_range(f->batch.arena.used_bytes, 0, 16 * MIB);
}

static void keys_that_the_store_cannot_hold_fill_a_batch(void **state)
{
    struct flights *f = *state;
    assert_int_equal(fill_with(f, &larder_v1_api, request_for_many(f, 300, 500)), 2);
    assert_int_equal(f->memory.key_count, 0);
    assert_in_range(f->batch.arena.used_bytes, 0, 16 * MIB);
}

static void a_column_that_is_given_many_times_is_read_once(void **state)
{
    struct flights *f = *state;
    struct buffer request;
    begin_request(&request, "weather");
    for (size_t i = 0; i < 300; i++)
        put_nulls(&request, "origin", 10000);
    assert_int_equal(fill_with(f, &feast_serving_api, end_request(f, &request)), 1);
    assert_in_range(f->batch.arena.used_bytes, 0, 16 * MIB);
}

static void large_messages_fill_a_batch(void **state)
{
    struct flights *f = *state;
    struct buffer request;
    begin_request(&request, "weather");
    put_nulls(&request, "origin", 1);
    put_field(&request, 99, (struct bytes){arena_zero(&f->arena, 4 * MIB), 4 * MIB});
    assert_int_equal(fill_with(f, &feast_serving_api, end_request(f, &request)), 8);
}

/* The number of steps that one request takes. */
static size_t read_alone(struct flights *f, const struct api *api, struct bytes request)
{
    size_t steps = 1;
    begin(f, f->snapshot);
    batch_add_alone(&f->batch, api, request);
    while (!batch_read_step(&f->batch, &f->memory.store))
        steps++;
    return steps;
}

static void a_request_for_many_rows_has_a_batch_of_its_own(void **state)
{
    struct flights *f = *state;
    struct bytes many = request_of_nulls(f, 6000);
    begin(f, f->snapshot);
    assert_false(batch_add(&f->batch, &feast_serving_api, many));
    add(f, "AAA");
    assert_false(batch_add(&f->batch, &feast_serving_api, many));
    assert_int_equal(f->batch.count, 1);
    batch_read(&f->batch, &f->memory.store);
    assert_int_equal(answer(f, 0), STATUS_OK);
    assert_int_equal(read_alone(f, &feast_serving_api, many), 1);
    assert_int_equal(answer(f, 0), STATUS_OK);
}

static void a_batch_of_one_request_is_read_in_steps(void **state)
{
    struct flights *f = *state;
    flights_put_weather(f, "AAA", 0, 11.5);
    assert_int_equal(read_alone(f, &larder_v1_api, request_for_many(f, 9000, 3)), 3);
    assert_int_equal(f->memory.key_count, 9000);
    assert_int_equal(answer(f, 0), STATUS_OK);
    double wind[9000];
    for (size_t i = 0; i < COUNT_OF(wind); i++)
        wind[i] = 11.5;
    assert_true(contains(wire_written(&f->writer), wind, sizeof wind));
    assert_int_equal(read_alone(f, &larder_v1_api, request_for_many(f, 8000, 3)), 2);
    assert_int_equal(read_alone(f, &larder_v1_api, bytes_of_text("garbage")), 1);
    assert_int_equal(answer(f, 0), STATUS_INVALID);
}

/* What is handed out, read and written for so many airports, in a batch or in steps. */
struct cost {
    size_t bytes, row_bytes, keys, answer_bytes;
};

static struct cost cost_of(struct flights *f, size_t row_count, bool is_alone)
{
    struct bytes request = request_for_many(f, row_count, 3);
    if (is_alone) {
        read_alone(f, &larder_v1_api, request);
    } else {
        begin(f, f->snapshot);
        batch_add(&f->batch, &larder_v1_api, request);
        batch_read(&f->batch, &f->memory.store);
    }
    struct cost cost = {.keys = f->memory.key_count};
    assert_int_equal(answer(f, 0), STATUS_OK);
    cost.bytes = f->batch.arena.used_bytes;
    cost.row_bytes = f->batch.row_arena.used_bytes;
    cost.answer_bytes = f->writer.size;
    f->memory.key_count = 0;
    return cost;
}

/* Of ten times as many. Lists double as they grow, and may just have done so. */
static void check_growth(size_t few, size_t many)
{
    assert_in_range(many, 0, 2 * 10 * few);
}

static void what_a_request_costs_grows_with_its_entities(void **state)
{
    struct flights *f = *state;
    flights_put_weather(f, "AAA", 0, 11.5);
    for (size_t count = 1; count <= 1000; count *= 10) {
        for (int is_alone = 0; is_alone <= 1; is_alone++) {
            struct cost few = cost_of(f, count, is_alone), many = cost_of(f, 10 * count, is_alone);
            assert_int_equal(many.keys, 10 * few.keys);
            check_growth(few.bytes, many.bytes);
            check_growth(few.row_bytes, many.row_bytes);
            check_growth(few.answer_bytes, many.answer_bytes);
        }
    }
}

static void a_step_that_fails_is_the_last(void **state)
{
    struct flights *f = *state;
    f->memory.read_status = STATUS_UNAVAILABLE;
    assert_int_equal(read_alone(f, &larder_v1_api, request_for_many(f, 9000, 3)), 1);
    assert_int_equal(answer(f, 0), STATUS_UNAVAILABLE);
}

static struct bytes make_large_row(void *context, struct bytes key, struct arena *arena)
{
    (void)key, (void)arena;
    return *(struct bytes *)context;
}

static void steps_have_a_limit_of_bytes_together(void **state)
{
    struct flights *f = *state;
    struct bytes row = {arena_zero(&f->arena, MIB), MIB / 40};
    f->memory.make_row = make_large_row;
    f->memory.make_row_context = &row;
    assert_int_equal(read_alone(f, &larder_v1_api, request_for_many(f, 9000, 3)), 2);
    assert_int_equal(answer(f, 0), STATUS_EXHAUSTED);
}

static void keys_that_take_too_much_memory_are_refused(void **state)
{
    struct flights *f = *state;
    f->batch.limits.max_bytes = 2 * MIB;
    begin(f, f->snapshot);
    add(f, "AAA");
    assert_true(batch_add(&f->batch, &larder_v1_api, request_for_many(f, 8000, 400)));
    batch_read(&f->batch, &f->memory.store);
    assert_int_equal(answer(f, 0), STATUS_OK);
    assert_int_equal(answer(f, 1), STATUS_EXHAUSTED);
    assert_non_null(strstr(f->err.message, "ask for fewer"));
    assert_int_equal(f->memory.key_count, 1);
    assert_in_range(f->batch.arena.used_bytes, 0, 5 * MIB / 2);
}

static void columns_that_take_too_much_memory_are_refused(void **state)
{
    struct flights *f = *state;
    f->batch.limits.max_bytes = MIB;
    begin(f, f->snapshot);
    batch_add_alone(&f->batch, &feast_serving_api, request_of_nulls(f, 10000));
    assert_int_equal(answer(f, 0), STATUS_EXHAUSTED);
}

static void rows_that_are_too_large_together_are_read_one_request_at_a_time(void **state)
{
    struct flights *f = *state;
    flights_put_weather(f, "AAA", 0, 11.5);
    flights_put_weather(f, "BBB", 0, 12.5);
    f->memory.read_bytes_max = 100; /* a row is of more than 50 */
    begin(f, f->snapshot);
    add(f, "AAA");
    batch_add(&f->batch, &larder_v1_api, request_for_many(f, 2, 3));
    add(f, "BBB");
    batch_read(&f->batch, &f->memory.store);
    double first = 11.5, last = 12.5;
    assert_int_equal(answer(f, 0), STATUS_OK);
    assert_true(contains(wire_written(&f->writer), &first, sizeof first));
    assert_int_equal(answer(f, 1), STATUS_EXHAUSTED);
    assert_int_equal(answer(f, 2), STATUS_OK);
    assert_true(contains(wire_written(&f->writer), &last, sizeof last));
}

static void a_failed_read_is_nothing_to_those_that_needed_no_row(void **state)
{
    struct flights *f = *state;
    f->memory.read_status = STATUS_UNAVAILABLE;
    begin(f, f->snapshot);
    add(f, "AAA");
    batch_add(&f->batch, &feast_serving_api, request_of_nulls(f, 1));
    batch_read(&f->batch, &f->memory.store);
    assert_int_equal(answer(f, 0), STATUS_UNAVAILABLE);
    assert_int_equal(answer(f, 1), STATUS_OK);
}

static void a_store_that_talks_rubbish_is_one_that_is_away(void **state)
{
    struct flights *f = *state;
    f->memory.read_status = STATUS_CORRUPT;
    begin(f, f->snapshot);
    add(f, "AAA");
    batch_read(&f->batch, &f->memory.store);
    assert_int_equal(answer(f, 0), STATUS_UNAVAILABLE);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, flights_set_up, flights_tear_down)

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
        TEST(requests_of_null_keys_alone_fill_a_batch),
        TEST(keys_that_the_store_cannot_hold_fill_a_batch),
        TEST(a_column_that_is_given_many_times_is_read_once),
        TEST(large_messages_fill_a_batch),
        TEST(a_request_for_many_rows_has_a_batch_of_its_own),
        TEST(a_batch_of_one_request_is_read_in_steps),
        TEST(what_a_request_costs_grows_with_its_entities),
        TEST(a_step_that_fails_is_the_last),
        TEST(steps_have_a_limit_of_bytes_together),
        TEST(keys_that_take_too_much_memory_are_refused),
        TEST(columns_that_take_too_much_memory_are_refused),
        TEST(rows_that_are_too_large_together_are_read_one_request_at_a_time),
        TEST(a_failed_read_is_nothing_to_those_that_needed_no_row),
        TEST(a_store_that_talks_rubbish_is_one_that_is_away),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
