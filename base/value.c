/* value.c - see value.h. */
#include "base/value.h"

#include "base/buffer.h"
#include "base/byte_order.h"
#include "base/timestamp.h"

#include <assert.h>

enum { KIND_MAX = TYPE_TIMESTAMP };

struct kind {
    const char *name;
    const char *list_name;
    uint8_t width; /* in a row and in a list; 0: variable */
    bool is_key;
};

static const struct kind kinds[KIND_MAX + 1] = {
    [0] = {"invalid", "invalid", 0, false},
    [TYPE_BOOL] = {"bool", "list<bool>", 1, true},
    [TYPE_INT32] = {"int32", "list<int32>", 4, true},
    [TYPE_INT64] = {"int64", "list<int64>", 8, true},
    [TYPE_FLOAT32] = {"float32", "list<float32>", 4, false},
    [TYPE_FLOAT64] = {"float64", "list<float64>", 8, false},
    [TYPE_STRING] = {"string", "list<string>", 0, true},
    [TYPE_BYTES] = {"bytes", "list<bytes>", 0, true},
    [TYPE_TIMESTAMP] = {"timestamp", "list<timestamp>", 8, true},
};

static const struct kind *kind_of(value_type type)
{
    return type_is_valid(type) ? &kinds[type_element(type)] : &kinds[0];
}

bool type_is_valid(unsigned type)
{
    unsigned kind = type & ~(unsigned)TYPE_LIST;
    return kind >= TYPE_BOOL && kind <= KIND_MAX;
}

bool type_is_key(value_type type)
{
    return !type_is_list(type) && kind_of(type)->is_key;
}

size_t type_width(value_type type)
{
    return type_is_list(type) ? 0 : kind_of(type)->width;
}

const char *type_name(value_type type)
{
    return type_is_list(type) ? kind_of(type)->list_name : kind_of(type)->name;
}

static value_type kind_named(struct bytes name)
{
    for (value_type kind = TYPE_BOOL; kind <= KIND_MAX; kind++)
        if (bytes_equal(bytes_of_text(kinds[kind].name), name))
            return kind;
    return 0;
}

static struct bytes without_spaces_around(struct bytes text)
{
    const char *from = text.data;
    const char *to = from + text.size;
    while (from < to && *from == ' ')
        from++;
    while (to > from && to[-1] == ' ')
        to--;
    return (struct bytes){from, (size_t)(to - from)};
}

value_type type_parse(struct bytes name)
{
    static const char opening[] = "list<";
    const size_t opening_size = sizeof opening - 1;
    const char *text = name.data;
    if (name.size <= opening_size || memcmp(text, opening, opening_size) != 0)
        return kind_named(name);
    if (text[name.size - 1] != '>')
        return 0;
    struct bytes inside = {text + opening_size, name.size - opening_size - 1};
    value_type kind = kind_named(without_spaces_around(inside));
    return kind ? type_list_of(kind) : 0;
}

struct value value_null(value_type type)
{
    return (struct value){.type = type, .is_null = true};
}

bool value_equal(const struct value *a, const struct value *b)
{
    if (a->type != b->type || a->is_null != b->is_null)
        return false;
    if (a->is_null)
        return true;
    switch (type_width(a->type)) {
    case 1:
        return a->boolean == b->boolean;
    case 4:
        return memcmp(&a->int32, &b->int32, sizeof a->int32) == 0;
    case 8:
        return memcmp(&a->int64, &b->int64, sizeof a->int64) == 0;
    default:
        return bytes_equal(a->bytes, b->bytes);
    }
}

/* Steps over one length and its bytes; false if they are not all there. */
static bool skip_variable(const uint8_t **at, const uint8_t *end)
{
    if ((size_t)(end - *at) < sizeof(uint32_t))
        return false;
    uint32_t size = load_le32(*at);
    *at += sizeof(uint32_t);
    if ((size_t)(end - *at) < size)
        return false;
    *at += size;
    return true;
}

bool list_count(value_type list_type, struct bytes packed, size_t *count)
{
    size_t width = type_width(type_element(list_type));
    if (width > 0) {
        *count = packed.size / width;
        return packed.size % width == 0;
    }
    *count = 0;
    const uint8_t *at = packed.data;
    const uint8_t *end = at + packed.size;
    for (; at < end; (*count)++)
        if (!skip_variable(&at, end))
            return false;
    return true;
}

bool list_is_valid(value_type list_type, struct bytes packed)
{
    value_type element = type_element(list_type);
    size_t count;
    if (!list_count(list_type, packed, &count))
        return false;
    const uint8_t *data = packed.data;
    if (element == TYPE_BOOL)
        for (size_t i = 0; i < count; i++)
            if (data[i] > 1)
                return false;
    if (element != TYPE_TIMESTAMP && element != TYPE_STRING)
        return true;
    struct list_cursor cursor = list_begin(list_type, packed);
    for (struct value v; list_next(&cursor, &v);)
        if (element == TYPE_STRING ? !text_is_valid(v.bytes) : !timestamp_in_range(v.int64))
            return false;
    return true;
}

struct list_cursor list_begin(value_type list_type, struct bytes packed)
{
    const uint8_t *data = packed.data;
    return (struct list_cursor){type_element(list_type), data, data + packed.size};
}

bool list_next(struct list_cursor *cursor, struct value *element)
{
    if (cursor->at == cursor->end)
        return false;
    *element = (struct value){.type = cursor->element};
    size_t size = type_width(cursor->element);
    switch (size) {
    case 1:
        element->boolean = *cursor->at != 0;
        break;
    case 4:
        element->int32 = (int32_t)load_le32(cursor->at);
        break;
    case 8:
        element->int64 = (int64_t)load_le64(cursor->at);
        break;
    default:
        size = load_le32(cursor->at);
        cursor->at += sizeof(uint32_t);
        element->bytes = (struct bytes){cursor->at, size};
    }
    cursor->at += size;
    return true;
}

void list_append(struct buffer *buffer, const struct value *element)
{
    assert(!element->is_null && !type_is_list(element->type));
    uint8_t raw[8];
    size_t width = type_width(element->type);
    switch (width) {
    case 1:
        raw[0] = element->boolean;
        break;
    case 4:
        store_le32(raw, (uint32_t)element->int32);
        break;
    case 8:
        store_le64(raw, (uint64_t)element->int64);
        break;
    default:
        if (element->bytes.size > UINT32_MAX) {
            buffer->overflow = true;
            return;
        }
        width = sizeof(uint32_t);
        store_le32(raw, (uint32_t)element->bytes.size);
    }
    buffer_append(buffer, raw, width);
    if (type_width(element->type) == 0)
        buffer_append(buffer, element->bytes.data, element->bytes.size);
}

/* Steps over bytes 0x01..0x7f, eight at a time as long as it can. */
static const uint8_t *skip_ascii(const uint8_t *at, const uint8_t *end)
{
    const uint64_t ones = UINT64_C(0x0101010101010101);
    while (end - at >= 8) {
        uint64_t word;
        memcpy(&word, at, sizeof word);
        /* A byte's high bit stands here if it is not ASCII, or if it was 0 and borrowed. */
        if ((word | (word - ones)) & (ones << 7))
            break;
        at += 8;
    }
    while (at<end && * at> 0 && *at < 0x80)
        at++;
    return at;
}

/* The size of the sequence that begins at `at`, 2 to 4 bytes; 0 if it is none. The second byte's
 * range is what excludes longer forms than needed, surrogates, and what lies over U+10FFFF. */
static size_t sequence_size(const uint8_t *at, const uint8_t *end)
{
    uint8_t first = *at;
    if (first < 0xc2 || first > 0xf4)
        return 0;
    size_t size = first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
    if ((size_t)(end - at) < size)
        return 0;
    uint8_t least = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
    uint8_t most = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
    if (at[1] < least || at[1] > most)
        return 0;
    for (size_t i = 2; i < size; i++)
        if ((at[i] & 0xc0) != 0x80)
            return 0;
    return size;
}

size_t text_valid_size(struct bytes text)
{
    const uint8_t *at = text.data;
    const uint8_t *end = at + text.size;
    while (at < end && (at = skip_ascii(at, end)) < end) {
        size_t size = sequence_size(at, end);
        if (size == 0)
            break;
        at += size;
    }
    return text.size - (size_t)(end - at);
}

bool text_is_valid(struct bytes text)
{
    return text_valid_size(text) == text.size;
}

bool text_is_ascii(struct bytes text)
{
    const uint8_t *end = (const uint8_t *)text.data + text.size;
    return skip_ascii(text.data, end) == end;
}
