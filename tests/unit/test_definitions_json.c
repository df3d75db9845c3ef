/* Definitions as JSON: nothing is lost, equal ones make equal bytes, and other JSON is refused. */
#include "config/definitions_json.h"
#include "definitions_text.h"
#include "random_definitions.h"

#include "config/definitions_copy.h"
#include "config/difference.h"
#include "config/node_json.h"

#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

static char *canonical(const struct definitions *definitions)
{
    json_t *json = definitions_to_json(definitions);
    char *text = json_dumps(json, JSON_SORT_KEYS | JSON_COMPACT);
    json_decref(json);
    return text;
}

static enum status read_text(const char *text, struct arena *arena, struct definitions *definitions,
                             struct error *err)
{
    const struct node *node = node_read_json(bytes_of_text(text), arena);
    assert_non_null(node);
    return definitions_from_node(node, arena, definitions, err);
}

static void definitions_survive_being_json(void **state)
{
    (void)state;
    for (uint32_t seed = 0; seed < 500; seed++) {
        struct arena arena;
        struct error err = {0};
        arena_init(&arena, 0);
        struct definitions before = definitions_of(random_definitions(seed, &arena), &arena), after;
        char *first = canonical(&before);
        if (read_text(first, &arena, &after, &err))
            fail_msg("%s: %s", err.message, first);
        char *second = canonical(&after);
        assert_string_equal(first, second);
        assert_int_equal(definitions_difference(&before, &after, &arena).change_count, 0);
        free(first);
        free(second);
        arena_release(&arena);
    }
}

static void a_copy_stands_by_itself(void **state)
{
    (void)state;
    for (uint32_t seed = 0; seed < 100; seed++) {
        struct arena arena, kept;
        arena_init(&arena, 0);
        arena_init(&kept, 0);
        struct definitions definitions = definitions_of(random_definitions(seed, &arena), &arena);
        char *before = canonical(&definitions);
        struct definitions copy = definitions_copy(&definitions, &kept);
        assert_int_equal(definitions_difference(&definitions, &copy, &arena).change_count, 0);
        for (size_t i = 0; i < copy.view_count; i++)
            assert_int_equal(feature_view_find(&copy.views[i], copy.views[i].features[0].name), 0);
        arena_release(&arena);
        char *after = canonical(&copy);
        assert_string_equal(before, after);
        free(before);
        free(after);
        arena_release(&kept);
    }
}

static void the_order_of_writing_leaves_the_bytes_alone(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 0);
    struct definitions one =
        definitions_of("project: p\nentities:\n  - {name: b, join_keys: {y: int64, x: bool}}\n"
                       "  - {join_keys: {k: bytes}, name: a, tags: {n: 1, m: 2}}\n",
                       &arena);
    struct definitions other =
        definitions_of("entities:\n  - {name: a, tags: {m: 2, n: '1'}, join_keys: {k: bytes}}\n"
                       "  - {name: b, join_keys: {x: bool, y: int64}}\nproject: p\n",
                       &arena);
    char *a = canonical(&one), *b = canonical(&other);
    assert_string_equal(a, b);
    free(a);
    free(b);
    arena_release(&arena);
}

static void the_shape_is_that_of_the_language(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 0);
    struct definitions definitions = definitions_of(
        "project: p\n"
        "entities: [{name: user, join_keys: {user_id: int64}}]\n"
        "sources: [{name: clicks, table: clicks, event_time: at}]\n"
        "feature_views: [{name: v, entities: [user], source: clicks, ttl: 90m, features: [{name: "
        "n, type: 'list< int64 >'}]}]\n"
        "feature_services: [{name: s, features: [v, {view: v, as: x, features: [n], keys: "
        "{user_id: other}}]}]\n",
        &arena);
    char *text = canonical(&definitions);
    assert_string_equal(
        text,
        "{\"entities\":[{\"join_keys\":{\"user_id\":\"int64\"},\"name\":\"user\"}],"
        "\"feature_services\":[{\"features\":[{\"view\":\"v\"},{\"as\":\"x\",\"features\":[\"n\"],"
        "\"keys\":{\"user_id\":\"other\"},\"view\":\"v\"}],\"name\":\"s\"}],"
        "\"feature_views\":[{\"entities\":[\"user\"],\"features\":[{\"name\":\"n\",\"type\":"
        "\"list<int64>\"}],\"name\":\"v\",\"online\":true,\"source\":\"clicks\",\"ttl\":\"90m\"}],"
        "\"project\":\"p\","
        "\"sources\":[{\"event_time\":\"at\",\"fields\":{},\"lookback\":\"1h\",\"misfits\":"
        "\"stop\",\"name\":\"clicks\",\"table\":\"clicks\"}]}");
    free(text);
    arena_release(&arena);
}

static void members_of_a_newer_program_are_ignored(void **state)
{
    (void)state;
    struct arena arena;
    struct definitions definitions;
    struct error err;
    arena_init(&arena, 0);
    assert_int_equal(
        read_text("{\"project\":\"p\",\"transformations\":[1],\"entities\":[{\"name\":\"a\","
                  "\"join_keys\":{\"k\":\"bool\"},\"color\":{\"deep\":[null,1.5]}}]}",
                  &arena, &definitions, &err),
        STATUS_OK);
    assert_int_equal(definitions.entity_count, 1);
    arena_release(&arena);
}

static void other_json_is_corrupt(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "{}",
        "[]",
        "{\"project\":1}",
        "{\"project\":\"P\"}",
        "{\"project\":\"p\",\"entities\":{}}",
        "{\"project\":\"p\",\"entities\":[1]}",
        "{\"project\":\"p\",\"entities\":[{\"name\":\"a\",\"join_keys\":{}}]}",
        "{\"project\":\"p\",\"entities\":[{\"name\":\"a\",\"join_keys\":{\"k\":\"float64\"}}]}",
        "{\"project\":\"p\",\"entities\":[{\"name\":\"a\",\"join_keys\":{\"k\":null}}]}",
        "{\"project\":\"p\",\"feature_services\":[{\"name\":\"s\",\"features\":[{\"view\":\"v\"}]}]"
        "}",
        /* An unknown member must not make an unknown name pass. */
        "{\"project\":\"p\",\"x\":1,\"feature_services\":[{\"name\":\"s\",\"features\":[{\"view\":"
        "\"v\"}]}]}",
    };
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        struct arena arena;
        struct definitions definitions;
        struct error err = {0};
        arena_init(&arena, 0);
        if (read_text(texts[i], &arena, &definitions, &err) != STATUS_CORRUPT)
            fail_msg("%s was read", texts[i]);
        assert_memory_equal(err.message, "stored definitions cannot be read: ", 35);
        assert_null(definitions.project);
        arena_release(&arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(definitions_survive_being_json),
        cmocka_unit_test(a_copy_stands_by_itself),
        cmocka_unit_test(the_order_of_writing_leaves_the_bytes_alone),
        cmocka_unit_test(the_shape_is_that_of_the_language),
        cmocka_unit_test(members_of_a_newer_program_are_ignored),
        cmocka_unit_test(other_json_is_corrupt),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
