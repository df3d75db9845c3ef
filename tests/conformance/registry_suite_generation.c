/* registry_suite_generation.c - rows that are filled beside those that are read, and those that
 * nobody reads any more. */
#include "tests/conformance/registry_fixture.h"

#include "tests/support/shop.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static uint32_t generation_of(struct fixture *f, const char *view)
{
    return view_of(read_catalog(f), view)->generation;
}

static uint32_t pending_of(struct fixture *f, const char *view)
{
    return state_of(f, view).pending_generation;
}

/* A shop that was materialized, and whose source has changed. */
static void change_source(struct fixture *f)
{
    apply(f, shop(&f->arena));
    advance(f, "spending", 100, 10);
    apply(f, shop_from(&f->arena, "others"));
}

/* Whether the registry calls it outdated. */
static bool switch_rows(struct fixture *f, const struct catalog *catalog,
                        const struct view_state *seen, int64_t watermark_us, int64_t position)
{
    bool outdated;
    demand(f, registry_switch_rows(f->registry, catalog, seen, watermark_us, position, &outdated,
                                   &f->err));
    return outdated;
}

static void check_removed(struct fixture *f, const char *expected)
{
    struct removed_rows *rows;
    size_t count;
    const char *text = "";
    demand(f,
           registry_removed_rows(f->registry, read_catalog(f), &f->arena, &rows, &count, &f->err));
    uint32_t first = catalog_first_generation(read_catalog(f)->identity);
    /* By view (popularity is 1, spending 2), then generation, told less the first one. */
    for (uint32_t view = 0; view < 10; view++)
        for (uint32_t generation = 0; generation < first + 20; generation++)
            for (size_t i = 0; i < count; i++)
                if (rows[i].view_id == view && rows[i].generation == generation)
                    text = generation ? arena_printf(&f->arena, "%s%u/+%u ", text, view,
                                                     generation - first)
                                      : arena_printf(&f->arena, "%s%u/all ", text, view);
    assert_string_equal(text, expected);
}

static void a_changed_source_gives_a_pending_generation(struct fixture *f)
{
    change_source(f);
    const char *const views[] = {"spending", "popularity"};
    for (size_t i = 0; i < COUNT_OF(views); i++) {
        struct view_state state = state_of(f, views[i]);
        assert_int_equal(state.pending_generation, generation_of(f, views[i]) + 1);
        assert_int_equal(state.stale_version, 2);
        assert_non_null(state.stale_reason);
    }
    struct view_state state = state_of(f, "spending");
    assert_true(state.has_watermark && state.watermark_us == 100 && state.position == 10);
    check_removed(f, "");
}

static void each_further_change_gives_another_one(struct fixture *f)
{
    change_source(f);
    uint32_t first = pending_of(f, "spending");
    apply(f, shop_from(&f->arena, "orders"));
    assert_int_equal(pending_of(f, "spending"), first + 1);
    check_removed(f, "1/+1 2/+1 ");
    assert_int_equal(generation_of(f, "spending"), first - 1);
}

/* Rows of both schemas would stand in it otherwise. */
static void a_feature_gained_meanwhile_gives_another_one_too(struct fixture *f)
{
    change_source(f);
    const char *yaml = "project: shop\n"
                       "entities: [{name: customer, join_keys: {customer: int64}}]\n"
                       "sources: [{name: orders, table: others, event_time: at}]\n"
                       "feature_views: [{name: spending, entities: [customer], source: orders,"
                       " ttl: 7d, features: [{name: total, type: float64}, {name: visits,"
                       " type: int64}%s]}]\n";
    prune(f, definitions_of(&f->arena, arena_printf(&f->arena, yaml, "")));
    uint32_t pending = pending_of(f, "spending");
    prune(f, definitions_of(&f->arena,
                            arena_printf(&f->arena, yaml, ", {name: gust, type: float64}")));
    assert_int_equal(pending_of(f, "spending"), pending + 1);
}

static void what_does_not_touch_the_rows_leaves_it(struct fixture *f)
{
    change_source(f);
    uint32_t pending = pending_of(f, "spending");
    apply(f, shop_from(&f->arena, "others"));
    assert_int_equal(pending_of(f, "spending"), pending);
    const struct catalog *catalog = read_catalog(f);
    assert_false(advance_under(f, catalog, "spending", 200, 20, true));
    struct view_state state = state_of(f, "spending");
    assert_int_equal(state.pending_generation, pending);
    assert_int_equal(state.stale_version, 2);
    assert_non_null(state.stale_reason);
    assert_int_equal(state.watermark_us, 200);
}

static void a_switch_makes_a_version_that_reads_the_new_rows(struct fixture *f)
{
    change_source(f);
    const struct catalog *before = read_catalog(f);
    struct view_state seen = state_of(f, "spending");
    struct view_state other = state_of(f, "popularity");
    assert_false(switch_rows(f, before, &seen, 50, 5));
    const struct catalog *after = read_catalog(f);
    assert_int_equal(after->version, before->version + 1);
    assert_int_equal(version(f), before->version + 1);
    assert_int_equal(generation_of(f, "spending"), seen.pending_generation);
    assert_int_equal(generation_of(f, "popularity"), view_of(before, "popularity")->generation);
    struct view_state state = state_of(f, "spending");
    assert_int_equal(state.pending_generation, 0);
    assert_int_equal(state.stale_version, 0);
    assert_null(state.stale_reason);
    /* Of these rows, whatever those of before were. */
    assert_true(state.has_watermark && state.watermark_us == 50);
    assert_int_equal(state.position, 5);
    assert_true(state.updated_us > 0);
    assert_int_equal(pending_of(f, "popularity"), other.pending_generation);
    check_removed(f, "2/+0 ");
}

static void a_waiting_handle_hears_of_a_switch(struct fixture *f)
{
    bool changed;
    change_source(f);
    struct registry *listener = another_handle(f);
    demand(f, registry_wait(listener, 0, -1, &changed, &f->err));
    struct view_state seen = state_of(f, "spending");
    assert_false(switch_rows(f, read_catalog(f), &seen, 50, 5));
    demand(f, registry_wait(listener, 60000, -1, &changed, &f->err));
    assert_true(changed);
    registry_close(listener);
}

static void a_switch_happens_once(struct fixture *f)
{
    change_source(f);
    const struct catalog *catalog = read_catalog(f);
    struct view_state seen = state_of(f, "spending");
    assert_false(switch_rows(f, catalog, &seen, 50, 5));
    assert_true(switch_rows(f, catalog, &seen, 60, 6));
    assert_int_equal(version(f), catalog->version + 1);
    assert_int_equal(state_of(f, "spending").watermark_us, 50);
}

static void a_switch_that_a_change_overtook_does_nothing(struct fixture *f)
{
    change_source(f);
    const struct catalog *catalog = read_catalog(f);
    struct view_state seen = state_of(f, "spending");
    apply(f, shop_from(&f->arena, "orders"));
    assert_true(switch_rows(f, catalog, &seen, 50, 5));
    assert_int_equal(generation_of(f, "spending"), view_of(catalog, "spending")->generation);
    assert_int_equal(version(f), 3);
    prune(f, small_shop(&f->arena));
    seen =
        (struct view_state){.view_id = view_of(catalog, "popularity")->id, .pending_generation = 7};
    assert_true(switch_rows(f, catalog, &seen, 50, 5));
}

/* Rows up to the watermark are read: they would vanish with a switch to fewer. */
static void a_switch_that_a_run_of_before_overtook_does_nothing(struct fixture *f)
{
    change_source(f);
    const struct catalog *catalog = read_catalog(f);
    struct view_state seen = state_of(f, "spending");
    assert_false(advance_under(f, catalog, "spending", 300, 30, false));
    assert_true(switch_rows(f, catalog, &seen, 200, 20));
    assert_int_equal(generation_of(f, "spending"), view_of(catalog, "spending")->generation);
    seen = state_of(f, "spending");
    assert_false(switch_rows(f, catalog, &seen, 300, 30));
}

static void a_switch_keeps_what_was_applied_meanwhile(struct fixture *f)
{
    change_source(f);
    const struct catalog *catalog = read_catalog(f);
    struct view_state seen = state_of(f, "popularity");
    /* Stale, and with another pending generation, is only the other view. */
    apply(f, definitions_of(&f->arena, "project: shop\n"
                                       "entities:\n"
                                       "  - {name: customer, join_keys: {customer: int64}}\n"
                                       "  - {name: item, join_keys: {item: string}}\n"
                                       "sources:\n"
                                       "  - {name: orders, table: others, event_time: at}\n"
                                       "feature_views:\n"
                                       "  - {name: spending, entities: [customer], source: orders,"
                                       " ttl: 9d, features: [{name: total, type: float64},"
                                       " {name: visits, type: int64}]}\n"
                                       "  - {name: popularity, entities: [item], source: orders,"
                                       " features: [{name: sales, type: int64}]}\n"
                                       "feature_services:\n"
                                       "  - {name: offers, features: [spending]}\n"));
    assert_false(switch_rows(f, catalog, &seen, 50, 5));
    const struct catalog *after = read_catalog(f);
    assert_int_equal(after->version, catalog->version + 2);
    assert_int_equal(view_of(after, "popularity")->generation, seen.pending_generation);
    assert_true(view_of(after, "spending")->view->ttl_us >
                view_of(catalog, "spending")->view->ttl_us);
}

static void a_run_of_the_generation_of_before_is_told_so(struct fixture *f)
{
    change_source(f);
    const struct catalog *old = read_catalog(f);
    struct view_state seen = state_of(f, "spending");
    assert_false(switch_rows(f, old, &seen, 50, 5));
    assert_true(advance_under(f, old, "spending", 500, 50, true));
    assert_int_equal(state_of(f, "spending").watermark_us, 50);
    assert_int_equal(state_of(f, "spending").position, 5);
}

static void a_rebuild_can_be_asked_for_once_by_many(struct fixture *f)
{
    apply(f, shop(&f->arena));
    const struct catalog *catalog = read_catalog(f);
    struct view_state seen = state_of(f, "spending");
    for (int i = 0; i < 2; i++)
        demand(f,
               registry_mark_stale(f->registry, catalog, &seen, "an earlier state", true, &f->err));
    struct view_state state = state_of(f, "spending");
    assert_int_equal(state.pending_generation, generation_of(f, "spending") + 1);
    assert_int_equal(state.stale_version, 1);
    assert_string_equal(state.stale_reason, "an earlier state");
    assert_int_equal(pending_of(f, "popularity"), 0);
    demand(f, registry_mark_stale(f->registry, catalog, &state, "again", true, &f->err));
    assert_int_equal(pending_of(f, "spending"), state.pending_generation + 1);
    check_removed(f, "2/+1 ");
}

/* A generation that was given up is never given again. */
static void taking_over_passes_over_every_number_that_was_given(struct fixture *f)
{
    change_source(f);
    apply(f, shop_from(&f->arena, "orders"));
    uint32_t pending = pending_of(f, "spending");
    apply_with(f, shop_from(&f->arena, "orders"), (struct apply_options){.take_over = true});
    assert_int_equal(generation_of(f, "spending"), pending + 1);
    assert_int_equal(pending_of(f, "spending"), 0);
    check_removed(f, "1/+0 1/+1 1/+2 2/+0 2/+1 2/+2 ");
    apply(f, shop_from(&f->arena, "others"));
    assert_int_equal(pending_of(f, "spending"), pending + 2);
}

/* Rows that nobody reads */

static void pruning_records_all_rows_of_the_view_as_removed(struct fixture *f)
{
    change_source(f);
    prune(f, small_shop(&f->arena));
    assert_null(catalog_find_view(read_catalog(f), "popularity"));
    check_removed(f, "1/all 2/+1 ");
}

static void what_is_gone_is_struck_off(struct fixture *f)
{
    struct removed_rows *rows;
    size_t count;
    apply(f, shop(&f->arena));
    prune(f, small_shop(&f->arena));
    const struct catalog *catalog = read_catalog(f);
    demand(f, registry_removed_rows(f->registry, catalog, &f->arena, &rows, &count, &f->err));
    assert_int_equal(count, 1);
    assert_true(rows[0].age_us >= 0);
    rows[0].since_us--;
    demand(f, registry_forget_rows(f->registry, catalog, rows, count, &f->err));
    check_removed(f, "1/all "); /* they were recorded again since */
    rows[0].since_us++;
    demand(f, registry_forget_rows(f->registry, catalog, rows, count, &f->err));
    check_removed(f, "");
}

static bool leave_rows(struct fixture *f, const char *view, uint32_t generation)
{
    bool unread;
    const struct catalog *catalog = read_catalog(f);
    demand(f, registry_leave_rows(f->registry, catalog, view_of(catalog, view)->id, generation,
                                  &unread, &f->err));
    return unread;
}

static void only_rows_that_nobody_reads_can_be_left_behind(struct fixture *f)
{
    change_source(f);
    uint32_t read = generation_of(f, "spending"), pending = pending_of(f, "spending");
    assert_false(leave_rows(f, "spending", read));
    assert_false(leave_rows(f, "spending", pending));
    check_removed(f, "");
    struct view_state seen = state_of(f, "spending");
    assert_false(switch_rows(f, read_catalog(f), &seen, 50, 5));
    assert_false(leave_rows(f, "spending", pending));
    for (int i = 0; i < 2; i++)
        assert_true(leave_rows(f, "spending", read));
    check_removed(f, "2/+0 ");
}

static void rows_of_a_removed_view_can_be_left_behind(struct fixture *f)
{
    bool unread;
    apply(f, shop(&f->arena));
    const struct catalog *old = read_catalog(f);
    prune(f, small_shop(&f->arena));
    demand(f, registry_leave_rows(f->registry, old, view_of(old, "popularity")->id,
                                  view_of(old, "popularity")->generation, &unread, &f->err));
    assert_true(unread);
    check_removed(f, "1/all 1/+0 ");
}

static void projects_have_removed_rows_of_their_own(struct fixture *f)
{
    struct removed_rows *rows;
    size_t count;
    apply(f, shop(&f->arena));
    struct apply_outcome *other = apply(f, shop_named(&f->arena, "market"));
    prune(f, small_shop(&f->arena));
    demand(f,
           registry_removed_rows(f->registry, &other->catalog, &f->arena, &rows, &count, &f->err));
    assert_int_equal(count, 0);
    demand(f, registry_remove(f->registry, "shop", &f->err));
    apply(f, shop(&f->arena));
    check_removed(f, "");
}

#define TEST(function)                                                                             \
    {                                                                                              \
#function, function                                                                        \
    }
static const struct named_test tests[] = {
    TEST(a_changed_source_gives_a_pending_generation),
    TEST(each_further_change_gives_another_one),
    TEST(a_feature_gained_meanwhile_gives_another_one_too),
    TEST(what_does_not_touch_the_rows_leaves_it),
    TEST(a_switch_makes_a_version_that_reads_the_new_rows),
    TEST(a_waiting_handle_hears_of_a_switch),
    TEST(a_switch_happens_once),
    TEST(a_switch_that_a_change_overtook_does_nothing),
    TEST(a_switch_that_a_run_of_before_overtook_does_nothing),
    TEST(a_switch_keeps_what_was_applied_meanwhile),
    TEST(a_run_of_the_generation_of_before_is_told_so),
    TEST(a_rebuild_can_be_asked_for_once_by_many),
    TEST(taking_over_passes_over_every_number_that_was_given),
    TEST(pruning_records_all_rows_of_the_view_as_removed),
    TEST(what_is_gone_is_struck_off),
    TEST(only_rows_that_nobody_reads_can_be_left_behind),
    TEST(rows_of_a_removed_view_can_be_left_behind),
    TEST(projects_have_removed_rows_of_their_own),
};

struct test_list registry_generation_tests(void)
{
    return (struct test_list){tests, COUNT_OF(tests)};
}
