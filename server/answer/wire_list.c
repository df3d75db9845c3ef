/* wire_list.c - see wire_list.h. */
#include "server/answer/wire_list.h"

#include "base/byte_order.h"

enum { FIELD = 1 };

int64_t wire_seconds(int64_t us)
{
    const int64_t second_us = 1000000;
    return us / second_us - (us % second_us < 0);
}

/* Strings and bytes lie forwards, so they are measured first and then written forwards. */
static void put_texts(struct wire_writer *writer, value_type list_type, struct bytes list)
{
    size_t size = 0;
    struct value text;
    struct list_cursor cursor = list_begin(list_type, list);
    while (list_next(&cursor, &text))
        size += wire_head_size(text.bytes.size) + text.bytes.size;
    uint8_t *at = wire_prepend(writer, size);
    if (!at)
        return;
    cursor = list_begin(list_type, list);
    while (list_next(&cursor, &text)) {
        at = wire_store_head(at, FIELD, text.bytes.size);
        if (text.bytes.size > 0)
            memcpy(at, text.bytes.data, text.bytes.size);
        at += text.bytes.size;
    }
}

static void put_varints(struct wire_writer *writer, value_type element, struct bytes list)
{
    size_t width = type_width(element);
    const uint8_t *data = list.data;
    for (size_t at = list.size; at > 0; at -= width) {
        const uint8_t *from = data + at - width;
        int64_t integer = width == 4 ? (int32_t)load_le32(from) : (int64_t)load_le64(from);
        if (element == TYPE_TIMESTAMP)
            integer = wire_seconds(integer);
        wire_put_varint(writer, (uint64_t)integer);
    }
}

void wire_put_list(struct wire_writer *writer, value_type list_type, struct bytes list,
                   enum wire_times times)
{
    if (list.size == 0)
        return;
    value_type element = type_element(list_type);
    size_t end = writer->size;
    switch (element) {
    case TYPE_STRING:
    case TYPE_BYTES:
        put_texts(writer, list_type, list);
        return;
    case TYPE_INT32:
    case TYPE_INT64:
        put_varints(writer, element, list);
        break;
    case TYPE_TIMESTAMP:
        if (times == WIRE_TIMES_SECONDS) {
            put_varints(writer, element, list);
            break;
        }
        /* fall through */
    default:
        wire_put_bytes(writer, list); /* they lie on the wire as they lie in the row */
    }
    wire_enclose(writer, FIELD, end);
}
