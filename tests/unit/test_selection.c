/* What a service or a list of references asks for: columns, views and keys, in which order. */
#include "config/selection.h"
#include "definitions_text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const char flights[] =
    "project: flights\n"
    "entities:\n"
    "  - {name: airport, join_keys: {origin: string}}\n"
    "  - {name: flight, join_keys: {number: int64, carrier: string}}\n"
    "  - {name: old_flight, join_keys: {number: int32}}\n"
    "  - {name: odd_flight, join_keys: {number: string}}\n"
    "sources: [{name: s, table: t, event_time: at}]\n"
    "feature_views:\n"
    "  - {name: weather, entities: [airport], source: s, features: [{name: wind, type: float64}, "
    "{name: sight, type: int32}]}\n"
    "  - {name: delays, entities: [flight, airport], source: s, features: [{name: mean, type: "
    "float32}, {name: origin__x, type: bool}]}\n"
    "  - {name: ages, entities: [old_flight], source: s, features: [{name: age, type: int64}]}\n"
    "  - {name: odds, entities: [odd_flight], source: s, features: [{name: odd, type: int64}]}\n"
    "  - {name: gusts, entities: [airport], source: s, features: [{name: wind, type: int64}, "
    "{name: "
    "carrier, type: string}, {name: wind__status, type: bool}]}\n"
    "feature_services:\n"
    "  - name: model\n"
    "    features:\n"
    "      - weather: [sight]\n"
    "      - {view: weather, as: dest, keys: {origin: destination}}\n"
    "      - delays\n"
    "      - weather: [wind]\n"
    "      - ages\n";

struct fixture {
    struct arena arena;
    struct definitions definitions;
    struct selection selection;
    struct error err;
};

static int set_up(void **state)
{
    static struct fixture fixture;
    fixture = (struct fixture){0};
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

/* "keys | view(asked keys) ... | columns" */
static const char *selection_text(struct fixture *f)
{
    const struct selection *s = &f->selection;
    const char *text = "";
    for (size_t i = 0; i < s->key_count; i++)
        text =
            arena_printf(&f->arena, "%s%s:%s ", text, s->keys[i].name, type_name(s->keys[i].type));
    text = arena_printf(&f->arena, "%s|", text);
    for (size_t i = 0; i < s->view_count; i++) {
        text = arena_printf(&f->arena, "%s %s(", text,
                            s->views[i].alias ? s->views[i].alias : s->views[i].view->about.name);
        for (size_t j = 0; j < s->views[i].view->key_count; j++)
            text = arena_printf(&f->arena, "%s%s%s", text, j ? "," : "",
                                s->keys[s->views[i].asked_keys[j]].name);
        text = arena_printf(&f->arena, "%s)", text);
    }
    text = arena_printf(&f->arena, "%s |", text);
    for (size_t i = 0; i < s->feature_count; i++)
        text = arena_printf(&f->arena, "%s %s=%u.%u:%s", text, s->features[i].name,
                            s->features[i].view, s->features[i].feature,
                            type_name(s->features[i].type));
    return text;
}

static enum status ask(struct fixture *f, const char *list, bool full_names)
{
    struct bytes references[16];
    size_t count = 0;
    for (const char *at = list; *at; count++) {
        size_t size = strcspn(at, " ");
        references[count] = (struct bytes){at, size};
        at += size + (at[size] ? 1 : 0);
    }
    return selection_of_references(&f->definitions, references, count, full_names, &f->arena,
                                   &f->selection, &f->err);
}

static void check_ask(struct fixture *f, const char *list, bool full_names, const char *expected)
{
    if (ask(f, list, full_names))
        fail_msg("%s", f->err.message);
    assert_string_equal(selection_text(f), expected);
}

static void check_refused(struct fixture *f, const char *list, bool full_names, enum status status,
                          const char *message)
{
    assert_int_equal(ask(f, list, full_names), status);
    assert_string_equal(f->err.message, message);
    assert_int_equal(f->selection.feature_count, 0);
}

static void a_service_is_selected_in_its_order(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(
        selection_of_service(&f->definitions, "model", false, &f->arena, &f->selection, &f->err),
        STATUS_OK);
    assert_string_equal(selection_text(f),
                        "origin:string destination:string carrier:string number:int64 | "
                        "weather(origin) dest(destination) delays(carrier,number,origin) "
                        "ages(number) | sight=0.1:int32 dest__wind=1.0:float64 "
                        "dest__sight=1.1:int32 mean=2.0:float32 origin__x=2.1:bool "
                        "wind=0.0:float64 age=3.0:int64");
}

static void full_names_hold_the_view_or_its_alias(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(
        selection_of_service(&f->definitions, "model", true, &f->arena, &f->selection, &f->err),
        STATUS_OK);
    assert_string_equal(f->selection.features[0].name, "weather__sight");
    assert_string_equal(f->selection.features[1].name, "dest__wind");
    assert_string_equal(f->selection.features[3].name, "delays__mean");
}

static void references_are_selected_in_the_order_asked(void **state)
{
    struct fixture *f = *state;
    check_ask(f, "delays:mean weather:sight delays:origin__x", false,
              "carrier:string number:int64 origin:string | delays(carrier,number,origin) "
              "weather(origin) | mean=0.0:float32 sight=1.1:int32 origin__x=0.1:bool");
    check_ask(f, "gusts:wind weather:wind", true,
              "origin:string | gusts(origin) weather(origin) | gusts__wind=0.0:int64 "
              "weather__wind=1.0:float64");
}

static void both_integers_are_asked_as_the_wider(void **state)
{
    struct fixture *f = *state;
    check_ask(f, "ages:age", false, "number:int32 | ages(number) | age=0.0:int64");
    check_ask(f, "ages:age delays:mean", false,
              "number:int64 carrier:string origin:string | ages(number) "
              "delays(carrier,number,origin) | age=0.0:int64 mean=1.0:float32");
    check_refused(f, "ages:age odds:odd", false, STATUS_INVALID,
                  "the key \"number\" would have to be int32 and, for the feature view \"odds\", "
                  "string");
}

static void equal_names_are_refused(void **state)
{
    struct fixture *f = *state;
    check_refused(
        f, "gusts:wind weather:wind", false, STATUS_INVALID,
        "\"wind\" would come twice, from gusts:wind and weather:wind: ask for one, or for "
        "full names");
    check_refused(f, "weather:wind weather:wind", true, STATUS_INVALID,
                  "weather:wind is asked for twice");
    check_refused(f, "gusts:carrier delays:mean", false, STATUS_INVALID,
                  "\"carrier\" is a join key that is asked with, and the name of a feature, "
                  "gusts:carrier: leave it out, or ask for full names");
    check_ask(f, "gusts:carrier delays:mean", true,
              "origin:string carrier:string number:int64 | gusts(origin) "
              "delays(carrier,number,origin) | gusts__carrier=0.1:string delays__mean=1.0:float32");
}

static void unknown_names_are_not_found(void **state)
{
    struct fixture *f = *state;
    check_refused(f, "wether:wind", false, STATUS_NOT_FOUND,
                  "no feature view is called \"wether\": did you mean \"weather\"?");
    check_refused(f, "weather:wnd", false, STATUS_NOT_FOUND,
                  "no feature of \"weather\" is called \"wnd\": did you mean \"wind\"?");
    check_refused(
        f, "gusts:zzz", false, STATUS_NOT_FOUND,
        "no feature of \"gusts\" is called \"zzz\": there is wind, carrier, wind__status");
    check_refused(f, "nothing_like_it:wind", false, STATUS_NOT_FOUND,
                  "no feature view is called \"nothing_like_it\": there is ages, delays, gusts, "
                  "odds, weather");
    assert_int_equal(
        selection_of_service(&f->definitions, "modle", false, &f->arena, &f->selection, &f->err),
        STATUS_NOT_FOUND);
    assert_string_equal(f->err.message,
                        "no feature service is called \"modle\": did you mean \"model\"?");
}

static void what_is_no_reference_is_refused(void **state)
{
    struct fixture *f = *state;
    static const char *const wrong[] = {
        "weather", ":wind", "weather:", "a:b:c", ":", "weather:wi\x1bnd\xff:"};
    for (size_t i = 0; i < COUNT_OF(wrong); i++)
        assert_int_equal(ask(f, wrong[i], false), STATUS_INVALID);
    assert_string_equal(f->err.message, "\"weather:wi?nd?:\" is no feature: write view:feature");
    assert_int_equal(ask(f, "wind", false), STATUS_INVALID);
    assert_string_equal(f->err.message, "\"wind\" lacks its view: did you mean \"gusts:wind\"?");
    struct bytes holding_nul = {"weather:wind\0", 13}, absent = {NULL, 0};
    assert_int_equal(selection_of_references(&f->definitions, &holding_nul, 1, false, &f->arena,
                                             &f->selection, &f->err),
                     STATUS_INVALID);
    assert_int_equal(selection_of_references(&f->definitions, &absent, 1, false, &f->arena,
                                             &f->selection, &f->err),
                     STATUS_INVALID);
    assert_int_equal(ask(f, "", false), STATUS_INVALID);
}

static void added_status_columns_must_not_collide(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(ask(f, "weather:wind weather:sight", false), STATUS_OK);
    assert_int_equal(selection_check_status_columns(&f->selection, &f->arena, &f->err), STATUS_OK);
    assert_int_equal(ask(f, "weather:wind gusts:wind__status", false), STATUS_OK);
    assert_int_equal(selection_check_status_columns(&f->selection, &f->arena, &f->err),
                     STATUS_INVALID);
    assert_string_equal(f->err.message, "the column \"wind__status\" is both asked for and added "
                                        "beside \"wind\": leave one out");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_service_is_selected_in_its_order, set_up, tear_down),
        cmocka_unit_test_setup_teardown(full_names_hold_the_view_or_its_alias, set_up, tear_down),
        cmocka_unit_test_setup_teardown(references_are_selected_in_the_order_asked, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(both_integers_are_asked_as_the_wider, set_up, tear_down),
        cmocka_unit_test_setup_teardown(equal_names_are_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(unknown_names_are_not_found, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_no_reference_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(added_status_columns_must_not_collide, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
