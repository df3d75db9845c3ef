/* online_store_rows.c - what any online store does with rows, floors and expiries. */
#include "online_store_fixture.h"

#include "base/timestamp.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define HOUR_US INT64_C(3600000000)

/* Rows. */

static void entity_that_was_never_written_is_absent(void **state)
{
    check_absent(*state, 1);
}

static void row_reads_back_as_it_was_written(void **state)
{
    struct fixture *f = *state;
    struct bytes row = row_at(f, 100, 5, "a\r\nb");
    assert_int_equal(put(f, 1, row), ROW_WRITTEN);
    assert_true(bytes_equal(read_key(f, driver(f, 1)), row));
}

static void late_row_does_not_replace_a_newer_one(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(put(f, 1, row_at(f, 200, 1, "new")), ROW_WRITTEN);
    assert_int_equal(put(f, 1, row_at(f, 100, 2, "old")), ROW_OLDER);
    check_row(f, 1, "new");
}

static void newer_row_replaces_an_older_one(void **state)
{
    struct fixture *f = *state;
    put(f, 1, row_at(f, 100, 2, "old"));
    assert_int_equal(put(f, 1, row_at(f, 200, 1, "new")), ROW_WRITTEN);
    check_row(f, 1, "new");
}

static void created_time_decides_between_equal_event_times(void **state)
{
    struct fixture *f = *state;
    struct row_header header = {.event_time_us = 5, .created_time_us = TIMESTAMP_UNKNOWN};
    put(f, 1, row_of(f, header, "unknown"));
    header.created_time_us = -1;
    assert_int_equal(put(f, 1, row_of(f, header, "before 1970")), ROW_WRITTEN);
    header.created_time_us = 1;
    assert_int_equal(put(f, 1, row_of(f, header, "after")), ROW_WRITTEN);
    header.created_time_us = 0;
    assert_int_equal(put(f, 1, row_of(f, header, "between")), ROW_OLDER);
    check_row(f, 1, "after");
}

static void position_decides_between_equal_times(void **state)
{
    struct fixture *f = *state;
    int64_t beyond_a_double = INT64_C(1) << 53;
    put(f, 1, row_at(f, 5, beyond_a_double, "first"));
    assert_int_equal(put(f, 1, row_at(f, 5, beyond_a_double + 1, "second")), ROW_WRITTEN);
    assert_int_equal(put(f, 1, row_at(f, 5, beyond_a_double, "again")), ROW_OLDER);
    assert_int_equal(put(f, 1, row_at(f, 5, 0, "pushed")), ROW_OLDER);
    check_row(f, 1, "second");
}

static void equal_row_changes_nothing(void **state)
{
    struct fixture *f = *state;
    put(f, 1, row_at(f, 5, 5, "first"));
    assert_int_equal(put(f, 1, row_at(f, 5, 5, "tie")), ROW_OLDER);
    check_row(f, 1, "first");
}

static void batch_may_hold_a_key_many_times(void **state)
{
    enum { COUNT = 300, KEYS = 3 };
    struct fixture *f = *state;
    struct online_write writes[COUNT];
    enum row_outcome outcomes[COUNT];
    for (int i = 0; i < COUNT; i++) {
        /* Each key's first row is its greatest but for what comes at the end. */
        int64_t time = i < KEYS ? 1000 : i;
        writes[i] = (struct online_write){driver(f, i % KEYS),
                                          row_at(f, time, 1, i < KEYS ? "top" : "x"), 0};
    }
    writes[COUNT - 1].row = row_at(f, 2000, 1, "last");
    check_ok(f, online_store_write(f->store, writes, COUNT, NULL, 0, outcomes, &f->err));
    for (int i = 0; i < COUNT; i++)
        assert_int_equal(outcomes[i], i < KEYS || i == COUNT - 1 ? ROW_WRITTEN : ROW_OLDER);
    check_row(f, 0, "top");
    check_row(f, (COUNT - 1) % KEYS, "last");
}

static void batch_of_thousands_is_written_and_read_whole(void **state)
{
    enum { COUNT = 5000 };
    struct fixture *f = *state;
    struct online_write *writes = arena_array(&f->arena, COUNT, sizeof *writes);
    struct bytes *keys = arena_array(&f->arena, 2 * COUNT, sizeof *keys);
    struct bytes *rows = arena_array(&f->arena, 2 * COUNT, sizeof *rows);
    for (int i = 0; i < COUNT; i++) {
        char text[16];
        snprintf(text, sizeof text, "%d", i);
        writes[i] = (struct online_write){driver(f, i), row_at(f, i, 1, text), 0};
        keys[2 * i] = writes[i].key;
        keys[2 * i + 1] = driver(f, COUNT + i);
    }
    check_ok(f, online_store_write(f->store, writes, COUNT, NULL, 0, NULL, &f->err));
    check_ok(f, online_store_read(f->store, keys, 2 * COUNT, &f->arena, rows, &f->err));
    for (int i = 0; i < COUNT; i++) {
        assert_true(bytes_equal(rows[2 * i], writes[i].row));
        assert_null(rows[2 * i + 1].data);
    }
}

static void empty_batches_are_no_mistake(void **state)
{
    struct fixture *f = *state;
    check_ok(f, online_store_write(f->store, NULL, 0, NULL, 0, NULL, &f->err));
    check_ok(f, online_store_read(f->store, NULL, 0, &f->arena, NULL, &f->err));
}

static void key_may_be_read_twice_in_a_batch(void **state)
{
    struct fixture *f = *state;
    struct bytes keys[3] = {driver(f, 1), driver(f, 2), driver(f, 1)};
    struct bytes rows[3];
    put(f, 1, row_at(f, 1, 1, "one"));
    check_ok(f, online_store_read(f->store, keys, 3, &f->arena, rows, &f->err));
    assert_true(bytes_equal(rows[0], rows[2]));
    assert_null(rows[1].data);
}

/* A server encodes its answers from rows that others may be replacing. */
static void rows_stay_as_they_were_read_until_they_are_let_go(void **state)
{
    enum { COUNT = 500 };
    struct fixture *f = *state;
    struct bytes keys[COUNT], rows[COUNT], copies[COUNT];
    struct online_write writes[COUNT];
    uint64_t identity, version;
    struct online_store *writer = f->maker->open(f->maker->context);
    for (int i = 0; i < COUNT; i++) {
        keys[i] = driver(f, i);
        writes[i] = (struct online_write){keys[i], row_at(f, 1, i, "as it was"), 0};
    }
    check_ok(f, online_store_write(writer, writes, COUNT, NULL, 0, NULL, &f->err));
    check_ok(f, online_store_read(f->store, keys, COUNT, &f->arena, rows, &f->err));
    for (int i = 0; i < COUNT; i++)
        copies[i] = arena_bytes(&f->arena, rows[i]);
    check_ok(f, online_store_catalog_version(f->store, "flights", &identity, &version, &f->err));
    for (int round = 2; round < 12; round++) {
        for (int i = 0; i < COUNT; i++)
            writes[i] = (struct online_write){keys[i], row_at(f, round, 1, "as it became"), 0};
        check_ok(f, online_store_write(writer, writes, COUNT, NULL, 0, NULL, &f->err));
    }
    for (int i = 0; i < COUNT; i++)
        assert_true(bytes_equal(rows[i], copies[i]));
    online_store_let_go(f->store);
    check_row(f, COUNT - 1, "as it became");
    online_store_let_go(f->store);
    online_store_let_go(f->store); /* of nothing */
    online_store_close(writer);
}

static void large_rows_pass(void **state)
{
    enum { COUNT = 5, SIZE = 2 * 1024 * 1024 };
    struct fixture *f = *state;
    struct online_write writes[COUNT];
    char *text = arena_alloc(&f->arena, SIZE + 1);
    memset(text, 'x', SIZE);
    text[SIZE] = '\0';
    for (int i = 0; i < COUNT; i++)
        writes[i] = (struct online_write){driver(f, i), row_at(f, 1, 1, text), 0};
    check_ok(f, online_store_write(f->store, writes, COUNT, NULL, 0, NULL, &f->err));
    for (int i = 0; i < COUNT; i++)
        assert_true(bytes_equal(read_key(f, writes[i].key), writes[i].row));
}

static void largest_row_passes(void **state)
{
    struct fixture *f = *state;
    size_t size = ROW_SIZE_MAX - f->layout.tail_offset;
    char *text = arena_alloc(&f->arena, size + 1);
    memset(text, 'x', size);
    text[size] = '\0';
    struct bytes row = row_at(f, 1, 1, text);
    assert_int_equal(row.size, ROW_SIZE_MAX);
    assert_int_equal(put(f, 1, row), ROW_WRITTEN);
    assert_true(bytes_equal(read_key(f, driver(f, 1)), row));
}

static void keys_may_hold_any_byte(void **state)
{
    struct fixture *f = *state;
    struct bytes keys[256];
    for (int i = 0; i < 256; i++) {
        uint8_t *key = arena_alloc(&f->arena, 5);
        memcpy(key, "{a}", 3);
        key[3] = (uint8_t)i;
        key[4] = (uint8_t)(255 - i);
        keys[i] = (struct bytes){key, 5};
        struct online_write write = {keys[i], row_at(f, i, 1, "any"), 0};
        check_ok(f, online_store_write(f->store, &write, 1, NULL, 0, NULL, &f->err));
    }
    for (int i = 0; i < 256; i++) {
        struct row_header header;
        assert_true(row_peek(read_key(f, keys[i]), &header));
        assert_int_equal(header.event_time_us, i);
    }
}

/* Floors. */

static void row_up_to_the_floor_is_refused(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(put(f, 1, tombstone(f, 100)), ROW_WRITTEN);
    assert_int_equal(put(f, 1, row_at(f, 5, 99, "deleted")), ROW_BELOW_FLOOR);
    assert_int_equal(put(f, 1, row_at(f, 5, 100, "deleted")), ROW_BELOW_FLOOR);
    check_tombstone(f, 1, 100);
}

static void later_rows_keep_the_floor(void **state)
{
    struct fixture *f = *state;
    put(f, 1, tombstone(f, 100));
    assert_int_equal(put(f, 1, row_at(f, 5, 101, "after")), ROW_WRITTEN);
    assert_int_equal(check_row(f, 1, "after").floor, 100);
    assert_int_equal(put(f, 1, row_at(f, 6, 102, "later still")), ROW_WRITTEN);
    assert_int_equal(check_row(f, 1, "later still").floor, 100);
    assert_int_equal(put(f, 1, row_at(f, 7, 50, "deleted")), ROW_BELOW_FLOOR);
}

static void push_passes_every_floor(void **state)
{
    struct fixture *f = *state;
    put(f, 1, tombstone(f, 100));
    assert_int_equal(put(f, 1, row_at(f, 5, 0, "pushed")), ROW_WRITTEN);
    assert_int_equal(check_row(f, 1, "pushed").floor, 100);
}

static void tombstone_removes_what_it_accounts_for(void **state)
{
    struct fixture *f = *state;
    put(f, 1, row_at(f, 500, 90, "deleted"));
    assert_int_equal(put(f, 1, tombstone(f, 100)), ROW_WRITTEN);
    check_tombstone(f, 1, 100);
}

static void older_row_replaces_a_deleted_newer_one(void **state)
{
    struct fixture *f = *state;
    put(f, 1, row_at(f, 500, 90, "deleted"));
    assert_int_equal(put(f, 1, row_as_of(f, 400, 80, 100, "what remains")), ROW_WRITTEN);
    assert_int_equal(check_row(f, 1, "what remains").floor, 100);
}

static void row_behind_the_floor_stays_and_takes_the_floor(void **state)
{
    struct fixture *f = *state;
    put(f, 1, row_at(f, 500, 101, "newer"));
    assert_int_equal(put(f, 1, row_as_of(f, 400, 80, 100, "as of 100")), ROW_FLOOR_RAISED);
    assert_int_equal(check_row(f, 1, "newer").floor, 100);
    assert_int_equal(put(f, 1, tombstone(f, 100)), ROW_BELOW_FLOOR);
    put(f, 2, row_at(f, 500, 0, "pushed"));
    assert_int_equal(put(f, 2, tombstone(f, 100)), ROW_FLOOR_RAISED);
    assert_int_equal(check_row(f, 2, "pushed").floor, 100);
}

static void lower_floor_changes_nothing(void **state)
{
    struct fixture *f = *state;
    put(f, 1, row_as_of(f, 400, 80, 100, "first"));
    assert_int_equal(put(f, 1, row_as_of(f, 900, 90, 99, "stale")), ROW_BELOW_FLOOR);
    assert_int_equal(put(f, 1, row_as_of(f, 900, 90, 100, "same")), ROW_BELOW_FLOOR);
    check_row(f, 1, "first");
}

/* Expiry. */

static void row_leaves_when_it_expires(void **state)
{
    struct fixture *f = *state;
    put_until(f, 1, row_at(f, 1, 1, "brief"), timestamp_now() + 150 * 1000);
    check_row(f, 1, "brief");
    usleep(300 * 1000);
    check_absent(f, 1);
}

static void row_without_expiry_drops_an_older_one(void **state)
{
    struct fixture *f = *state;
    put_until(f, 1, row_at(f, 1, 1, "brief"), timestamp_now() + 150 * 1000);
    put_until(f, 1, row_at(f, 2, 1, "for good"), 0);
    usleep(300 * 1000);
    check_row(f, 1, "for good");
}

static void row_that_loses_leaves_the_expiry_alone(void **state)
{
    struct fixture *f = *state;
    put_until(f, 1, row_at(f, 2, 1, "brief"), timestamp_now() + 150 * 1000);
    put_until(f, 1, row_at(f, 1, 1, "older"), timestamp_now() + HOUR_US);
    usleep(300 * 1000);
    check_absent(f, 1);
}

static void raised_floor_leaves_the_expiry_alone(void **state)
{
    struct fixture *f = *state;
    put_until(f, 1, row_at(f, 500, 101, "brief"), timestamp_now() + 150 * 1000);
    assert_int_equal(put(f, 1, tombstone(f, 100)), ROW_FLOOR_RAISED);
    check_row(f, 1, "brief");
    usleep(300 * 1000);
    check_absent(f, 1);
}

static void expired_row_makes_no_new_one(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(put_until(f, 1, row_at(f, 1, 1, "gone"), 1), ROW_WRITTEN);
    assert_int_equal(put_until(f, 2, row_at(f, 1, 1, "gone"), INT64_MIN), ROW_WRITTEN);
    check_absent(f, 1);
    check_absent(f, 2);
}

static void expired_row_replaces_an_older_one_and_keeps_its_floor(void **state)
{
    struct fixture *f = *state;
    put_until(f, 1, tombstone(f, 100), timestamp_now() + HOUR_US);
    assert_int_equal(put_until(f, 1, row_at(f, 5, 150, "expired"), 1), ROW_WRITTEN);
    assert_int_equal(check_row(f, 1, "expired").floor, 100);
    assert_int_equal(put(f, 1, row_at(f, 900, 50, "deleted")), ROW_BELOW_FLOOR);
    assert_int_equal(put_until(f, 1, row_at(f, 4, 150, "older"), 1), ROW_OLDER);
}

static void expired_row_leaves_the_expiry_alone(void **state)
{
    struct fixture *f = *state;
    put_until(f, 1, tombstone(f, 100), timestamp_now() + 150 * 1000);
    put_until(f, 1, row_at(f, 5, 150, "expired"), 1);
    check_row(f, 1, "expired");
    usleep(300 * 1000);
    check_absent(f, 1);
}

static void expiry_may_be_far_away(void **state)
{
    struct fixture *f = *state;
    put_until(f, 1, row_at(f, 1, 1, "for ages"), TIMESTAMP_MAX);
    put_until(f, 2, row_at(f, 1, 1, "for ages"), INT64_MAX);
    check_row(f, 1, "for ages");
    check_row(f, 2, "for ages");
}

/* Any sequence of writes ends as row_resolve says. */

struct model_row {
    struct bytes row; /* absent: none */
};

static int64_t pick(const int64_t *choices, size_t count)
{
    return choices[(size_t)rand() % count];
}

static struct bytes random_row(struct fixture *f)
{
    static const int64_t times[] = {
        TIMESTAMP_MIN, -1, 0, 1, 255, 256, 1700000000000000, 1700000000000001, TIMESTAMP_MAX};
    static const int64_t created[] = {TIMESTAMP_UNKNOWN, -1, 0, 128, TIMESTAMP_MAX};
    static const int64_t positions[] = {0,
                                        1,
                                        2,
                                        127,
                                        128,
                                        129,
                                        255,
                                        256,
                                        65535,
                                        INT64_C(1) << 53,
                                        (INT64_C(1) << 53) + 1,
                                        INT64_MAX - 1,
                                        INT64_MAX};
    bool has_floor = rand() % 3 == 0;
    int64_t floor = has_floor ? pick(positions + 1, COUNT_OF(positions) - 1) : ROW_NO_FLOOR;
    if (rand() % 5 == 0)
        return tombstone(f, floor);
    char text[24];
    snprintf(text, sizeof text, "%d", rand());
    return row_of(f,
                  (struct row_header){.event_time_us = pick(times, COUNT_OF(times)),
                                      .created_time_us = pick(created, COUNT_OF(created)),
                                      .position = pick(positions, COUNT_OF(positions)),
                                      .floor = floor,
                                      .schema = (uint16_t)rand()},
                  text);
}

static enum row_outcome apply_to_model(struct fixture *f, struct model_row *model,
                                       const struct online_write *write)
{
    struct row_resolution resolution = row_resolve(model->row, write->row);
    bool is_past = write->expires_at_us != 0 && write->expires_at_us < timestamp_now();
    struct bytes stands = resolution.keep_stored ? model->row : write->row;
    if (!resolution.keep_stored && is_past && !model->row.data)
        return resolution.outcome;
    stands = arena_bytes(&f->arena, stands);
    if (resolution.outcome == ROW_WRITTEN || resolution.outcome == ROW_FLOOR_RAISED)
        row_set_floor((void *)(uintptr_t)stands.data, resolution.floor);
    model->row = stands;
    return resolution.outcome;
}

static void any_sequence_of_writes_ends_as_the_specification_says(void **state)
{
    enum { KEYS = 6, BATCH = 60, ROUNDS = 400 };
    struct fixture *f = *state;
    srand(20240229);
    size_t seen[4] = {0};
    for (int round = 0; round < ROUNDS; round++) {
        struct model_row model[KEYS] = {0};
        struct online_write writes[BATCH];
        enum row_outcome outcomes[BATCH], expected[BATCH];
        struct bytes keys[KEYS], rows[KEYS];
        for (int i = 0; i < KEYS; i++)
            keys[i] = driver(f, round * KEYS + i);
        for (int i = 0; i < BATCH; i++) {
            static const int64_t expiries[] = {0, 1, 4000000000000000};
            int at = rand() % KEYS;
            writes[i] = (struct online_write){keys[at], random_row(f), pick(expiries, 3)};
            expected[i] = apply_to_model(f, &model[at], &writes[i]);
            seen[expected[i]]++;
        }
        check_ok(f, online_store_write(f->store, writes, BATCH, NULL, 0, outcomes, &f->err));
        check_ok(f, online_store_read(f->store, keys, KEYS, &f->arena, rows, &f->err));
        assert_memory_equal(outcomes, expected, sizeof outcomes);
        for (int i = 0; i < KEYS; i++) {
            assert_int_equal(rows[i].size, model[i].row.size);
            assert_true(bytes_equal(rows[i], model[i].row));
        }
    }
    for (size_t i = 0; i < COUNT_OF(seen); i++)
        assert_true(seen[i] > ROUNDS); /* each outcome was met often */
}

static void rows_that_are_too_large_together_are_refused(void **state)
{
    enum { ROW_SIZE = 1024 * 1024, COUNT = ONLINE_READ_BYTES_MAX / ROW_SIZE + 1 };
    struct fixture *f = *state;
    struct bytes keys[COUNT], rows[COUNT];
    char *text = arena_zero(&f->arena, ROW_SIZE + 1);
    memset(text, 'x', ROW_SIZE);
    put(f, 1, row_at(f, 1, 1, text));
    for (int i = 0; i < COUNT; i++)
        keys[i] = driver(f, 1);
    assert_int_equal(online_store_read(f->store, keys, COUNT, &f->arena, rows, &f->err),
                     STATUS_EXHAUSTED);
    check_ok(f, online_store_read(f->store, keys, COUNT / 2, &f->arena, rows, &f->err));
    assert_int_equal(rows[COUNT / 2 - 1].size, rows[0].size);
    check_row(f, 1, text);
}

#define SUITE_TEST(test)                                                                           \
    {                                                                                              \
#test, test, set_up, tear_down, (void *)maker                                              \
    }

int online_store_row_tests(const struct online_store_maker *maker)
{
    const struct CMUnitTest tests[] = {
        SUITE_TEST(entity_that_was_never_written_is_absent),
        SUITE_TEST(row_reads_back_as_it_was_written),
        SUITE_TEST(late_row_does_not_replace_a_newer_one),
        SUITE_TEST(newer_row_replaces_an_older_one),
        SUITE_TEST(created_time_decides_between_equal_event_times),
        SUITE_TEST(position_decides_between_equal_times),
        SUITE_TEST(equal_row_changes_nothing),
        SUITE_TEST(batch_may_hold_a_key_many_times),
        SUITE_TEST(batch_of_thousands_is_written_and_read_whole),
        SUITE_TEST(empty_batches_are_no_mistake),
        SUITE_TEST(key_may_be_read_twice_in_a_batch),
        SUITE_TEST(rows_stay_as_they_were_read_until_they_are_let_go),
        SUITE_TEST(large_rows_pass),
        SUITE_TEST(largest_row_passes),
        SUITE_TEST(rows_that_are_too_large_together_are_refused),
        SUITE_TEST(keys_may_hold_any_byte),
        SUITE_TEST(row_up_to_the_floor_is_refused),
        SUITE_TEST(later_rows_keep_the_floor),
        SUITE_TEST(push_passes_every_floor),
        SUITE_TEST(tombstone_removes_what_it_accounts_for),
        SUITE_TEST(older_row_replaces_a_deleted_newer_one),
        SUITE_TEST(row_behind_the_floor_stays_and_takes_the_floor),
        SUITE_TEST(lower_floor_changes_nothing),
        SUITE_TEST(row_leaves_when_it_expires),
        SUITE_TEST(row_without_expiry_drops_an_older_one),
        SUITE_TEST(row_that_loses_leaves_the_expiry_alone),
        SUITE_TEST(raised_floor_leaves_the_expiry_alone),
        SUITE_TEST(expired_row_makes_no_new_one),
        SUITE_TEST(expired_row_replaces_an_older_one_and_keeps_its_floor),
        SUITE_TEST(expired_row_leaves_the_expiry_alone),
        SUITE_TEST(expiry_may_be_far_away),
        SUITE_TEST(any_sequence_of_writes_ends_as_the_specification_says),
    };
    return cmocka_run_group_tests_name("rows of an online store", tests, NULL, NULL);
}
