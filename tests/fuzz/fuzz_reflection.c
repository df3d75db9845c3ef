/*
 * fuzz_reflection.c - any bytes as a question of server reflection.
 *
 * A refusal has words and writes nothing. An answer is a message to protobuf-c, says one thing, and
 * holds the request as it came, so that protobuf-c reads the one as it reads the other.
 */
#include "grpc/reflection/v1/reflection.pb-c.h"
#include "server/control/reflection.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(bool holds)
{
    if (!holds)
        abort();
}

static void check_answer(struct bytes answer, bool is_request)
{
    Grpc__Reflection__V1__ServerReflectionResponse *response =
        grpc__reflection__v1__server_reflection_response__unpack(NULL, answer.size, answer.data);
    if (!is_request)
        demand(!response); /* an extension is not looked into, but by protobuf-c */
    else
        demand(response && response->original_request && response->message_response_case);
    if (response)
        grpc__reflection__v1__server_reflection_response__free_unpacked(response, NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct wire_writer writer;
    struct error err = {0};
    if (!writer.max_size)
        wire_writer_init(&writer, REFLECTION_ANSWER_MAX);
    wire_writer_clear(&writer);
    if (size > REFLECTION_REQUEST_MAX)
        return 0;
    enum status status = reflection_answer((struct bytes){data, size}, &writer, &err);
    if (status) {
        demand(status == STATUS_INVALID && err.message[0] && writer.size == 0);
        return 0;
    }
    Grpc__Reflection__V1__ServerReflectionRequest *request =
        grpc__reflection__v1__server_reflection_request__unpack(NULL, size, data);
    check_answer(wire_written(&writer), request != NULL);
    if (request)
        grpc__reflection__v1__server_reflection_request__free_unpacked(request, NULL);
    return 0;
}
