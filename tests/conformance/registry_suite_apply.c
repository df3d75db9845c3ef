/* registry_suite_apply.c - versions, ids, refusals, removal. */
#include "tests/conformance/registry_fixture.h"

#include "tests/support/shop.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void an_empty_registry_says_to_apply(struct fixture *f)
{
    struct catalog catalog;
    uint64_t identity;
    assert_int_equal(registry_read(f->registry, "shop", &f->arena, &catalog, &f->err),
                     STATUS_NOT_FOUND);
    assert_non_null(strstr(f->err.message, "shop"));
    assert_non_null(strstr(f->err.message, "larder apply"));
    assert_int_equal(version(f), 0);
    demand(f, registry_identity(f->registry, &identity, &f->err));
    assert_int_equal(identity, 0);
    demand(f, registry_remove(f->registry, "shop", &f->err));
}

static void the_first_apply_makes_version_one(struct fixture *f)
{
    struct apply_outcome *outcome = apply(f, shop(&f->arena));
    assert_int_equal(outcome->catalog.version, 1);
    assert_true(outcome->difference.change_count > 0);
    assert_true(outcome->catalog.identity != 0);
    assert_true(same_catalog(f, &outcome->catalog, read_catalog(f)));
    uint64_t identity;
    demand(f, registry_identity(f->registry, &identity, &f->err));
    assert_true(identity == outcome->catalog.identity);
    assert_int_equal(version(f), 1);
    struct view_state state = state_of(f, "spending");
    assert_false(state.has_watermark);
    assert_int_equal(state.position, 0);
    assert_int_equal(state.stale_version, 0);
    assert_null(state.stale_reason);
    assert_int_equal(state.updated_us, 0);
}

static void a_project_without_any_object_can_be_applied(struct fixture *f)
{
    assert_int_equal(apply(f, definitions_of(&f->arena, "project: shop\n"))->catalog.version, 1);
    assert_int_equal(read_catalog(f)->definitions.view_count, 0);
}

static void applying_the_same_again_makes_no_version(struct fixture *f)
{
    struct apply_outcome *first = apply(f, shop(&f->arena));
    struct apply_outcome *again = apply(f, shop(&f->arena));
    assert_int_equal(again->difference.change_count, 0);
    assert_true(same_catalog(f, &first->catalog, &again->catalog));
    assert_int_equal(version(f), 1);
}

static void an_earlier_version_still_reads(struct fixture *f)
{
    struct apply_outcome *first = apply(f, shop(&f->arena));
    apply(f, shop_with(&f->arena, "total: float64"));
    struct catalog catalog;
    demand(f, registry_read_version(f->registry, "shop", 1, &f->arena, &catalog, &f->err));
    assert_true(same_catalog(f, &first->catalog, &catalog));
    demand(f, registry_read_version(f->registry, "shop", 2, &f->arena, &catalog, &f->err));
    assert_true(same_catalog(f, &catalog, read_catalog(f)));
    assert_int_equal(registry_read_version(f->registry, "shop", 3, &f->arena, &catalog, &f->err),
                     STATUS_NOT_FOUND);
    assert_non_null(strstr(f->err.message, "no version 3"));
}

static void a_change_makes_one_version_and_keeps_ids(struct fixture *f)
{
    struct apply_outcome *first = apply(f, shop(&f->arena));
    struct apply_outcome *second = apply(f, shop_with(&f->arena, "total: float64"));
    assert_int_equal(second->catalog.version, 2);
    assert_int_equal(version(f), 2);
    assert_int_equal(view_of(&second->catalog, "spending")->id,
                     view_of(&first->catalog, "spending")->id);
    assert_true(second->catalog.identity == first->catalog.identity);
    assert_true(same_catalog(f, &second->catalog, read_catalog(f)));
}

static void features_in_another_order_are_a_new_version(struct fixture *f)
{
    apply(f, shop_with(&f->arena, "a: int32, b: int32"));
    struct apply_outcome *second = apply(f, shop_with(&f->arena, "b: int32, a: int32"));
    assert_int_equal(second->catalog.version, 2);
    assert_int_equal(second->difference.change_count, 1);
    assert_int_equal(view_of(&second->catalog, "spending")->schema_count, 2);
}

static void removal_without_prune_names_every_object_and_changes_nothing(struct fixture *f)
{
    apply(f, shop(&f->arena));
    const struct definitions *nearly_nothing = definitions_of(
        &f->arena, "project: shop\nentities: [{name: item, join_keys: {item: string}}]\n");
    const char *const words[] = {"entity customer",        "source orders",
                                 "feature view spending",  "feature view popularity",
                                 "feature service offers", "--prune"};
    check_refused(f, nearly_nothing, words, COUNT_OF(words));
    assert_int_equal(version(f), 1);
    assert_non_null(catalog_find_view(read_catalog(f), "spending"));
}

static void a_view_that_returns_gets_a_new_id_and_no_watermark(struct fixture *f)
{
    struct apply_outcome *first = apply(f, shop(&f->arena));
    advance(f, "popularity", 100, 10);
    prune(f, small_shop(&f->arena));
    struct apply_outcome *third = apply(f, shop(&f->arena));
    assert_true(view_of(&third->catalog, "popularity")->id > first->catalog.last_view_id);
    assert_false(state_of(f, "popularity").has_watermark);
}

static void another_type_of_a_feature_is_refused_for_replace(struct fixture *f)
{
    apply(f, shop_with(&f->arena, "total: float64"));
    const char *const words[] = {"spending", "total", "--replace", "not possible yet"};
    check_refused(f, shop_with(&f->arena, "total: int64"), words, COUNT_OF(words));
    assert_int_equal(version(f), 1);
}

static void a_gained_feature_makes_the_view_stale(struct fixture *f)
{
    apply(f, shop_with(&f->arena, "total: float64"));
    advance(f, "spending", 100, 10);
    advance(f, "popularity", 100, 10);
    struct apply_outcome *second = apply(f, shop_with(&f->arena, "total: float64, gust: float64"));
    assert_int_equal(view_of(&second->catalog, "spending")->schema_count, 2);
    struct view_state state = state_of(f, "spending");
    assert_int_equal(state.stale_version, 2);
    assert_int_equal(state.pending_generation, 0);
    assert_non_null(strstr(state.stale_reason, "gust"));
    assert_true(state.has_watermark && state.watermark_us == 100);
    assert_int_equal(state_of(f, "popularity").stale_version, 0);
}

static void a_lost_feature_does_not_make_the_view_stale(struct fixture *f)
{
    apply(f, shop_with(&f->arena, "total: float64, gust: float64"));
    apply(f, shop_with(&f->arena, "total: float64"));
    assert_int_equal(state_of(f, "spending").stale_version, 0);
}

static void planning_changes_nothing(struct fixture *f)
{
    struct difference difference;
    struct apply_options none = {0};
    demand(f, registry_plan(f->registry, shop(&f->arena), none, &f->arena, &difference, &f->err));
    assert_int_equal(difference.change_count, 6);
    assert_int_equal(version(f), 0);
    apply(f, shop(&f->arena));
    demand(f, registry_plan(f->registry, shop(&f->arena), none, &f->arena, &difference, &f->err));
    assert_int_equal(difference.change_count, 0);
}

static void planning_shows_the_difference_even_when_it_is_refused(struct fixture *f)
{
    apply(f, shop(&f->arena));
    struct difference difference;
    assert_int_equal(registry_plan(f->registry, small_shop(&f->arena), (struct apply_options){0},
                                   &f->arena, &difference, &f->err),
                     STATUS_CONFLICT);
    assert_int_equal(difference.change_count, 1);
    assert_string_equal(difference.changes[0].name, "popularity");
    demand(f,
           registry_plan(f->registry, small_shop(&f->arena), (struct apply_options){.prune = true},
                         &f->arena, &difference, &f->err));
    assert_int_equal(version(f), 1);
}

static void taking_over_starts_new_generations_and_forgets(struct fixture *f)
{
    apply(f, shop(&f->arena));
    advance(f, "spending", 100, 10);
    struct apply_outcome *second =
        apply_with(f, shop(&f->arena), (struct apply_options){.take_over = true});
    assert_int_equal(second->catalog.version, 2);
    assert_int_equal(view_of(&second->catalog, "spending")->generation,
                     catalog_first_generation(second->catalog.identity) + 1);
    const char *const views[] = {"spending", "popularity"};
    for (size_t i = 0; i < COUNT_OF(views); i++) {
        struct view_state state = state_of(f, views[i]);
        assert_false(state.has_watermark);
        assert_int_equal(state.position, 0);
        assert_int_equal(state.stale_version, 2);
        assert_string_equal(state.stale_reason, "taken over");
    }
}

static void projects_share_a_registry_but_no_id(struct fixture *f)
{
    struct apply_outcome *one = apply(f, shop(&f->arena));
    struct apply_outcome *two = apply(f, shop_named(&f->arena, "market"));
    assert_int_not_equal(one->catalog.project_id, two->catalog.project_id);
    assert_true(one->catalog.identity == two->catalog.identity);
    assert_int_equal(two->catalog.version, 1);
    advance(f, "spending", 100, 10);
    struct view_state *states;
    demand(f, registry_view_states(f->registry, &two->catalog, &f->arena, &states, &f->err));
    assert_false(states[0].has_watermark || states[1].has_watermark);
}

static void a_project_that_was_made_anew_is_another_version(struct fixture *f)
{
    struct registry_version before, after;
    apply(f, definitions_of(&f->arena, "project: market\n")); /* keeps the registry */
    const struct catalog *catalog = &apply(f, shop(&f->arena))->catalog;
    demand(f, registry_version(f->registry, "shop", &before, &f->err));
    assert_true(registry_version_is(before, catalog));
    demand(f, registry_remove(f->registry, "shop", &f->err));
    apply(f, shop(&f->arena));
    demand(f, registry_version(f->registry, "shop", &after, &f->err));
    assert_int_equal(after.number, before.number);
    assert_false(registry_version_is(after, catalog));
    assert_true(after.project_id > before.project_id);
}

static void a_removed_project_is_gone_and_its_id_not_given_again(struct fixture *f)
{
    uint32_t first = apply(f, shop(&f->arena))->catalog.project_id;
    uint32_t other = apply(f, shop_named(&f->arena, "market"))->catalog.project_id;
    demand(f, registry_remove(f->registry, "market", &f->err));
    demand(f, registry_remove(f->registry, "market", &f->err));
    assert_int_equal(read_catalog(f)->project_id, first);
    struct apply_outcome *again = apply(f, shop_named(&f->arena, "market"));
    assert_int_equal(again->catalog.version, 1);
    assert_true(again->catalog.project_id > other);
}

static void the_last_project_takes_the_registry_with_it(struct fixture *f)
{
    uint64_t before = apply(f, shop(&f->arena))->catalog.identity;
    demand(f, registry_remove(f->registry, "shop", &f->err));
    an_empty_registry_says_to_apply(f);
    struct apply_outcome *again = apply(f, shop(&f->arena));
    assert_int_equal(again->catalog.version, 1);
    assert_true(again->catalog.identity != before);
}

static void whoever_may_do_all_finds_nothing_wrong(struct fixture *f)
{
    struct findings findings;
    demand(f, registry_examine(f->registry, &f->arena, &findings, &f->err));
    assert_int_equal(findings.count, 0);
    apply(f, shop(&f->arena));
    demand(f, registry_examine(f->registry, &f->arena, &findings, &f->err));
    assert_int_equal(findings.count, 0);
}

#define TEST(function)                                                                             \
    {                                                                                              \
#function, function                                                                        \
    }
static const struct named_test tests[] = {
    TEST(an_empty_registry_says_to_apply),
    TEST(the_first_apply_makes_version_one),
    TEST(a_project_without_any_object_can_be_applied),
    TEST(applying_the_same_again_makes_no_version),
    TEST(an_earlier_version_still_reads),
    TEST(a_change_makes_one_version_and_keeps_ids),
    TEST(features_in_another_order_are_a_new_version),
    TEST(removal_without_prune_names_every_object_and_changes_nothing),
    TEST(a_view_that_returns_gets_a_new_id_and_no_watermark),
    TEST(another_type_of_a_feature_is_refused_for_replace),
    TEST(a_gained_feature_makes_the_view_stale),
    TEST(a_lost_feature_does_not_make_the_view_stale),
    TEST(planning_changes_nothing),
    TEST(planning_shows_the_difference_even_when_it_is_refused),
    TEST(taking_over_starts_new_generations_and_forgets),
    TEST(projects_share_a_registry_but_no_id),
    TEST(a_project_that_was_made_anew_is_another_version),
    TEST(a_removed_project_is_gone_and_its_id_not_given_again),
    TEST(the_last_project_takes_the_registry_with_it),
    TEST(whoever_may_do_all_finds_nothing_wrong),
};

struct test_list registry_apply_tests(void)
{
    return (struct test_list){tests, COUNT_OF(tests)};
}
