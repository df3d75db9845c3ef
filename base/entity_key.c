/* entity_key.c - see entity_key.h. */
#include "base/entity_key.h"

#include <assert.h>

enum {
    LAST_BYTES = 122,     /* a varint's last byte is one of 0..121, below both braces */
    VARINT_SIZE_MAX = 10, /* the last byte and nine of 7 bits: 122 * 2^63 is over 2^64 */
    ESCAPE = 0x01,
    TEXT_END = 0x00,
};

/* What an escaped byte becomes behind ESCAPE. */
enum { ESCAPED_END = 0x01, ESCAPED_ESCAPE = 0x02, ESCAPED_OPEN = 0x03, ESCAPED_CLOSE = 0x04 };

static void append_varint(struct buffer *key, uint64_t number)
{
    uint8_t bytes[VARINT_SIZE_MAX];
    size_t first = sizeof bytes - 1;
    bytes[first] = (uint8_t)(number % LAST_BYTES);
    for (uint64_t rest = number / LAST_BYTES; rest > 0; rest >>= 7)
        bytes[--first] = (uint8_t)(0x80 | (rest & 0x7f));
    buffer_append(key, bytes + first, sizeof bytes - first);
}

static uint64_t zigzag(int64_t number)
{
    return ((uint64_t)number << 1) ^ (number < 0 ? UINT64_MAX : 0);
}

static uint8_t escaped(uint8_t byte)
{
    switch (byte) {
    case TEXT_END:
        return ESCAPED_END;
    case ESCAPE:
        return ESCAPED_ESCAPE;
    case '{':
        return ESCAPED_OPEN;
    case '}':
        return ESCAPED_CLOSE;
    default:
        return 0;
    }
}

static void append_text(struct buffer *key, struct bytes text)
{
    const uint8_t *from = text.data;
    /* At worst every byte is escaped; a text that makes the key too long is found by its size. */
    uint8_t *room = buffer_reserve(key, text.size * 2 + 1);
    if (!room)
        return;
    uint8_t *to = room;
    for (size_t i = 0; i < text.size; i++) {
        uint8_t escape = escaped(from[i]);
        if (escape)
            *to++ = ESCAPE;
        *to++ = escape ? escape : from[i];
    }
    *to++ = TEXT_END;
    key->size += (size_t)(to - room);
}

static void append_value(struct buffer *key, const struct value *value)
{
    assert(!value->is_null && type_is_key(value->type));
    switch (value->type) {
    case TYPE_BOOL:
        buffer_append_byte(key, value->boolean);
        break;
    case TYPE_INT32:
        append_varint(key, zigzag(value->int32));
        break;
    case TYPE_STRING:
    case TYPE_BYTES:
        append_text(key, value->bytes);
        break;
    default:
        append_varint(key, zigzag(value->int64));
    }
}

void entity_key_project_prefix(struct buffer *key, uint32_t project_id)
{
    buffer_append_byte(key, '{');
    append_varint(key, project_id);
}

void entity_key_begin(struct buffer *key, uint32_t project_id, uint32_t key_set_id,
                      const struct value *values, size_t count)
{
    entity_key_project_prefix(key, project_id);
    append_varint(key, key_set_id);
    for (size_t i = 0; i < count; i++)
        append_value(key, &values[i]);
    buffer_append_byte(key, '}');
}

void entity_key_end(struct buffer *key, uint32_t view_id, uint32_t generation)
{
    append_varint(key, view_id);
    append_varint(key, generation);
}

struct cursor {
    const uint8_t *at;
    const uint8_t *end;
};

/* A number in the one form that append_varint gives it. */
static bool take_varint(struct cursor *key, uint64_t *number)
{
    uint64_t rest = 0;
    bool continued = false;
    while (key->at < key->end && *key->at >= 0x80) {
        if ((!continued && *key->at == 0x80) || rest > UINT64_MAX / LAST_BYTES >> 7)
            return false;
        continued = true;
        rest = rest << 7 | (*key->at++ & 0x7f);
    }
    if (key->at == key->end || *key->at >= LAST_BYTES)
        return false;
    uint8_t last = *key->at++;
    if (rest > (UINT64_MAX - last) / LAST_BYTES)
        return false;
    *number = rest * LAST_BYTES + last;
    return true;
}

static bool take_id(struct cursor *key, uint32_t *id)
{
    uint64_t number;
    if (!take_varint(key, &number) || number > UINT32_MAX)
        return false;
    *id = (uint32_t)number;
    return true;
}

static bool take_byte(struct cursor *key, uint8_t byte)
{
    if (key->at == key->end || *key->at != byte)
        return false;
    key->at++;
    return true;
}

bool entity_key_parse(struct bytes key, struct entity_key_ids *ids)
{
    struct cursor rest = {key.data, (const uint8_t *)key.data + key.size};
    if (key.size == 0 || key.size > ENTITY_KEY_MAX || !take_byte(&rest, '{') ||
        !take_id(&rest, &ids->project_id) || !take_id(&rest, &ids->key_set_id))
        return false;
    while (rest.at < rest.end && *rest.at != '{' && *rest.at != '}')
        rest.at++;
    return take_byte(&rest, '}') && take_id(&rest, &ids->view_id) &&
           take_id(&rest, &ids->generation) && rest.at == rest.end;
}

/* What stood behind ESCAPE; false: nothing is encoded so. */
static bool unescape(uint8_t escape, uint8_t *byte)
{
    static const uint8_t bytes[] = {TEXT_END, ESCAPE, '{', '}'};
    if (escape < ESCAPED_END || escape > ESCAPED_CLOSE)
        return false;
    *byte = bytes[escape - ESCAPED_END];
    return true;
}

static bool take_text(struct cursor *key, struct arena *arena, struct bytes *text)
{
    uint8_t *room = arena_alloc(arena, (size_t)(key->end - key->at) + 1), *to = room;
    while (key->at < key->end && *key->at != TEXT_END) {
        uint8_t byte = *key->at++;
        /* The byte behind an ESCAPE is never TEXT_END, and unescape refuses that one. */
        if (byte == ESCAPE && (key->at == key->end || !unescape(*key->at++, &byte)))
            return false;
        *to++ = byte;
    }
    *text = (struct bytes){room, (size_t)(to - room)};
    return take_byte(key, TEXT_END);
}

static bool take_integer(struct cursor *key, struct value *value)
{
    uint64_t number;
    if (!take_varint(key, &number))
        return false;
    int64_t integer = (int64_t)(number >> 1 ^ (number & 1 ? UINT64_MAX : 0));
    if (value->type != TYPE_INT32) {
        value->int64 = integer;
        return true;
    }
    value->int32 = (int32_t)integer;
    return integer >= INT32_MIN && integer <= INT32_MAX;
}

static bool take_bool(struct cursor *key, struct value *value)
{
    if (key->at == key->end || *key->at > 1)
        return false;
    value->boolean = *key->at++;
    return true;
}

static bool take_value(struct cursor *key, struct arena *arena, struct value *value)
{
    switch (value->type) {
    case TYPE_BOOL:
        return take_bool(key, value);
    case TYPE_STRING:
        return take_text(key, arena, &value->bytes) && text_is_valid(value->bytes);
    case TYPE_BYTES:
        return take_text(key, arena, &value->bytes);
    default:
        return take_integer(key, value);
    }
}

bool entity_key_values(struct bytes key, const value_type *types, size_t count, struct arena *arena,
                       struct value *values)
{
    struct entity_key_ids ids;
    struct cursor rest = {key.data, (const uint8_t *)key.data + key.size};
    if (!entity_key_parse(key, &ids))
        return false;
    take_byte(&rest, '{');
    take_id(&rest, &ids.project_id);
    take_id(&rest, &ids.key_set_id);
    for (size_t i = 0; i < count; i++) {
        assert(type_is_key(types[i]));
        values[i] = (struct value){.type = types[i]};
        if (!take_value(&rest, arena, &values[i]))
            return false;
    }
    return take_byte(&rest, '}');
}

static size_t varint_size(uint64_t number)
{
    size_t size = 1;
    for (uint64_t rest = number / LAST_BYTES; rest > 0; rest >>= 7)
        size++;
    return size;
}

static size_t text_size(struct bytes text)
{
    const uint8_t *from = text.data;
    size_t size = text.size + 1;
    for (size_t i = 0; i < text.size; i++)
        size += escaped(from[i]) != 0;
    return size;
}

static size_t value_size(const struct value *value)
{
    assert(!value->is_null && type_is_key(value->type));
    switch (value->type) {
    case TYPE_BOOL:
        return 1;
    case TYPE_INT32:
        return varint_size(zigzag(value->int32));
    case TYPE_STRING:
    case TYPE_BYTES:
        return text_size(value->bytes);
    default:
        return varint_size(zigzag(value->int64));
    }
}

size_t entity_key_size(const struct entity_key_ids *ids, const struct value *values, size_t count)
{
    size_t size = 2 + varint_size(ids->project_id) + varint_size(ids->key_set_id) +
                  varint_size(ids->view_id) + varint_size(ids->generation);
    for (size_t i = 0; i < count; i++)
        size += value_size(&values[i]);
    return size;
}
