/*
 * wire.h - protobuf's wire format, read in place and written straight into bytes.
 *
 * Reading walks the fields of one message without copying: nested messages, strings and packed
 * numbers are borrowed from the input, so that a text keeps its length (a NUL inside it is seen)
 * and ten thousand keys cost no allocation. Any bytes are safe; what is no message sets `failed`,
 * once.
 *
 * Writing goes from the end to the beginning: when a nested message's length has to be written, the
 * message already stands behind it and its size is known. So an answer is made in one pass, without
 * measuring first, and fields are written last to first. A writer keeps its memory from answer to
 * answer. Past max_size it sets `overflow` and writes nothing more: check it once, at the end.
 *
 * Both belong to one thread.
 */
#ifndef LARDER_SERVER_ANSWER_WIRE_H
#define LARDER_SERVER_ANSWER_WIRE_H

#include "base/bytes.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum wire_type { WIRE_VARINT = 0, WIRE_FIXED64 = 1, WIRE_BYTES = 2, WIRE_FIXED32 = 5 };

/* Reading ---------------------------------------------------------------------------------------
 */

struct wire_reader {
    const uint8_t *at;
    const uint8_t *end;
    bool failed;
};

struct wire_field {
    uint32_t number;
    enum wire_type type;
    uint64_t integer;   /* WIRE_VARINT, WIRE_FIXED64 and WIRE_FIXED32 */
    struct bytes bytes; /* WIRE_BYTES; never absent */
};

struct wire_reader wire_read(struct bytes message);
/* The next field; false at the end, and where the bytes are no message (then `failed` is set). */
bool wire_next(struct wire_reader *reader, struct wire_field *field);
/* One number of a packed field; false at the end or, with `failed`, on bytes that are no number. */
bool wire_next_varint(struct wire_reader *reader, uint64_t *integer);
bool wire_next_fixed64(struct wire_reader *reader, uint64_t *integer);
/* Whether the field has the type that its number calls for; else the reader has failed. */
bool wire_expect(struct wire_reader *reader, const struct wire_field *field, enum wire_type type);

/* Writing ---------------------------------------------------------------------------------------
 */

struct wire_writer {
    uint8_t *data;
    size_t capacity;
    size_t size; /* what is written: the last `size` bytes of data */
    size_t max_size;
    bool overflow;
};

void wire_writer_init(struct wire_writer *writer, size_t max_size);
void wire_writer_release(struct wire_writer *writer);
/* Begins another message; gives memory back that only a rare, huge one needed. */
void wire_writer_clear(struct wire_writer *writer);
/* What was written; borrowed until the next write. */
struct bytes wire_written(const struct wire_writer *writer);

/* What wire_prepend does where the memory at hand does not do. */
uint8_t *wire_prepend_more(struct wire_writer *writer, size_t size);

/* Room for size bytes before all that is written, already counted; NULL after overflow. */
static inline uint8_t *wire_prepend(struct wire_writer *writer, size_t size)
{
    if (writer->overflow || size > writer->capacity - writer->size)
        return wire_prepend_more(writer, size);
    writer->size += size;
    return writer->data + writer->capacity - writer->size;
}

static inline size_t wire_varint_size(uint64_t integer)
{
    /* Seven bits a byte, and at least one byte: 64 bits take ten. */
    return (size_t)(63 - __builtin_clzll(integer | 1)) / 7 + 1;
}

/* Forwards, into room that was made for it; what comes behind it is returned. */
static inline uint8_t *wire_store_varint(uint8_t *at, uint64_t integer)
{
    for (; integer >= 0x80; integer >>= 7)
        *at++ = (uint8_t)(integer | 0x80);
    *at++ = (uint8_t)integer;
    return at;
}

/* The beginning of a field of `size` bytes, which come behind it. number is at most 15. */
static inline size_t wire_head_size(size_t size)
{
    return 1 + wire_varint_size(size);
}

static inline uint8_t *wire_store_head(uint8_t *at, uint32_t number, size_t size)
{
    *at++ = (uint8_t)(number << 3 | WIRE_BYTES);
    return wire_store_varint(at, size);
}

void wire_put_varint(struct wire_writer *writer, uint64_t integer);
void wire_put_bytes(struct wire_writer *writer, struct bytes bytes);
void wire_put_tag(struct wire_writer *writer, uint32_t number, enum wire_type type);

/* A whole field. */
void wire_put_integer(struct wire_writer *writer, uint32_t number, uint64_t integer);
void wire_put_field(struct wire_writer *writer, uint32_t number, struct bytes bytes);
/* Makes all that was written since writer->size was `end` the content of a field. */
void wire_enclose(struct wire_writer *writer, uint32_t number, size_t end);

#endif
