/* test_sdk_request.c - what a caller asks for, as it goes over the wire. */
#include "larder/v1/feature_service.pb-c.h"
#include "sdk/c/request.h"
#include "tests/unit/failing_memory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* A request, and what a server makes of its bytes. */
struct fixture {
    struct larder_request *request;
    Larder__V1__GetFeaturesRequest *seen;
    struct larder_error err;
};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    f->request = larder_request_new();
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    larder__v1__get_features_request__free_unpacked(f->seen, NULL);
    larder_request_free(f->request);
    free(f);
    return 0;
}

static enum larder_result check(struct fixture *f)
{
    return larder_request_check(f->request, &f->err);
}

static void send(struct fixture *f)
{
    uint8_t *bytes;
    size_t size;
    assert_int_equal(check(f), LARDER_OK);
    assert_int_equal(larder_request_pack(f->request, &bytes, &size, &f->err), LARDER_OK);
    larder__v1__get_features_request__free_unpacked(f->seen, NULL);
    f->seen = larder__v1__get_features_request__unpack(NULL, size, bytes);
    free(bytes);
    assert_non_null(f->seen);
}

static void check_refused(struct fixture *f, enum larder_result result, const char *words)
{
    assert_int_equal(check(f), result);
    assert_int_equal(f->err.result, result);
    if (!strstr(f->err.message, words))
        fail_msg("\"%s\" does not say \"%s\"", f->err.message, words);
}

static const Larder__V1__EntityColumn *column(const struct fixture *f, const char *name)
{
    for (size_t i = 0; i < f->seen->n_entities; i++)
        if (strcmp(f->seen->entities[i]->name, name) == 0)
            return f->seen->entities[i];
    fail_msg("no column %s", name);
    return NULL;
}

static void every_kind_of_key_arrives_in_its_own_column(void **state)
{
    struct fixture *f = *state;
    larder_request_service(f->request, "delay_model");
    for (int row = 0; row < 50; row++) {
        larder_request_add_int(f->request, "flight", row - 25);
        larder_request_add_string(f->request, "origin", row % 2 ? "JFK" : "");
        larder_request_add_bytes(f->request, "hash", "\0\x01\x02", (size_t)row % 4);
        larder_request_add_bool(f->request, "charter", row % 3 == 0);
        larder_request_add_timestamp(f->request, "day", row * INT64_C(86400000000));
    }
    send(f);
    assert_string_equal(f->seen->feature_service, "delay_model");
    assert_int_equal(f->seen->n_entities, 5);
    for (size_t row = 0; row < 50; row++) {
        assert_int_equal(column(f, "flight")->int64_values->values[row], (int64_t)row - 25);
        assert_string_equal(column(f, "origin")->string_values->values[row], row % 2 ? "JFK" : "");
        assert_int_equal(column(f, "hash")->bytes_values->values[row].len, row % 4);
        assert_int_equal(column(f, "charter")->bool_values->values[row], row % 3 == 0);
        assert_int_equal(column(f, "day")->timestamp_values->values_us[row],
                         (int64_t)row * INT64_C(86400000000));
    }
    assert_memory_equal(column(f, "hash")->bytes_values->values[3].data, "\0\x01\x02", 3);
    assert_int_equal(column(f, "flight")->n_null_rows, 0);
    assert_false(f->seen->full_feature_names);
    assert_false(f->seen->with_event_times);
}

static void features_arrive_in_the_order_asked(void **state)
{
    struct fixture *f = *state;
    char reference[32];
    for (int i = 0; i < 40; i++) {
        snprintf(reference, sizeof reference, "view:f%d", 40 - i);
        larder_request_feature(f->request, reference);
    }
    larder_request_add_int(f->request, "id", 1);
    larder_request_full_names(f->request, true);
    larder_request_event_times(f->request, true);
    send(f);
    assert_int_equal(f->seen->features->n_references, 40);
    assert_string_equal(f->seen->features->references[0], "view:f40");
    assert_string_equal(f->seen->features->references[39], "view:f1");
    assert_true(f->seen->full_feature_names);
    assert_true(f->seen->with_event_times);
}

static void nulls_have_their_rows_wherever_they_stand(void **state)
{
    struct fixture *f = *state;
    larder_request_service(f->request, "s");
    larder_request_add_null(f->request, "origin");
    larder_request_add_null(f->request, "origin");
    larder_request_add_string(f->request, "origin", "JFK");
    larder_request_add_null(f->request, "origin");
    send(f);
    const Larder__V1__EntityColumn *origin = column(f, "origin");
    assert_int_equal(origin->string_values->n_values, 4);
    assert_string_equal(origin->string_values->values[2], "JFK");
    assert_int_equal(origin->n_null_rows, 3);
    assert_int_equal(origin->null_rows[0], 0);
    assert_int_equal(origin->null_rows[1], 1);
    assert_int_equal(origin->null_rows[2], 3);
}

static void a_column_of_nulls_alone_has_no_type(void **state)
{
    struct fixture *f = *state;
    larder_request_service(f->request, "s");
    larder_request_add_null(f->request, "origin");
    larder_request_add_null(f->request, "origin");
    send(f);
    assert_int_equal(column(f, "origin")->values_case, LARDER__V1__ENTITY_COLUMN__VALUES__NOT_SET);
    assert_int_equal(column(f, "origin")->n_null_rows, 2);
    assert_int_equal(larder_request_row_count(f->request), 2);
}

static void a_cleared_request_remembers_nothing(void **state)
{
    struct fixture *f = *state;
    larder_request_feature(f->request, "view:f");
    larder_request_full_names(f->request, true);
    larder_request_event_times(f->request, true);
    larder_request_add_bytes(f->request, "a", "\xFF\xFF\xFF\xFF", 4);
    larder_request_add_null(f->request, "a");
    larder_request_add_string(f->request, "b", NULL);
    larder_request_clear(f->request);
    larder_request_service(f->request, "s");
    larder_request_add_null(f->request, "b");
    larder_request_add_bool(f->request, "b", true);
    send(f);
    assert_int_equal(f->seen->what_case, LARDER__V1__GET_FEATURES_REQUEST__WHAT_FEATURE_SERVICE);
    assert_false(f->seen->full_feature_names);
    assert_false(f->seen->with_event_times);
    assert_int_equal(f->seen->n_entities, 1);
    assert_int_equal(column(f, "b")->bool_values->values[0], 0);
    assert_int_equal(column(f, "b")->bool_values->values[1], 1);
    assert_int_equal(column(f, "b")->n_null_rows, 1);
}

static void the_first_mistake_is_the_one_told(void **state)
{
    struct fixture *f = *state;
    larder_request_service(f->request, "s");
    larder_request_add_int(f->request, "origin", 1);
    larder_request_add_string(f->request, "origin", "JFK");
    larder_request_add_string(f->request, "origin", NULL);
    check_refused(f, LARDER_INVALID_ARGUMENT, "join key origin: string added to a column of int");
}

static void absent_text_is_refused(void **state)
{
    struct fixture *f = *state;
    larder_request_service(f->request, NULL);
    check_refused(f, LARDER_INVALID_ARGUMENT, "feature_service is NULL");
    larder_request_clear(f->request);
    larder_request_feature(f->request, NULL);
    check_refused(f, LARDER_INVALID_ARGUMENT, "reference is NULL");
    larder_request_clear(f->request);
    larder_request_add_int(f->request, NULL, 1);
    check_refused(f, LARDER_INVALID_ARGUMENT, "join_key is NULL");
    larder_request_clear(f->request);
    larder_request_add_bytes(f->request, "hash", NULL, 1);
    check_refused(f, LARDER_INVALID_ARGUMENT, "data is NULL");
}

static void a_request_names_one_thing_to_ask_for(void **state)
{
    struct fixture *f = *state;
    larder_request_add_int(f->request, "id", 1);
    check_refused(f, LARDER_INVALID_ARGUMENT, "this one for neither");
    larder_request_service(f->request, "s");
    larder_request_feature(f->request, "v:f");
    check_refused(f, LARDER_INVALID_ARGUMENT, "not for both");
}

static void columns_of_unequal_length_are_refused(void **state)
{
    struct fixture *f = *state;
    larder_request_service(f->request, "s");
    check_refused(f, LARDER_INVALID_ARGUMENT, "no entities");
    larder_request_add_int(f->request, "a", 1);
    larder_request_add_int(f->request, "a", 2);
    larder_request_add_int(f->request, "b", 1);
    check_refused(f, LARDER_INVALID_ARGUMENT, "join key a has 2 values, and b has 1");
}

static void no_request_is_one_without_memory(void **state)
{
    (void)state;
    struct larder_error err;
    larder_request_service(NULL, "s");
    larder_request_feature(NULL, "v:f");
    larder_request_full_names(NULL, true);
    larder_request_event_times(NULL, true);
    larder_request_add_int(NULL, "id", 1);
    larder_request_add_string(NULL, "id", "x");
    larder_request_add_bytes(NULL, "id", "x", 1);
    larder_request_add_bool(NULL, "id", true);
    larder_request_add_timestamp(NULL, "id", 1);
    larder_request_add_null(NULL, "id");
    larder_request_clear(NULL);
    larder_request_free(NULL);
    assert_int_equal(larder_request_check(NULL, &err), LARDER_NO_MEMORY);
}

static void fill_request(struct larder_request *request)
{
    for (int i = 0; i < 20; i++)
        larder_request_feature(request, "view:feature");
    for (int i = 0; i < 200; i++) {
        larder_request_add_null(request, "origin");
        larder_request_add_string(request, "origin", "some text that takes its place");
        larder_request_add_int(request, "flight", i);
        larder_request_add_null(request, "flight");
    }
}

/* One try, in which the nth allocation fails. true: that many were not needed. */
static bool try_without_memory(unsigned nth)
{
    uint8_t *bytes = NULL;
    size_t size;
    struct larder_error err;
    failing_memory_from(nth);
    struct larder_request *request = larder_request_new();
    if (request)
        fill_request(request);
    enum larder_result result = larder_request_check(request, &err);
    if (result == LARDER_OK)
        result = larder_request_pack(request, &bytes, &size, &err);
    bool failed = failing_memory_end();
    assert_int_equal(result, failed ? LARDER_NO_MEMORY : LARDER_OK);
    larder_request_free(request);
    free(bytes);
    return !failed;
}

static void whichever_allocation_fails_the_request_says_so(void **state)
{
    (void)state;
    unsigned nth = 1;
    while (!try_without_memory(nth))
        nth++;
    assert_true(nth > 10); /* there was something to fail */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_kind_of_key_arrives_in_its_own_column, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(features_arrive_in_the_order_asked, set_up, tear_down),
        cmocka_unit_test_setup_teardown(nulls_have_their_rows_wherever_they_stand, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_column_of_nulls_alone_has_no_type, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_cleared_request_remembers_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_first_mistake_is_the_one_told, set_up, tear_down),
        cmocka_unit_test_setup_teardown(absent_text_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_request_names_one_thing_to_ask_for, set_up, tear_down),
        cmocka_unit_test_setup_teardown(columns_of_unequal_length_are_refused, set_up, tear_down),
        cmocka_unit_test(no_request_is_one_without_memory),
        cmocka_unit_test(whichever_allocation_fails_the_request_says_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
