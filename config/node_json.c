/* node_json.c - see node_json.h. */
#include "config/node_json.h"

#include "base/buffer.h"
#include "base/hash.h"
#include "base/value.h"
#include "config/name_set.h"

#include <string.h>

enum {
    FEW_KEYS = 16, /* compared with each other; more go into a name_set */
    RECENT_COUNT = 256,
};

/* What has been read of the items of the lists and objects around, innermost last. */
struct stack {
    const struct node **nodes;
    size_t count, capacity;
};

struct parser {
    const unsigned char *at, *end;
    struct arena *arena;
    struct stack items;
    struct buffer unescaped;
    size_t node_count;
    /* Texts by their hash, the last of each: keys and types come again and again, and a node that
     * never changes may stand in many places. */
    const struct node *recent[RECENT_COUNT];
};

static const struct node *read_value(struct parser *p, size_t depth);

static struct node *make_node(struct parser *p, enum node_kind kind)
{
    if (++p->node_count > NODES_MAX)
        return NULL;
    struct node *node = arena_alloc(p->arena, sizeof *node);
    *node = (struct node){.kind = kind, .text = "", .written = ""};
    return node;
}

static const struct node *text_node(struct parser *p, struct bytes text, bool plain)
{
    struct node *node = make_node(p, NODE_TEXT);
    if (!node)
        return NULL;
    node->plain = plain;
    node->text = node->written = arena_text_of(p->arena, text);
    return node;
}

static const struct node *recent_or_new(struct parser *p, struct bytes text)
{
    const struct node **recent = &p->recent[bytes_hash(text) % RECENT_COUNT];
    const struct node *node = *recent;
    if (!node || strncmp(node->text, text.data, text.size) != 0 || node->text[text.size] != '\0')
        node = *recent = text_node(p, text, false);
    return node;
}

static void skip_space(struct parser *p)
{
    while (p->at < p->end && (*p->at == ' ' || *p->at == '\n' || *p->at == '\r' || *p->at == '\t'))
        p->at++;
}

static bool take(struct parser *p, char c)
{
    if (p->at == p->end || *p->at != (unsigned char)c)
        return false;
    p->at++;
    return true;
}

/* Texts */

/* Four hexadecimal digits; -1: they are not. */
static int32_t take_unit(struct parser *p)
{
    int32_t unit = 0;
    if (p->end - p->at < 4)
        return -1;
    for (int i = 0; i < 4; i++) {
        unsigned char c = *p->at++;
        int digit = c >= '0' && c <= '9'   ? c - '0'
                    : c >= 'a' && c <= 'f' ? c - 'a' + 10
                    : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                           : -1;
        if (digit < 0)
            return -1;
        unit = unit << 4 | digit;
    }
    return unit;
}

static void append_utf8(struct buffer *text, uint32_t code)
{
    if (code < 0x80) {
        buffer_append_byte(text, (uint8_t)code);
    } else if (code < 0x800) {
        buffer_append_byte(text, (uint8_t)(0xc0 | code >> 6));
        buffer_append_byte(text, (uint8_t)(0x80 | (code & 0x3f)));
    } else if (code < 0x10000) {
        buffer_append_byte(text, (uint8_t)(0xe0 | code >> 12));
        buffer_append_byte(text, (uint8_t)(0x80 | (code >> 6 & 0x3f)));
        buffer_append_byte(text, (uint8_t)(0x80 | (code & 0x3f)));
    } else {
        buffer_append_byte(text, (uint8_t)(0xf0 | code >> 18));
        buffer_append_byte(text, (uint8_t)(0x80 | (code >> 12 & 0x3f)));
        buffer_append_byte(text, (uint8_t)(0x80 | (code >> 6 & 0x3f)));
        buffer_append_byte(text, (uint8_t)(0x80 | (code & 0x3f)));
    }
}

/* Behind "\u". What lies beyond 16 bits is written as two halves. */
static bool take_code(struct parser *p)
{
    int32_t unit = take_unit(p);
    if (unit <= 0 || (unit >= 0xdc00 && unit < 0xe000))
        return false;
    if (unit < 0xd800 || unit >= 0xe000) {
        append_utf8(&p->unescaped, (uint32_t)unit);
        return true;
    }
    if (!take(p, '\\') || !take(p, 'u'))
        return false;
    int32_t low = take_unit(p);
    if (low < 0xdc00 || low >= 0xe000)
        return false;
    append_utf8(&p->unescaped,
                0x10000 + ((uint32_t)(unit - 0xd800) << 10 | (uint32_t)(low - 0xdc00)));
    return true;
}

/* Behind the backslash. */
static bool take_escape(struct parser *p)
{
    static const char letters[] = "\"\\/bfnrt", meanings[] = "\"\\/\b\f\n\r\t";
    if (p->at == p->end)
        return false;
    unsigned char c = *p->at++;
    if (c == 'u')
        return take_code(p);
    const char *letter = c ? strchr(letters, c) : NULL;
    if (letter)
        buffer_append_byte(&p->unescaped, (uint8_t)meanings[letter - letters]);
    return letter != NULL;
}

/* From a backslash on, with what stood before it, to behind the closing quote. */
static bool unescape(struct parser *p, const unsigned char *begin)
{
    buffer_clear(&p->unescaped);
    buffer_append(&p->unescaped, begin, (size_t)(p->at - begin));
    while (p->at < p->end && *p->at >= ' ') {
        unsigned char c = *p->at++;
        if (c == '"')
            return true;
        if (c != '\\')
            buffer_append_byte(&p->unescaped, c);
        else if (!take_escape(p))
            return false;
    }
    return false;
}

static const struct node *read_text(struct parser *p)
{
    const unsigned char *begin = ++p->at;
    unsigned char all = 0;
    while (p->at < p->end && *p->at != '"' && *p->at != '\\' && *p->at >= ' ')
        all |= *p->at++;
    struct bytes text = {begin, (size_t)(p->at - begin)};
    if (!take(p, '"')) {
        if (p->at == p->end || *p->at != '\\' || !unescape(p, begin))
            return NULL;
        text = buffer_bytes(&p->unescaped);
        all = 0x80;
    }
    return all < 0x80 || text_is_valid(text) ? recent_or_new(p, text) : NULL;
}

/* Numbers and words */

static bool skip_digits(struct parser *p)
{
    const unsigned char *begin = p->at;
    while (p->at < p->end && *p->at >= '0' && *p->at <= '9')
        p->at++;
    return p->at > begin;
}

static const struct node *read_number(struct parser *p)
{
    const unsigned char *begin = p->at;
    bool is_integer = true;
    take(p, '-');
    if (!take(p, '0') && !skip_digits(p))
        return NULL;
    if (take(p, '.')) {
        is_integer = false;
        if (!skip_digits(p))
            return NULL;
    }
    if (take(p, 'e') || take(p, 'E')) {
        is_integer = false;
        if (!take(p, '+'))
            take(p, '-');
        if (!skip_digits(p))
            return NULL;
    }
    if (!is_integer)
        return make_node(p, NODE_EMPTY);
    return text_node(p, (struct bytes){begin, (size_t)(p->at - begin)}, true);
}

static bool take_word(struct parser *p, const char *word)
{
    size_t size = strlen(word);
    if ((size_t)(p->end - p->at) < size || memcmp(p->at, word, size) != 0)
        return false;
    p->at += size;
    return true;
}

static const struct node *read_word(struct parser *p)
{
    if (take_word(p, "true"))
        return text_node(p, bytes_of_text("true"), true);
    if (take_word(p, "false"))
        return text_node(p, bytes_of_text("false"), true);
    return take_word(p, "null") ? make_node(p, NODE_EMPTY) : NULL;
}

/* Lists and objects */

static void push(struct parser *p, const struct node *node)
{
    struct stack *items = &p->items;
    items->nodes = arena_grow(p->arena, items->nodes, items->count, &items->capacity,
                              items->count + 1, sizeof *items->nodes);
    items->nodes[items->count++] = node;
}

/* One value, or a key and its value, onto the stack. */
static bool read_item(struct parser *p, bool has_key, size_t depth)
{
    skip_space(p);
    if (has_key) {
        const struct node *key = p->at < p->end && *p->at == '"' ? read_text(p) : NULL;
        skip_space(p);
        if (!key || !take(p, ':'))
            return false;
        push(p, key);
    }
    const struct node *value = read_value(p, depth);
    if (value)
        push(p, value);
    skip_space(p);
    return value != NULL;
}

/* All items up to the closing sign onto the stack. */
static bool read_items(struct parser *p, char close, size_t depth)
{
    p->at++;
    skip_space(p);
    if (take(p, close))
        return true;
    do {
        if (!read_item(p, close == '}', depth))
            return false;
    } while (take(p, ','));
    return take(p, close);
}

static bool has_duplicate(struct parser *p, const struct node_entry *entries, size_t count)
{
    struct name_set seen;
    if (count > FEW_KEYS)
        name_set_init(&seen, p->arena, count);
    for (size_t i = 0; i < count; i++) {
        const char *key = entries[i].key->text;
        if (count > FEW_KEYS && !name_set_add(&seen, key, &(size_t){i}))
            return true;
        for (size_t j = 0; j < i && count <= FEW_KEYS; j++)
            if (strcmp(entries[j].key->text, key) == 0)
                return true;
    }
    return false;
}

static const struct node *read_list(struct parser *p, size_t depth)
{
    size_t before = p->items.count;
    struct node *node = make_node(p, NODE_LIST);
    if (!node || !read_items(p, ']', depth))
        return NULL;
    node->count = p->items.count - before;
    const struct node **items = arena_array(p->arena, node->count, sizeof *items);
    if (node->count > 0)
        memcpy(items, p->items.nodes + before, node->count * sizeof *items);
    node->items = items;
    p->items.count = before;
    return node;
}

static const struct node *read_object(struct parser *p, size_t depth)
{
    size_t before = p->items.count;
    struct node *node = make_node(p, NODE_MAP);
    if (!node || !read_items(p, '}', depth))
        return NULL;
    node->count = (p->items.count - before) / 2;
    struct node_entry *entries = arena_array(p->arena, node->count, sizeof *entries);
    for (size_t i = 0; i < node->count; i++)
        entries[i] =
            (struct node_entry){p->items.nodes[before + 2 * i], p->items.nodes[before + 2 * i + 1]};
    node->entries = entries;
    p->items.count = before;
    return has_duplicate(p, entries, node->count) ? NULL : node;
}

static const struct node *read_value(struct parser *p, size_t depth)
{
    skip_space(p);
    if (p->at == p->end || depth == NODE_DEPTH_MAX)
        return NULL;
    switch (*p->at) {
    case '{':
        return read_object(p, depth + 1);
    case '[':
        return read_list(p, depth + 1);
    case '"':
        return read_text(p);
    case 't':
    case 'f':
    case 'n':
        return read_word(p);
    default:
        return read_number(p);
    }
}

const struct node *node_read_json(struct bytes text, struct arena *arena)
{
    struct parser parser = {.at = text.data, .arena = arena};
    if (!text.data)
        return NULL;
    parser.end = parser.at + text.size;
    buffer_init(&parser.unescaped, 0);
    const struct node *root = read_value(&parser, 0);
    skip_space(&parser);
    buffer_release(&parser.unescaped);
    return parser.at == parser.end ? root : NULL;
}
