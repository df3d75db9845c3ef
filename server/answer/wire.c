/* wire.c - see wire.h. */
#include "server/answer/wire.h"

#include "base/byte_order.h"
#include "base/error.h"

#include <stdlib.h>

enum {
    VARINT_SIZE_MAX = 10,
    CAPACITY_FIRST = 4 * 1024,
    CAPACITY_KEPT = 8 * 1024 * 1024, /* as batch.c keeps its own */
    FIELD_NUMBER_MAX = (1 << 29) - 1,
};

struct wire_reader wire_read(struct bytes message)
{
    const uint8_t *data = message.data;
    return (struct wire_reader){.at = data, .end = message.size ? data + message.size : data};
}

static bool fail_reading(struct wire_reader *reader)
{
    reader->failed = true;
    reader->at = reader->end;
    return false;
}

bool wire_next_varint(struct wire_reader *reader, uint64_t *integer)
{
    const uint8_t *at = reader->at;
    if (at == reader->end)
        return false;
    if (*at < 0x80) {
        *integer = *at;
        reader->at = at + 1;
        return true;
    }
    uint64_t number = 0;
    for (unsigned shift = 0; at < reader->end && shift < 7 * VARINT_SIZE_MAX; shift += 7, at++) {
        number |= (uint64_t)(*at & 0x7f) << shift;
        if (*at < 0x80) {
            *integer = number;
            reader->at = at + 1;
            return true;
        }
    }
    return fail_reading(reader);
}

bool wire_next_fixed64(struct wire_reader *reader, uint64_t *integer)
{
    if (reader->at == reader->end)
        return false;
    if (reader->end - reader->at < 8)
        return fail_reading(reader);
    *integer = load_le64(reader->at);
    reader->at += 8;
    return true;
}

/* A number that must be there, where the end of the message is a mistake, too. */
static bool take_varint(struct wire_reader *reader, uint64_t *integer)
{
    return wire_next_varint(reader, integer) || fail_reading(reader);
}

static bool take_content(struct wire_reader *reader, struct wire_field *field)
{
    uint64_t size;
    switch (field->type) {
    case WIRE_VARINT:
        return take_varint(reader, &field->integer);
    case WIRE_FIXED64:
        return wire_next_fixed64(reader, &field->integer) || fail_reading(reader);
    case WIRE_FIXED32:
        if (reader->end - reader->at < 4)
            return fail_reading(reader);
        field->integer = load_le32(reader->at);
        reader->at += 4;
        return true;
    case WIRE_BYTES:
        if (!take_varint(reader, &size) || size > (size_t)(reader->end - reader->at))
            return fail_reading(reader);
        field->bytes = (struct bytes){reader->at, (size_t)size};
        reader->at += size;
        return true;
    }
    return fail_reading(reader); /* a group, or no wire type at all */
}

bool wire_next(struct wire_reader *reader, struct wire_field *field)
{
    uint64_t tag;
    if (!wire_next_varint(reader, &tag))
        return false;
    *field = (struct wire_field){.type = (enum wire_type)(tag & 7)};
    if (tag >> 3 == 0 || tag >> 3 > FIELD_NUMBER_MAX)
        return fail_reading(reader);
    field->number = (uint32_t)(tag >> 3);
    return take_content(reader, field);
}

bool wire_expect(struct wire_reader *reader, const struct wire_field *field, enum wire_type type)
{
    return field->type == type || fail_reading(reader);
}

void wire_writer_init(struct wire_writer *writer, size_t max_size)
{
    *writer = (struct wire_writer){.max_size = max_size};
}

void wire_writer_release(struct wire_writer *writer)
{
    free(writer->data);
    writer->data = NULL;
    writer->capacity = 0;
    writer->size = 0;
}

void wire_writer_clear(struct wire_writer *writer)
{
    if (writer->capacity > CAPACITY_KEPT)
        wire_writer_release(writer);
    writer->size = 0;
    writer->overflow = false;
}

struct bytes wire_written(const struct wire_writer *writer)
{
    if (writer->size == 0)
        return (struct bytes){"", 0};
    return (struct bytes){writer->data + writer->capacity - writer->size, writer->size};
}

/* Twice the memory, but not more than there may be, with what is written moved to its end. */
static void grow(struct wire_writer *writer, size_t wanted)
{
    size_t capacity = writer->capacity ? writer->capacity : CAPACITY_FIRST;
    while (capacity < wanted)
        capacity *= 2;
    if (capacity > writer->max_size)
        capacity = writer->max_size;
    uint8_t *data = malloc(capacity);
    if (!data)
        out_of_memory();
    struct bytes written = wire_written(writer);
    memcpy(data + capacity - written.size, written.data, written.size);
    free(writer->data);
    writer->data = data;
    writer->capacity = capacity;
}

uint8_t *wire_prepend_more(struct wire_writer *writer, size_t size)
{
    if (writer->overflow || size > writer->max_size - writer->size) {
        writer->overflow = true;
        return NULL;
    }
    grow(writer, writer->size + size);
    writer->size += size;
    return writer->data + writer->capacity - writer->size;
}

void wire_put_varint(struct wire_writer *writer, uint64_t integer)
{
    uint8_t *at = wire_prepend(writer, wire_varint_size(integer));
    if (at)
        wire_store_varint(at, integer);
}

void wire_put_bytes(struct wire_writer *writer, struct bytes bytes)
{
    uint8_t *at = wire_prepend(writer, bytes.size);
    if (at && bytes.size > 0)
        memcpy(at, bytes.data, bytes.size);
}

void wire_put_tag(struct wire_writer *writer, uint32_t number, enum wire_type type)
{
    wire_put_varint(writer, (uint64_t)number << 3 | type);
}

void wire_put_integer(struct wire_writer *writer, uint32_t number, uint64_t integer)
{
    wire_put_varint(writer, integer);
    wire_put_tag(writer, number, WIRE_VARINT);
}

/* Room for a field's beginning, which is written, and for its content or a part of it; NULL after
 * overflow. */
static uint8_t *prepend_field(struct wire_writer *writer, uint32_t number, size_t size, size_t room)
{
    uint64_t tag = (uint64_t)number << 3 | WIRE_BYTES;
    uint8_t *at = wire_prepend(writer, wire_varint_size(tag) + wire_varint_size(size) + room);
    return at ? wire_store_varint(wire_store_varint(at, tag), size) : NULL;
}

void wire_put_field(struct wire_writer *writer, uint32_t number, struct bytes bytes)
{
    uint8_t *at = prepend_field(writer, number, bytes.size, bytes.size);
    if (at && bytes.size > 0)
        memcpy(at, bytes.data, bytes.size);
}

void wire_enclose(struct wire_writer *writer, uint32_t number, size_t end)
{
    prepend_field(writer, number, writer->size - end, 0);
}
