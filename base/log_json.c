/* log_json.c - see log_json.h. */
#include "base/log_json.h"

#include "base/bytes.h"
#include "base/value.h"

#include <assert.h>
#include <stdbool.h>
#include <string.h>

/* What is left out at the end leaves room for what closes the object. */
struct line {
    char *text;
    size_t size, room;
};

enum { CLOSING = 2, VALUE_SIZE = 8192 };

static bool put(struct line *line, const char *text, size_t size)
{
    if (line->size + size > line->room)
        return false;
    memcpy(line->text + line->size, text, size);
    line->size += size;
    return true;
}

/* How a byte below 0x20 or one that has a meaning stands in a JSON string; size 0: as it is. */
static size_t escape(unsigned char c, char escaped[6])
{
    static const char digits[] = "0123456789abcdef";
    static const char shorts[][2] = {{'"', '"'},  {'\\', '\\'}, {'\n', 'n'}, {'\r', 'r'},
                                     {'\t', 't'}, {'\b', 'b'},  {'\f', 'f'}};
    for (size_t i = 0; i < COUNT_OF(shorts); i++)
        if (c == (unsigned char)shorts[i][0]) {
            memcpy(escaped, (char[2]){'\\', shorts[i][1]}, 2);
            return 2;
        }
    if (c >= 0x20)
        return 0;
    memcpy(escaped, (char[6]){'\\', 'u', '0', '0', digits[c >> 4], digits[c & 15]}, 6);
    return 6;
}

/* The bytes of the character that stands here; 0: it is none. */
static size_t character_size(struct bytes text)
{
    size_t size = text.size < 4 ? text.size : 4;
    for (size_t i = 1; i <= size; i++)
        if (text_is_valid((struct bytes){text.data, i}))
            return i;
    return 0;
}

static bool put_character(struct line *line, struct bytes *text)
{
    char escaped[6];
    const char *at = text->data;
    size_t size = escape((unsigned char)*at, escaped), taken = 1;
    bool fits;
    if (size > 0) {
        fits = put(line, escaped, size);
    } else if ((size = character_size(*text)) > 0) {
        taken = size;
        fits = put(line, at, size);
    } else {
        fits = put(line, "\xef\xbf\xbd", 3);
    }
    *text = (struct bytes){at + taken, text->size - taken};
    return fits;
}

/* "key":"value", the value cut where there is no room; nothing at all where there is none for the
 * key. */
static void put_pair(struct line *line, struct bytes key, struct bytes value)
{
    size_t begin = line->size;
    line->room--; /* for the quote at the end */
    bool fits = (begin == 1 || put(line, ",", 1)) && put(line, "\"", 1);
    while (fits && key.size > 0)
        fits = put_character(line, &key);
    fits = fits && put(line, "\":\"", 3);
    while (fits && value.size > 0 && put_character(line, &value))
        continue;
    line->room++;
    if (fits)
        put(line, "\"", 1);
    else
        line->size = begin;
}

/* -1: it is no hex digit. */
static int hex_value(char c)
{
    static const char digits[] = "0123456789abcdef";
    const char *found = c ? strchr(digits, c) : NULL;
    return found ? (int)(found - digits) : -1;
}

/* Undoes one escape of log_quote, and returns behind it. */
static const char *unescape(const char *at, char *into)
{
    static const char escapes[] = "n\nr\rt\t";
    const char *found = *at && *at != '\n' ? strchr(escapes, *at) : NULL;
    if (*at == 'x' && hex_value(at[1]) >= 0 && hex_value(at[2]) >= 0) {
        *into = (char)(hex_value(at[1]) << 4 | hex_value(at[2]));
        return at + 3;
    }
    *into = found ? found[1] : *at;
    return *at ? at + 1 : at;
}

/* A value, which begins here, as what it was before it was quoted. Returns behind it. */
static const char *take_value(const char *at, char *value, size_t *size)
{
    *size = 0;
    if (*at != '"') {
        *size = strcspn(at, " ");
        *size = *size < VALUE_SIZE ? *size : VALUE_SIZE;
        memcpy(value, at, *size);
        return at + strcspn(at, " ");
    }
    for (at++; *at && *at != '"' && *size < VALUE_SIZE; (*size)++) {
        if (*at == '\\')
            at = unescape(at + 1, &value[*size]);
        else
            value[*size] = *at++;
    }
    return *at == '"' ? at + 1 : at;
}

static void put_fields(struct line *line, const char *fields)
{
    char value[VALUE_SIZE];
    size_t value_size;
    for (const char *at = fields + strspn(fields, " "); *at; at += strspn(at, " ")) {
        size_t key_size = strcspn(at, "= ");
        struct bytes key = {at, key_size};
        at += key_size;
        value_size = 0;
        if (*at == '=')
            at = take_value(at + 1, value, &value_size);
        if (key.size > 0)
            put_pair(line, key, (struct bytes){value, value_size});
    }
}

size_t log_json_line(char *text, size_t size, const char *time, const char *level,
                     const char *message, const char *fields)
{
    assert(size >= LOG_JSON_MIN);
    struct line line = {.text = text, .room = size - CLOSING};
    put(&line, "{", 1);
    put_pair(&line, bytes_of_text("time"), bytes_of_text(time));
    put_pair(&line, bytes_of_text("level"), bytes_of_text(level));
    put_pair(&line, bytes_of_text("msg"), bytes_of_text(message));
    put_fields(&line, fields);
    line.room = size;
    put(&line, "}", 1);
    return line.size;
}
