/* entities.c - see entities.h. */
#include "cli/entities.h"

#include "base/value_text.h"
#include "sdk/c/include/larder/larder.h"

static const char blanks[] = " \t";

struct pair {
    struct bytes key, value;
};

/* The size of NAME where the text begins with NAME=, else 0. */
static size_t name_size(const char *text)
{
    size_t size = strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789_");
    bool is_name = size > 0 && text[size] == '=' && text[0] >= 'a' && text[0] <= 'z';
    return is_name ? size : 0;
}

static const char *past_blanks(const char *text)
{
    return text + strspn(text, blanks);
}

/* The pair that *rest begins with; *rest is then what follows its comma, or NULL. false: no
 * KEY=VALUE. */
static bool next_pair(const char **rest, struct pair *pair)
{
    const char *name = past_blanks(*rest);
    size_t size = name_size(name);
    if (size == 0)
        return false;
    const char *value = name + size + 1;
    const char *comma = strchr(value, ',');
    while (comma && name_size(past_blanks(comma + 1)) == 0)
        comma = strchr(comma + 1, ',');
    pair->key = (struct bytes){name, size};
    pair->value = (struct bytes){value, comma ? (size_t)(comma - value) : strlen(value)};
    *rest = comma ? comma + 1 : NULL;
    return true;
}

size_t entities_find_key(const struct entities *entities, struct bytes name)
{
    size_t i = 0;
    while (i < entities->key_count && !bytes_equal(bytes_of_text(entities->names[i]), name))
        i++;
    return i;
}

/* The first entity says which keys there are; mistakes in it are told by take_values. */
static void take_names(const char *text, struct arena *arena, struct entities *entities)
{
    struct pair pair;
    entities->names = arena_array(arena, strlen(text) / 2 + 1, sizeof *entities->names);
    while (text && next_pair(&text, &pair))
        if (entities_find_key(entities, pair.key) == entities->key_count)
            entities->names[entities->key_count++] = arena_text_of(arena, pair.key);
}

static enum status take_values(const char *text, struct arena *arena,
                               const struct entities *entities, struct bytes *texts,
                               struct error *err)
{
    struct pair pair;
    for (const char *rest = text; rest;) {
        if (!next_pair(&rest, &pair))
            return fail(err, STATUS_INVALID, "--entity %s: write it as KEY=VALUE[,KEY=VALUE]%s",
                        text, strchr(text, '=') ? ", keys in lower case" : "");
        size_t key = entities_find_key(entities, pair.key);
        if (key == entities->key_count || texts[key].data)
            return fail(err, STATUS_INVALID, "--entity %s: %.*s %s", text, (int)pair.key.size,
                        (const char *)pair.key.data,
                        key < entities->key_count ? "is given twice"
                                                  : "is no key of the first --entity; each "
                                                    "--entity has all keys, as in K=V,K=V");
        texts[key] = (struct bytes){arena_text_of(arena, pair.value), pair.value.size};
    }
    for (size_t i = 0; i < entities->key_count; i++)
        if (!texts[i].data)
            return fail(err, STATUS_INVALID, "--entity %s: %s is missing, which the first one has",
                        text, entities->names[i]);
    return STATUS_OK;
}

enum status entities_parse(const struct options *options, struct entities *entities,
                           struct error *err)
{
    struct arena *arena = options->arena;
    *entities = (struct entities){0};
    const char *const *given = option_texts(options, "--entity", &entities->count);
    take_names(given[0], arena, entities);
    size_t keys = entities->key_count;
    entities->types = arena_array(arena, keys, sizeof *entities->types);
    entities->texts = arena_array(arena, entities->count * keys, sizeof *entities->texts);
    entities->values = arena_array(arena, entities->count * keys, sizeof *entities->values);
    enum status status = STATUS_OK;
    for (size_t i = 0; !status && i < entities->count; i++)
        status = take_values(given[i], arena, entities, entities->texts + i * keys, err);
    return status;
}

/* Leading zeros tell a name (a postal code) from a number. */
static bool is_whole_number(struct bytes text)
{
    const char *digits = text.data;
    size_t count = text.size;
    if (count > 1 && digits[0] == '-') {
        digits++;
        count--;
    }
    return count > 0 && count <= 19 && strspn(digits, "0123456789") == count &&
           (digits[0] != '0' || text.size == 1);
}

static value_type guess_type(const struct entities *entities, size_t key)
{
    size_t numbers = 0;
    for (size_t i = 0; i < entities->count; i++) {
        struct bytes text = entities->texts[i * entities->key_count + key];
        numbers += is_whole_number(text);
        if (text.size > 0 && !is_whole_number(text))
            return TYPE_STRING;
    }
    return numbers ? TYPE_INT64 : TYPE_STRING;
}

static value_type find_type(const struct entities *entities, size_t key,
                            const struct selection *selection)
{
    for (size_t i = 0; selection && i < selection->key_count; i++)
        if (strcmp(selection->keys[i].name, entities->names[key]) == 0)
            return selection->keys[i].type;
    return guess_type(entities, key);
}

static enum status parse_key(value_type type, struct bytes text, struct arena *arena,
                             struct value *value, struct error *err)
{
    static const char empty[] = "\"\"";
    *value = value_null(type);
    if (text.size == 0)
        return STATUS_OK;
    if (type == TYPE_STRING && bytes_equal(text, bytes_of_text(empty)))
        text = (struct bytes){"", 0};
    return value_parse(type, text, arena, value, err);
}

enum status entities_type(struct entities *entities, const struct selection *selection,
                          struct arena *arena, struct error *err)
{
    for (size_t key = 0; key < entities->key_count; key++) {
        entities->types[key] = find_type(entities, key, selection);
        for (size_t i = 0; i < entities->count; i++) {
            size_t at = i * entities->key_count + key;
            if (parse_key(entities->types[key], entities->texts[at], arena, &entities->values[at],
                          err))
                return fail_within(err, "--entity %s", entities->names[key]);
        }
    }
    return STATUS_OK;
}

const char *entities_text(const struct entities *entities, size_t row, struct arena *arena)
{
    const char *all = "";
    for (size_t i = 0; i < entities->key_count; i++) {
        struct bytes text = entities->texts[row * entities->key_count + i];
        all = arena_printf(arena, "%s%s%s=%.*s", all, i ? ", " : "", entities->names[i],
                           (int)text.size, (const char *)text.data);
    }
    return all;
}

static void add_value(struct larder_request *request, const char *name, const struct value *value)
{
    if (value->is_null) {
        larder_request_add_null(request, name);
        return;
    }
    switch (value->type) {
    case TYPE_BOOL:
        larder_request_add_bool(request, name, value->boolean);
        break;
    case TYPE_INT32:
        larder_request_add_int(request, name, value->int32);
        break;
    case TYPE_INT64:
        larder_request_add_int(request, name, value->int64);
        break;
    case TYPE_TIMESTAMP:
        larder_request_add_timestamp(request, name, value->int64);
        break;
    case TYPE_BYTES:
        larder_request_add_bytes(request, name, value->bytes.data, value->bytes.size);
        break;
    default: /* a string: borrowed from texts, behind which take_values left a NUL */
        larder_request_add_string(request, name, value->bytes.data);
    }
}

void entities_add(const struct entities *entities, struct larder_request *request)
{
    for (size_t i = 0; i < entities->count * entities->key_count; i++)
        add_value(request, entities->names[i % entities->key_count], &entities->values[i]);
}
