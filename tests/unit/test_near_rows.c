/* The near cache's rows: store/online/near_rows.h. */
#include "store/online/near_rows.h"

#include "base/byte_order.h"
#include "base/row.h"
#include "base_random.h"

#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#define MIB (UINT64_C(1) << 20)
#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
enum { IS_SHADOWED = 1 }; /* the sanitizers take memory for each byte of ours */
#else
enum { IS_SHADOWED = 0 };
#endif
static const struct bytes nothing;

struct fixture {
    struct near_rows *rows;
    struct arena arena;
    struct random_source random;
};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    struct error err;
    arena_init(&f->arena, 8 * MIB); /* which keeps what it takes */
    f->random.state = 20261121;
    if (near_rows_open(MIB, &f->rows, &err))
        fail_msg("%s", err.message);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    near_rows_close(f->rows);
    arena_release(&f->arena);
    free(f);
    return 0;
}

static void use_size(struct fixture *f, uint64_t bytes)
{
    struct error err;
    near_rows_close(f->rows);
    if (near_rows_open(bytes, &f->rows, &err))
        fail_msg("%s", err.message);
}

static struct bytes key_of(struct fixture *f, uint64_t number)
{
    return bytes_of_text(arena_printf(&f->arena, "{1,driver %llu}", (unsigned long long)number));
}

/* A row begins with what orders it; the rest only takes room. */
static struct bytes row_of(struct fixture *f, uint64_t version, size_t size)
{
    uint8_t *row = arena_alloc(&f->arena, size);
    memset(row, (int)version, size);
    memset(row, 0, ROW_TRIPLE_SIZE);
    store_be64(row, version);
    return (struct bytes){row, size};
}

/* Looks, and where it is missing, offers what the store answers. */
static bool learn(struct fixture *f, uint64_t number, struct bytes row)
{
    struct near_ticket ticket;
    struct bytes found, key = key_of(f, number);
    bool is_there = near_rows_look(f->rows, key, &f->arena, &found, &ticket);
    if (!is_there)
        near_rows_keep(f->rows, key, row, &ticket);
    return is_there;
}

static void check_row(struct fixture *f, uint64_t number, struct bytes row)
{
    struct near_ticket ticket;
    struct bytes found = {"untouched", 9};
    assert_true(near_rows_look(f->rows, key_of(f, number), &f->arena, &found, &ticket));
    assert_int_equal(found.data == NULL, row.data == NULL);
    assert_true(bytes_equal(found, row));
}

static struct near_ticket check_missing(struct fixture *f, uint64_t number)
{
    struct near_ticket ticket;
    struct bytes found;
    assert_false(near_rows_look(f->rows, key_of(f, number), &f->arena, &found, &ticket));
    return ticket;
}

static struct near_counts counts_of(struct fixture *f)
{
    struct near_counts counts;
    near_rows_count(f->rows, &counts);
    return counts;
}

static void answer_is_given_until_its_key_is_written_to(void **state)
{
    struct fixture *f = *state;
    learn(f, 1, row_of(f, 1, 100));
    learn(f, 2, row_of(f, 2, 30));
    check_row(f, 1, row_of(f, 1, 100));
    near_rows_forget(f->rows, key_of(f, 1));
    check_missing(f, 1);
    check_row(f, 2, row_of(f, 2, 30));
    learn(f, 1, row_of(f, 3, 200));
    check_row(f, 1, row_of(f, 3, 200));
}

static void absence_is_an_answer(void **state)
{
    struct fixture *f = *state;
    learn(f, 1, nothing);
    check_row(f, 1, nothing);
    near_rows_forget(f->rows, key_of(f, 1));
    check_missing(f, 1);
    learn(f, 1, row_of(f, 1, 100));
    check_row(f, 1, row_of(f, 1, 100));
    near_rows_forget(f->rows, key_of(f, 1));
    learn(f, 1, nothing);
    check_row(f, 1, nothing);
}

static void answer_from_before_a_write_is_not_kept(void **state)
{
    struct fixture *f = *state;
    struct near_ticket ticket = check_missing(f, 1);
    near_rows_forget(f->rows, key_of(f, 1));
    near_rows_keep(f->rows, key_of(f, 1), row_of(f, 1, 100), &ticket);
    check_missing(f, 1);
}

static void answer_from_before_a_loss_is_not_kept(void **state)
{
    struct fixture *f = *state;
    learn(f, 2, row_of(f, 1, 100));
    struct near_ticket ticket = check_missing(f, 1);
    near_rows_clear(f->rows);
    near_rows_keep(f->rows, key_of(f, 1), row_of(f, 1, 100), &ticket);
    check_missing(f, 1);
    check_missing(f, 2);
    assert_int_equal(counts_of(f).entries, 0);
}

static void older_answer_that_comes_late_does_not_replace_a_newer_one(void **state)
{
    struct fixture *f = *state;
    struct near_ticket first = check_missing(f, 1), second = check_missing(f, 1);
    struct near_ticket third = check_missing(f, 1);
    near_rows_keep(f->rows, key_of(f, 1), row_of(f, 2, 100), &first);
    near_rows_keep(f->rows, key_of(f, 1), row_of(f, 1, 100), &second);
    near_rows_keep(f->rows, key_of(f, 1), nothing, &third);
    check_row(f, 1, row_of(f, 2, 100));
    near_rows_keep(f->rows, key_of(f, 1), row_of(f, 3, 100), &third);
    check_row(f, 1, row_of(f, 3, 100));
}

static void newer_answer_that_is_not_kept_drops_an_older_one(void **state)
{
    struct fixture *f = *state;
    struct near_ticket before = check_missing(f, 1);
    near_rows_forget(f->rows, key_of(f, 1));
    learn(f, 1, row_of(f, 1, 100));
    near_rows_keep(f->rows, key_of(f, 1), row_of(f, 2, 100), &before);
    check_missing(f, 1);
}

/* Who was given the newer one, and asks again, is not given the older one then. */
static void older_answer_is_not_kept_once_a_newer_was_given(void **state)
{
    struct fixture *f = *state;
    struct near_ticket before = check_missing(f, 1);
    near_rows_forget(f->rows, key_of(f, 1));
    struct near_ticket after = check_missing(f, 1);
    near_rows_keep(f->rows, key_of(f, 1), row_of(f, 2, 100), &before);
    near_rows_keep(f->rows, key_of(f, 1), row_of(f, 1, 100), &after);
    near_rows_keep(f->rows, key_of(f, 1), nothing, &after);
    check_missing(f, 1);
    near_rows_keep(f->rows, key_of(f, 1), row_of(f, 2, 100), &after);
    check_row(f, 1, row_of(f, 2, 100));
    near_rows_raise(f->rows, key_of(f, 1), row_of(f, 3, 100));
    near_rows_keep(f->rows, key_of(f, 1), row_of(f, 2, 100), &after);
    check_missing(f, 1);
    near_rows_forget(f->rows, key_of(f, 1)); /* it was, say, deleted */
    learn(f, 1, row_of(f, 1, 100));
    check_row(f, 1, row_of(f, 1, 100));
}

static void all_is_forgotten_once_somebody_had_to_go_past(void **state)
{
    struct fixture *f = *state;
    near_rows_trust_until(f->rows, 1000);
    learn(f, 1, row_of(f, 1, 100));
    near_rows_trust_until(f->rows, 2000);
    assert_true(near_rows_are_right(f->rows, 1500));
    check_row(f, 1, row_of(f, 1, 100));
    assert_false(near_rows_are_right(f->rows, 2500));
    assert_false(near_rows_are_right(f->rows, 1500));
    near_rows_trust_until(f->rows, 3000);
    assert_true(near_rows_are_right(f->rows, 2500));
    check_missing(f, 1);
}

static void nothing_is_right_but_for_as_long_as_was_said(void **state)
{
    struct fixture *f = *state;
    assert_false(near_rows_are_right(f->rows, 1));
    near_rows_trust_until(f->rows, 1000);
    assert_true(near_rows_are_right(f->rows, 999));
    assert_false(near_rows_are_right(f->rows, 1000));
    near_rows_trust_until(f->rows, 0);
    assert_false(near_rows_are_right(f->rows, 1));
}

static void row_that_is_too_large_is_not_kept_nor_what_it_replaces(void **state)
{
    struct fixture *f = *state;
    learn(f, 1, row_of(f, 1, 100));
    near_rows_forget(f->rows, key_of(f, 1));
    learn(f, 1, row_of(f, 2, 64 * 1024));
    check_missing(f, 1);
    learn(f, 2, row_of(f, 1, ROW_SIZE_MAX));
    check_missing(f, 2);
}

static void keys_of_every_size_are_apart(void **state)
{
    struct fixture *f = *state;
    uint8_t bytes[480];
    memset(bytes, 'k', sizeof bytes);
    for (size_t size = 1; size <= sizeof bytes; size++) {
        struct near_ticket ticket;
        struct bytes found, key = {bytes, size};
        assert_false(near_rows_look(f->rows, key, &f->arena, &found, &ticket));
        near_rows_keep(f->rows, key, row_of(f, size, 50), &ticket);
    }
    for (size_t size = 1; size <= sizeof bytes; size++) {
        struct near_ticket ticket;
        struct bytes found, key = {bytes, size};
        assert_true(near_rows_look(f->rows, key, &f->arena, &found, &ticket));
        assert_int_equal(load_be64(found.data), size);
    }
}

/* How much of what was asked for twice, first all of it, is there. */
static size_t count_there(struct fixture *f, uint64_t first, size_t count)
{
    size_t there = 0;
    for (uint64_t i = first; i < first + count; i++)
        there += learn(f, i, row_of(f, 1, 240));
    return there;
}

static void hot_rows_survive_a_scan(void **state)
{
    enum { HOT = 2000, SCANNED = 200 * 1000 }; /* about 3,000 of them fit */
    struct fixture *f = *state;
    for (int round = 0; round < 4; round++)
        count_there(f, 0, HOT);
    for (uint64_t i = 0; i < SCANNED; i++) {
        learn(f, HOT + i, row_of(f, 1, 240));
        arena_reset(&f->arena);
    }
    assert_in_range(count_there(f, 0, HOT), HOT * 95 / 100, HOT);
}

static void rows_that_become_hot_replace_those_that_were(void **state)
{
    enum { HOT = 2000 };
    struct fixture *f = *state;
    for (int round = 0; round < 10; round++)
        count_there(f, 0, HOT);
    for (int round = 0; round < 20; round++)
        count_there(f, HOT, HOT);
    assert_in_range(count_there(f, HOT, HOT), HOT * 95 / 100, HOT);
}

static void what_fits_stays(void **state)
{
    enum { COUNT = 3000 };
    struct fixture *f = *state;
    count_there(f, 0, COUNT);
    assert_int_equal(count_there(f, 0, COUNT), COUNT);
    assert_int_equal(counts_of(f).entries, COUNT);
    assert_int_equal(counts_of(f).evictions, 0);
}

/* What was written to keeps its place: a run that rewrites everything does not drive out what is
 * hot. */
static void rows_that_are_rewritten_stay_hot(void **state)
{
    enum { HOT = 2000 };
    struct fixture *f = *state;
    for (int round = 0; round < 4; round++)
        count_there(f, 0, HOT);
    for (uint64_t i = 0; i < 50 * HOT; i++) {
        near_rows_forget(f->rows, key_of(f, i));
        arena_reset(&f->arena);
    }
    count_there(f, 0, HOT);
    assert_int_equal(count_there(f, 0, HOT), HOT);
}

static size_t resident_bytes(void)
{
    unsigned long all, resident;
    FILE *file = fopen("/proc/self/statm", "r");
    assert_non_null(file);
    assert_int_equal(fscanf(file, "%lu %lu", &all, &resident), 2);
    fclose(file);
    return resident * (size_t)sysconf(_SC_PAGESIZE);
}

/* Mostly small, now and then so large that few fit. */
static size_t random_size(struct random_source *random)
{
    size_t most = random_below(random, 20) == 0 ? 120 * 1024 : 600;
    return ROW_TRIPLE_SIZE + (size_t)random_below(random, most);
}

enum { MODEL_KEYS = 50 * 1000 };

/* Whatever is asked for and written, in whatever sizes: what is given is what was last kept. */
static void use_at_random(struct fixture *f, uint32_t *versions, size_t operations)
{
    for (size_t i = 0; i < operations; i++) {
        uint64_t key = random_below(&f->random, MODEL_KEYS) >> random_below(&f->random, 12);
        struct near_ticket ticket;
        struct bytes found;
        arena_reset(&f->arena);
        if (random_below(&f->random, 10) == 0) {
            near_rows_forget(f->rows, key_of(f, key));
            versions[key]++;
        } else if (near_rows_look(f->rows, key_of(f, key), &f->arena, &found, &ticket)) {
            assert_int_equal(found.data ? load_be64(found.data) : 0,
                             versions[key] % 7 ? versions[key] : 0);
        } else {
            struct bytes row = row_of(f, versions[key], random_size(&f->random));
            near_rows_keep(f->rows, key_of(f, key), versions[key] % 7 ? row : nothing, &ticket);
        }
    }
}

static void memory_stays_below_what_was_set_whatever_the_rows(void **state)
{
    static const uint64_t sizes[] = {MIB, 5 * MIB, 7 * MIB + 12345, 40 * MIB};
    struct fixture *f = *state;
    uint32_t *versions = calloc(MODEL_KEYS, sizeof *versions);
    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        use_size(f, sizes[i]);
        memset(versions, 0, MODEL_KEYS * sizeof *versions);
        arena_reset(&f->arena);
        size_t before = resident_bytes();
        use_at_random(f, versions, 300 * 1000);
        struct near_counts counts = counts_of(f);
        assert_in_range(counts.bytes, 1, sizes[i]);
        assert_true(counts.hits > 10000 && counts.evictions > 1000 && counts.entries > 100);
        if (!IS_SHADOWED)
            assert_in_range(resident_bytes(), 0, before + sizes[i] + MIB); /* the arena's, too */
    }
    free(versions);
}

static void more_memory_than_there_is_is_refused(void **state)
{
    (void)state;
    struct near_rows *rows;
    struct error err;
    assert_int_equal(near_rows_open(UINT64_C(1) << 62, &rows, &err), STATUS_EXHAUSTED);
    assert_non_null(strstr(err.message, "online_store.near_cache: there is no memory for"));
}

/* Threads: a store of numbers, which one thread changes and tells of, and others read. */

enum { STORED = 64, READERS = 3, CHANGES = 20 * 1000, ENOUGH_HITS = 1000 };

struct common {
    struct near_rows *rows;
    _Atomic uint64_t stored[STORED];
    _Atomic uint64_t told[STORED]; /* what was told of before */
    atomic_bool done;
    _Atomic uint64_t hits, wrong;
};

static struct bytes number_key(uint64_t *number)
{
    return (struct bytes){number, sizeof *number};
}

static void *change(void *argument)
{
    struct common *common = argument;
    struct random_source random = {.state = 99};
    for (int i = 0; i < CHANGES || common->hits < ENOUGH_HITS; i++) {
        uint64_t number = random_below(&random, STORED);
        uint64_t version = atomic_fetch_add(&common->stored[number], 1) + 1;
        if (i % 1000 == 0)
            near_rows_clear(common->rows);
        else
            near_rows_forget(common->rows, number_key(&number));
        atomic_store(&common->told[number], i % 1000 ? version : 0);
        if (i % 64 == 0)
            sched_yield();
    }
    atomic_store(&common->done, true);
    return NULL;
}

static void look_once(struct common *common, struct arena *arena, uint64_t number)
{
    struct near_ticket ticket;
    struct bytes row;
    uint64_t least = atomic_load(&common->told[number]);
    if (near_rows_look(common->rows, number_key(&number), arena, &row, &ticket)) {
        common->hits++;
        common->wrong += load_be64(row.data) < least;
        return;
    }
    uint8_t stored[ROW_TRIPLE_SIZE] = {0};
    store_be64(stored, atomic_load(&common->stored[number]));
    if (number % 8 == 0)
        sched_yield(); /* the answer is on its way */
    near_rows_keep(common->rows, number_key(&number), (struct bytes){stored, sizeof stored},
                   &ticket);
}

static void *look(void *argument)
{
    struct common *common = argument;
    struct arena arena;
    struct random_source random = {.state = (uint64_t)(uintptr_t)&arena | 1};
    arena_init(&arena, 0);
    while (!atomic_load(&common->done)) {
        look_once(common, &arena, random_below(&random, STORED));
        arena_reset(&arena);
    }
    arena_release(&arena);
    return NULL;
}

static void nobody_is_given_what_was_told_to_be_old(void **state)
{
    struct fixture *f = *state;
    struct common *common = calloc(1, sizeof *common);
    pthread_t changer, readers[READERS];
    common->rows = f->rows;
    pthread_create(&changer, NULL, change, common);
    for (size_t i = 0; i < READERS; i++)
        pthread_create(&readers[i], NULL, look, common);
    pthread_join(changer, NULL);
    for (size_t i = 0; i < READERS; i++)
        pthread_join(readers[i], NULL);
    assert_true(common->hits >= ENOUGH_HITS);
    assert_int_equal(common->wrong, 0);
    free(common);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(answer_is_given_until_its_key_is_written_to),
        TEST(absence_is_an_answer),
        TEST(answer_from_before_a_write_is_not_kept),
        TEST(answer_from_before_a_loss_is_not_kept),
        TEST(older_answer_that_comes_late_does_not_replace_a_newer_one),
        TEST(newer_answer_that_is_not_kept_drops_an_older_one),
        TEST(older_answer_is_not_kept_once_a_newer_was_given),
        TEST(all_is_forgotten_once_somebody_had_to_go_past),
        TEST(nothing_is_right_but_for_as_long_as_was_said),
        TEST(row_that_is_too_large_is_not_kept_nor_what_it_replaces),
        TEST(keys_of_every_size_are_apart),
        TEST(hot_rows_survive_a_scan),
        TEST(rows_that_become_hot_replace_those_that_were),
        TEST(what_fits_stays),
        TEST(rows_that_are_rewritten_stay_hot),
        TEST(memory_stays_below_what_was_set_whatever_the_rows),
        TEST(more_memory_than_there_is_is_refused),
        TEST(nobody_is_given_what_was_told_to_be_old),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
