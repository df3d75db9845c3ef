/* wording.c - see wording.h. */
#include "config/wording.h"

#include "base/value.h"
#include "config/place.h"

#include <stdint.h>

enum { QUOTED_MAX = 80, NAMES_MAX = 2000, LISTED_MAX = 5 };

/* Bytes of the character that begins at text; 0 if none does. */
static size_t character_size(const char *text, size_t left)
{
    for (size_t size = 1; size <= 4 && size <= left; size++)
        if (text_is_valid((struct bytes){text, size}))
            return size;
    return 0;
}

/* Control characters could move a terminal's cursor: C0, DEL, and C1 (which is c2 80 to c2 9f). */
static bool is_control(const char *text, size_t size)
{
    unsigned char first = (unsigned char)text[0];
    return (size == 1 && (first < 0x20 || first == 0x7f)) ||
           (size == 2 && first == 0xc2 && (unsigned char)text[1] < 0xa0);
}

const char *quoted_bytes(struct arena *arena, struct bytes text)
{
    char *result = arena_alloc(arena, QUOTED_MAX + 8);
    const char *from = text.data;
    size_t length = 0;
    result[length++] = '"';
    for (size_t i = 0; i < text.size;) {
        size_t size = character_size(from + i, text.size - i);
        if (length + (size ? size : 1) > QUOTED_MAX) {
            memcpy(result + length, "...", 3);
            length += 3;
            break;
        }
        bool readable = size > 0 && !is_control(from + i, size);
        memcpy(result + length, readable ? from + i : "?", readable ? size : 1);
        length += readable ? size : 1;
        i += size ? size : 1;
    }
    result[length++] = '"';
    result[length] = '\0';
    return result;
}

const char *quoted(struct arena *arena, const char *text)
{
    return quoted_bytes(arena, bytes_of_text(text));
}

const char *did_you_mean(struct arena *arena, const char *name, const char *const *candidates,
                         size_t count)
{
    const char *nearest = nearest_name(name, candidates, count);
    return nearest ? arena_printf(arena, ": did you mean %s?", quoted(arena, nearest)) : "";
}

const char *did_you_mean_one(struct arena *arena, const char *name, const char *const *candidates,
                             size_t count)
{
    const char *text = did_you_mean(arena, name, candidates, count);
    if (*text || count == 0)
        return text;
    text = ": there is ";
    for (size_t i = 0; i < count && i < LISTED_MAX; i++)
        text = arena_joined(arena, text, i > 0 ? ", " : "", candidates[i]);
    return count <= LISTED_MAX ? text
                               : arena_printf(arena, "%s, and %zu more", text, count - LISTED_MAX);
}

const char *const *names_of(struct arena *arena, const void *structs, size_t count, size_t stride,
                            size_t offset, size_t *name_count)
{
    *name_count = count < NAMES_MAX ? count : NAMES_MAX;
    const char **names = arena_array(arena, *name_count, sizeof *names);
    for (size_t i = 0; i < *name_count; i++)
        memcpy(&names[i], (const char *)structs + i * stride + offset, sizeof names[i]);
    return names;
}
