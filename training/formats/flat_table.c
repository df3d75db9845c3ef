/* flat_table.c - see flat_table.h. */
#include "training/formats/flat_table.h"

#include "base/byte_order.h"

#include <assert.h>

/* So many bytes of the message; NULL: they are not all there. */
static const uint8_t *bytes_at(struct flat_message *message, uint64_t at, uint64_t size)
{
    if (at <= message->size && size <= message->size - at)
        return message->data + at;
    message->damaged = true;
    return NULL;
}

/* Where the reference that stands at a place leads; 0: outside. */
static size_t follow(struct flat_message *message, uint64_t at)
{
    const uint8_t *reference = bytes_at(message, at, 4);
    uint64_t target = reference ? at + load_le32(reference) : 0;
    return target && bytes_at(message, target, 4) ? (size_t)target : 0;
}

/* Where a field's value stands; 0: the slot is absent. A table begins with the way back to the list
 * of its slots: the list's size, the table's own, then for each slot how far into the table. */
static size_t find_slot(struct flat_table table, unsigned slot)
{
    if (!table.at)
        return 0;
    const uint8_t *start = bytes_at(table.message, table.at, 4);
    if (!start)
        return 0;
    int64_t list_at = (int64_t)table.at - (int32_t)load_le32(start);
    const uint8_t *list = bytes_at(table.message, (uint64_t)list_at, 4);
    if (!list || load_le16(list) < 4 + 2 * (slot + 1))
        return 0;
    const uint8_t *entry = bytes_at(table.message, (uint64_t)list_at + 4 + 2 * slot, 2);
    return entry && load_le16(entry) ? table.at + load_le16(entry) : 0;
}

struct flat_table flat_root(struct flat_message *message)
{
    return (struct flat_table){message, follow(message, 0)};
}

int64_t flat_integer(struct flat_table table, unsigned slot, unsigned width, int64_t otherwise)
{
    size_t at = find_slot(table, slot);
    const uint8_t *number = at ? bytes_at(table.message, at, width) : NULL;
    if (!number)
        return otherwise;
    switch (width) {
    case 1:
        return (int8_t)*number;
    case 2:
        return (int16_t)load_le16(number);
    case 4:
        return (int32_t)load_le32(number);
    default:
        return (int64_t)load_le64(number);
    }
}

struct flat_table flat_child(struct flat_table table, unsigned slot)
{
    size_t at = find_slot(table, slot);
    return (struct flat_table){table.message, at ? follow(table.message, at) : 0};
}

struct flat_vector flat_vector(struct flat_table table, unsigned slot, size_t width)
{
    struct flat_vector vector = {.message = table.message, .width = width};
    struct flat_table found = flat_child(table, slot);
    if (!flat_is_present(found))
        return vector;
    size_t count = load_le32(table.message->data + found.at);
    if (!bytes_at(table.message, found.at + 4, (uint64_t)count * width))
        return vector;
    vector.at = found.at + 4;
    vector.count = count;
    return vector;
}

const uint8_t *flat_vector_element(struct flat_vector vector, size_t index)
{
    assert(index < vector.count);
    return vector.message->data + vector.at + index * vector.width;
}

struct flat_table flat_vector_table(struct flat_vector vector, size_t index)
{
    assert(index < vector.count && vector.width == 4);
    return (struct flat_table){vector.message, follow(vector.message, vector.at + index * 4)};
}

struct bytes flat_text(struct flat_table table, unsigned slot)
{
    struct flat_table found = flat_child(table, slot);
    if (!flat_is_present(found))
        return (struct bytes){NULL, 0};
    size_t size = load_le32(table.message->data + found.at);
    const uint8_t *text = bytes_at(table.message, found.at + 4, size);
    return (struct bytes){text, text ? size : 0};
}
