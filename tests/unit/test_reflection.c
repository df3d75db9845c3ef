/* test_reflection.c - what a caller without contracts is told of them. */
#include "grpc/reflection/v1/reflection.pb-c.h"
#include "server/control/reflection.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

typedef Grpc__Reflection__V1__ServerReflectionRequest request_message;
typedef Grpc__Reflection__V1__ServerReflectionResponse response_message;

enum {
    FILENAME = GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__MESSAGE_REQUEST_FILE_BY_FILENAME,
    SYMBOL =
        GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__MESSAGE_REQUEST_FILE_CONTAINING_SYMBOL,
    NUMBERS =
        GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__MESSAGE_REQUEST_ALL_EXTENSION_NUMBERS_OF_TYPE,
    SERVICES = GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__MESSAGE_REQUEST_LIST_SERVICES,
    NOT_FOUND = 5,
};

/* The caller frees it. */
static response_message *answer_of(const request_message *request)
{
    uint8_t packed[4096];
    struct wire_writer writer;
    size_t size = grpc__reflection__v1__server_reflection_request__pack(request, packed);
    wire_writer_init(&writer, REFLECTION_ANSWER_MAX);
    assert_int_equal(reflection_answer((struct bytes){packed, size}, &writer, NULL), STATUS_OK);
    struct bytes written = wire_written(&writer);
    response_message *response =
        grpc__reflection__v1__server_reflection_response__unpack(NULL, written.size, written.data);
    assert_non_null(response);
    assert_string_equal(response->valid_host, request->host);
    assert_int_equal(response->original_request->message_request_case,
                     request->message_request_case);
    wire_writer_release(&writer);
    return response;
}

static response_message *ask(int about, const char *text)
{
    request_message request = GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__INIT;
    char *borrowed = (char *)(uintptr_t)text;
    request.host = (char *)(uintptr_t) "here";
    request.message_request_case =
        (Grpc__Reflection__V1__ServerReflectionRequest__MessageRequestCase)about;
    request.file_by_filename = borrowed; /* the members of a union */
    return answer_of(&request);
}

static void release(response_message *response)
{
    grpc__reflection__v1__server_reflection_response__free_unpacked(response, NULL);
}

/* The files of an answer are FileDescriptorProto, which begin with the file's name. */
static void check_files(int about, const char *text, const char *const *names, size_t count)
{
    response_message *response = ask(about, text);
    assert_non_null(response->file_descriptor_response);
    assert_int_equal(response->file_descriptor_response->n_file_descriptor_proto, count);
    for (size_t i = 0; i < count; i++) {
        ProtobufCBinaryData file = response->file_descriptor_response->file_descriptor_proto[i];
        assert_true(file.len > 2 + strlen(names[i]));
        assert_int_equal(file.data[1], strlen(names[i]));
        assert_memory_equal(file.data + 2, names[i], strlen(names[i]));
    }
    release(response);
}

static void check_file(int about, const char *text, const char *name)
{
    check_files(about, text, &name, 1);
}

static void check_error(int about, const char *text)
{
    response_message *response = ask(about, text);
    assert_non_null(response->error_response);
    assert_int_equal(response->error_response->error_code, NOT_FOUND);
    assert_true(response->error_response->error_message[0]);
    release(response);
}

static void every_service_is_named(void **state)
{
    static const char *const names[] = {
        "larder.v1.FeatureService",
        "feast.serving.ServingService",
        "grpc.health.v1.Health",
        "grpc.reflection.v1.ServerReflection",
        "grpc.reflection.v1alpha.ServerReflection",
    };
    (void)state;
    response_message *response = ask(SERVICES, "*");
    Grpc__Reflection__V1__ListServiceResponse *list = response->list_services_response;
    assert_int_equal(list->n_service, COUNT_OF(names));
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        size_t found = 0;
        for (size_t j = 0; j < list->n_service; j++)
            found += strcmp(list->service[j]->name, names[i]) == 0;
        assert_int_equal(found, 1);
    }
    release(response);
}

static void a_file_comes_with_what_it_imports(void **state)
{
    static const char *const feast[] = {
        "feast/serving/ServingService.proto",
        "feast/types/Value.proto",
        "google/protobuf/timestamp.proto",
    };
    (void)state;
    check_files(FILENAME, feast[0], feast, COUNT_OF(feast));
    check_files(SYMBOL, "feast.serving.ServingService", feast, COUNT_OF(feast));
    check_file(FILENAME, "grpc/health/v1/health.proto", "grpc/health/v1/health.proto");
    check_error(FILENAME, "health.proto");
    check_error(FILENAME, "");
}

static void names_of_every_kind_are_found(void **state)
{
    static const char larder[] = "larder/v1/feature_service.proto";
    static const char health[] = "grpc/health/v1/health.proto";
    (void)state;
    check_file(SYMBOL, "larder.v1.FeatureService", larder);
    check_file(SYMBOL, "larder.v1.FeatureService.GetFeatures", larder);
    check_file(SYMBOL, "larder.v1.GetFeaturesRequest", larder);
    check_file(SYMBOL, "larder.v1.GetFeaturesRequest.entities", larder);
    check_file(SYMBOL, "larder.v1.GetFeaturesRequest.what", larder);
    check_file(SYMBOL, "larder.v1.Status", larder);
    check_file(SYMBOL, "larder.v1.PRESENT", larder);
    check_file(SYMBOL, "grpc.health.v1.HealthCheckResponse.ServingStatus", health);
    check_file(SYMBOL, "grpc.health.v1.HealthCheckResponse.SERVING", health);
    check_file(SYMBOL, "google.protobuf.Timestamp", "google/protobuf/timestamp.proto");
    check_file(SYMBOL, "grpc.reflection.v1alpha.ServerReflection.ServerReflectionInfo",
               "grpc/reflection/v1alpha/reflection.proto");
}

static void names_that_are_nearly_right_are_not_found(void **state)
{
    static const char *const names[] = {
        "",
        ".",
        "larder",
        "larder.v1",
        "larder.v1.",
        ".larder.v1.FeatureService",
        "larder.v1.FeatureService.",
        "larder.v1.FeatureServic",
        "larder.v1.FeatureServices",
        "larder.v1.FeatureService.GetFeature",
        "larder.v1.FeatureService.GetFeatures.more",
        "larder.v1.GetFeaturesRequest.entities.name",
        "larder.v1.Status.PRESENT",
        "larder.v1.larder.v1.Status",
        "grpc.health.v1.SERVING",
        "feast.serving.Health",
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(names); i++)
        check_error(SYMBOL, names[i]);
}

static void messages_have_no_extensions(void **state)
{
    (void)state;
    response_message *response = ask(NUMBERS, "larder.v1.GetFeaturesRequest");
    assert_string_equal(response->all_extension_numbers_response->base_type_name,
                        "larder.v1.GetFeaturesRequest");
    assert_int_equal(response->all_extension_numbers_response->n_extension_number, 0);
    release(response);
    check_error(NUMBERS, "larder.v1.FeatureService");
    check_error(NUMBERS, "nobody");
}

static void what_is_no_question_is_told(void **state)
{
    struct error err;
    struct wire_writer writer;
    (void)state;
    request_message nothing = GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__INIT;
    response_message *response = answer_of(&nothing);
    assert_int_equal(response->error_response->error_code, 3); /* INVALID_ARGUMENT */
    release(response);
    wire_writer_init(&writer, REFLECTION_ANSWER_MAX);
    static const struct bytes no_requests[] = {{"\x3a\x05*", 3}, {"\x38\x01", 2}, {"\xff", 1}};
    for (size_t i = 0; i < COUNT_OF(no_requests); i++)
        assert_int_equal(reflection_answer(no_requests[i], &writer, &err), STATUS_INVALID);
    assert_int_equal(wire_written(&writer).size, 0);
    wire_writer_release(&writer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_service_is_named),
        cmocka_unit_test(a_file_comes_with_what_it_imports),
        cmocka_unit_test(names_of_every_kind_are_found),
        cmocka_unit_test(names_that_are_nearly_right_are_not_found),
        cmocka_unit_test(messages_have_no_extensions),
        cmocka_unit_test(what_is_no_question_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
