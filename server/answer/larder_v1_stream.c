/* larder_v1_stream.c - see larder_v1_stream.h. */
#include "server/answer/larder_v1_stream.h"

#include "base/value.h"

/* Field numbers of the contract. */
enum {
    REQUEST_ID = 1,
    REQUEST_REQUEST = 2,
    REQUEST_TIMEOUT_MS = 3,

    RESPONSE_ID = 1,
    RESPONSE_RESPONSE = 2,
    RESPONSE_FAILURE = 3,

    FAILURE_CODE = 1,
    FAILURE_MESSAGE = 2,
};

/* Parts of a message that comes more than once would have to be joined; nobody sends such. */
static void read_field(struct wire_reader *reader, const struct wire_field *field,
                       struct streamed_request *streamed, size_t *request_count)
{
    switch (field->number) {
    case REQUEST_ID:
        if (wire_expect(reader, field, WIRE_VARINT))
            streamed->id = field->integer;
        break;
    case REQUEST_REQUEST:
        if (wire_expect(reader, field, WIRE_BYTES)) {
            streamed->request = field->bytes;
            ++*request_count;
        }
        break;
    case REQUEST_TIMEOUT_MS:
        if (wire_expect(reader, field, WIRE_VARINT))
            streamed->timeout_ms = (uint32_t)field->integer;
        break;
    default: /* of a newer contract */
        break;
    }
}

enum status streamed_request_read(struct bytes message, struct streamed_request *streamed,
                                  struct error *err)
{
    struct wire_reader reader = wire_read(message);
    struct wire_field field;
    size_t request_count = 0;
    *streamed = (struct streamed_request){.request = {"", 0}};
    while (wire_next(&reader, &field))
        read_field(&reader, &field, streamed, &request_count);
    if (reader.failed)
        return fail(err, STATUS_INVALID, "the message is no larder.v1.StreamFeaturesRequest");
    if (request_count > 1)
        return fail(err, STATUS_INVALID, "a StreamFeaturesRequest with more than one request");
    return STATUS_OK;
}

size_t streamed_answer_head(uint64_t id, size_t answer_size, uint8_t head[STREAMED_HEAD_MAX])
{
    uint8_t *at = head;
    *at++ = RESPONSE_ID << 3 | WIRE_VARINT;
    at = wire_store_varint(at, id);
    at = wire_store_head(at, RESPONSE_RESPONSE, answer_size);
    return (size_t)(at - head);
}

/* A name that is quoted from a request may be anything, and a string that is not UTF-8 would make
 * the whole message unreadable. */
static void put_text(struct wire_writer *writer, struct bytes text)
{
    uint8_t *at = wire_prepend(writer, text.size);
    if (!at)
        return;
    memcpy(at, text.data, text.size);
    if (text_is_valid(text))
        return;
    for (size_t i = 0; i < text.size; i++)
        if (at[i] >= 0x80)
            at[i] = '?';
}

void streamed_failure_write(uint64_t id, int code, const char *message, struct wire_writer *writer)
{
    wire_writer_clear(writer);
    put_text(writer, bytes_of_text(message));
    wire_enclose(writer, FAILURE_MESSAGE, 0);
    wire_put_integer(writer, FAILURE_CODE, (uint64_t)code);
    wire_enclose(writer, RESPONSE_FAILURE, 0);
    wire_put_integer(writer, RESPONSE_ID, id);
}
