/* test_larder_v1.c - larder.v1: requests made and answers read by protobuf-c, which is not ours. */
#include "server/answer/api.h"

#include "larder/v1/feature_service.pb-c.h"
#include "tests/support/flights.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

typedef Larder__V1__GetFeaturesRequest Request;
typedef Larder__V1__GetFeaturesResponse Response;
typedef Larder__V1__EntityColumn Column;

/* A request under construction, and what came of it. */
struct fixture {
    struct flights flights;
    Request request;
    Larder__V1__FeatureList references;
    Column columns[4], *column_pointers[4];
    Larder__V1__Int64Values integers[4];
    Larder__V1__StringValues texts[4];
    Response *response;
};

static int set_up(void **state)
{
    static struct fixture fixture;
    struct fixture *f = &fixture;
    memset(f, 0, sizeof *f);
    flights_init(&f->flights);
    larder__v1__get_features_request__init(&f->request);
    f->request.entities = f->column_pointers;
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    if (f->response)
        larder__v1__get_features_response__free_unpacked(f->response, NULL);
    flights_release(&f->flights);
    return 0;
}

static void ask_service(struct fixture *f, const char *name)
{
    f->request.what_case = LARDER__V1__GET_FEATURES_REQUEST__WHAT_FEATURE_SERVICE;
    f->request.feature_service = (char *)(uintptr_t)name;
}

static void ask_references(struct fixture *f, char **references, size_t count)
{
    larder__v1__feature_list__init(&f->references);
    f->references.references = references;
    f->references.n_references = count;
    f->request.what_case = LARDER__V1__GET_FEATURES_REQUEST__WHAT_FEATURES;
    f->request.features = &f->references;
}

static Column *add_column(struct fixture *f, const char *name)
{
    size_t i = f->request.n_entities++;
    Column *column = f->column_pointers[i] = &f->columns[i];
    larder__v1__entity_column__init(column);
    column->name = (char *)(uintptr_t)name;
    return column;
}

static Column *add_integers(struct fixture *f, const char *name, const int64_t *values,
                            size_t count)
{
    Larder__V1__Int64Values *list = &f->integers[f->request.n_entities];
    larder__v1__int64_values__init(list);
    list->values = (int64_t *)(uintptr_t)values;
    list->n_values = count;
    Column *column = add_column(f, name);
    column->values_case = LARDER__V1__ENTITY_COLUMN__VALUES_INT64_VALUES;
    column->int64_values = list;
    return column;
}

static Column *add_texts(struct fixture *f, const char *name, char **values, size_t count)
{
    Larder__V1__StringValues *list = &f->texts[f->request.n_entities];
    larder__v1__string_values__init(list);
    list->values = values;
    list->n_values = count;
    Column *column = add_column(f, name);
    column->values_case = LARDER__V1__ENTITY_COLUMN__VALUES_STRING_VALUES;
    column->string_values = list;
    return column;
}

static struct bytes packed(struct fixture *f)
{
    size_t size = larder__v1__get_features_request__get_packed_size(&f->request);
    uint8_t *bytes = arena_alloc(&f->flights.arena, size);
    larder__v1__get_features_request__pack(&f->request, bytes);
    return (struct bytes){bytes, size};
}

static enum status ask(struct fixture *f)
{
    struct bytes answer = flights_ask(&f->flights, &larder_v1_api, packed(f));
    if (f->response)
        larder__v1__get_features_response__free_unpacked(f->response, NULL);
    f->response = NULL;
    if (!f->flights.status) {
        f->response = larder__v1__get_features_response__unpack(NULL, answer.size, answer.data);
        assert_non_null(f->response);
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

static void check_statuses(struct fixture *f, size_t column, const char *expected)
{
    const ProtobufCBinaryData *statuses = &f->response->columns[column]->statuses;
    assert_int_equal(statuses->len, strlen(expected));
    for (size_t i = 0; i < statuses->len; i++)
        assert_int_equal(statuses->data[i], expected[i] - '0');
}

static char *jfk[] = {"JFK"};
static char *jfk_and_lga[] = {"JFK", "LGA"};

static void a_service_is_answered_in_its_order(void **state)
{
    struct fixture *f = *state;
    flights_put_weather(&f->flights, "JFK", HOUR_US, 17.5);
    flights_put_weather(&f->flights, "LAX", HOUR_US, 3);
    struct value key[] = {flights_int32(-7), flights_text("JFK")};
    struct value delays[] = {flights_double(12.25), flights_int(40)};
    flights_put(&f->flights, "route_delays", key, 2, 0, delays);
    ask_service(f, "delay_model");
    add_texts(f, "origin", jfk, 1);
    add_integers(f, "carrier", (int64_t[]){-7}, 1);
    add_texts(f, "dest", (char *[]){"LAX"}, 1);
    ask_well(f);
    assert_int_equal(f->response->row_count, 1);
    assert_int_equal(f->response->definitions_version, 1);
    assert_int_equal(f->response->n_columns, 5);
    assert_string_equal(f->response->columns[0]->name, "wind");
    assert_true(f->response->columns[0]->double_values->values[0] == 17.5);
    assert_true(f->response->columns[2]->double_values->values[0] == 12.25);
    assert_int_equal(f->response->columns[3]->int64_values->values[0], 40);
    assert_string_equal(f->response->columns[4]->name, "dest_weather__wind");
    assert_true(f->response->columns[4]->double_values->values[0] == 3);
    assert_int_equal(f->response->columns[4]->view, 2);
    assert_string_equal(f->response->views[2]->name, "dest_weather");
    assert_int_equal(f->response->columns[0]->statuses.len, 0);
    assert_int_equal(f->response->views[0]->n_event_times_us, 0);
    assert_int_equal(f->flights.memory.read_count, 1);
}

static void rows_stand_in_the_order_of_the_request(void **state)
{
    struct fixture *f = *state;
    flights_put_weather(&f->flights, "A", HOUR_US, 1);
    flights_put_weather(&f->flights, "B", 2 * HOUR_US, 2);
    ask_service(f, "weather");
    add_texts(f, "origin", (char *[]){"B", "none", "A", "B"}, 4);
    f->request.with_event_times = true;
    ask_well(f);
    check_statuses(f, 0, "1311");
    const double *winds = f->response->columns[0]->double_values->values;
    assert_true(winds[0] == 2 && winds[1] == 0 && winds[2] == 1 && winds[3] == 2);
    const int64_t *times = f->response->views[0]->event_times_us;
    assert_int_equal(f->response->views[0]->n_event_times_us, 4);
    assert_true(times[0] == NOW_US - 2 * HOUR_US && times[1] == 0 && times[2] == NOW_US - HOUR_US);
}

static void statuses_and_names_come_as_they_are_asked_for(void **state)
{
    struct fixture *f = *state;
    flights_put_weather(&f->flights, "JFK", 0, 1);
    ask_service(f, "weather");
    add_texts(f, "origin", jfk, 1);
    f->request.with_statuses = true;
    f->request.without_names = true;
    ask_well(f);
    check_statuses(f, 0, "1");
    assert_string_equal(f->response->columns[0]->name, "");
    f->request.without_names = false;
    f->request.full_feature_names = true;
    ask_well(f);
    assert_string_equal(f->response->columns[0]->name, "airport_weather__wind");
}

static void references_are_answered_in_the_order_asked(void **state)
{
    struct fixture *f = *state;
    flights_put_weather(&f->flights, "JFK", 0, 1);
    ask_references(f, (char *[]){"airport_weather:gusts", "airport_weather:wind"}, 2);
    add_texts(f, "origin", jfk, 1);
    ask_well(f);
    assert_string_equal(f->response->columns[0]->name, "gusts");
    assert_int_equal(f->response->columns[0]->int64_values->values[0], 3);
    assert_string_equal(f->response->columns[1]->name, "wind");
}

static void age_decides_between_present_withheld_and_not_found(void **state)
{
    struct fixture *f = *state;
    const int64_t day_us = 24 * HOUR_US, ttl_us = 6 * HOUR_US;
    flights_put_weather(&f->flights, "future", -HOUR_US, 1);
    flights_put_weather(&f->flights, "just", ttl_us, 2);
    flights_put_weather(&f->flights, "past", ttl_us + 1, 3);
    flights_put_weather(&f->flights, "last", ttl_us + day_us, 4);
    flights_put_weather(&f->flights, "gone", ttl_us + day_us + 1, 5);
    ask_service(f, "weather");
    add_texts(f, "origin", (char *[]){"future", "just", "past", "last", "gone"}, 5);
    f->request.with_event_times = true;
    ask_well(f);
    check_statuses(f, 0, "11443");
    const double *winds = f->response->columns[0]->double_values->values;
    assert_true(winds[0] == 1 && winds[1] == 2 && winds[2] == 0 && winds[3] == 0);
    const int64_t *times = f->response->views[0]->event_times_us;
    assert_true(times[2] == NOW_US - ttl_us - 1 && times[3] != 0 && times[4] == 0);
}

static void nulls_are_told_from_zeros(void **state)
{
    struct fixture *f = *state;
    struct value key = flights_text("JFK");
    struct value values[] = {value_null(TYPE_FLOAT64), flights_double(0), value_null(TYPE_INT64)};
    flights_put(&f->flights, "airport_weather", &key, 1, 0, values);
    ask_service(f, "weather");
    add_texts(f, "origin", jfk, 1);
    ask_well(f);
    check_statuses(f, 0, "2");
    assert_int_equal(f->response->columns[1]->statuses.len, 0);
    check_statuses(f, 2, "2");
    assert_int_equal(f->response->columns[2]->int64_values->n_values, 1);
}

static void a_null_key_finds_nothing_and_spoils_nothing(void **state)
{
    struct fixture *f = *state;
    flights_put_weather(&f->flights, "", 0, 1);
    flights_put_weather(&f->flights, "JFK", 0, 2);
    ask_service(f, "weather");
    Column *column = add_texts(f, "origin", (char *[]){"", "JFK", ""}, 3);
    uint32_t null_rows[] = {0};
    column->null_rows = null_rows;
    column->n_null_rows = 1;
    ask_well(f);
    check_statuses(f, 0, "311");
    assert_int_equal(f->flights.memory.key_count, 2);
    null_rows[0] = 3;
    check_refused(f, STATUS_INVALID, "null row 3");
}

static void null_rows_without_values_come_in_any_order(void **state)
{
    struct fixture *f = *state;
    uint32_t null_rows[] = {2, 0, 3, 1, 2};
    ask_service(f, "weather");
    Column *column = add_column(f, "origin");
    column->null_rows = null_rows;
    column->n_null_rows = 5;
    ask_well(f);
    assert_int_equal(f->response->row_count, 4);
    check_statuses(f, 0, "3333");
}

static void a_row_that_is_neither_null_nor_has_a_value_is_refused(void **state)
{
    struct fixture *f = *state;
    uint32_t null_rows[] = {3, 0, 1};
    ask_service(f, "weather");
    Column *column = add_column(f, "origin");
    column->null_rows = null_rows;
    column->n_null_rows = 3;
    check_refused(f, STATUS_INVALID, "join key origin: row 2 is not null, and has no value");
    null_rows[0] = 4000000000;
    check_refused(f, STATUS_EXHAUSTED, "at most 10000 entities");
}

static void a_key_that_is_too_long_is_not_found(void **state)
{
    struct fixture *f = *state;
    char *text = arena_alloc(&f->flights.arena, 1000);
    memset(text, 'x', 999);
    text[999] = '\0';
    struct value key = flights_text(text);
    size_t overhead = flights_key(&f->flights, "airport_weather", &key, 1).size - 999;
    text[480 - overhead] = '\0';
    char *longest = arena_text(&f->flights.arena, text);
    flights_put_weather(&f->flights, longest, 0, 1);
    text[480 - overhead] = 'x';
    text[481 - overhead] = '\0';
    flights_put_weather(&f->flights, text, 0, 2);
    ask_service(f, "weather");
    add_texts(f, "origin", (char *[]){longest, text}, 2);
    ask_well(f);
    check_statuses(f, 0, "13");
}

/* protobuf-c ends a text at its first NUL, so this one is written by hand: a\0b is not a. */
static void a_text_key_with_a_nul_or_bad_utf8_is_refused(void **state)
{
    struct fixture *f = *state;
    flights_put_weather(&f->flights, "a", 0, 1);
    static const char with_nul[] = "\x0a\x07weather\x1a\x0f\x0a\x06origin\x1a\x05\x0a\x03"
                                   "a\0b";
    flights_ask(&f->flights, &larder_v1_api, (struct bytes){with_nul, sizeof with_nul - 1});
    assert_int_equal(f->flights.status, STATUS_INVALID);
    ask_service(f, "weather");
    add_texts(f, "origin", (char *[]){"\xff\xfe"}, 1);
    check_refused(f, STATUS_INVALID, "UTF-8");
}

static void keys_must_be_there_once_typed_and_of_one_length(void **state)
{
    struct fixture *f = *state;
    ask_service(f, "delay_model");
    check_refused(f, STATUS_INVALID, "origin");
    add_texts(f, "origin", jfk_and_lga, 2);
    add_texts(f, "dest", jfk_and_lga, 2);
    check_refused(f, STATUS_INVALID, "carrier");
    add_integers(f, "carrier", (int64_t[]){1}, 1);
    check_refused(f, STATUS_INVALID, "carrier has 1");
    f->columns[2].name = "pilot";
    check_refused(f, STATUS_INVALID, "pilot");
    f->columns[2].name = "origin";
    check_refused(f, STATUS_INVALID, "twice");
    f->request.n_entities = 2;
    add_texts(f, "carrier", jfk_and_lga, 2);
    check_refused(f, STATUS_INVALID, "carrier is int32");
    f->request.n_entities = 2;
    add_integers(f, "carrier", (int64_t[]){1, INT64_C(1) << 31}, 2);
    check_refused(f, STATUS_INVALID, "value 1 is no int32");
}

static void requests_for_nothing_are_refused(void **state)
{
    struct fixture *f = *state;
    check_refused(f, STATUS_INVALID, "neither");
    ask_service(f, "weather");
    add_texts(f, "origin", jfk, 0);
    check_refused(f, STATUS_INVALID, "no entities");
    ask_references(f, NULL, 0);
    check_refused(f, STATUS_INVALID, "neither");
    ask_service(f, "wether");
    check_refused(f, STATUS_NOT_FOUND, "wether");
    ask_references(f, (char *[]){"airport_weather:snow"}, 1);
    check_refused(f, STATUS_NOT_FOUND, "snow");
    ask_references(f, (char *[]){"wind"}, 1);
    check_refused(f, STATUS_INVALID, "wind");
}

static void limits_hold_to_the_last_row(void **state)
{
    struct fixture *f = *state;
    struct query_limits *limits = &f->flights.batch.limits;
    *limits = (struct query_limits){
        .max_entities = 2, .max_features = 2, .max_lookups = 2, .max_bytes = 10000};
    ask_references(f, (char *[]){"airport_weather:gusts", "airport_weather:wind"}, 2);
    add_texts(f, "origin", (char *[]){"A", "B", "C"}, 2);
    ask_well(f);
    f->texts[0].n_values = 3;
    check_refused(f, STATUS_EXHAUSTED, "at most 2 entities");
    f->texts[0].n_values = 2;
    limits->max_lookups = 1;
    check_refused(f, STATUS_EXHAUSTED, "2 rows");
    limits->max_lookups = 2;
    limits->max_features = 1;
    check_refused(f, STATUS_EXHAUSTED, "at most 1 features");
    ask_service(f, "weather");
    check_refused(f, STATUS_EXHAUSTED, "at most 1 features");
}

static void keys_of_every_type_find_their_row(void **state)
{
    struct fixture *f = *state;
    struct value key[] = {{.type = TYPE_TIMESTAMP, .int64 = -5},
                          {.type = TYPE_BYTES, .bytes = {"\0{}", 3}},
                          {.type = TYPE_BOOL, .boolean = true}};
    struct value worth = flights_int(-99);
    flights_put(&f->flights, "exotica", key, 3, 0, &worth);
    ask_service(f, "exotic_keys");
    Larder__V1__TimestampValues times = LARDER__V1__TIMESTAMP_VALUES__INIT;
    Larder__V1__BytesValues codes = LARDER__V1__BYTES_VALUES__INIT;
    Larder__V1__BoolValues flags = LARDER__V1__BOOL_VALUES__INIT;
    int64_t time = -5;
    ProtobufCBinaryData code = {3, (uint8_t *)(uintptr_t) "\0{}"};
    protobuf_c_boolean flag = true;
    times.values_us = &time;
    codes.values = &code;
    flags.values = &flag;
    times.n_values_us = codes.n_values = flags.n_values = 1;
    Column *column = add_column(f, "at");
    column->values_case = LARDER__V1__ENTITY_COLUMN__VALUES_TIMESTAMP_VALUES;
    column->timestamp_values = &times;
    column = add_column(f, "flag");
    column->values_case = LARDER__V1__ENTITY_COLUMN__VALUES_BOOL_VALUES;
    column->bool_values = &flags;
    column = add_column(f, "code");
    column->values_case = LARDER__V1__ENTITY_COLUMN__VALUES_BYTES_VALUES;
    column->bytes_values = &codes;
    ask_well(f);
    assert_int_equal(f->response->columns[0]->int64_values->values[0], -99);
    time = INT64_MAX;
    check_refused(f, STATUS_INVALID, "years");
}

static struct value list_of(struct flights *f, const struct value *elements, size_t count)
{
    struct buffer list;
    buffer_init(&list, 0);
    for (size_t i = 0; i < count; i++)
        list_append(&list, &elements[i]);
    struct value value = {.type = type_list_of(elements[0].type),
                          .bytes = arena_bytes(&f->arena, buffer_bytes(&list))};
    buffer_release(&list);
    return value;
}

#define LIST(...)                                                                                  \
    list_of(&f->flights, (struct value[]){__VA_ARGS__},                                            \
            sizeof((struct value[]){__VA_ARGS__}) / sizeof(struct value))

static void put_everything(struct fixture *f)
{
    struct value key = flights_int(1);
    struct value values[] = {
        {.type = TYPE_BOOL, .boolean = true},
        flights_int32(INT32_MIN),
        flights_int(INT64_MIN),
        {.type = TYPE_FLOAT32, .float32 = -0.5f},
        flights_double(1e300),
        flights_text("gr\xc3\xbc\xc3\x9f"),
        {.type = TYPE_BYTES, .bytes = {"\0\1", 2}},
        {.type = TYPE_TIMESTAMP, .int64 = -1},
        LIST({.type = TYPE_BOOL, .boolean = true}, {.type = TYPE_BOOL}),
        LIST(flights_int32(-1), flights_int32(300)),
        LIST(flights_int(-1), flights_int(INT64_MAX)),
        LIST({.type = TYPE_FLOAT32, .float32 = 2.5f}),
        LIST(flights_double(3.5), flights_double(-0.0)),
        LIST(flights_text(""), flights_text("two")),
        LIST({.type = TYPE_BYTES, .bytes = {"\0", 1}}),
        LIST({.type = TYPE_TIMESTAMP, .int64 = -1}, {.type = TYPE_TIMESTAMP, .int64 = 7}),
    };
    flights_put(&f->flights, "everything", &key, 1, 0, values);
}

static void values_of_every_type_arrive(void **state)
{
    struct fixture *f = *state;
    put_everything(f);
    ask_service(f, "all_types");
    add_integers(f, "id", (int64_t[]){1}, 1);
    ask_well(f);
    Larder__V1__FeatureColumn **columns = f->response->columns;
    assert_int_equal(f->response->n_columns, 16);
    assert_true(columns[0]->bool_values->values[0]);
    assert_int_equal(columns[1]->int32_values->values[0], INT32_MIN);
    assert_true(columns[2]->int64_values->values[0] == INT64_MIN);
    assert_true(columns[3]->float_values->values[0] == -0.5f);
    assert_true(columns[4]->double_values->values[0] == 1e300);
    assert_string_equal(columns[5]->string_values->values[0], "gr\xc3\xbc\xc3\x9f");
    assert_memory_equal(columns[6]->bytes_values->values[0].data, "\0\1", 2);
    assert_int_equal(columns[7]->timestamp_values->values_us[0], -1);
    Larder__V1__ListValue *lists[8];
    for (size_t i = 0; i < 8; i++)
        lists[i] = columns[8 + i]->list_values->values[0];
    assert_int_equal(lists[0]->bool_values->n_values, 2);
    assert_true(lists[0]->bool_values->values[0] && !lists[0]->bool_values->values[1]);
    assert_int_equal(lists[1]->int32_values->values[0], -1);
    assert_int_equal(lists[1]->int32_values->values[1], 300);
    assert_true(lists[2]->int64_values->values[1] == INT64_MAX);
    assert_true(lists[3]->float_values->values[0] == 2.5f);
    assert_true(lists[4]->double_values->values[0] == 3.5);
    assert_int_equal(lists[5]->string_values->n_values, 2);
    assert_string_equal(lists[5]->string_values->values[1], "two");
    assert_int_equal(lists[6]->bytes_values->values[0].len, 1);
    assert_int_equal(lists[7]->timestamp_values->values_us[1], 7);
}

static void an_empty_list_is_not_a_null_one(void **state)
{
    struct fixture *f = *state;
    struct value values[16], key = flights_int(1);
    for (size_t i = 0; i < 16; i++)
        values[i] = value_null(f->flights.snapshot->catalog.views[1].schemas[0].layout.types[i]);
    values[12] = (struct value){.type = type_list_of(TYPE_FLOAT64), .bytes = {"", 0}};
    flights_put(&f->flights, "everything", &key, 1, 0, values);
    ask_service(f, "all_types");
    add_integers(f, "id", (int64_t[]){1}, 1);
    ask_well(f);
    Larder__V1__FeatureColumn *empty = f->response->columns[12], *null = f->response->columns[11];
    assert_int_equal(empty->statuses.len, 0);
    assert_int_equal(empty->list_values->n_values, 1);
    assert_int_equal(empty->list_values->values[0]->values_case,
                     LARDER__V1__LIST_VALUE__VALUES_DOUBLE_VALUES);
    assert_int_equal(null->list_values->n_values, 1);
    assert_int_equal(null->list_values->values[0]->values_case,
                     LARDER__V1__LIST_VALUE__VALUES__NOT_SET);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_service_is_answered_in_its_order),
        TEST(rows_stand_in_the_order_of_the_request),
        TEST(statuses_and_names_come_as_they_are_asked_for),
        TEST(references_are_answered_in_the_order_asked),
        TEST(age_decides_between_present_withheld_and_not_found),
        TEST(nulls_are_told_from_zeros),
        TEST(a_null_key_finds_nothing_and_spoils_nothing),
        TEST(null_rows_without_values_come_in_any_order),
        TEST(a_row_that_is_neither_null_nor_has_a_value_is_refused),
        TEST(a_key_that_is_too_long_is_not_found),
        TEST(a_text_key_with_a_nul_or_bad_utf8_is_refused),
        TEST(keys_must_be_there_once_typed_and_of_one_length),
        TEST(requests_for_nothing_are_refused),
        TEST(limits_hold_to_the_last_row),
        TEST(keys_of_every_type_find_their_row),
        TEST(values_of_every_type_arrive),
        TEST(an_empty_list_is_not_a_null_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
