/* What definitions hold once they are read. */
#include "definitions_text.h"

#include "base/value.h"
#include "config/repository.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define HOUR_US INT64_C(3600000000)

static const char flights[] =
    "project: flights\n"
    "feature_services:\n"
    "  - name: delay_model\n"
    "    features:\n"
    "      - airport_weather\n"
    "      - carrier_delays: [departures, mean_delay]\n"
    "      - {view: airport_weather, features: [wind], as: dest_weather, keys: {origin: dest}}\n"
    "entities:\n"
    "  - {name: carrier, join_keys: {carrier: int32}}\n"
    "  - name: airport\n"
    "    join_keys: {origin: string, country: string}\n"
    "    description: where a flight leaves\n"
    "sources:\n"
    "  - name: hourly_weather\n"
    "    table: public.weather\n"
    "    event_time: observed_at\n"
    "    created_time: recorded_at\n"
    "    fields: {wind: wind_speed, origin: iata}\n"
    "  - {name: delays, query: SELECT * FROM d, event_time: at, misfits: as_null, lookback: 2m}\n"
    "feature_views:\n"
    "  - name: carrier_delays\n"
    "    entities: [carrier]\n"
    "    source: delays\n"
    "    online: false\n"
    "    features:\n"
    "      - {name: mean_delay, type: float64}\n"
    "      - {name: departures, type: 'list<int64>'}\n"
    "  - name: airport_weather\n"
    "    entities: [carrier, airport]\n"
    "    source: hourly_weather\n"
    "    ttl: 6h\n"
    "    owner: weather@example.com\n"
    "    tags: {tier: gold, cost: 3}\n"
    "    features:\n"
    "      - {name: wind, type: float64, description: knots}\n"
    "      - {name: on, type: bool}\n";

struct fixture {
    struct arena arena;
    struct definitions definitions;
};

static int set_up(void **state)
{
    static struct fixture fixture;
    arena_init(&fixture.arena, 0);
    fixture.definitions = definitions_of(flights, &fixture.arena);
    *state = &fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    arena_release(&f->arena);
    return 0;
}

static void objects_are_sorted_and_found_by_name(void **state)
{
    struct fixture *f = *state;
    const struct definitions *d = &f->definitions;
    assert_string_equal(d->project, "flights");
    assert_int_equal(d->entity_count, 2);
    assert_string_equal(d->entities[0].about.name, "airport");
    assert_string_equal(d->entities[1].about.name, "carrier");
    assert_ptr_equal(definitions_entity(d, "carrier"), &d->entities[1]);
    assert_ptr_equal(definitions_source(d, "delays"), &d->sources[0]);
    assert_ptr_equal(definitions_view(d, "airport_weather"), &d->views[0]);
    assert_ptr_equal(definitions_service(d, "delay_model"), &d->services[0]);
    assert_null(definitions_view(d, "airport"));
    assert_null(definitions_service(d, ""));
}

static void objects_know_where_they_were_written(void **state)
{
    struct fixture *f = *state;
    struct place place = definitions_entity(&f->definitions, "airport")->about.place;
    assert_string_equal(place.file, "test.yaml");
    assert_int_equal(place.line, 10);
    assert_int_equal(place.column, 5);
}

static void a_view_has_the_keys_of_all_its_entities_by_name(void **state)
{
    struct fixture *f = *state;
    const struct feature_view *view = definitions_view(&f->definitions, "airport_weather");
    assert_int_equal(view->entity_count, 2);
    assert_string_equal(view->entities[0]->about.name, "carrier");
    assert_int_equal(view->key_count, 3);
    assert_string_equal(view->keys[0].name, "carrier");
    assert_int_equal(view->keys[0].type, TYPE_INT32);
    assert_string_equal(view->keys[1].name, "country");
    assert_string_equal(view->keys[2].name, "origin");
    assert_int_equal(view->keys[2].type, TYPE_STRING);
}

static void a_view_keeps_its_features_in_order_and_finds_them(void **state)
{
    struct fixture *f = *state;
    const struct feature_view *view = definitions_view(&f->definitions, "airport_weather");
    assert_int_equal(view->ttl_us, 6 * HOUR_US);
    assert_true(view->online);
    assert_string_equal(view->source->about.name, "hourly_weather");
    assert_string_equal(view->about.owner, "weather@example.com");
    assert_int_equal(view->about.tag_count, 2);
    assert_string_equal(view->about.tags[0].name, "cost");
    assert_string_equal(view->about.tags[0].value, "3");
    assert_int_equal(view->feature_count, 2);
    assert_string_equal(view->features[0].name, "wind");
    assert_string_equal(view->features[0].text, "knots");
    assert_int_equal(view->features[1].type, TYPE_BOOL);
    assert_int_equal(feature_view_find(view, "wind"), 0);
    assert_int_equal(feature_view_find(view, "on"), 1);
    assert_int_equal(feature_view_find(view, "off"), -1);
    view = definitions_view(&f->definitions, "carrier_delays");
    assert_int_equal(view->ttl_us, 0);
    assert_false(view->online);
    assert_int_equal(view->features[1].type, TYPE_INT64 | TYPE_LIST);
}

static void a_source_says_which_column_holds_a_name(void **state)
{
    struct fixture *f = *state;
    const struct source *weather = definitions_source(&f->definitions, "hourly_weather");
    assert_string_equal(weather->table, "public.weather");
    assert_null(weather->query);
    assert_string_equal(weather->event_time, "observed_at");
    assert_string_equal(weather->created_time, "recorded_at");
    assert_int_equal(weather->lookback_us, HOUR_US);
    assert_int_equal(weather->misfits, MISFITS_STOP);
    assert_string_equal(source_column(weather, "wind"), "wind_speed");
    assert_string_equal(source_column(weather, "origin"), "iata");
    assert_string_equal(source_column(weather, "visibility"), "visibility");
    const struct source *delays = definitions_source(&f->definitions, "delays");
    assert_string_equal(delays->query, "SELECT * FROM d");
    assert_null(delays->table);
    assert_null(delays->created_time);
    assert_int_equal(delays->lookback_us, HOUR_US / 30);
    assert_int_equal(delays->misfits, MISFITS_AS_NULL);
}

static void a_service_has_all_some_or_renamed_features(void **state)
{
    struct fixture *f = *state;
    const struct feature_service *service = definitions_service(&f->definitions, "delay_model");
    assert_int_equal(service->item_count, 3);
    const struct service_item *all = &service->items[0], *some = &service->items[1];
    const struct service_item *renamed = &service->items[2];
    assert_true(all->all_features);
    assert_int_equal(all->feature_count, 2);
    assert_int_equal(all->features[1], 1);
    assert_false(some->all_features);
    assert_int_equal(some->features[0], 1);
    assert_int_equal(some->features[1], 0);
    assert_ptr_equal(renamed->view, all->view);
    assert_string_equal(renamed->alias, "dest_weather");
    assert_int_equal(renamed->key_count, 1);
    assert_string_equal(renamed->keys[0].join_key, "origin");
    assert_string_equal(renamed->keys[0].from, "dest");
}

static void places_outlive_the_text_and_its_name(void **state)
{
    struct fixture *f = *state;
    char name[] = "gone.yaml", yaml[] = "project: p\nentities: [{name: a, join_keys: {k: bool}}]\n";
    struct problems problems;
    struct definitions definitions;
    problems_init(&problems, &f->arena);
    assert_int_equal(
        definitions_read_yaml(name, bytes_of_text(yaml), &f->arena, &definitions, &problems),
        STATUS_OK);
    memset(name, 'x', sizeof name - 1);
    memset(yaml, 'x', sizeof yaml - 1);
    assert_string_equal(definitions.entities[0].about.name, "a");
    assert_string_equal(definitions.entities[0].about.place.file, "gone.yaml");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(objects_are_sorted_and_found_by_name, set_up, tear_down),
        cmocka_unit_test_setup_teardown(objects_know_where_they_were_written, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_view_has_the_keys_of_all_its_entities_by_name, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_view_keeps_its_features_in_order_and_finds_them, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_source_says_which_column_holds_a_name, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_service_has_all_some_or_renamed_features, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(places_outlive_the_text_and_its_name, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
