/* Mistakes in definitions: each is told with its place and what to do, all in one run. */
#include "definitions_text.h"

#include "base/buffer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define PROJECT "project: p\n"
#define ENTITY "entities: [{name: user, join_keys: {user_id: int64}}]\n"
#define SOURCE "sources: [{name: clicks, table: clicks, event_time: at}]\n"
#define BASE PROJECT ENTITY SOURCE
#define VIEW                                                                                       \
    BASE "feature_views: [{name: stats, entities: [user], source: clicks, features: [{name: n, "   \
         "type: int64}, {name: m, type: int64}]}]\n"

static void every_mistake_of_a_file_is_told_in_one_run(void **state)
{
    (void)state;
    static const struct mistake mistakes[] = {
        {"several at once",
         PROJECT "entities:\n"
                 "  - name: Airport\n"
                 "    join_keys: {origin: text}\n"
                 "sources:\n"
                 "  - name: weather\n"
                 "    tabel: weather\n"
                 "feature_views:\n"
                 "  - name: v\n"
                 "    entities: [airport]\n"
                 "    source: weather\n"
                 "    ttl: 6 hours\n"
                 "    features:\n"
                 "      - {name: wind, type: float}\n",
         "3:11: \"Airport\" is no name: use a-z, 0-9 and _, beginning with a letter: did you mean "
         "\"airport\"?\n"
         "4:25: \"text\" is no type: did you mean \"string\"?\n"
         "6:5: a source needs \"event_time\"\n"
         "6:5: a source needs \"table\" or \"query\"\n"
         "7:5: unknown key \"tabel\" in a source: did you mean \"table\"?\n"
         "12:10: \"ttl\" must be a time such as 90s, 15m, 6h, 7d, 2w or 0, not \"6 hours\"\n"
         "14:28: \"float\" is no type: did you mean \"float64\"?"},
    };
    check_mistakes(mistakes, COUNT_OF(mistakes), mistakes_of);
}

static void mistakes_in_a_document_are_told(void **state)
{
    (void)state;
    static const struct mistake mistakes[] = {
        {"no project", "entities: []\n",
         "0:0: the project has no name: add a line such as \"project: flights\""},
        {"an empty text names no project", "",
         "0:0: the project has no name: add a line such as \"project: flights\""},
        {"unknown key at the top", PROJECT "entites: []\n",
         "2:1: unknown key \"entites\" in a file of definitions: did you mean \"entities\"?"},
        {"unknown key far from all others", PROJECT "zebra: 1\n",
         "2:1: unknown key \"zebra\" in a file of definitions: it may hold project, entities, "
         "sources, feature_views and feature_services"},
        {"settings among definitions", PROJECT "online_store: {type: redis}\n",
         "2:1: \"online_store\" does not belong here: it stands in larder.yaml"},
        {"a list for a document", "- project: p\n",
         "1:1: a file of definitions must be a mapping, not a list"},
        {"a text for a document", "hello\n",
         "1:1: a file of definitions must be a mapping, not a text"},
        {"a mapping for a list", PROJECT "entities: {name: a}\n",
         "2:11: \"entities\" must be a list, not a mapping"},
        {"a text for an object", PROJECT "entities: [user]\n",
         "2:12: an entity must be a mapping, not a text"},
        {"a name that is a number", "project: 12\n",
         "1:10: \"12\" is no name: use a-z, 0-9 and _, beginning with a letter"},
        {"a name that is too long",
         "project: a23456789012345678901234567890123456789012345678901234567890abcd\n",
         "1:10: \"a23456789012345678901234567890123456789012345678901234567890abcd\" is no name: "
         "it is longer than 63"},
        {"a name that is a bool", "project: true\n",
         "1:10: \"project\" must be a name: put true in quotes"},
        {"a name that is nothing", "project:\n", "1:9: \"project\" must be a name, not nothing"},
        {"merge keys", PROJECT "sources:\n  - <<: {name: a}\n",
         "3:5: a source needs \"event_time\"\n"
         "3:5: a source needs \"name\"\n"
         "3:5: a source needs \"table\" or \"query\"\n"
         "3:5: merge keys (<<) are not read here: give each value an anchor instead"},
    };
    check_mistakes(mistakes, COUNT_OF(mistakes), mistakes_of);
}

static void mistakes_in_entities_are_told(void **state)
{
    (void)state;
    static const struct mistake mistakes[] = {
        {"without keys", PROJECT "entities:\n  - name: a\n", "3:5: an entity needs \"join_keys\""},
        {"with an empty mapping of keys", PROJECT "entities: [{name: a, join_keys: {}}]\n",
         "2:33: \"join_keys\" is empty: an entity needs at least one, such as {driver_id: int64}"},
        {"with a list of keys", PROJECT "entities: [{name: a, join_keys: [k]}]\n",
         "2:33: \"join_keys\" must be a mapping such as {driver_id: int64}, not a list"},
        {"with a float key", PROJECT "entities: [{name: a, join_keys: {k: float64}}]\n",
         "2:37: a join key cannot be float64: use string, int32, int64, bool, timestamp or bytes"},
        {"with a list key", PROJECT "entities: [{name: a, join_keys: {k: list<int64>}}]\n",
         "2:37: a join key cannot be list<int64>: use string, int32, int64, bool, timestamp or "
         "bytes"},
        {"with a key that asking rows need",
         PROJECT "entities: [{name: a, join_keys: {event_timestamp: int64}}]\n",
         "2:34: a join key cannot be called \"event_timestamp\": that column of the asking rows "
         "holds their time"},
        {"two of one name",
         PROJECT "entities:\n  - {name: a, join_keys: {k: int64}}\n  - {name: a, join_keys: {j: "
                 "int64}}\n",
         "4:12: two entities are called \"a\"; the other is at test.yaml:3:12"},
        {"a tag that is a list",
         PROJECT "entities: [{name: a, tags: {t: [1]}, join_keys: {k: int64}}]\n",
         "2:32: the tag \"t\" must be a text, not a list"},
        {"a list for a text",
         PROJECT "entities: [{name: a, description: [x], join_keys: {k: int64}}]\n",
         "2:35: \"description\" must be a text, not a list"},
    };
    check_mistakes(mistakes, COUNT_OF(mistakes), mistakes_of);
}

static void mistakes_in_sources_are_told(void **state)
{
    (void)state;
    static const struct mistake mistakes[] = {
        {"without event time", PROJECT "sources: [{name: s, table: t}]\n",
         "2:11: a source needs \"event_time\""},
        {"with table and query",
         PROJECT "sources: [{name: s, table: t, query: SELECT 1, event_time: at}]\n",
         "2:38: a source has a table or a query, not both: leave one out"},
        {"with neither", PROJECT "sources: [{name: s, event_time: at}]\n",
         "2:11: a source needs \"table\" or \"query\""},
        {"with a query that changes things",
         PROJECT "sources: [{name: s, query: DELETE FROM t, event_time: at}]\n",
         "2:28: \"query\" must begin with SELECT or WITH"},
        {"with two statements",
         PROJECT "sources: [{name: s, query: SELECT 1; SELECT 2, event_time: at}]\n",
         "2:28: \"query\" must be one statement, without a semicolon"},
        {"with three parts of a table's name",
         PROJECT "sources: [{name: s, table: a.b.c, event_time: at}]\n",
         "2:28: \"table\" must be table or schema.table: PostgreSQL reads from one database alone"},
        {"with an unknown policy",
         PROJECT "sources: [{name: s, table: t, event_time: at, misfits: skip}]\n",
         "2:56: \"misfits\" must be stop or as_null, not \"skip\""},
        {"with a wrong lookback",
         PROJECT "sources: [{name: s, table: t, event_time: at, lookback: -1h}]\n",
         "2:57: \"lookback\" must be a time such as 90s, 15m, 6h, 7d, 2w or 0, not \"-1h\""},
        {"with a column that has no name",
         PROJECT "sources: [{name: s, table: t, event_time: \"\"}]\n",
         "2:43: \"event_time\" must be a column's name, of 1 to 63 bytes"},
        {"with a field that nothing reads",
         PROJECT ENTITY
         "sources: [{name: clicks, table: t, event_time: at, fields: {m: b, nn: x}}]\n"
         "feature_views: [{name: v, entities: [user], source: clicks, features: [{name: n, type: "
         "int64}]}]\n",
         "3:61: no view on this source has a feature or join key called \"m\"\n"
         "3:67: no view on this source has a feature or join key called \"nn\": did you mean "
         "\"n\"?"},
    };
    check_mistakes(mistakes, COUNT_OF(mistakes), mistakes_of);
}

static void mistakes_in_feature_views_are_told(void **state)
{
    (void)state;
    static const struct mistake mistakes[] = {
        {"naming an entity and a source that are not there",
         BASE "feature_views:\n  - {name: v, entities: [usr], source: click, features: [{name: n, "
              "type: int64}]}\n",
         "5:26: no entity is called \"usr\": did you mean \"user\"?\n"
         "5:40: no source is called \"click\": did you mean \"clicks\"?"},
        {"naming an entity twice",
         BASE "feature_views:\n  - {name: v, entities: [user, user], source: clicks, features: "
              "[{name: n, type: int64}]}\n",
         "5:32: the entity \"user\" stands here twice"},
        {"two of one name",
         VIEW "feature_services: [{name: s, features: [stats]}, {name: s, features: [stats]}]\n",
         "5:57: two feature services are called \"s\"; the other is at test.yaml:5:27"},
        {"without features",
         BASE "feature_views: [{name: v, entities: [user], source: clicks, features: []}]\n",
         "4:71: \"features\" is an empty list: it needs features such as {name: wind, type: "
         "float64}"},
        {"with a mapping of features",
         BASE "feature_views: [{name: v, entities: [user], source: clicks, features: {n: "
              "int64}}]\n",
         "4:71: \"features\" must be a list of features such as {name: wind, type: float64}, not "
         "a mapping"},
        {"with features that are texts",
         BASE "feature_views: [{name: v, entities: [user], source: clicks, features: [n]}]\n",
         "4:72: a feature needs its type: write {name: n, type: float64}"},
        {"with one feature twice",
         BASE "feature_views:\n  - name: v\n    entities: [user]\n    source: clicks\n    "
              "features:\n      - {name: n, type: int64}\n      - {name: n, type: string}\n",
         "10:16: the feature \"n\" stands here twice; the other is at test.yaml:9:16"},
        {"with one feature twice, which a service then asks for",
         BASE "feature_views:\n  - name: v\n    entities: [user]\n    source: clicks\n    "
              "features:\n      - {name: n, type: int64}\n      - {name: n, type: int64}\n"
              "feature_services: [{name: s, features: [v]}]\n",
         "10:16: the feature \"n\" stands here twice; the other is at test.yaml:9:16"},
        {"with a feature called like its key",
         BASE "feature_views:\n  - {name: v, entities: [user], source: clicks, features: [{name: "
              "user_id, type: int64}]}\n",
         "5:67: the feature \"user_id\" is called like a join key of its view: give it another "
         "name, and its column under the source's \"fields\""},
        {"with a feature called like the time",
         BASE "feature_views:\n  - {name: v, entities: [user], source: clicks, features: [{name: "
              "event_timestamp, type: int64}]}\n",
         "5:67: a feature cannot be called \"event_timestamp\": that column of the asking rows "
         "holds their time"},
        {"with online as a text",
         BASE "feature_views:\n  - {name: v, online: yes, entities: [user], source: clicks, "
              "features: [{name: n, type: int64}]}\n",
         "5:23: \"online\" must be true or false, not \"yes\""},
        {"with two entities that give one key two types",
         PROJECT
         "entities: [{name: a, join_keys: {k: int64}}, {name: b, join_keys: {k: string}}]\n" SOURCE
         "feature_views:\n  - {name: v, entities: [a, b], source: clicks, features: "
         "[{name: n, type: int64}]}\n",
         "5:26: the join key \"k\" is int64 in the entity \"a\" but string in \"b\""},
        {"with a type far from all others",
         BASE "feature_views:\n  - {name: v, entities: [user], source: clicks, features: [{name: "
              "n, type: quaternion}]}\n",
         "5:76: \"quaternion\" is no type: types are bool, int32, int64, float32, float64, string, "
         "bytes and timestamp, and list<...> of each"},
    };
    check_mistakes(mistakes, COUNT_OF(mistakes), mistakes_of);
}

static void mistakes_in_feature_services_are_told(void **state)
{
    (void)state;
    static const struct mistake mistakes[] = {
        {"naming a view that is not there",
         VIEW "feature_services: [{name: s, features: [statz]}]\n",
         "5:41: no feature view is called \"statz\": did you mean \"stats\"?"},
        {"naming a feature that is not there",
         VIEW "feature_services: [{name: s, features: [{stats: [nn]}]}]\n",
         "5:50: no feature of \"stats\" is called \"nn\": did you mean \"n\"?"},
        {"naming no features", VIEW "feature_services: [{name: s, features: [{stats: []}]}]\n",
         "5:49: \"features\" is an empty list: it needs features' names"},
        {"without items", VIEW "feature_services: [{name: s, features: []}]\n",
         "5:40: \"features\" is an empty list: it needs feature views"},
        {"an item that is no item", VIEW "feature_services: [{name: s, features: [{stats: n}]}]\n",
         "5:41: this is no item of a feature service: write \"- view\", \"- view: [feature, "
         "...]\" or \"- {view: ..., features: [...], as: ..., keys: {...}}\""},
        {"an item with an unknown key",
         VIEW "feature_services: [{name: s, features: [{view: stats, alias: x}]}]\n",
         "5:55: unknown key \"alias\" in an item of a feature service: it may hold view, features, "
         "as and keys"},
        {"an alias that is no name",
         VIEW "feature_services: [{name: s, features: [{view: stats, as: my stats}]}]\n",
         "5:59: \"my stats\" is no name: use a-z, 0-9 and _, beginning with a letter: did you "
         "mean \"my_stats\"?"},
        {"keys that the view lacks",
         VIEW "feature_services: [{name: s, features: [{view: stats, as: x, keys: {userid: "
              "other}}]}]\n",
         "5:69: no join key of \"stats\" is called \"userid\": did you mean \"user_id\"?"},
        {"keys taken from the time of asking",
         VIEW "feature_services: [{name: s, features: [{view: stats, keys: {user_id: "
              "event_timestamp}}]}]\n",
         "5:71: \"event_timestamp\" holds the time of the asking rows and cannot stand for a join "
         "key"},
        {"features that collide",
         VIEW "feature_services:\n  - name: s\n    features:\n      - stats\n      - stats: [n]\n",
         "9:9: the column \"n\" would come twice, from \"stats\" and from \"stats\": rename a use "
         "with \"as\"; the other is at test.yaml:8:9"},
        {"aliases that collide",
         VIEW "feature_services:\n  - name: s\n    features:\n      - {view: stats, features: "
              "[n], as: x}\n      - {view: stats, features: [m], as: x}\n",
         "9:9: two uses of views are called \"x\": give one another name with \"as\"; the other is "
         "at test.yaml:8:9"},
    };
    check_mistakes(mistakes, COUNT_OF(mistakes), mistakes_of);
}

#define TWO_VIEWS(key_a, key_b, feature_a, feature_b)                                              \
    PROJECT "entities: [{name: a, join_keys: {" key_a "}}, {name: b, join_keys: {" key_b           \
            "}}]\n" SOURCE "feature_views:\n  - {name: va, entities: [a], source: clicks, "        \
            "features: [{name: " feature_a                                                         \
            ", type: int64}]}\n  - {name: vb, entities: [b], source: clicks, features: "           \
            "[{name: " feature_b ", type: int64}]}\n"                                              \
            "feature_services:\n  - name: s\n    features:\n      - va\n      - vb\n"

static void colliding_columns_of_a_service_are_refused(void **state)
{
    (void)state;
    static const struct mistake mistakes[] = {
        {"one feature name in two views", TWO_VIEWS("k: int64", "k: int64", "f", "f"),
         "11:9: the column \"f\" would come twice, from \"va\" and from \"vb\": rename a use with "
         "\"as\"; the other is at test.yaml:10:9"},
        {"int32 and int64 keys go together", TWO_VIEWS("k: int32", "k: int64", "f", "g"), ""},
        {"one asking column of two types", TWO_VIEWS("k: string", "k: int64", "f", "g"),
         "11:9: the asking column \"k\" would have to be int64 here, but is string above: map one "
         "with \"keys\""},
        {"a feature called like another view's key", TWO_VIEWS("k: int64", "f: int64", "f", "g"),
         "10:9: the column \"f\" is called like a join key that this service asks for: rename the "
         "use with \"as\""},
        {"a feature called like an added status",
         TWO_VIEWS("k: int64", "k: int64", "f", "f__status"),
         "10:9: the column \"f__status\" collides with what training sets add beside \"f\": rename "
         "a use with \"as\""},
        {"a key called like an added event time",
         TWO_VIEWS("k: int64", "f__event_time: int64", "f", "g"),
         "10:9: the column \"f__event_time\" collides with what training sets add beside \"f\": "
         "rename a use with \"as\""},
        {"an alias whose column is another's name",
         TWO_VIEWS("k: int64", "k: int64", "f", "x__f") "      - {view: va, as: x}\n",
         "12:9: the column \"x__f\" would come twice, from \"vb\" and from \"x\": rename a use "
         "with \"as\"; the other is at test.yaml:11:9"},
    };
    check_mistakes(mistakes, COUNT_OF(mistakes), mistakes_of);
}

static void what_a_broken_part_may_hold_is_not_called_unknown(void **state)
{
    (void)state;
    static const struct mistake mistakes[] = {
        {"the view is there, under a wrong key",
         BASE "feature_view: [{name: v, entities: [user], source: clicks, features: [{name: n, "
              "type: int64}]}]\n"
              "feature_services: [{name: s, features: [v]}]\n",
         "4:1: unknown key \"feature_view\" in a file of definitions: did you mean "
         "\"feature_views\"?"},
        {"the view is there, under a wrong name",
         BASE "feature_views: [{name: V, entities: [user], source: clicks, features: [{name: n, "
              "type: int64}]}]\n"
              "feature_services: [{name: s, features: [v]}]\n",
         "4:24: \"V\" is no name: use a-z, 0-9 and _, beginning with a letter: did you mean "
         "\"v\"?"},
        {"the feature is there, under a wrong name",
         BASE "feature_views: [{name: v, entities: [user], source: clicks, features: [{name: N, "
              "type: int64}, {name: m, type: bool}]}]\n"
              "feature_services: [{name: s, features: [v: [n]]}]\n",
         "4:79: \"N\" is no name: use a-z, 0-9 and _, beginning with a letter: did you mean "
         "\"n\"?"},
        {"the key is there, under a wrong name",
         PROJECT "entities: [{name: user, join_keys: {User: int64}}]\n" SOURCE
                 "feature_views: [{name: v, entities: [user], source: clicks, features: [{name: n, "
                 "type: int64}]}]\n"
                 "feature_services: [{name: s, features: [{view: v, keys: {user: other}}]}]\n",
         "2:37: \"User\" is no name: use a-z, 0-9 and _, beginning with a letter: did you mean "
         "\"user\"?"},
        {"another kind is whole, and its unknown names are told",
         PROJECT "entities: [{name: User, join_keys: {k: int64}}]\n" SOURCE
                 "feature_views: [{name: v, entities: [user], source: click, features: [{name: n, "
                 "type: int64}]}]\n"
                 "feature_services: [{name: s, features: [w]}]\n",
         "2:19: \"User\" is no name: use a-z, 0-9 and _, beginning with a letter: did you mean "
         "\"user\"?\n"
         "4:53: no source is called \"click\": did you mean \"clicks\"?\n"
         "5:41: no feature view is called \"w\""},
    };
    check_mistakes(mistakes, COUNT_OF(mistakes), mistakes_of);
}

static void after_a_hundred_problems_one_says_that_there_are_more(void **state)
{
    (void)state;
    struct arena arena;
    struct buffer yaml;
    arena_init(&arena, 0);
    buffer_init(&yaml, 0);
    buffer_append_text(&yaml, "project: p\nentities:\n");
    for (int i = 0; i < 5000; i++)
        buffer_append_text(&yaml, "  - {nam: x}\n");
    buffer_append_byte(&yaml, 0);
    const char *text = mistakes_of((const char *)yaml.data, &arena);
    size_t lines = 1;
    for (const char *c = text; *c; c++)
        lines += *c == '\n';
    assert_int_equal(lines, PROBLEMS_MAX + 1);
    assert_non_null(strstr(text, "\n0:0: there are more problems: correct these first"));
    buffer_release(&yaml);
    arena_release(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_mistake_of_a_file_is_told_in_one_run),
        cmocka_unit_test(mistakes_in_a_document_are_told),
        cmocka_unit_test(mistakes_in_entities_are_told),
        cmocka_unit_test(mistakes_in_sources_are_told),
        cmocka_unit_test(mistakes_in_feature_views_are_told),
        cmocka_unit_test(mistakes_in_feature_services_are_told),
        cmocka_unit_test(colliding_columns_of_a_service_are_refused),
        cmocka_unit_test(what_a_broken_part_may_hold_is_not_called_unknown),
        cmocka_unit_test(after_a_hundred_problems_one_says_that_there_are_more),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
