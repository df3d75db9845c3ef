/* key_set.c - see key_set.h. */
#include "store/registry/key_set.h"

#include "base/buffer.h"

const char *key_set_text(const struct feature_view *view, struct arena *arena)
{
    struct buffer text;
    buffer_init(&text, 0);
    for (size_t i = 0; i < view->key_count; i++) {
        const struct join_key *key = &view->keys[i];
        bool integer = key->type == TYPE_INT32 || key->type == TYPE_INT64;
        buffer_printf(&text, "%s%s:%s", i ? "," : "", key->name,
                      integer ? "int" : type_name(key->type));
    }
    const char *copy = arena_text_of(arena, buffer_bytes(&text));
    buffer_release(&text);
    return copy;
}
