/* What changes between two sets of definitions, and what follows from it for stored rows. */
#include "config/difference.h"
#include "definitions_text.h"
#include "random_definitions.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* One of everything; each part can be replaced. */
struct parts {
    const char *keys, *source, *fields, *view, *features, *items;
};

static const struct parts plain = {
    .keys = "user_id: int64",
    .source = "table: clicks, event_time: at",
    .fields = "n: n",
    .view = "ttl: 6h",
    .features = "{name: n, type: int64}, {name: m, type: string}",
    .items = "stats",
};

static struct definitions make(const struct parts *parts, struct arena *arena)
{
    return definitions_of(
        arena_printf(arena,
                     "project: p\n"
                     "entities: [{name: user, join_keys: {%s}}]\n"
                     "sources: [{name: clicks, %s, fields: {%s}}]\n"
                     "feature_views: [{name: stats, entities: [user], source: clicks, %s, "
                     "features: [%s]}]\n"
                     "feature_services: [{name: model, features: [%s]}]\n",
                     parts->keys, parts->source, parts->fields, parts->view, parts->features,
                     parts->items),
        arena);
}

/* "~ feature view stats [schema stale replace: why]: detail; detail", a line for each change. */
static const char *difference_text(struct difference difference, struct arena *arena)
{
    static const char signs[] = {'+', '-', '~'};
    const char *text = "";
    for (size_t i = 0; i < difference.change_count; i++) {
        const struct change *change = &difference.changes[i];
        text = arena_printf(
            arena, "%s%c %s %s%s%s%s%s%s", text, signs[change->kind],
            object_kind_name(change->object), change->name, change->schema_changed ? " SCHEMA" : "",
            change->becomes_stale ? " STALE" : "", change->rebuilds ? " REBUILT" : "",
            change->needs_replace ? " REPLACE: " : "",
            change->needs_replace ? change->needs_replace : "");
        for (size_t j = 0; j < change->detail_count; j++)
            text = arena_printf(arena, "%s | %s", text, change->details[j]);
        text = arena_printf(arena, "%s\n", text);
    }
    return text;
}

static void check(struct parts after, const char *expected)
{
    struct arena arena;
    arena_init(&arena, 0);
    struct definitions a = make(&plain, &arena), b = make(&after, &arena);
    assert_string_equal(difference_text(definitions_difference(&a, &b, &arena), &arena), expected);
    arena_release(&arena);
}

static void nothing_changes_between_equal_definitions(void **state)
{
    (void)state;
    check(plain, "");
    for (uint32_t seed = 0; seed < 50; seed++) {
        struct arena arena;
        arena_init(&arena, 0);
        const char *yaml = random_definitions(seed, &arena);
        struct definitions a = definitions_of(yaml, &arena), b = definitions_of(yaml, &arena);
        assert_int_equal(definitions_difference(&a, &b, &arena).change_count, 0);
        arena_release(&arena);
    }
}

static void any_two_definitions_differ_both_ways_alike(void **state)
{
    (void)state;
    for (uint32_t seed = 0; seed < 100; seed++) {
        struct arena arena;
        arena_init(&arena, 0);
        struct definitions a = definitions_of(random_definitions(seed, &arena), &arena);
        struct definitions b = definitions_of(random_definitions(seed + 1, &arena), &arena);
        struct difference there = definitions_difference(&a, &b, &arena);
        struct difference back = definitions_difference(&b, &a, &arena);
        assert_int_equal(there.change_count, back.change_count);
        for (size_t i = 0; i < there.change_count; i++) {
            assert_string_equal(there.changes[i].name, back.changes[i].name);
            assert_int_equal(there.changes[i].kind == CHANGE_ADDED,
                             back.changes[i].kind == CHANGE_REMOVED);
            assert_int_equal(there.changes[i].kind == CHANGE_ALTERED,
                             there.changes[i].detail_count > 0);
        }
        arena_release(&arena);
    }
}

static void from_nothing_all_is_added_and_to_nothing_removed(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 0);
    struct definitions a = make(&plain, &arena), empty = {.project = "p"};
    assert_string_equal(difference_text(definitions_difference(NULL, &a, &arena), &arena),
                        "+ entity user\n+ source clicks\n+ feature view stats\n"
                        "+ feature service model\n");
    assert_string_equal(difference_text(definitions_difference(&a, &empty, &arena), &arena),
                        "- entity user\n- source clicks\n- feature view stats\n"
                        "- feature service model\n");
    assert_int_equal(definitions_difference(NULL, NULL, &arena).change_count, 0);
    arena_release(&arena);
}

static struct parts with_view(const char *view)
{
    struct parts parts = plain;
    parts.view = view;
    return parts;
}

static struct parts with_features(const char *features)
{
    struct parts parts = plain;
    parts.features = features;
    return parts;
}

static struct parts with_source(const char *source, const char *fields)
{
    struct parts parts = plain;
    parts.source = source;
    parts.fields = fields;
    return parts;
}

static void a_shorter_ttl_is_not_stale_and_a_longer_one_is(void **state)
{
    (void)state;
    check(with_view("ttl: 1h"), "~ feature view stats | ttl: 6h -> 1h\n");
    check(with_view("ttl: 1w"), "~ feature view stats STALE | ttl: 6h -> 1w\n");
    check(with_view("ttl: 0"), "~ feature view stats STALE | ttl: 6h -> none\n");
}

static void a_ttl_where_there_was_none_is_not_stale(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 0);
    struct parts endless = with_view("ttl: 0");
    struct definitions a = make(&endless, &arena), b = make(&plain, &arena);
    assert_string_equal(difference_text(definitions_difference(&a, &b, &arena), &arena),
                        "~ feature view stats | ttl: none -> 6h\n");
    arena_release(&arena);
}

static void a_view_that_gains_a_feature_is_stale(void **state)
{
    (void)state;
    check(with_features("{name: n, type: int64}, {name: m, type: string}, {name: o, type: bool}"),
          "~ feature view stats SCHEMA STALE | + feature o bool\n");
}

static void a_view_that_loses_a_feature_has_another_schema_and_is_not_stale(void **state)
{
    (void)state;
    check(with_features("{name: n, type: int64}"),
          "~ feature view stats SCHEMA | - feature m string\n");
}

static void features_in_another_order_are_another_schema(void **state)
{
    (void)state;
    check(with_features("{name: m, type: string}, {name: n, type: int64}"),
          "~ feature view stats SCHEMA | features: in another order\n");
}

static void a_feature_of_another_type_needs_replace(void **state)
{
    (void)state;
    check(with_features("{name: n, type: float64}, {name: m, type: string}"),
          "~ feature view stats SCHEMA REPLACE: the type of its feature n changes from int64 to "
          "float64 | ~ feature n: int64 -> float64\n");
}

static void what_describes_a_feature_changes_no_row(void **state)
{
    (void)state;
    check(with_features("{name: n, type: int64, description: clicks, tags: {unit: one}}, {name: m, "
                        "type: string}"),
          "~ feature view stats | feature n: description: none -> clicks | feature n: tag unit: "
          "none -> one\n");
}

static void other_keys_need_replace_in_all_views_of_the_entity(void **state)
{
    (void)state;
    struct parts parts = plain;
    parts.keys = "user_id: string";
    check(parts, "~ entity user | join keys: user_id int64 -> user_id string\n"
                 "~ feature view stats REPLACE: its join keys change from user_id int64 to user_id "
                 "string | join keys: user_id int64 -> user_id string\n");
}

static void another_source_of_the_rows_makes_its_views_stale(void **state)
{
    (void)state;
    check(with_source("table: visits, event_time: at", "n: n"),
          "~ source clicks | table: clicks -> visits\n"
          "~ feature view stats STALE REBUILT | its source clicks\n");
    check(with_source("query: SELECT 1, event_time: at", "n: n"),
          "~ source clicks | table: clicks -> none | query: none -> SELECT 1\n"
          "~ feature view stats STALE REBUILT | its source clicks\n");
    check(with_source("table: clicks, event_time: happened", "n: n"),
          "~ source clicks | event_time: at -> happened\n"
          "~ feature view stats STALE REBUILT | its source clicks\n");
    check(with_source("table: clicks, event_time: at, created_time: known", "n: n"),
          "~ source clicks | created_time: none -> known\n"
          "~ feature view stats STALE REBUILT | its source clicks\n");
    check(with_source("table: clicks, event_time: at, misfits: as_null", "n: n"),
          "~ source clicks | misfits: stop -> as_null\n"
          "~ feature view stats STALE REBUILT | its source clicks\n");
    check(with_source("table: clicks, event_time: at", "n: n, user_id: uid"),
          "~ source clicks | column of user_id: user_id -> uid\n"
          "~ feature view stats STALE REBUILT | its source clicks\n");
}

static void what_only_describes_a_source_leaves_its_views_alone(void **state)
{
    (void)state;
    check(with_source("table: clicks, event_time: at, lookback: 2h, owner: me", "n: n"),
          "~ source clicks | lookback: 1h -> 2h | owner: none -> me\n");
}

static void a_view_that_goes_online_is_stale_and_one_that_leaves_is_not(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 0);
    struct parts offline = with_view("ttl: 6h, online: false");
    struct definitions a = make(&plain, &arena), b = make(&offline, &arena);
    assert_string_equal(difference_text(definitions_difference(&a, &b, &arena), &arena),
                        "~ feature view stats | online: true -> false\n");
    assert_string_equal(difference_text(definitions_difference(&b, &a, &arena), &arena),
                        "~ feature view stats STALE REBUILT | online: false -> true\n");
    arena_release(&arena);
}

static void a_view_that_is_not_online_is_never_stale(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 0);
    struct parts short_lived = with_view("ttl: 1h, online: false");
    struct parts long_lived = with_view("ttl: 2h, online: false");
    struct definitions a = make(&short_lived, &arena), b = make(&long_lived, &arena);
    assert_string_equal(difference_text(definitions_difference(&a, &b, &arena), &arena),
                        "~ feature view stats | ttl: 1h -> 2h\n");
    arena_release(&arena);
}

static void services_say_which_items_come_and_go(void **state)
{
    (void)state;
    struct parts parts = plain;
    parts.items = "{stats: [m]}, {view: stats, as: other, keys: {user_id: friend}}";
    check(parts,
          "~ feature service model | - stats | + stats: [m] | + stats as other, user_id from "
          "friend\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_changes_between_equal_definitions),
        cmocka_unit_test(any_two_definitions_differ_both_ways_alike),
        cmocka_unit_test(from_nothing_all_is_added_and_to_nothing_removed),
        cmocka_unit_test(a_shorter_ttl_is_not_stale_and_a_longer_one_is),
        cmocka_unit_test(a_ttl_where_there_was_none_is_not_stale),
        cmocka_unit_test(a_view_that_gains_a_feature_is_stale),
        cmocka_unit_test(a_view_that_loses_a_feature_has_another_schema_and_is_not_stale),
        cmocka_unit_test(features_in_another_order_are_another_schema),
        cmocka_unit_test(a_feature_of_another_type_needs_replace),
        cmocka_unit_test(what_describes_a_feature_changes_no_row),
        cmocka_unit_test(other_keys_need_replace_in_all_views_of_the_entity),
        cmocka_unit_test(another_source_of_the_rows_makes_its_views_stale),
        cmocka_unit_test(what_only_describes_a_source_leaves_its_views_alone),
        cmocka_unit_test(a_view_that_goes_online_is_stale_and_one_that_leaves_is_not),
        cmocka_unit_test(a_view_that_is_not_online_is_never_stale),
        cmocka_unit_test(services_say_which_items_come_and_go),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
