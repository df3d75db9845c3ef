/* test_sdk_client.c - the C client against a server that does what a test wants. */
#include "larder/v1/feature_service.pb-c.h"
#include "sdk/c/include/larder/larder.h"
#include "tests/integration/fake_feature_service.h"
#include "tests/unit/failing_memory.h"
#include "tests/unit/sdk_answer.h"

#include <grpc/status.h>

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

/* What the server is to say. */
struct instruction {
    struct fake_answer answer;
    bool echo_ids; /* instead of it: the ids that were asked for, as a column */
};

/* A server that does as instructed, and a client of it. */
struct fixture {
    pthread_mutex_t lock;
    struct instruction told; /* under the lock: the server's thread reads it */
    struct fake_answer answer;
    bool echo_ids;
    struct fake_feature_service *service;
    struct larder_client *client;
    struct larder_request *request;
    struct larder_response *response;
    struct larder_error err;
};

/* Answers with the ids themselves, as the one column "id". */
static struct fake_answer echo_ids(const Larder__V1__GetFeaturesRequest *request)
{
    const Larder__V1__Int64Values *ids = request->entities[0]->int64_values;
    Larder__V1__GetFeaturesResponse answer = LARDER__V1__GET_FEATURES_RESPONSE__INIT;
    Larder__V1__FeatureColumn column = LARDER__V1__FEATURE_COLUMN__INIT;
    Larder__V1__FeatureColumn *columns[] = {&column};
    column.name = "id";
    column.values_case = LARDER__V1__FEATURE_COLUMN__VALUES_INT64_VALUES;
    column.int64_values = (Larder__V1__Int64Values *)ids;
    answer.n_columns = 1;
    answer.columns = columns;
    answer.row_count = (uint32_t)ids->n_values;
    size_t size = larder__v1__get_features_response__get_packed_size(&answer);
    uint8_t *bytes = malloc(size);
    larder__v1__get_features_response__pack(&answer, bytes);
    return (struct fake_answer){.bytes = bytes, .size = size};
}

static struct fake_answer answer_call(void *context, const uint8_t *bytes, size_t size)
{
    struct fixture *f = context;
    pthread_mutex_lock(&f->lock);
    struct instruction told = f->told;
    pthread_mutex_unlock(&f->lock);
    if (!told.echo_ids) {
        struct fake_answer answer = told.answer;
        if (answer.bytes)
            answer.bytes = memcpy(malloc(answer.size + 1), answer.bytes, answer.size);
        return answer;
    }
    Larder__V1__GetFeaturesRequest *request =
        larder__v1__get_features_request__unpack(NULL, size, bytes);
    struct fake_answer answer = echo_ids(request);
    larder__v1__get_features_request__free_unpacked(request, NULL);
    return answer;
}

static void tell(struct fixture *f)
{
    pthread_mutex_lock(&f->lock);
    f->told = (struct instruction){f->answer, f->echo_ids};
    pthread_mutex_unlock(&f->lock);
}

static void connect_to(struct fixture *f, int port, const struct larder_options *options)
{
    char target[32];
    snprintf(target, sizeof target, "127.0.0.1:%d", port);
    larder_close(f->client);
    assert_int_equal(larder_connect(target, options, &f->client, &f->err), LARDER_OK);
}

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    *state = f;
    pthread_mutex_init(&f->lock, NULL);
    f->echo_ids = true;
    tell(f);
    f->service = fake_feature_service_start(0, answer_call, f);
    assert_non_null(f->service);
    connect_to(f, fake_feature_service_port(f->service), NULL);
    f->request = larder_request_new();
    larder_request_service(f->request, "ids");
    larder_request_add_int(f->request, "id", 7);
    larder_request_add_int(f->request, "id", -8);
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    larder_response_free(f->response);
    larder_request_free(f->request);
    larder_close(f->client);
    fake_feature_service_stop(f->service);
    if (f->answer.bytes)
        free(f->answer.bytes);
    pthread_mutex_destroy(&f->lock);
    free(f);
    return 0;
}

static enum larder_result ask(struct fixture *f, int timeout_ms)
{
    tell(f);
    larder_response_free(f->response);
    return larder_get_features(f->client, f->request, timeout_ms, &f->response, &f->err);
}

static void check_refused(struct fixture *f, enum larder_result result, const char *words)
{
    assert_int_equal(ask(f, 5000), result);
    assert_null(f->response);
    assert_int_equal(f->err.result, result);
    if (!strstr(f->err.message, words))
        fail_msg("\"%s\" does not say \"%s\"", f->err.message, words);
}

static double seconds_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void features_come_back_for_every_entity(void **state)
{
    struct fixture *f = *state;
    int64_t id;
    assert_int_equal(ask(f, 5000), LARDER_OK);
    assert_int_equal(larder_response_row_count(f->response), 2);
    size_t column = larder_response_find(f->response, "id");
    assert_int_equal(larder_response_int(f->response, 0, column, &id), LARDER_PRESENT);
    assert_true(id == 7);
    assert_int_equal(larder_response_int(f->response, 1, column, &id), LARDER_PRESENT);
    assert_true(id == -8);
}

static void a_large_answer_arrives_whole(void **state)
{
    struct fixture *f = *state;
    int64_t id;
    for (int i = 2; i < 300000; i++)
        larder_request_add_int(f->request, "id", i);
    assert_int_equal(ask(f, 30000), LARDER_OK);
    for (size_t row = 2; row < 300000; row++) {
        assert_int_equal(larder_response_int(f->response, row, 0, &id), LARDER_PRESENT);
        assert_int_equal(id, row);
    }
}

static void a_health_check_waits_no_longer_than_asked(void **state)
{
    struct fixture *f = *state;
    bool serving = true;
    assert_int_equal(larder_check_health(f->client, "", 0, &serving, &f->err),
                     LARDER_INVALID_ARGUMENT);
    assert_int_equal(larder_check_health(f->client, "", 50, &serving, &f->err),
                     LARDER_DEADLINE_EXCEEDED); /* the fake has no such method */
    assert_false(serving);
}

static void every_refusal_keeps_its_meaning_and_words(void **state)
{
    static const struct {
        grpc_status_code code;
        enum larder_result result;
    } cases[] = {
        {GRPC_STATUS_INVALID_ARGUMENT, LARDER_INVALID_ARGUMENT},
        {GRPC_STATUS_NOT_FOUND, LARDER_UNKNOWN_NAME},
        {GRPC_STATUS_UNAVAILABLE, LARDER_UNAVAILABLE},
        {GRPC_STATUS_RESOURCE_EXHAUSTED, LARDER_RESOURCE_EXHAUSTED},
        {GRPC_STATUS_INTERNAL, LARDER_FAILED},
    };
    struct fixture *f = *state;
    f->echo_ids = false;
    f->answer.words = "that is \"why\",\nsays the server";
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        f->answer.code = cases[i].code;
        check_refused(f, cases[i].result, "that is \"why\", says the server");
    }
    f->answer.code = GRPC_STATUS_UNIMPLEMENTED;
    check_refused(f, LARDER_FAILED, "no Larder listens there");
}

static void nobody_is_told_from_a_server_whose_store_is_away(void **state)
{
    struct fixture *f = *state;
    f->echo_ids = false;
    f->answer.words = "redis is away";
    f->answer.code = GRPC_STATUS_UNAVAILABLE;
    check_refused(f, LARDER_UNAVAILABLE, "redis is away");
    assert_true(larder_connected(f->client));
    connect_to(f, 1, NULL);
    check_refused(f, LARDER_UNAVAILABLE, "no server answers at 127.0.0.1:1 (Connection refused)");
    assert_false(larder_connected(f->client));
}

static void a_refusal_longer_than_its_place_is_cut_between_characters(void **state)
{
    struct fixture *f = *state;
    char words[1201]; /* escaped it is three times that; gRPC takes 8 KiB */
    for (size_t i = 0; i < 600; i++)
        memcpy(words + 2 * i, "é", 2);
    words[1200] = '\0';
    f->echo_ids = false;
    f->answer.code = GRPC_STATUS_INVALID_ARGUMENT;
    f->answer.words = words;
    check_refused(f, LARDER_INVALID_ARGUMENT, "ééééé");
    size_t size = strlen(f->err.message);
    assert_true(size > 1000 && size < sizeof f->err.message && size % 2 == 0);
}

static void answers_that_are_none_are_failures(void **state)
{
    struct fixture *f = *state;
    f->echo_ids = false;
    check_refused(f, LARDER_FAILED, "OK without an answer");
    f->answer.bytes = (uint8_t *)strdup("\xFF\xFF\xFF garbage");
    f->answer.size = 11;
    check_refused(f, LARDER_FAILED, "not a GetFeaturesResponse");
    f->answer.size = 0;
    check_refused(f, LARDER_FAILED, "0 rows to 2 entities");
}

static void a_slow_server_is_waited_for_no_longer_than_asked(void **state)
{
    struct fixture *f = *state;
    f->echo_ids = false;
    f->answer.delay_ms = 1500;
    double start = seconds_now();
    assert_int_equal(ask(f, 200), LARDER_DEADLINE_EXCEEDED);
    double seconds = seconds_now() - start;
    assert_true(seconds > 0.19 && seconds < 1.2);
    assert_non_null(strstr(f->err.message, "no answer within 200 ms"));
}

static void a_timeout_has_to_be_positive(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(ask(f, 0), LARDER_INVALID_ARGUMENT);
    assert_int_equal(ask(f, -1), LARDER_INVALID_ARGUMENT);
}

static void a_server_that_is_away_is_told_at_once_and_found_when_it_comes_back(void **state)
{
    struct fixture *f = *state;
    int port = fake_feature_service_port(f->service);
    assert_int_equal(ask(f, 5000), LARDER_OK);
    fake_feature_service_stop(f->service);
    double start = seconds_now();
    assert_int_equal(ask(f, 5000), LARDER_UNAVAILABLE);
    assert_true(seconds_now() - start < 2.5);
    f->service = fake_feature_service_start(port, answer_call, f);
    assert_non_null(f->service);
    start = seconds_now();
    while (ask(f, 5000) != LARDER_OK && seconds_now() - start < 10)
        nanosleep(&(struct timespec){0, 20000000}, NULL);
    assert_int_equal(ask(f, 5000), LARDER_OK);
    assert_true(seconds_now() - start < 3);
}

static void an_answer_over_the_limit_is_refused(void **state)
{
    struct fixture *f = *state;
    connect_to(f, fake_feature_service_port(f->service),
               &(struct larder_options){.max_answer_bytes = 1000});
    assert_int_equal(ask(f, 5000), LARDER_OK);
    for (int i = 0; i < 2000; i++)
        larder_request_add_int(f->request, "id", i);
    check_refused(f, LARDER_RESOURCE_EXHAUSTED, "larger than max");
}

static void a_target_without_a_port_is_refused(void **state)
{
    (void)state;
    struct larder_client *client;
    struct larder_error err;
    assert_int_equal(larder_connect("localhost", NULL, &client, &err), LARDER_INVALID_ARGUMENT);
    assert_null(client);
    assert_int_equal(larder_connect(NULL, NULL, &client, NULL), LARDER_INVALID_ARGUMENT);
}

/* What one of several threads does with the client they share. */
struct asker {
    pthread_t thread;
    struct larder_client *client;
    int64_t id;
    int right_answers;
};

static void *ask_many_times(void *context)
{
    struct asker *asker = context;
    struct larder_request *request = larder_request_new();
    for (int64_t i = 0; i < 100; i++) {
        struct larder_response *response;
        int64_t id = 0;
        larder_request_clear(request);
        larder_request_service(request, "ids");
        larder_request_add_int(request, "id", asker->id + i);
        if (larder_get_features(asker->client, request, 10000, &response, NULL) == LARDER_OK &&
            larder_response_int(response, 0, 0, &id) == LARDER_PRESENT)
            asker->right_answers += id == asker->id + i;
        larder_response_free(response);
    }
    larder_request_free(request);
    return NULL;
}

static void threads_share_a_client_and_get_their_own_answers(void **state)
{
    struct fixture *f = *state;
    struct asker askers[8];
    for (int i = 0; i < 8; i++) {
        askers[i] = (struct asker){.client = f->client, .id = i * 1000};
        assert_int_equal(pthread_create(&askers[i].thread, NULL, ask_many_times, &askers[i]), 0);
    }
    for (int i = 0; i < 8; i++)
        pthread_join(askers[i].thread, NULL);
    for (int i = 0; i < 8; i++)
        assert_int_equal(askers[i].right_answers, 100);
}

static void whichever_allocation_of_a_call_fails_the_client_goes_on(void **state)
{
    struct fixture *f = *state;
    struct sdk_answer answer;
    sdk_answer_init(&answer);
    f->echo_ids = false;
    f->answer.bytes = sdk_answer_pack(&answer, &f->answer.size);
    larder_request_add_int(f->request, "id", 9);
    assert_int_equal(ask(f, 5000), LARDER_OK);
    unsigned nth = 1;
    for (bool failed = true; failed; nth++) {
        failing_memory_from(nth);
        enum larder_result result = ask(f, 5000);
        failed = failing_memory_end();
        assert_int_equal(result, failed ? LARDER_NO_MEMORY : LARDER_OK);
        assert_int_equal(ask(f, 5000), LARDER_OK);
    }
    assert_true(nth > 4); /* there was something to fail */
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(features_come_back_for_every_entity),
        TEST(a_large_answer_arrives_whole),
        TEST(a_health_check_waits_no_longer_than_asked),
        TEST(every_refusal_keeps_its_meaning_and_words),
        TEST(nobody_is_told_from_a_server_whose_store_is_away),
        TEST(a_refusal_longer_than_its_place_is_cut_between_characters),
        TEST(answers_that_are_none_are_failures),
        TEST(a_slow_server_is_waited_for_no_longer_than_asked),
        TEST(a_timeout_has_to_be_positive),
        TEST(a_server_that_is_away_is_told_at_once_and_found_when_it_comes_back),
        TEST(an_answer_over_the_limit_is_refused),
        TEST(threads_share_a_client_and_get_their_own_answers),
        TEST(whichever_allocation_of_a_call_fails_the_client_goes_on),
        cmocka_unit_test(a_target_without_a_port_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
