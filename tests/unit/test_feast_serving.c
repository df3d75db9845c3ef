/* test_feast_serving.c - Feast's API: requests made and answers read by protobuf-c. */
#include "server/answer/api.h"

#include "feast/serving/ServingService.pb-c.h"
#include "tests/support/flights.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

typedef Feast__Serving__GetOnlineFeaturesRequest Request;
typedef Feast__Serving__GetOnlineFeaturesRequest__EntitiesEntry Entry;
typedef Feast__Serving__GetOnlineFeaturesResponse Response;
typedef Feast__Serving__GetOnlineFeaturesResponse__FeatureVector Vector;
typedef Feast__Types__Value Value;

enum { ENTRIES = 4, ROWS = 4 };

struct fixture {
    struct flights flights;
    Request request;
    Entry entries[ENTRIES], *entry_pointers[ENTRIES];
    Feast__Types__RepeatedValue columns[ENTRIES];
    Value values[ENTRIES][ROWS], *value_pointers[ENTRIES][ROWS];
    Feast__Serving__FeatureList references;
    Response *response;
};

static int set_up(void **state)
{
    static struct fixture fixture;
    struct fixture *f = &fixture;
    memset(f, 0, sizeof *f);
    flights_init(&f->flights);
    feast__serving__get_online_features_request__init(&f->request);
    f->request.entities = f->entry_pointers;
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    if (f->response)
        feast__serving__get_online_features_response__free_unpacked(f->response, NULL);
    flights_release(&f->flights);
    return 0;
}

static void ask_service(struct fixture *f, const char *name)
{
    f->request.kind_case = FEAST__SERVING__GET_ONLINE_FEATURES_REQUEST__KIND_FEATURE_SERVICE;
    f->request.feature_service = (char *)(uintptr_t)name;
}

/* A column of values that are not set yet, which is what Feast sends for a null. */
static Value *add_column(struct fixture *f, const char *name, size_t count)
{
    size_t i = f->request.n_entities++;
    f->entry_pointers[i] = &f->entries[i];
    feast__serving__get_online_features_request__entities_entry__init(&f->entries[i]);
    feast__types__repeated_value__init(&f->columns[i]);
    f->entries[i].key = (char *)(uintptr_t)name;
    f->entries[i].value = &f->columns[i];
    f->columns[i].n_val = count;
    f->columns[i].val = f->value_pointers[i];
    for (size_t j = 0; j < count; j++) {
        f->value_pointers[i][j] = &f->values[i][j];
        feast__types__value__init(&f->values[i][j]);
    }
    return f->values[i];
}

static void set_text(Value *value, const char *text)
{
    value->val_case = FEAST__TYPES__VALUE__VAL_STRING_VAL;
    value->string_val = (char *)(uintptr_t)text;
}

static void set_int64(Value *value, int64_t integer)
{
    value->val_case = FEAST__TYPES__VALUE__VAL_INT64_VAL;
    value->int64_val = integer;
}

static void set_int32(Value *value, int32_t integer)
{
    value->val_case = FEAST__TYPES__VALUE__VAL_INT32_VAL;
    value->int32_val = integer;
}

static struct bytes packed(struct fixture *f)
{
    size_t size = feast__serving__get_online_features_request__get_packed_size(&f->request);
    uint8_t *bytes = arena_alloc(&f->flights.arena, size);
    feast__serving__get_online_features_request__pack(&f->request, bytes);
    return (struct bytes){bytes, size};
}

static enum status ask(struct fixture *f)
{
    struct bytes answer = flights_ask(&f->flights, &feast_serving_api, packed(f));
    if (f->response)
        feast__serving__get_online_features_response__free_unpacked(f->response, NULL);
    f->response = NULL;
    if (!f->flights.status) {
        f->response =
            feast__serving__get_online_features_response__unpack(NULL, answer.size, answer.data);
        assert_non_null(f->response);
        assert_true(f->response->status);
        assert_int_equal(f->response->n_results, f->response->metadata->feature_names->n_val);
    }
    return f->flights.status;
}

static void ask_well(struct fixture *f)
{
    if (ask(f))
        fail_msg("%s", f->flights.err.message);
}

static void check_refused(struct fixture *f, enum status status, const char *said)
{
    assert_int_equal(ask(f), status);
    if (!strstr(f->flights.err.message, said))
        fail_msg("\"%s\" does not say \"%s\"", f->flights.err.message, said);
}

static const Vector *result(struct fixture *f, const char *name)
{
    const Feast__Serving__FeatureList *names = f->response->metadata->feature_names;
    for (size_t i = 0; i < names->n_val; i++)
        if (strcmp(names->val[i], name) == 0)
            return f->response->results[i];
    fail_msg("no %s", name);
    return NULL;
}

static void ask_weather_of(struct fixture *f, const char *origin)
{
    ask_service(f, "weather");
    set_text(add_column(f, "origin", 1), origin);
}

static void keys_come_first_as_they_were_sent(void **state)
{
    struct fixture *f = *state;
    ask_service(f, "delay_model");
    set_text(add_column(f, "dest", 1), "LAX");
    set_int64(add_column(f, "carrier", 1), 5);
    set_text(add_column(f, "origin", 1), "JFK");
    ask_well(f);
    static const char *const names[] = {"origin",     "carrier",           "dest",
                                        "wind",       "visibility",        "mean_delay",
                                        "departures", "dest_weather__wind"};
    assert_int_equal(f->response->n_results, COUNT_OF(names));
    for (size_t i = 0; i < COUNT_OF(names); i++)
        assert_string_equal(f->response->metadata->feature_names->val[i], names[i]);
    const Vector *carrier = f->response->results[1];
    assert_int_equal(carrier->values[0]->val_case, FEAST__TYPES__VALUE__VAL_INT64_VAL);
    assert_int_equal(carrier->values[0]->int64_val, 5);
    assert_int_equal(carrier->statuses[0], FEAST__SERVING__FIELD_STATUS__PRESENT);
    assert_int_equal(carrier->event_timestamps[0]->seconds, 0);
}

static void values_have_their_statuses_and_times(void **state)
{
    struct fixture *f = *state;
    struct value key = flights_text("null");
    struct value nulls[] = {value_null(TYPE_FLOAT64), flights_double(9), flights_int(1)};
    flights_put(&f->flights, "airport_weather", &key, 1, 0, nulls);
    flights_put_weather(&f->flights, "new", 1, 4.5);
    flights_put_weather(&f->flights, "old", 7 * HOUR_US, 5);
    ask_service(f, "weather");
    Value *origins = add_column(f, "origin", 4);
    set_text(&origins[0], "new");
    set_text(&origins[1], "null");
    set_text(&origins[2], "none");
    set_text(&origins[3], "old");
    ask_well(f);
    const Vector *wind = result(f, "wind");
    assert_int_equal(wind->n_values, 4);
    assert_int_equal(wind->n_statuses, 4);
    assert_int_equal(wind->n_event_timestamps, 4);
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(wind->statuses[i], i + 1); /* PRESENT to OUTSIDE_MAX_AGE, in this order */
    assert_true(wind->values[0]->double_val == 4.5);
    assert_int_equal(wind->values[1]->val_case, FEAST__TYPES__VALUE__VAL_NULL_VAL);
    assert_int_equal(wind->values[2]->val_case, FEAST__TYPES__VALUE__VAL__NOT_SET);
    assert_int_equal(wind->values[3]->val_case, FEAST__TYPES__VALUE__VAL__NOT_SET);
    assert_int_equal(wind->event_timestamps[0]->seconds, NOW_US / 1000000 - 1);
    assert_int_equal(wind->event_timestamps[0]->nanos, 999999000);
    assert_int_equal(wind->event_timestamps[2]->seconds, 0);
    assert_int_equal(wind->event_timestamps[3]->seconds, (NOW_US - 7 * HOUR_US) / 1000000);
    /* The other columns of the view have the same times, copied. */
    const Vector *gusts = result(f, "gusts");
    assert_int_equal(gusts->event_timestamps[0]->nanos, 999999000);
    assert_int_equal(gusts->values[0]->int64_val, 3);
}

/* wind and visibility are written one after the other, and the later one may be a copy. */
static void columns_of_one_view_have_their_own_values_and_statuses(void **state)
{
    struct fixture *f = *state;
    static const char *const names[] = {"a", "b", "c"};
    Value *origins = add_column(f, "origin", COUNT_OF(names));
    ask_service(f, "weather");
    for (size_t i = 0; i < COUNT_OF(names); i++)
        set_text(&origins[i], names[i]);
    for (unsigned nulls = 0; nulls < 1u << 6; nulls++) {
        for (unsigned i = 0; i < COUNT_OF(names); i++) {
            struct value key = flights_text(names[i]);
            struct value values[] = {flights_double(10 * i + 1), flights_double(10 * i + 2),
                                     flights_int(i)};
            values[0].is_null = nulls >> i & 1;
            values[1].is_null = nulls >> (i + 3) & 1;
            flights_put(&f->flights, "airport_weather", &key, 1, i, values);
        }
        ask_well(f);
        const Vector *columns[] = {result(f, "wind"), result(f, "visibility")};
        for (unsigned c = 0; c < 2; c++) {
            assert_int_equal(columns[c]->n_values, COUNT_OF(names));
            for (unsigned i = 0; i < COUNT_OF(names); i++) {
                bool is_null = nulls >> (i + 3 * c) & 1;
                assert_int_equal(columns[c]->statuses[i], is_null ? 2 : 1);
                assert_true(is_null || columns[c]->values[i]->double_val == 10 * i + c + 1);
                assert_int_equal(columns[c]->event_timestamps[i]->nanos,
                                 i ? 1000000000 - 1000 * (int)i : 0);
            }
        }
    }
}

static void full_names_and_versions_come_when_asked_for(void **state)
{
    struct fixture *f = *state;
    ask_weather_of(f, "JFK");
    f->request.full_feature_names = true;
    f->request.include_feature_view_version_metadata = true;
    ask_well(f);
    result(f, "airport_weather__wind");
    result(f, "origin");
    assert_int_equal(f->response->metadata->n_feature_view_metadata, 1);
    assert_string_equal(f->response->metadata->feature_view_metadata[0]->name, "airport_weather");
    assert_int_equal(f->response->metadata->feature_view_metadata[0]->version, 1);
}

static void references_are_taken(void **state)
{
    struct fixture *f = *state;
    feast__serving__feature_list__init(&f->references);
    f->references.val = (char *[]){"airport_weather:gusts"};
    f->references.n_val = 1;
    f->request.kind_case = FEAST__SERVING__GET_ONLINE_FEATURES_REQUEST__KIND_FEATURES;
    f->request.features = &f->references;
    set_text(add_column(f, "origin", 1), "JFK");
    ask_well(f);
    assert_int_equal(f->response->n_results, 2);
    result(f, "gusts");
}

static void integers_of_both_widths_are_taken_if_in_range(void **state)
{
    struct fixture *f = *state;
    struct value key[] = {flights_int32(-3), flights_text("JFK")};
    struct value values[] = {flights_double(1), flights_int(2)};
    flights_put(&f->flights, "route_delays", key, 2, 0, values);
    feast__serving__feature_list__init(&f->references);
    f->references.val = (char *[]){"route_delays:departures"};
    f->references.n_val = 1;
    f->request.kind_case = FEAST__SERVING__GET_ONLINE_FEATURES_REQUEST__KIND_FEATURES;
    f->request.features = &f->references;
    set_text(add_column(f, "origin", 1), "JFK");
    Value *carrier = add_column(f, "carrier", 1);
    set_int32(carrier, -3);
    ask_well(f);
    assert_int_equal(result(f, "departures")->statuses[0], 1);
    set_int64(carrier, -3);
    ask_well(f);
    assert_int_equal(result(f, "departures")->statuses[0], 1);
    set_int64(carrier, INT64_C(1) << 31);
    check_refused(f, STATUS_INVALID, "carrier is int32, but value 0 is not");
    carrier->val_case = FEAST__TYPES__VALUE__VAL_DOUBLE_VAL;
    carrier->double_val = -3;
    check_refused(f, STATUS_INVALID, "carrier");
}

static void a_null_or_unset_key_is_not_found(void **state)
{
    struct fixture *f = *state;
    ask_service(f, "weather");
    Value *origins = add_column(f, "origin", 2);
    origins[1].val_case = FEAST__TYPES__VALUE__VAL_NULL_VAL;
    ask_well(f);
    assert_int_equal(result(f, "wind")->statuses[0], FEAST__SERVING__FIELD_STATUS__NOT_FOUND);
    assert_int_equal(result(f, "wind")->statuses[1], FEAST__SERVING__FIELD_STATUS__NOT_FOUND);
    assert_int_equal(f->flights.memory.key_count, 0);
}

static void columns_that_nobody_needs_are_ignored(void **state)
{
    struct fixture *f = *state;
    flights_put_weather(&f->flights, "JFK", 0, 2);
    ask_weather_of(f, "JFK");
    set_int64(add_column(f, "passenger", 3), 1);
    ask_well(f);
    assert_int_equal(f->response->n_results, 4);
    assert_int_equal(result(f, "wind")->n_values, 1);
}

static void the_last_of_two_columns_of_a_name_counts(void **state)
{
    struct fixture *f = *state;
    flights_put_weather(&f->flights, "JFK", 0, 2);
    ask_weather_of(f, "none");
    set_text(add_column(f, "origin", 1), "JFK");
    ask_well(f);
    assert_int_equal(result(f, "wind")->statuses[0], FEAST__SERVING__FIELD_STATUS__PRESENT);
}

static void wrong_keys_are_refused(void **state)
{
    struct fixture *f = *state;
    ask_service(f, "delay_model");
    Value *origins = add_column(f, "origin", 2);
    set_text(&origins[0], "a");
    check_refused(f, STATUS_INVALID, "lacks the join keys carrier (int32), dest (string)");
    set_int64(add_column(f, "carrier", 1), 1);
    set_text(add_column(f, "dest", 1), "a");
    check_refused(f, STATUS_INVALID, "differ in length");
    f->request.n_entities = 0;
    ask_service(f, "weather");
    add_column(f, "origin", 0);
    check_refused(f, STATUS_INVALID, "no entities");
    set_int64(add_column(f, "origin", 1), 1);
    check_refused(f, STATUS_INVALID, "origin is string, but value 0 is not");
    f->request.n_entities = 0;
    f->flights.batch.limits.max_entities = 3;
    add_column(f, "origin", 4);
    check_refused(f, STATUS_EXHAUSTED, "at most 3 entities");
}

static void times_are_seconds_rounded_down(void **state)
{
    struct fixture *f = *state;
    struct value key = flights_int(1), values[16];
    const value_type *types = f->flights.snapshot->catalog.views[1].schemas[0].layout.types;
    for (size_t i = 0; i < 16; i++)
        values[i] = value_null(types[i]);
    values[7] = (struct value){.type = TYPE_TIMESTAMP, .int64 = -1};
    int64_t times[] = {-1000001, 1999999};
    values[15] = (struct value){.type = types[15], .bytes = {times, sizeof times}};
    values[13] = (struct value){.type = types[13], .bytes = {"", 0}};
    flights_put(&f->flights, "everything", &key, 1, 0, values);
    ask_service(f, "all_types");
    set_int64(add_column(f, "id", 1), 1);
    ask_well(f);
    assert_int_equal(result(f, "a_timestamp")->values[0]->unix_timestamp_val, -1);
    const Feast__Types__Int64List *list =
        result(f, "timestamps")->values[0]->unix_timestamp_list_val;
    assert_int_equal(list->n_val, 2);
    assert_int_equal(list->val[0], -2);
    assert_int_equal(list->val[1], 1);
    const Vector *strings = result(f, "strings");
    assert_int_equal(strings->statuses[0], FEAST__SERVING__FIELD_STATUS__PRESENT);
    assert_int_equal(strings->values[0]->val_case, FEAST__TYPES__VALUE__VAL_STRING_LIST_VAL);
    assert_int_equal(result(f, "a_bool")->values[0]->val_case, FEAST__TYPES__VALUE__VAL_NULL_VAL);
}

static void time_keys_are_seconds(void **state)
{
    struct fixture *f = *state;
    struct value key[] = {{.type = TYPE_TIMESTAMP, .int64 = 9000000},
                          {.type = TYPE_BYTES, .bytes = {"\0", 1}},
                          {.type = TYPE_BOOL}};
    struct value worth = flights_int(5);
    flights_put(&f->flights, "exotica", key, 3, 0, &worth);
    ask_service(f, "exotic_keys");
    Value *at = add_column(f, "at", 1);
    at->val_case = FEAST__TYPES__VALUE__VAL_UNIX_TIMESTAMP_VAL;
    at->unix_timestamp_val = 9;
    Value *code = add_column(f, "code", 1);
    code->val_case = FEAST__TYPES__VALUE__VAL_BYTES_VAL;
    code->bytes_val = (ProtobufCBinaryData){1, (uint8_t *)(uintptr_t) "\0"};
    Value *flag = add_column(f, "flag", 1);
    flag->val_case = FEAST__TYPES__VALUE__VAL_BOOL_VAL;
    ask_well(f);
    assert_int_equal(result(f, "worth")->values[0]->int64_val, 5);
    at->unix_timestamp_val = INT64_MAX;
    check_refused(f, STATUS_INVALID, "at is timestamp");
    at->unix_timestamp_val = INT64_C(253402300800); /* the year 10000 */
    check_refused(f, STATUS_INVALID, "years");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(keys_come_first_as_they_were_sent),
        TEST(values_have_their_statuses_and_times),
        TEST(columns_of_one_view_have_their_own_values_and_statuses),
        TEST(full_names_and_versions_come_when_asked_for),
        TEST(references_are_taken),
        TEST(integers_of_both_widths_are_taken_if_in_range),
        TEST(a_null_or_unset_key_is_not_found),
        TEST(columns_that_nobody_needs_are_ignored),
        TEST(the_last_of_two_columns_of_a_name_counts),
        TEST(wrong_keys_are_refused),
        TEST(times_are_seconds_rounded_down),
        TEST(time_keys_are_seconds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
