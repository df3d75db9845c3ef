/* shop.c - see shop.h. */
#include "tests/support/shop.h"

#include "config/repository.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

static const char *const popularity = "  - {name: popularity, entities: [item], source: orders,"
                                      " features: [{name: sales, type: int64}]}\n";
static const char *const usual_features = "total: float64, visits: int64";

const struct definitions *definitions_of(struct arena *arena, const char *yaml)
{
    struct definitions *definitions = arena_zero(arena, sizeof *definitions);
    struct problems problems;
    problems_init(&problems, arena);
    if (definitions_read_yaml("test.yaml", bytes_of_text(yaml), arena, definitions, &problems))
        fail_msg("%s", problems.count ? problems.items[0].text : "no problem is told");
    return definitions;
}

/* "a: int64, b: string" as a list of features in YAML. */
static const char *feature_list(struct arena *arena, const char *features)
{
    char *list = arena_printf(arena, "%s", "");
    char *rest = arena_text(arena, features);
    for (char *each = strtok_r(rest, ",", &rest); each; each = strtok_r(NULL, ",", &rest)) {
        char *colon = strchr(each, ':');
        assert_non_null(colon);
        *colon = '\0';
        list = arena_printf(arena, "%s%s{name: %s, type:%s}", list, *list ? ", " : "",
                            each + strspn(each, " "), colon + 1);
    }
    return list;
}

static const struct definitions *build(struct arena *arena, const char *project, const char *table,
                                       const char *spending_features, const char *more_views)
{
    return definitions_of(
        arena, arena_printf(arena,
                            "project: %s\n"
                            "entities:\n"
                            "  - {name: customer, join_keys: {customer: int64}}\n"
                            "  - {name: item, join_keys: {item: string}}\n"
                            "sources:\n"
                            "  - {name: orders, table: %s, event_time: at}\n"
                            "feature_views:\n"
                            "  - {name: spending, entities: [customer], source: orders, ttl: 7d,"
                            " features: [%s]}\n"
                            "%s"
                            "feature_services:\n"
                            "  - {name: offers, features: [spending]}\n",
                            project, table, feature_list(arena, spending_features), more_views));
}

const struct definitions *shop(struct arena *arena)
{
    return build(arena, "shop", "orders", usual_features, popularity);
}

const struct definitions *shop_from(struct arena *arena, const char *table)
{
    return build(arena, "shop", table, usual_features, popularity);
}

const struct definitions *shop_with(struct arena *arena, const char *spending_features)
{
    return build(arena, "shop", "orders", spending_features, popularity);
}

const struct definitions *small_shop(struct arena *arena)
{
    return build(arena, "shop", "orders", usual_features, "");
}

const struct definitions *shop_named(struct arena *arena, const char *project)
{
    return build(arena, project, "orders", usual_features, popularity);
}
