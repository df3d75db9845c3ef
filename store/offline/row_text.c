/* row_text.c - see row_text.h. */
#include "store/offline/row_text.h"

#include "base/buffer.h"
#include "base/value_text.h"

enum { ROW_TEXT_MAX = 100 };

size_t row_text_cut(const char *text, size_t size)
{
    if (size <= ROW_TEXT_MAX)
        return size;
    size = ROW_TEXT_MAX;
    while (size > 0 && ((unsigned char)text[size] & 0xc0) == 0x80)
        size--;
    return size;
}

const char *row_keys_text(const struct feature_view *view, const struct value *keys, size_t count,
                          struct arena *arena)
{
    struct buffer text, value;
    buffer_init(&text, 0);
    buffer_init(&value, 0);
    for (size_t i = 0; i < count; i++) {
        buffer_clear(&value);
        if (keys[i].is_null)
            buffer_append_text(&value, "null");
        else
            value_format(&keys[i], &value);
        struct bytes whole = buffer_bytes(&value);
        size_t size = row_text_cut(whole.data, whole.size);
        buffer_printf(&text, "%s=%.*s%s, ", view->keys[i].name, (int)size, (const char *)whole.data,
                      size < whole.size ? "..." : "");
    }
    const char *copy = arena_text_of(arena, buffer_bytes(&text));
    buffer_release(&text);
    buffer_release(&value);
    return copy;
}
