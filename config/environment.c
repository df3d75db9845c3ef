/* environment.c - see environment.h. */
#include "config/environment.h"

#include "base/buffer.h"
#include "base/value.h"
#include "config/wording.h"

#include <stdlib.h>
#include <string.h>

struct expansion {
    struct arena *arena;
    struct problems *problems;
    const struct node *node;
    struct buffer text;
    bool failed;
};

static size_t variable_size(const char *text)
{
    static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_";
    return text[0] >= '0' && text[0] <= '9' ? 0 : strspn(text, allowed);
}

static void refuse(struct expansion *expansion, const char *text)
{
    problems_add(expansion->problems, expansion->node->place, "%s", text);
    expansion->failed = true;
}

/* Appends what "${inside}" stands for; inside is between the braces. */
static void append_variable(struct expansion *expansion, struct bytes inside)
{
    struct arena *arena = expansion->arena;
    const char *text = arena_text_of(arena, inside);
    size_t size = variable_size(text);
    bool has_default = strncmp(text + size, ":-", 2) == 0;
    if (size == 0 || (text[size] != '\0' && !has_default)) {
        refuse(expansion,
               "a variable is written ${NAME} or ${NAME:-default}, and \"$${\" is \"${\" "
               "itself");
        return;
    }
    const char *name = arena_text_of(arena, (struct bytes){text, size});
    const char *value = getenv(name);
    if (has_default && (!value || !*value))
        value = text + size + 2;
    if (!value)
        refuse(expansion,
               arena_printf(
                   arena, "the environment variable %s is not set: set it, or write ${%s:-default}",
                   name, name));
    else if (!text_is_valid(bytes_of_text(value)))
        refuse(expansion, arena_printf(arena, "the environment variable %s is not UTF-8", name));
    else
        buffer_append_text(&expansion->text, value);
}

static void expand_text(struct expansion *expansion, const char *at)
{
    while (*at && !expansion->failed) {
        if (strncmp(at, "$${", 3) == 0) {
            buffer_append_text(&expansion->text, "${");
            at += 3;
        } else if (strncmp(at, "${", 2) == 0) {
            const char *end = strchr(at, '}');
            if (!end) {
                refuse(expansion, "a \"${\" is not closed with \"}\"");
                return;
            }
            append_variable(expansion, (struct bytes){at + 2, (size_t)(end - at) - 2});
            at = end + 1;
        } else {
            buffer_append_byte(&expansion->text, (uint8_t)*at++);
        }
    }
}

static const struct node *expanded_text(const struct node *node, struct arena *arena,
                                        struct problems *problems)
{
    if (!strstr(node->text, "${"))
        return node;
    struct node *copy = arena_alloc(arena, sizeof *copy);
    *copy = *node;
    struct expansion expansion = {.arena = arena, .problems = problems, .node = node};
    buffer_init(&expansion.text, 0);
    expand_text(&expansion, node->text);
    if (expansion.failed)
        copy->kind = NODE_BROKEN;
    else
        copy->text = arena_text_of(arena, buffer_bytes(&expansion.text));
    buffer_release(&expansion.text);
    return copy;
}

const struct node *environment_expand(const struct node *root, struct arena *arena,
                                      struct problems *problems)
{
    if (root->kind == NODE_TEXT)
        return expanded_text(root, arena, problems);
    if (root->kind != NODE_LIST && root->kind != NODE_MAP)
        return root;
    struct node *copy = arena_alloc(arena, sizeof *copy);
    *copy = *root;
    struct node_entry *entries = NULL;
    const struct node **items = NULL;
    if (root->kind == NODE_MAP)
        copy->entries = entries = arena_array(arena, root->count, sizeof *entries);
    else
        copy->items = items = arena_array(arena, root->count, sizeof(struct node *));
    for (size_t i = 0; i < root->count; i++)
        if (entries)
            entries[i] = (struct node_entry){
                root->entries[i].key, environment_expand(root->entries[i].value, arena, problems)};
        else
            items[i] = environment_expand(root->items[i], arena, problems);
    return copy;
}
