/* registry_suite_state.c - what moves without an apply: watermarks, marks, samples. */
#include "tests/conformance/registry_fixture.h"

#include "base/timestamp.h"
#include "tests/support/shop.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void watermark_and_position_never_go_back(struct fixture *f)
{
    apply(f, shop(&f->arena));
    advance(f, "spending", 200, 20);
    advance(f, "spending", 100, 10);
    struct view_state state = state_of(f, "spending");
    assert_true(state.has_watermark);
    assert_int_equal(state.watermark_us, 200);
    assert_int_equal(state.position, 20);
    advance(f, "spending", 300, 5);
    assert_int_equal(state_of(f, "spending").watermark_us, 300);
    assert_int_equal(state_of(f, "spending").position, 20);
    assert_false(state_of(f, "popularity").has_watermark);
}

static void the_last_run_is_remembered(struct fixture *f)
{
    apply(f, shop(&f->arena));
    assert_int_equal(state_of(f, "spending").updated_us, 0);
    advance(f, "spending", 100, 10);
    int64_t first_us = state_of(f, "spending").updated_us;
    assert_true(timestamp_in_range(first_us) && first_us > INT64_C(1700000000000000));
    advance(f, "spending", 50, 10);
    assert_true(state_of(f, "spending").updated_us >= first_us);
    assert_int_equal(state_of(f, "popularity").updated_us, 0);
    apply(f, shop_from(&f->arena, "others"));
    assert_true(state_of(f, "spending").updated_us >= first_us);
}

static void a_watermark_before_1970_is_one(struct fixture *f)
{
    apply(f, shop(&f->arena));
    advance(f, "spending", TIMESTAMP_MIN, INT64_MAX);
    struct view_state state = state_of(f, "spending");
    assert_true(state.has_watermark && state.watermark_us == TIMESTAMP_MIN);
    assert_true(state.position == INT64_MAX);
}

static void a_run_without_watermark_leaves_it_where_it_is(struct fixture *f)
{
    apply(f, shop(&f->arena));
    const struct catalog *catalog = read_catalog(f);
    struct view_state state = {.view_id = view_of(catalog, "spending")->id, .position = 30};
    bool outdated;
    demand(f, registry_advance(f->registry, catalog, &state, false, &outdated, &f->err));
    assert_false(state_of(f, "spending").has_watermark);
    assert_int_equal(state_of(f, "spending").position, 30);
    advance(f, "spending", 100, 30);
    demand(f, registry_advance(f->registry, catalog, &state, false, &outdated, &f->err));
    assert_int_equal(state_of(f, "spending").watermark_us, 100);
}

static void a_run_clears_only_the_marks_it_knew_of(struct fixture *f)
{
    apply(f, shop_with(&f->arena, "a: int32"));
    const struct catalog *old = read_catalog(f);
    apply(f, shop_with(&f->arena, "a: int32, b: int32"));
    advance_under(f, old, "spending", 100, 10, true);
    assert_int_equal(state_of(f, "spending").stale_version, 2);
    advance_under(f, read_catalog(f), "spending", 100, 10, false);
    assert_int_equal(state_of(f, "spending").stale_version, 2);
    advance_under(f, read_catalog(f), "spending", 100, 10, true);
    struct view_state state = state_of(f, "spending");
    assert_int_equal(state.stale_version, 0);
    assert_null(state.stale_reason);
}

static void a_mark_keeps_its_reason_until_it_is_cleared(struct fixture *f)
{
    apply(f, shop(&f->arena));
    const struct catalog *catalog = read_catalog(f);
    struct view_state state = state_of(f, "spending");
    demand(f, registry_mark_stale(f->registry, catalog, &state, "lost: caf\u00e9 'quoted' \\",
                                  false, &f->err));
    state = state_of(f, "spending");
    assert_int_equal(state.stale_version, 1);
    assert_string_equal(state.stale_reason, "lost: caf\u00e9 'quoted' \\");
    assert_int_equal(state.pending_generation, 0);
    assert_int_equal(state_of(f, "popularity").stale_version, 0);
    advance_under(f, catalog, "spending", 100, 10, true);
    assert_int_equal(state_of(f, "spending").stale_version, 0);
}

static void a_run_that_ends_after_its_view_was_removed_is_told_so(struct fixture *f)
{
    apply(f, shop(&f->arena));
    const struct catalog *old = read_catalog(f);
    prune(f, small_shop(&f->arena));
    assert_true(advance_under(f, old, "popularity", 100, 10, true));
    apply(f, shop(&f->arena));
    assert_false(state_of(f, "popularity").has_watermark);
}

static void a_run_that_ends_after_a_take_over_is_told_so(struct fixture *f)
{
    apply(f, shop(&f->arena));
    const struct catalog *old = read_catalog(f);
    apply_with(f, shop(&f->arena), (struct apply_options){.take_over = true});
    assert_true(advance_under(f, old, "spending", 100, 10, true));
    struct view_state state = state_of(f, "spending");
    assert_false(state.has_watermark);
    assert_int_equal(state.position, 0);
    assert_int_equal(state.stale_version, 2);
}

static void another_system_has_every_view_rebuilt(struct fixture *f)
{
    bool changed;
    apply(f, shop(&f->arena));
    struct apply_outcome *other = apply(f, shop_named(&f->arena, "market"));
    demand(f, registry_adopt_system(f->registry, UINT64_MAX, &changed, &f->err));
    assert_false(changed);
    advance(f, "spending", 100, 10);
    demand(f, registry_keep_sample(f->registry, (struct position_sample){10, 5}, &f->err));
    demand(f, registry_adopt_system(f->registry, UINT64_MAX, &changed, &f->err));
    assert_false(changed);
    assert_int_equal(state_of(f, "spending").stale_version, 0);
    demand(f, registry_adopt_system(f->registry, 7, &changed, &f->err));
    assert_true(changed);
    struct view_state state = state_of(f, "spending");
    assert_int_equal(state.stale_version, 1);
    assert_int_equal(state.position, 0);
    assert_true(state.pending_generation > view_of(read_catalog(f), "spending")->generation);
    struct view_state *states;
    demand(f, registry_view_states(f->registry, &other->catalog, &f->arena, &states, &f->err));
    assert_int_equal(states[0].stale_version, 1);
    assert_true(states[0].pending_generation > other->catalog.views[0].generation);
    struct position_sample sample;
    bool found;
    demand(f, registry_find_sample(f->registry, 1000, &sample, &found, &f->err));
    assert_false(found);
}

static void check_sample(struct fixture *f, uint64_t xmin, int64_t position)
{
    struct position_sample sample = {0};
    bool found;
    demand(f, registry_find_sample(f->registry, xmin, &sample, &found, &f->err));
    assert_int_equal(found, position != 0);
    assert_int_equal(sample.position, position);
}

static void the_latest_usable_sample_is_found(struct fixture *f)
{
    apply(f, shop(&f->arena));
    check_sample(f, UINT64_MAX, 0);
    const struct position_sample samples[] = {{300, 30}, {100, 10}, {200, 20}, {200, 20}};
    for (size_t i = 0; i < COUNT_OF(samples); i++)
        demand(f, registry_keep_sample(f->registry, samples[i], &f->err));
    check_sample(f, 9, 0);
    check_sample(f, 10, 100);
    check_sample(f, 29, 200);
    check_sample(f, UINT64_MAX, 300);
}

static void only_so_many_samples_are_kept(struct fixture *f)
{
    apply(f, shop(&f->arena));
    for (int i = 1; i <= 120; i++)
        demand(f, registry_keep_sample(f->registry, (struct position_sample){i, (uint64_t)i},
                                       &f->err));
    check_sample(f, UINT64_MAX, 120);
    check_sample(f, 21, 21);
    check_sample(f, 20, 0);
}

#define TEST(function)                                                                             \
    {                                                                                              \
#function, function                                                                        \
    }
static const struct named_test tests[] = {
    TEST(watermark_and_position_never_go_back),
    TEST(the_last_run_is_remembered),
    TEST(a_watermark_before_1970_is_one),
    TEST(a_run_without_watermark_leaves_it_where_it_is),
    TEST(a_run_clears_only_the_marks_it_knew_of),
    TEST(a_mark_keeps_its_reason_until_it_is_cleared),
    TEST(a_run_that_ends_after_its_view_was_removed_is_told_so),
    TEST(a_run_that_ends_after_a_take_over_is_told_so),
    TEST(another_system_has_every_view_rebuilt),
    TEST(the_latest_usable_sample_is_found),
    TEST(only_so_many_samples_are_kept),
};

struct test_list registry_state_tests(void)
{
    return (struct test_list){tests, COUNT_OF(tests)};
}
