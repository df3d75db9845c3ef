/* test_larder_v1_stream.c - what stands around the requests and answers of a stream, against
 * protobuf-c. */
#include "server/answer/larder_v1_stream.h"

#include "larder/v1/feature_service.pb-c.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

struct fixture {
    struct wire_writer writer;
    struct streamed_request streamed;
    struct error err;
};

static int set_up(void **state)
{
    static struct fixture fixture;
    wire_writer_init(&fixture.writer, 4096);
    *state = &fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    wire_writer_release(&f->writer);
    return 0;
}

static enum status read_bytes(struct fixture *f, const char *data, size_t size)
{
    return streamed_request_read((struct bytes){data, size}, &f->streamed, &f->err);
}

#define READ(f, text) read_bytes(f, text, sizeof text - 1)

static void a_request_is_read_as_protobuf_writes_it(void **state)
{
    struct fixture *f = *state;
    Larder__V1__GetFeaturesRequest request = LARDER__V1__GET_FEATURES_REQUEST__INIT;
    Larder__V1__StreamFeaturesRequest streamed = LARDER__V1__STREAM_FEATURES_REQUEST__INIT;
    uint8_t message[64], inner[64];
    request.what_case = LARDER__V1__GET_FEATURES_REQUEST__WHAT_FEATURE_SERVICE;
    request.feature_service = (char[]){"weather"};
    request.with_statuses = 1;
    streamed.id = UINT64_MAX;
    streamed.request = &request;
    streamed.timeout_ms = UINT32_MAX;
    size_t size = larder__v1__stream_features_request__pack(&streamed, message);
    size_t inner_size = larder__v1__get_features_request__pack(&request, inner);
    assert_int_equal(read_bytes(f, (const char *)message, size), STATUS_OK);
    assert_true(f->streamed.id == UINT64_MAX && f->streamed.timeout_ms == UINT32_MAX);
    assert_true(bytes_equal(f->streamed.request, (struct bytes){inner, inner_size}));
}

static void what_is_left_out_is_nothing(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(READ(f, ""), STATUS_OK);
    assert_true(f->streamed.id == 0 && f->streamed.timeout_ms == 0);
    assert_true(f->streamed.request.data && f->streamed.request.size == 0);
    assert_int_equal(READ(f, "\x08\x05\x52\x03new"), STATUS_OK); /* a field of a newer contract */
    assert_true(f->streamed.id == 5);
}

static void what_is_no_request_is_refused(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(READ(f, "\xff\xff"), STATUS_INVALID);
    assert_int_equal(READ(f, "\x08"), STATUS_INVALID);
    assert_int_equal(READ(f, "\x0a\x01x"), STATUS_INVALID); /* an id of letters */
    assert_int_equal(READ(f, "\x10\x01"), STATUS_INVALID);  /* a request that is a number */
    assert_int_equal(READ(f, "\x12\x05x"), STATUS_INVALID); /* cut off */
    assert_int_equal(READ(f, "\x12\x01x\x12\x01x"), STATUS_INVALID); /* two */
    assert_non_null(strstr(f->err.message, "more than one"));
}

static void an_answer_reads_back(void **state)
{
    (void)state;
    static const uint64_t ids[] = {0, 1, 127, 128, UINT64_MAX};
    for (size_t i = 0; i < COUNT_OF(ids); i++) {
        Larder__V1__GetFeaturesResponse response = LARDER__V1__GET_FEATURES_RESPONSE__INIT;
        uint8_t message[STREAMED_HEAD_MAX + 64], answer[64];
        response.row_count = 70000;
        size_t size = larder__v1__get_features_response__pack(&response, answer);
        size_t head_size = streamed_answer_head(ids[i], size, message);
        assert_true(head_size <= STREAMED_HEAD_MAX);
        memcpy(message + head_size, answer, size);
        Larder__V1__StreamFeaturesResponse *read =
            larder__v1__stream_features_response__unpack(NULL, head_size + size, message);
        assert_non_null(read);
        assert_true(read->id == ids[i] && read->response->row_count == 70000);
        larder__v1__stream_features_response__free_unpacked(read, NULL);
    }
    uint8_t head[STREAMED_HEAD_MAX];
    assert_true(streamed_answer_head(UINT64_MAX, SIZE_MAX, head) <= STREAMED_HEAD_MAX);
}

static void check_failure(struct fixture *f, const char *message, const char *read_message)
{
    streamed_failure_write(300, 14, message, &f->writer);
    struct bytes written = wire_written(&f->writer);
    Larder__V1__StreamFeaturesResponse *read =
        larder__v1__stream_features_response__unpack(NULL, written.size, written.data);
    assert_non_null(read);
    assert_true(read->id == 300);
    assert_int_equal(read->outcome_case, LARDER__V1__STREAM_FEATURES_RESPONSE__OUTCOME_FAILURE);
    assert_int_equal(read->failure->code, 14);
    assert_string_equal(read->failure->message, read_message);
    larder__v1__stream_features_response__free_unpacked(read, NULL);
}

static void a_failure_reads_back(void **state)
{
    check_failure(*state, "away", "away");
    check_failure(*state, "", "");
    check_failure(*state, "caf\xc3\xa9", "caf\xc3\xa9");
}

static void a_failure_is_always_text(void **state)
{
    check_failure(*state, "not \xff this \xc3", "not ? this ?");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_request_is_read_as_protobuf_writes_it),
        TEST(what_is_left_out_is_nothing),
        TEST(what_is_no_request_is_refused),
        TEST(an_answer_reads_back),
        TEST(a_failure_reads_back),
        TEST(a_failure_is_always_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
