/* test_pass.c - what a pass holds in memory: asks by key and time, and the best row of each. */
#include "base/error.h"
#include "base/hash.h"
#include "base/timestamp.h"
#include "base_random.h"
#include "training/best_rows.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

enum { KEYS = 6, ASKS_MAX = 60, ROWS_MAX = 120, TIMES = 12, CASES = 3000 };

struct made_ask {
    int64_t key; /* -1: null */
    int64_t at_us;
};
struct made_row {
    int64_t key, event_us, created_us, eligible_us;
};

static const value_type types[] = {TYPE_INT64, TYPE_STRING};

static struct bytes encoded(int64_t key, struct buffer *buffer)
{
    struct value number = {.type = TYPE_INT64, .is_null = key < 0, .int64 = key};
    const struct value *keys = &number;
    buffer_clear(buffer);
    return ask_index_encode(&keys, 1, buffer) ? buffer_bytes(buffer) : (struct bytes){0};
}

/* Times near each other, so that they meet, and now and then the ends of all times. */
static int64_t draw_time(struct random_source *random)
{
    uint64_t number = random_below(random, TIMES + 2);
    return number == TIMES ? TIMESTAMP_MIN : number > TIMES ? TIMESTAMP_MAX : (int64_t)number;
}

static struct made_row draw_row(struct random_source *random, bool as_known)
{
    struct made_row row = {(int64_t)random_below(random, KEYS), draw_time(random),
                           draw_time(random), 0};
    row.eligible_us = as_known && row.created_us > row.event_us ? row.created_us : row.event_us;
    if (!as_known && random_below(random, 4) == 0)
        row.created_us = TIMESTAMP_UNKNOWN;
    return row;
}

static void offer(struct best_rows *best, const struct ask_index *index, const struct made_row *row,
                  int64_t number, struct buffer *buffer)
{
    struct bytes key = encoded(row->key, buffer);
    uint32_t slot = ask_index_find(index, key, bytes_hash(key), row->eligible_us);
    if (slot == SLOT_NONE || !best_rows_begin(best, slot, row->event_us, row->created_us))
        return;
    char text[32];
    int size = snprintf(text, sizeof text, "row %d", (int)number);
    struct value values[] = {{.type = TYPE_INT64, .int64 = number},
                             {.type = TYPE_STRING, .bytes = {text, (size_t)size}}};
    row_packing_write(best->packing, row->event_us, row->created_us,
                      &(struct streamed_values){values, NULL}, buffer);
    best_rows_put(best, slot, buffer_bytes(buffer));
}

/* Looks at every row. */
static const struct made_row *latest(const struct made_row *rows, size_t count,
                                     const struct made_ask *ask)
{
    const struct made_row *best = NULL;
    for (size_t i = 0; i < count; i++) {
        const struct made_row *row = &rows[i];
        if (row->key != ask->key || row->eligible_us > ask->at_us)
            continue;
        if (!best || row->event_us > best->event_us ||
            (row->event_us == best->event_us && row->created_us > best->created_us))
            best = row;
    }
    return best;
}

static void check_answer(const struct best_rows *best, uint32_t slot,
                         const struct made_row *expected, const struct made_row *rows)
{
    struct best_row row = best_rows_get(best, slot);
    struct value values[2];
    uint8_t misfits[4];
    char text[32];
    bool any;
    assert_int_equal(row.found, expected != NULL);
    if (!expected)
        return;
    assert_int_equal(row.event_time_us, expected->event_us);
    assert_int_equal(row.created_time_us, expected->created_us);
    row_packing_read(best->packing, row.packed, values, misfits, &any);
    assert_false(any);
    /* Of a full tie either will do, but its values belong together. */
    const struct made_row *given = &rows[values[0].int64];
    assert_int_equal(given->key, expected->key);
    assert_int_equal(given->event_us, expected->event_us);
    assert_int_equal(given->created_us, expected->created_us);
    int size = snprintf(text, sizeof text, "row %d", (int)values[0].int64);
    assert_true(bytes_equal(values[1].bytes, (struct bytes){text, (size_t)size}));
}

static void check_case(uint64_t seed)
{
    struct random_source random = {seed};
    bool as_known = random_below(&random, 2);
    size_t ask_count = random_below(&random, ASKS_MAX), row_count = random_below(&random, ROWS_MAX);
    struct made_ask asks[ASKS_MAX];
    struct made_row rows[ROWS_MAX];
    struct ask_index index;
    struct row_packing packing;
    struct best_rows best;
    struct arena arena;
    struct buffer buffer;
    arena_init(&arena, 0);
    buffer_init(&buffer, 0);
    ask_index_init(&index);
    row_packing_init(&packing, types, COUNT_OF(types), &arena);
    for (size_t i = 0; i < ask_count; i++) {
        asks[i] =
            (struct made_ask){(int64_t)random_below(&random, KEYS + 1) - 1, draw_time(&random)};
        struct bytes key = encoded(asks[i].key, &buffer);
        ask_index_add(&index, key, key.data ? bytes_hash(key) : 0, asks[i].at_us);
    }
    ask_index_settle(&index);
    best_rows_init(&best, &packing, &index);
    for (size_t i = 0; i < row_count; i++) {
        rows[i] = draw_row(&random, as_known);
        offer(&best, &index, &rows[i], (int64_t)i, &buffer);
    }
    best_rows_settle(&best);
    for (size_t i = 0; i < ask_count; i++)
        check_answer(&best, ask_index_slot(&index, (uint32_t)i), latest(rows, row_count, &asks[i]),
                     rows);
    best_rows_release(&best);
    ask_index_release(&index);
    buffer_release(&buffer);
    arena_release(&arena);
}

static void every_ask_gets_what_looking_at_every_row_gives(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= CASES; seed++)
        check_case(seed);
}

static void many_keys_are_told_apart(void **state)
{
    enum { MANY = 20000 };
    struct ask_index index;
    struct buffer buffer;
    (void)state;
    buffer_init(&buffer, 0);
    ask_index_init(&index);
    for (int64_t i = 0; i < MANY; i++) {
        struct bytes key = encoded(i, &buffer);
        ask_index_add(&index, key, bytes_hash(key), i % 7);
    }
    ask_index_settle(&index);
    assert_int_equal(index.slot_count, MANY);
    for (int64_t i = 0; i < 2 * MANY; i++) {
        struct bytes key = encoded(i, &buffer);
        uint32_t slot = ask_index_find(&index, key, bytes_hash(key), 3);
        bool asked = i < MANY && i % 7 >= 3;
        assert_int_equal(slot, asked ? ask_index_slot(&index, (uint32_t)i) : SLOT_NONE);
    }
    ask_index_release(&index);
    buffer_release(&buffer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_ask_gets_what_looking_at_every_row_gives),
        cmocka_unit_test(many_keys_are_told_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
