/* registry_suite_many.c - several at once: listeners, and applies side by side. */
#include "tests/conformance/registry_fixture.h"

#include "base/timestamp.h"
#include "tests/support/shop.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include <cmocka.h>

static bool wait_for(struct fixture *f, struct registry *registry, int timeout_ms, int wake_fd)
{
    bool changed;
    demand(f, registry_wait(registry, timeout_ms, wake_fd, &changed, &f->err));
    return changed;
}

static void a_waiting_handle_hears_of_an_apply(struct fixture *f)
{
    struct registry *listener = another_handle(f);
    assert_true(wait_for(f, listener, 60000, -1)); /* the first returns at once: read now */
    assert_false(wait_for(f, listener, 10, -1));
    apply(f, shop(&f->arena));
    assert_true(wait_for(f, listener, 60000, -1));
    assert_false(wait_for(f, listener, 0, -1));
    apply(f, shop(&f->arena)); /* no change, no news */
    assert_false(wait_for(f, listener, 100, -1));
    apply(f, shop_with(&f->arena, "a: int32, total: float64, visits: int64"));
    apply(f, shop_named(&f->arena, "market"));
    assert_true(wait_for(f, listener, 60000, -1));
    demand(f, registry_remove(f->registry, "market", &f->err));
    assert_true(wait_for(f, listener, 60000, -1));
    registry_close(listener);
}

static void a_byte_wakes_a_waiting_handle(struct fixture *f)
{
    int fds[2];
    assert_int_equal(pipe(fds), 0);
    wait_for(f, f->registry, 0, -1);
    assert_int_equal(write(fds[1], "!", 1), 1);
    int64_t begin_us = timestamp_monotonic_us();
    assert_false(wait_for(f, f->registry, 60000, fds[0]));
    assert_true(timestamp_monotonic_us() - begin_us < 30000000);
    close(fds[0]);
    close(fds[1]);
}

enum { APPLIERS = 6, ROUNDS = 5 };

struct applier {
    pthread_t thread;
    struct fixture *f;
    const struct definitions *definitions[ROUNDS];
    size_t count;
    uint64_t versions[ROUNDS];
    struct error err;
    enum status status;
};

/* Asserts nothing: cmocka's jumps belong to its own thread. */
static void *apply_in_turn(void *context)
{
    struct applier *a = context;
    struct registry *registry = NULL;
    struct arena arena;
    arena_init(&arena, 0);
    a->status = registry_open(&a->f->settings, &registry, &a->err);
    for (size_t i = 0; i < a->count && !a->status; i++) {
        struct apply_outcome outcome;
        a->status = registry_apply(registry, a->definitions[i], (struct apply_options){0}, &arena,
                                   &outcome, &a->err);
        a->versions[i] = a->status ? 0 : outcome.catalog.version;
    }
    registry_close(registry);
    arena_release(&arena);
    return NULL;
}

static void run_appliers(struct fixture *f, struct applier *appliers)
{
    for (size_t i = 0; i < APPLIERS; i++) {
        appliers[i].f = f;
        assert_int_equal(pthread_create(&appliers[i].thread, NULL, apply_in_turn, &appliers[i]), 0);
    }
    for (size_t i = 0; i < APPLIERS; i++)
        pthread_join(appliers[i].thread, NULL);
    for (size_t i = 0; i < APPLIERS; i++)
        if (appliers[i].status)
            fail_msg("%s", appliers[i].err.message);
}

static void many_at_once_who_apply_the_same_make_one_version(struct fixture *f)
{
    struct applier appliers[APPLIERS] = {0};
    for (size_t i = 0; i < APPLIERS; i++) {
        appliers[i].definitions[0] = shop(&f->arena);
        appliers[i].count = 1;
    }
    run_appliers(f, appliers);
    assert_int_equal(version(f), 1);
}

/* Each gives the view another order of features every time, so every apply is a change. */
static void applies_at_once_stand_one_behind_the_other(struct fixture *f)
{
    static const char *const lists[ROUNDS] = {
        "a: int32, x%zu: int32", "x%zu: int32, a: int32", "a: int32, x%zu: int32, z: int32",
        "z: int32, x%zu: int32, a: int32", "z: int32, a: int32, x%zu: int32"};
    struct applier appliers[APPLIERS] = {0};
    bool seen[APPLIERS * ROUNDS + 1] = {false};
    for (size_t i = 0; i < APPLIERS; i++)
        for (size_t round = 0; round < ROUNDS; round++) {
            char number[8], list[64] = "";
            snprintf(number, sizeof number, "%zu", i);
            const char *mark = strstr(lists[round], "%zu");
            snprintf(list, sizeof list, "%.*s%s%s", (int)(mark - lists[round]), lists[round],
                     number, mark + 3);
            appliers[i].definitions[round] = shop_with(&f->arena, list);
            appliers[i].count = ROUNDS;
        }
    run_appliers(f, appliers);
    for (size_t i = 0; i < APPLIERS; i++)
        for (size_t round = 0; round < ROUNDS; round++) {
            uint64_t made = appliers[i].versions[round];
            assert_in_range(made, 1, APPLIERS * ROUNDS);
            assert_false(seen[made]);
            seen[made] = true;
        }
    assert_int_equal(version(f), APPLIERS * ROUNDS);
    assert_int_equal(view_of(read_catalog(f), "spending")->schema_count, APPLIERS * ROUNDS);
    assert_int_equal(read_catalog(f)->last_view_id, 2);
}

#define TEST(function)                                                                             \
    {                                                                                              \
#function, function                                                                        \
    }
static const struct named_test tests[] = {
    TEST(a_waiting_handle_hears_of_an_apply),
    TEST(a_byte_wakes_a_waiting_handle),
    TEST(many_at_once_who_apply_the_same_make_one_version),
    TEST(applies_at_once_stand_one_behind_the_other),
};

struct test_list registry_many_tests(void)
{
    return (struct test_list){tests, COUNT_OF(tests)};
}
