/* test_sdk_response.c - answers are checked whole, and then read by row, column and type. */
#include "sdk/c/response.h"
#include "tests/unit/failing_memory.h"
#include "tests/unit/sdk_answer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* An answer to alter, and what came of it. */
struct fixture {
    struct sdk_answer answer;
    struct larder_response *response;
    struct larder_error err;
};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    sdk_answer_init(&f->answer);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    larder_response_free(f->response);
    free(f);
    return 0;
}

static enum larder_result receive(struct fixture *f)
{
    size_t size;
    uint8_t *bytes = sdk_answer_pack(&f->answer, &size);
    larder_response_free(f->response);
    enum larder_result result =
        larder_response_decode(bytes, size, SDK_ANSWER_ROWS, &f->response, &f->err);
    free(bytes);
    return result;
}

static size_t column(const struct fixture *f, const char *name)
{
    size_t found = larder_response_find(f->response, name);
    assert_true(found != LARDER_NO_COLUMN);
    return found;
}

static void check_refused(struct fixture *f, const char *words)
{
    assert_int_equal(receive(f), LARDER_FAILED);
    assert_null(f->response);
    if (!strstr(f->err.message, words))
        fail_msg("\"%s\" does not say \"%s\"", f->err.message, words);
}

static void the_shape_is_told(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(receive(f), LARDER_OK);
    assert_int_equal(larder_response_row_count(f->response), 3);
    assert_int_equal(larder_response_column_count(f->response), 10);
    assert_int_equal(larder_response_definitions_version(f->response), 42);
    assert_string_equal(larder_response_name(f->response, 5), "strings");
    assert_null(larder_response_name(f->response, 10));
    assert_int_equal(larder_response_type(f->response, column(f, "floats")), LARDER_TYPE_FLOAT32);
    assert_int_equal(larder_response_type(f->response, column(f, "int_lists")),
                     LARDER_TYPE_LIST | LARDER_TYPE_INT64);
    assert_int_equal(larder_response_type(f->response, 10), 0);
    assert_true(larder_response_find(f->response, "none") == LARDER_NO_COLUMN);
}

static void numbers_are_read_by_kind_whatever_their_width(void **state)
{
    struct fixture *f = *state;
    double number;
    int64_t integer;
    assert_int_equal(receive(f), LARDER_OK);
    const struct larder_response *r = f->response;
    assert_int_equal(larder_response_double(r, 0, column(f, "doubles"), &number), LARDER_PRESENT);
    assert_true(number == 1.5);
    assert_int_equal(larder_response_double(r, 0, column(f, "floats"), &number), LARDER_PRESENT);
    assert_true(number == 0.5);
    assert_int_equal(larder_response_int(r, 0, column(f, "int64s"), &integer), LARDER_PRESENT);
    assert_true(integer == INT64_MIN);
    assert_int_equal(larder_response_int(r, 0, column(f, "int32s"), &integer), LARDER_PRESENT);
    assert_true(integer == -7);
    assert_int_equal(larder_response_timestamp(r, 0, column(f, "timestamps"), &integer),
                     LARDER_PRESENT);
    assert_true(integer == INT64_C(1700000000000001));
}

static void bools_texts_and_bytes_are_read(void **state)
{
    struct fixture *f = *state;
    bool truth = false;
    const void *data;
    size_t size;
    assert_int_equal(receive(f), LARDER_OK);
    const struct larder_response *r = f->response;
    assert_int_equal(larder_response_bool(r, 0, column(f, "bools"), &truth), LARDER_PRESENT);
    assert_true(truth);
    assert_int_equal(larder_response_bytes(r, 0, column(f, "strings"), &data, &size),
                     LARDER_PRESENT);
    assert_int_equal(size, strlen("Zürich"));
    assert_memory_equal(data, "Zürich", size);
    assert_int_equal(larder_response_bytes(r, 0, column(f, "bytes"), &data, &size), LARDER_PRESENT);
    assert_int_equal(size, 3);
    assert_memory_equal(data, "\0\xFF\0", 3);
}

static void lists_are_read_element_by_element(void **state)
{
    struct fixture *f = *state;
    size_t count, size;
    int64_t integer;
    const void *data;
    assert_int_equal(receive(f), LARDER_OK);
    const struct larder_response *r = f->response;
    size_t ints = column(f, "int_lists"), strings = column(f, "string_lists");
    assert_int_equal(larder_response_list_size(r, 0, ints, &count), LARDER_PRESENT);
    assert_int_equal(count, 3);
    assert_int_equal(larder_response_list_int(r, 0, ints, 1, &integer), LARDER_PRESENT);
    assert_true(integer == -2);
    assert_int_equal(larder_response_list_int(r, 0, ints, 3, &integer), LARDER_NO_SUCH_VALUE);
    assert_int_equal(larder_response_list_bytes(r, 0, strings, 1, &data, &size), LARDER_PRESENT);
    assert_int_equal(size, 0);
    assert_int_equal(larder_response_list_size(r, 1, ints, &count), LARDER_NULL_VALUE);
    assert_int_equal(larder_response_list_int(r, 2, ints, 0, &integer), LARDER_NOT_FOUND);
}

static void a_present_list_may_be_empty_in_two_ways(void **state)
{
    struct fixture *f = *state;
    static uint8_t present[] = {LARDER_PRESENT, LARDER_PRESENT, LARDER_PRESENT};
    size_t count = 9;
    int64_t integer;
    f->answer.column[8].statuses.data = f->answer.column[9].statuses.data = present;
    assert_int_equal(receive(f), LARDER_OK);
    for (size_t row = 1; row < 3; row++) {
        assert_int_equal(larder_response_list_size(f->response, row, 9, &count), LARDER_PRESENT);
        assert_int_equal(count, 0);
        assert_int_equal(larder_response_list_int(f->response, row, 8, 0, &integer),
                         LARDER_NO_SUCH_VALUE);
    }
}

static void a_column_in_which_no_row_has_a_list_has_no_element_type(void **state)
{
    struct fixture *f = *state;
    static uint8_t nulls[] = {LARDER_NULL_VALUE, LARDER_NULL_VALUE, LARDER_NULL_VALUE};
    int64_t integer;
    f->answer.int_list[0].values_case = LARDER__V1__LIST_VALUE__VALUES__NOT_SET;
    f->answer.column[8].statuses.data = nulls;
    assert_int_equal(receive(f), LARDER_OK);
    assert_int_equal(larder_response_type(f->response, 8), LARDER_TYPE_LIST);
    assert_int_equal(larder_response_list_int(f->response, 0, 8, 0, &integer), LARDER_NULL_VALUE);
    assert_int_equal(larder_response_int(f->response, 0, 8, &integer), LARDER_WRONG_TYPE);
}

static void what_is_not_present_leaves_the_callers_value_alone(void **state)
{
    struct fixture *f = *state;
    int64_t integer = 77;
    const void *data = "mine";
    size_t size = 4;
    assert_int_equal(receive(f), LARDER_OK);
    const struct larder_response *r = f->response;
    assert_int_equal(larder_response_int(r, 1, column(f, "int64s"), &integer), LARDER_NULL_VALUE);
    assert_int_equal(larder_response_int(r, 2, column(f, "int32s"), &integer), LARDER_NOT_FOUND);
    assert_int_equal(larder_response_bytes(r, 1, column(f, "bytes"), &data, &size),
                     LARDER_NULL_VALUE);
    assert_int_equal(integer, 77);
    assert_int_equal(size, 4);
    assert_string_equal(data, "mine");
}

static void wrong_questions_are_told_apart(void **state)
{
    struct fixture *f = *state;
    double number;
    int64_t integer;
    bool truth;
    size_t size;
    const void *data;
    assert_int_equal(receive(f), LARDER_OK);
    const struct larder_response *r = f->response;
    size_t doubles = column(f, "doubles"), strings = column(f, "strings");
    assert_int_equal(larder_response_int(r, 0, doubles, &integer), LARDER_WRONG_TYPE);
    assert_int_equal(larder_response_timestamp(r, 0, 2, &integer), LARDER_WRONG_TYPE);
    assert_int_equal(larder_response_bool(r, 0, strings, &truth), LARDER_WRONG_TYPE);
    assert_int_equal(larder_response_bytes(r, 0, doubles, &data, &size), LARDER_WRONG_TYPE);
    assert_int_equal(larder_response_list_size(r, 0, doubles, &size), LARDER_WRONG_TYPE);
    assert_int_equal(larder_response_list_double(r, 0, column(f, "int_lists"), 0, &number),
                     LARDER_WRONG_TYPE);
    assert_int_equal(larder_response_double(r, 3, doubles, &number), LARDER_NO_SUCH_VALUE);
    assert_int_equal(larder_response_double(r, 0, 10, &number), LARDER_NO_SUCH_VALUE);
    assert_int_equal(larder_response_double(r, 0, LARDER_NO_COLUMN, &number), LARDER_NO_SUCH_VALUE);
    assert_int_equal(larder_response_status(r, SIZE_MAX, 0), LARDER_NO_SUCH_VALUE);
}

static void statuses_left_out_mean_present(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(receive(f), LARDER_OK);
    for (size_t row = 0; row < 3; row++)
        assert_int_equal(larder_response_status(f->response, row, column(f, "doubles")),
                         LARDER_PRESENT);
}

static void event_times_are_those_of_the_columns_view(void **state)
{
    struct fixture *f = *state;
    int64_t us = 1;
    assert_int_equal(receive(f), LARDER_OK);
    assert_true(larder_response_event_time(f->response, 1, column(f, "int64s"), &us));
    assert_int_equal(us, 200);
    assert_true(larder_response_event_time(f->response, 1, column(f, "floats"), &us));
    assert_true(us == -300);
    assert_true(larder_response_event_time(f->response, 0, column(f, "floats"), &us));
    assert_int_equal(us, 0); /* 1970 is a time where there is a row */
    assert_false(larder_response_event_time(f->response, 2, column(f, "floats"), &us));
    assert_false(larder_response_event_time(f->response, 0, LARDER_NO_COLUMN, &us));
    f->answer.view[0].n_event_times_us = 0;
    assert_int_equal(receive(f), LARDER_OK);
    assert_false(larder_response_event_time(f->response, 0, column(f, "doubles"), &us));
}

static void an_answer_without_columns_is_one(void **state)
{
    struct fixture *f = *state;
    f->answer.wire.n_columns = f->answer.wire.n_views = 0;
    assert_int_equal(receive(f), LARDER_OK);
    assert_int_equal(larder_response_column_count(f->response), 0);
    assert_int_equal(larder_response_status(f->response, 0, 0), LARDER_NO_SUCH_VALUE);
}

static void counts_that_disagree_are_refused(void **state)
{
    struct fixture *f = *state;
    f->answer.wire.row_count = 4;
    check_refused(f, "4 rows to 3 entities");
    sdk_answer_init(&f->answer);
    f->answer.strings.n_values = 2;
    check_refused(f, "column 5 (strings): not one value a row");
    sdk_answer_init(&f->answer);
    f->answer.int_lists.n_values = 1;
    check_refused(f, "column 8 (int_lists): not one list a row");
    sdk_answer_init(&f->answer);
    f->answer.column[4].statuses.len = 2;
    check_refused(f, "column 4 (bools): not one status a row");
    sdk_answer_init(&f->answer);
    f->answer.view[1].n_event_times_us = 2;
    check_refused(f, "not one event time a row");
}

static void what_this_client_does_not_know_is_refused(void **state)
{
    struct fixture *f = *state;
    static uint8_t unknown[] = {LARDER_PRESENT, 5, LARDER_PRESENT};
    static uint8_t unspecified[] = {0, LARDER_PRESENT, LARDER_PRESENT};
    f->answer.column[3].statuses.data = unknown;
    check_refused(f, "a status that this client does not know");
    f->answer.column[3].statuses.data = unspecified;
    check_refused(f, "a status that this client does not know");
    sdk_answer_init(&f->answer);
    f->answer.column[3].values_case = LARDER__V1__FEATURE_COLUMN__VALUES__NOT_SET;
    check_refused(f, "no values, or of a type that this client does not know");
    sdk_answer_init(&f->answer);
    f->answer.column[3].view = 2;
    check_refused(f, "of a view that is not there");
    sdk_answer_init(&f->answer);
    f->answer.int_list[1].values_case = LARDER__V1__LIST_VALUE__VALUES_STRING_VALUES;
    f->answer.int_list[1].string_values = &f->answer.strings_of_row_0;
    check_refused(f, "lists of several types");
}

static void no_part_of_an_answer_is_taken_for_the_whole(void **state)
{
    struct fixture *f = *state;
    size_t size;
    uint8_t *whole = sdk_answer_pack(&f->answer, &size);
    for (size_t part = 0; part < size; part++) {
        uint8_t *bytes = malloc(part ? part : 1); /* of its very size, for the address sanitizer */
        memcpy(bytes, whole, part);
        enum larder_result result =
            larder_response_decode(bytes, part, SDK_ANSWER_ROWS, &f->response, &f->err);
        /* A cut between two fields may leave fewer columns, but never their row count. */
        assert_true(result == LARDER_FAILED || larder_response_row_count(f->response) == 3);
        larder_response_free(f->response);
        f->response = NULL;
        free(bytes);
    }
    free(whole);
}

/* One try, in which the nth allocation fails. true: that many were not needed. */
static bool try_without_memory(unsigned nth, const uint8_t *bytes, size_t size)
{
    struct larder_error err;
    struct larder_response *response;
    failing_memory_from(nth);
    enum larder_result result =
        larder_response_decode(bytes, size, SDK_ANSWER_ROWS, &response, &err);
    bool failed = failing_memory_end();
    assert_int_equal(result, failed ? LARDER_NO_MEMORY : LARDER_OK);
    assert_true(!response == failed);
    larder_response_free(response);
    return !failed;
}

static void whichever_allocation_fails_the_answer_says_so(void **state)
{
    struct fixture *f = *state;
    size_t size;
    static char long_text[20000];
    memset(long_text, 'x', sizeof long_text - 1);
    static char *texts[] = {long_text, long_text, long_text};
    f->answer.strings.values = texts;
    uint8_t *bytes = sdk_answer_pack(&f->answer, &size);
    unsigned nth = 1;
    while (!try_without_memory(nth, bytes, size))
        nth++;
    assert_true(nth > 4); /* there was something to fail */
    free(bytes);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(the_shape_is_told),
        TEST(numbers_are_read_by_kind_whatever_their_width),
        TEST(bools_texts_and_bytes_are_read),
        TEST(lists_are_read_element_by_element),
        TEST(a_present_list_may_be_empty_in_two_ways),
        TEST(a_column_in_which_no_row_has_a_list_has_no_element_type),
        TEST(what_is_not_present_leaves_the_callers_value_alone),
        TEST(wrong_questions_are_told_apart),
        TEST(statuses_left_out_mean_present),
        TEST(event_times_are_those_of_the_columns_view),
        TEST(an_answer_without_columns_is_one),
        TEST(counts_that_disagree_are_refused),
        TEST(what_this_client_does_not_know_is_refused),
        TEST(no_part_of_an_answer_is_taken_for_the_whole),
        TEST(whichever_allocation_fails_the_answer_says_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
