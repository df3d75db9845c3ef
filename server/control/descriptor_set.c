/* descriptor_set.c - see descriptor_set.h. */
#include "server/control/descriptor_set.h"

#include "server/answer/wire.h"

#include <assert.h>

/* Field numbers of google/protobuf/descriptor.proto. NAME is that of every message with a name. */
enum { SET_FILE = 1, NAME = 1, FILE_PACKAGE = 2, FILE_DEPENDENCY = 3, FILE_SERVICE = 6 };

/* What is declared where, and what it is. */
static const struct declaration {
    enum descriptor_kind in;
    uint32_t number;
    enum descriptor_kind kind;
} declarations[] = {
    {DESCRIPTOR_FILE, 4, DESCRIPTOR_MESSAGE},   {DESCRIPTOR_FILE, 5, DESCRIPTOR_ENUM},
    {DESCRIPTOR_FILE, 6, DESCRIPTOR_SERVICE},   {DESCRIPTOR_FILE, 7, DESCRIPTOR_MEMBER},
    {DESCRIPTOR_MESSAGE, 2, DESCRIPTOR_MEMBER}, {DESCRIPTOR_MESSAGE, 3, DESCRIPTOR_MESSAGE},
    {DESCRIPTOR_MESSAGE, 4, DESCRIPTOR_ENUM},   {DESCRIPTOR_MESSAGE, 6, DESCRIPTOR_MEMBER},
    {DESCRIPTOR_MESSAGE, 8, DESCRIPTOR_MEMBER}, {DESCRIPTOR_ENUM, 2, DESCRIPTOR_MEMBER},
    {DESCRIPTOR_SERVICE, 2, DESCRIPTOR_MEMBER},
};

/* The next field of that number; absent at the end. */
static struct bytes next_of(struct wire_reader *reader, uint32_t number)
{
    struct wire_field field;
    while (wire_next(reader, &field))
        if (field.number == number && field.type == WIRE_BYTES)
            return field.bytes;
    return (struct bytes){0};
}

static struct bytes first_of(struct bytes message, uint32_t number)
{
    struct wire_reader reader = wire_read(message);
    return next_of(&reader, number);
}

static const struct declaration *find_declaration(enum descriptor_kind in, uint32_t number)
{
    for (size_t i = 0; i < COUNT_OF(declarations); i++)
        if (declarations[i].in == in && declarations[i].number == number)
            return &declarations[i];
    return NULL;
}

/* Whether symbol is name, or a name within it; `rest` is then what comes behind the dot. */
static bool leads_to(struct bytes symbol, struct bytes name, struct bytes *rest)
{
    const char *text = symbol.data;
    if (!name.data || symbol.size < name.size || memcmp(text, name.data, name.size) != 0)
        return false;
    *rest = (struct bytes){text + name.size, symbol.size - name.size};
    if (rest->size == 0)
        return true;
    *rest = (struct bytes){text + name.size + 1, rest->size - 1};
    return text[name.size] == '.' && rest->size > 0;
}

/* Goes as deep as the contracts nest. */
static bool declares(struct bytes message, enum descriptor_kind in, struct bytes symbol,
                     enum descriptor_kind *kind)
{
    struct wire_reader reader = wire_read(message);
    struct wire_field field;
    while (wire_next(&reader, &field)) {
        const struct declaration *declaration = find_declaration(in, field.number);
        if (!declaration)
            continue;
        struct bytes rest, name = first_of(field.bytes, NAME);
        bool leads = leads_to(symbol, name, &rest);
        *kind = declaration->kind;
        if (leads && rest.size == 0)
            return true;
        if (*kind == DESCRIPTOR_ENUM ? declares(field.bytes, *kind, symbol, kind)
                                     : leads && declares(field.bytes, *kind, rest, kind))
            return true;
    }
    return false;
}

struct bytes descriptor_set_file(struct bytes set, struct bytes name)
{
    struct wire_reader reader = wire_read(set);
    struct bytes file;
    while ((file = next_of(&reader, SET_FILE)).data)
        if (bytes_equal(first_of(file, NAME), name))
            break;
    return file;
}

struct bytes descriptor_set_file_of(struct bytes set, struct bytes symbol,
                                    enum descriptor_kind *kind)
{
    struct wire_reader reader = wire_read(set);
    struct bytes file, rest;
    while ((file = next_of(&reader, SET_FILE)).data)
        if (leads_to(symbol, first_of(file, FILE_PACKAGE), &rest) && rest.size > 0 &&
            declares(file, DESCRIPTOR_FILE, rest, kind))
            break;
    return file;
}

static bool is_among(const struct bytes *files, size_t count, struct bytes file)
{
    for (size_t i = 0; i < count; i++)
        if (files[i].data == file.data)
            return true;
    return false;
}

size_t descriptor_set_with_imports(struct bytes set, struct bytes file,
                                   struct bytes files[DESCRIPTOR_FILES_MAX])
{
    size_t count = 0;
    files[count++] = file;
    for (size_t i = 0; i < count; i++) {
        struct wire_reader reader = wire_read(files[i]);
        struct bytes name;
        while ((name = next_of(&reader, FILE_DEPENDENCY)).data) {
            struct bytes import = descriptor_set_file(set, name);
            if (!import.data || is_among(files, count, import))
                continue;
            assert(count < DESCRIPTOR_FILES_MAX);
            files[count++] = import;
        }
    }
    return count;
}

size_t descriptor_set_services(struct bytes set,
                               struct descriptor_service services[DESCRIPTOR_SERVICES_MAX])
{
    struct wire_reader files = wire_read(set);
    struct bytes file, service;
    size_t count = 0;
    while ((file = next_of(&files, SET_FILE)).data) {
        struct bytes package = first_of(file, FILE_PACKAGE);
        struct wire_reader reader = wire_read(file);
        while ((service = next_of(&reader, FILE_SERVICE)).data) {
            assert(count < DESCRIPTOR_SERVICES_MAX);
            services[count++] = (struct descriptor_service){package, first_of(service, NAME)};
        }
    }
    return count;
}
