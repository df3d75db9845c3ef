/* thrift_compact.c - see thrift_compact.h. */
#include "training/formats/thrift_compact.h"

#include <assert.h>

enum { TRUE_FIELD = 1, FALSE_FIELD = 2, I64_FIELD = 6, SHORT_LIST_MAX = 14, DELTA_MAX = 15 };

void varint_append(struct buffer *out, uint64_t number)
{
    for (; number >= 0x80; number >>= 7)
        buffer_append_byte(out, (uint8_t)(number | 0x80));
    buffer_append_byte(out, (uint8_t)number);
}

/* Small numbers of either sign in few bytes: 0, -1, 1, -2 are 0, 1, 2, 3. */
static void zigzag_append(struct buffer *out, int64_t number)
{
    varint_append(out, ((uint64_t)number << 1) ^ (uint64_t)(number >> 63));
}

void thrift_begin(struct thrift *thrift, struct buffer *out)
{
    *thrift = (struct thrift){.out = out};
}

void thrift_end(struct thrift *thrift)
{
    buffer_append_byte(thrift->out, 0);
    if (thrift->depth > 0)
        thrift->depth--;
}

static void push(struct thrift *thrift)
{
    thrift->depth++;
    assert(thrift->depth < THRIFT_DEPTH_MAX);
    thrift->last[thrift->depth] = 0;
}

static void field(struct thrift *thrift, int id, int type)
{
    int delta = id - thrift->last[thrift->depth];
    assert(delta > 0 && delta <= DELTA_MAX);
    buffer_append_byte(thrift->out, (uint8_t)(delta << 4 | type));
    thrift->last[thrift->depth] = id;
}

void thrift_bool(struct thrift *thrift, int id, bool flag)
{
    field(thrift, id, flag ? TRUE_FIELD : FALSE_FIELD);
}

void thrift_i32(struct thrift *thrift, int id, int32_t number)
{
    field(thrift, id, THRIFT_I32);
    zigzag_append(thrift->out, number);
}

void thrift_i64(struct thrift *thrift, int id, int64_t number)
{
    field(thrift, id, I64_FIELD);
    zigzag_append(thrift->out, number);
}

static void append_binary(struct buffer *out, struct bytes bytes)
{
    varint_append(out, bytes.size);
    buffer_append(out, bytes.data, bytes.size);
}

void thrift_binary(struct thrift *thrift, int id, struct bytes bytes)
{
    field(thrift, id, THRIFT_BINARY);
    append_binary(thrift->out, bytes);
}

void thrift_text(struct thrift *thrift, int id, const char *text)
{
    thrift_binary(thrift, id, bytes_of_text(text));
}

void thrift_struct(struct thrift *thrift, int id)
{
    field(thrift, id, THRIFT_STRUCT);
    push(thrift);
}

void thrift_empty(struct thrift *thrift, int id)
{
    thrift_struct(thrift, id);
    thrift_end(thrift);
}

void thrift_list(struct thrift *thrift, int id, enum thrift_type element, size_t count)
{
    field(thrift, id, THRIFT_LIST);
    if (count <= SHORT_LIST_MAX) {
        buffer_append_byte(thrift->out, (uint8_t)(count << 4 | element));
        return;
    }
    buffer_append_byte(thrift->out, (uint8_t)(0xf0 | element));
    varint_append(thrift->out, count);
}

void thrift_element_struct(struct thrift *thrift)
{
    push(thrift);
}

void thrift_element_i32(struct thrift *thrift, int32_t number)
{
    zigzag_append(thrift->out, number);
}

void thrift_element_text(struct thrift *thrift, const char *text)
{
    append_binary(thrift->out, bytes_of_text(text));
}
