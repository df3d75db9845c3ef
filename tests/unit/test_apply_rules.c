/* test_apply_rules.c - what an apply refuses, in which words. */
#include "store/registry/apply_rules.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

static struct error check(const struct change *changes, size_t count, bool prune)
{
    struct error err = {0};
    struct difference difference = {changes, count};
    err.status = apply_check(&difference, (struct apply_options){.prune = prune}, &err);
    return err;
}

static const struct change removed_view = {
    .object = OBJECT_FEATURE_VIEW, .kind = CHANGE_REMOVED, .name = "weather"};
static const struct change removed_source = {
    .object = OBJECT_SOURCE, .kind = CHANGE_REMOVED, .name = "hourly"};
static const struct change replaced = {.object = OBJECT_FEATURE_VIEW,
                                       .kind = CHANGE_ALTERED,
                                       .name = "delays",
                                       .needs_replace = "feature mean: int64 -> float64"};

static void additions_are_never_refused(void **state)
{
    (void)state;
    struct change added = {.object = OBJECT_ENTITY, .kind = CHANGE_ADDED, .name = "airport"};
    assert_int_equal(check(&added, 1, false).status, STATUS_OK);
    assert_int_equal(check(NULL, 0, false).status, STATUS_OK);
}

static void removal_names_every_object_and_the_option(void **state)
{
    (void)state;
    struct change changes[] = {removed_source, removed_view};
    struct error err = check(changes, 2, false);
    assert_int_equal(err.status, STATUS_CONFLICT);
    assert_non_null(strstr(err.message, "source hourly, feature view weather"));
    assert_non_null(strstr(err.message, "--prune"));
    assert_null(strstr(err.message, "--replace"));
    assert_int_equal(check(changes, 2, true).status, STATUS_OK);
}

static void replacing_is_refused_with_the_reason_even_when_pruning(void **state)
{
    (void)state;
    struct error err = check(&replaced, 1, true);
    assert_int_equal(err.status, STATUS_CONFLICT);
    assert_non_null(strstr(err.message, "feature view delays"));
    assert_non_null(strstr(err.message, "feature mean: int64 -> float64"));
    assert_non_null(strstr(err.message, "--replace"));
    assert_non_null(strstr(err.message, "not possible yet"));
    assert_non_null(strstr(err.message, "new name"));
}

static void both_are_told_at_once(void **state)
{
    (void)state;
    struct change changes[] = {removed_view, replaced};
    struct error err = check(changes, 2, false);
    assert_non_null(strstr(err.message, "--replace"));
    assert_non_null(strstr(err.message, "feature view weather"));
}

static void a_long_list_says_how_many_it_leaves_out(void **state)
{
    (void)state;
    enum { COUNT = 500 };
    static char names[COUNT][64];
    static struct change changes[2 * COUNT];
    for (int i = 0; i < COUNT; i++) {
        snprintf(names[i], sizeof names[i], "view_with_a_name_of_some_length_and_number_%d", i);
        changes[i] = removed_view;
        changes[i].name = names[i];
        changes[COUNT + i] = replaced;
        changes[COUNT + i].name = names[i];
    }
    struct error err = check(changes, 2 * COUNT, false);
    assert_non_null(strstr(err.message, " more"));
    assert_non_null(strstr(err.message, "--replace"));
    assert_non_null(strstr(err.message, "--prune"));
    assert_non_null(strstr(strstr(err.message, "no longer defined"), "number_3,"));
    assert_true(strlen(err.message) < ERROR_MESSAGE_SIZE - 1);
}

static void a_stale_view_says_what_changed(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 0);
    const char *const details[] = {"+ feature gust float64", "ttl: 6h -> 7d", "three", "four",
                                   "five"};
    struct change change = replaced;
    change.details = details;
    change.detail_count = 2;
    assert_string_equal(stale_reason(&change, &arena),
                        "changed: + feature gust float64; ttl: 6h -> 7d");
    change.detail_count = 5;
    assert_non_null(strstr(stale_reason(&change, &arena), "four and 1 more"));
    change.detail_count = 0;
    assert_string_equal(stale_reason(&change, &arena), "changed");
    arena_release(&arena);
}

static void a_long_reason_is_cut_between_characters(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 0);
    for (int shift = 0; shift < 3; shift++) {
        char *detail = arena_printf(&arena, "%.*s", shift, "xyz");
        for (int i = 0; i < 400; i++)
            detail = arena_printf(&arena, "%s\u20ac", detail);
        struct change change = replaced;
        change.details = (const char *const[]){detail};
        change.detail_count = 1;
        const char *reason = stale_reason(&change, &arena);
        assert_true(strlen(reason) <= 400 && strlen(reason) > 390);
        assert_true(text_is_valid(bytes_of_text(reason)));
    }
    arena_release(&arena);
}

/* Three views with the ids 1 to 3. */
static struct catalog catalog_of_three(struct feature_view *views, struct catalog_view *numbered)
{
    static const char *const names[] = {"weather", "delays", "tides"};
    for (uint32_t i = 0; i < 3; i++) {
        views[i].about.name = names[i];
        numbered[i] = (struct catalog_view){.view = &views[i], .id = i + 1};
    }
    return (struct catalog){.definitions = {.views = views, .view_count = 3}, .views = numbered};
}

static void views_that_have_become_stale_are_marked(void **state)
{
    (void)state;
    struct feature_view views[3] = {0};
    struct catalog_view numbered[3];
    struct catalog catalog = catalog_of_three(views, numbered);
    const struct change changes[] = {
        {.object = OBJECT_FEATURE_VIEW, .kind = CHANGE_ADDED, .name = "weather"},
        {.object = OBJECT_SOURCE, .kind = CHANGE_ALTERED, .name = "hourly"},
        {.object = OBJECT_FEATURE_VIEW, .kind = CHANGE_ALTERED, .name = "weather"},
        {.object = OBJECT_FEATURE_VIEW,
         .kind = CHANGE_ALTERED,
         .name = "delays",
         .becomes_stale = true},
        {.object = OBJECT_FEATURE_VIEW,
         .kind = CHANGE_ALTERED,
         .name = "tides",
         .becomes_stale = true,
         .rebuilds = true},
    };
    struct difference difference = {changes, COUNT_OF(changes)};
    struct stale_mark *marks;
    struct arena arena;
    size_t count;
    arena_init(&arena, 0);
    stale_marks(&difference, (struct apply_options){0}, &catalog, &arena, &marks, &count);
    assert_int_equal(count, 2);
    assert_true(marks[0].view_id == 2 && marks[0].renews_pending && !marks[0].rebuilds);
    assert_true(marks[1].view_id == 3 && marks[1].renews_pending && marks[1].rebuilds);
    assert_string_equal(marks[0].reason, "changed");
    stale_marks(&difference, (struct apply_options){.take_over = true}, &catalog, &arena, &marks,
                &count);
    assert_int_equal(count, 3);
    for (uint32_t i = 0; i < 3; i++) {
        assert_true(marks[i].view_id == i + 1 && !marks[i].renews_pending && !marks[i].rebuilds);
        assert_string_equal(marks[i].reason, "taken over");
    }
    arena_release(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(additions_are_never_refused),
        cmocka_unit_test(removal_names_every_object_and_the_option),
        cmocka_unit_test(replacing_is_refused_with_the_reason_even_when_pruning),
        cmocka_unit_test(both_are_told_at_once),
        cmocka_unit_test(a_long_list_says_how_many_it_leaves_out),
        cmocka_unit_test(a_stale_view_says_what_changed),
        cmocka_unit_test(a_long_reason_is_cut_between_characters),
        cmocka_unit_test(views_that_have_become_stale_are_marked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
