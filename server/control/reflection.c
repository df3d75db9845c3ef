/* reflection.c - see reflection.h. */
#include "server/control/reflection.h"

#include "proto/descriptor_set.h"
#include "server/control/descriptor_set.h"

#include <assert.h>

enum {
    REQUEST_HOST = 1,
    RESPONSE_HOST = 1,
    RESPONSE_REQUEST = 2,
    RESPONSE_FILES = 4,
    RESPONSE_EXTENSION_NUMBERS = 5,
    RESPONSE_SERVICES = 6,
    RESPONSE_ERROR = 7,
    FILES_FILE = 1,
    EXTENSION_NUMBERS_TYPE = 1,
    SERVICES_SERVICE = 1,
    SERVICE_NAME = 1,
    ERROR_CODE = 1,
    ERROR_MESSAGE = 2,
    CODE_INVALID_ARGUMENT = 3, /* gRPC's */
    CODE_NOT_FOUND = 5,
};

static struct bytes contracts(void)
{
    return (struct bytes){proto_descriptor_set, proto_descriptor_set_size};
}

static void put_error(struct wire_writer *writer, uint64_t code, const char *message)
{
    size_t end = writer->size;
    wire_put_field(writer, ERROR_MESSAGE, bytes_of_text(message));
    wire_put_integer(writer, ERROR_CODE, code);
    wire_enclose(writer, RESPONSE_ERROR, end);
}

static void put_files(struct wire_writer *writer, struct bytes file)
{
    struct bytes files[DESCRIPTOR_FILES_MAX];
    size_t end = writer->size;
    for (size_t i = descriptor_set_with_imports(contracts(), file, files); i > 0; i--)
        wire_put_field(writer, FILES_FILE, files[i - 1]);
    wire_enclose(writer, RESPONSE_FILES, end);
}

static void answer_filename(struct bytes name, struct wire_writer *writer)
{
    struct bytes file = descriptor_set_file(contracts(), name);
    if (file.data)
        put_files(writer, file);
    else
        put_error(writer, CODE_NOT_FOUND, "no contract of this server has that file name");
}

static void answer_symbol(struct bytes symbol, struct wire_writer *writer)
{
    enum descriptor_kind kind;
    struct bytes file = descriptor_set_file_of(contracts(), symbol, &kind);
    if (file.data)
        put_files(writer, file);
    else
        put_error(writer, CODE_NOT_FOUND, "no contract of this server has that name");
}

/* The contracts are proto3, where only options could be extended, and extend nothing. */
static void answer_extension(struct bytes extension, struct wire_writer *writer)
{
    (void)extension;
    put_error(writer, CODE_NOT_FOUND, "the contracts of this server have no extensions");
}

static void answer_extension_numbers(struct bytes type, struct wire_writer *writer)
{
    enum descriptor_kind kind;
    struct bytes file = descriptor_set_file_of(contracts(), type, &kind);
    if (!file.data || kind != DESCRIPTOR_MESSAGE) {
        put_error(writer, CODE_NOT_FOUND, "no contract of this server has a message of that name");
        return;
    }
    size_t end = writer->size;
    wire_put_field(writer, EXTENSION_NUMBERS_TYPE, type);
    wire_enclose(writer, RESPONSE_EXTENSION_NUMBERS, end);
}

static void put_service(struct wire_writer *writer, const struct descriptor_service *service)
{
    size_t end = writer->size;
    wire_put_bytes(writer, service->name);
    wire_put_bytes(writer, bytes_of_text("."));
    wire_put_bytes(writer, service->package);
    wire_enclose(writer, SERVICE_NAME, end);
    wire_enclose(writer, SERVICES_SERVICE, end);
}

/* Whatever the contracts declare is served. */
static void answer_services(struct bytes anything, struct wire_writer *writer)
{
    struct descriptor_service services[DESCRIPTOR_SERVICES_MAX];
    size_t end = writer->size;
    (void)anything;
    for (size_t i = descriptor_set_services(contracts(), services); i > 0; i--)
        put_service(writer, &services[i - 1]);
    wire_enclose(writer, RESPONSE_SERVICES, end);
}

/* By the number of the question in the request. */
static const struct {
    uint32_t number;
    void (*answer)(struct bytes about, struct wire_writer *writer);
} questions[] = {
    {3, answer_filename},          {4, answer_symbol},   {5, answer_extension},
    {6, answer_extension_numbers}, {7, answer_services},
};

static bool is_question(uint32_t number)
{
    return number >= questions[0].number && number <= questions[COUNT_OF(questions) - 1].number;
}

enum status reflection_answer(struct bytes request, struct wire_writer *writer, struct error *err)
{
    struct bytes host = {"", 0};
    struct wire_field field, question = {0};
    struct wire_reader reader = wire_read(request);
    while (wire_next(&reader, &field)) {
        bool is_host = field.number == REQUEST_HOST;
        if ((!is_host && !is_question(field.number)) || !wire_expect(&reader, &field, WIRE_BYTES))
            continue;
        *(is_host ? &host : &question.bytes) = field.bytes;
        if (!is_host)
            question.number = field.number; /* of several, the last one is asked */
    }
    if (reader.failed)
        return fail(err, STATUS_INVALID, "the request is no valid ServerReflectionRequest");
    if (question.number)
        questions[question.number - questions[0].number].answer(question.bytes, writer);
    else
        put_error(writer, CODE_INVALID_ARGUMENT, "the request asks nothing");
    wire_put_field(writer, RESPONSE_REQUEST, request);
    wire_put_field(writer, RESPONSE_HOST, host);
    assert(!writer->overflow);
    return STATUS_OK;
}
