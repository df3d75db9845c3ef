/* init_stores.c - see init_stores.h. */
#include "cli/init_stores.h"

#include "base/buffer.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const names[] = {
    [INIT_EMBEDDED] = "embedded", [INIT_POSTGRES_REDIS] = "postgres-redis"};

enum status init_stores_find(const char *name, enum init_stores *stores, struct error *err)
{
    for (size_t i = 0; i < COUNT_OF(names); i++)
        if (strcmp(name, names[i]) == 0) {
            *stores = (enum init_stores)i;
            return STATUS_OK;
        }
    return fail(err, STATUS_INVALID, "there are no stores %s; there are: embedded, postgres-redis",
                name);
}

const char *init_stores_name(enum init_stores stores)
{
    return names[stores];
}

static bool begins_with(const char *line, const char *beginning)
{
    return strncmp(line, beginning, strlen(beginning)) == 0;
}

static bool names_store(const char *line)
{
    return begins_with(line, "offline_store:") || begins_with(line, "online_store:");
}

static const char mark[] = "# ";

/* What is in force becomes a comment, and the other way round. */
static void append_exchanged(struct buffer *yaml, const char *line)
{
    if (names_store(line))
        buffer_append_text(yaml, mark);
    bool is_off = begins_with(line, mark) && names_store(line + strlen(mark));
    buffer_append_text(yaml, is_off ? line + strlen(mark) : line);
}

enum status init_stores_read(const char *path, enum init_stores stores, struct arena *arena,
                             struct bytes *yaml, struct error *err)
{
    struct buffer text;
    char *line = NULL;
    size_t capacity = 0;
    FILE *file = fopen(path, "re");
    if (!file)
        return fail(err, STATUS_FAILED, "cannot read %s: %s", path, strerror(errno));
    buffer_init(&text, 0);
    while (getline(&line, &capacity, file) >= 0) {
        if (stores == INIT_EMBEDDED)
            buffer_append_text(&text, line);
        else
            append_exchanged(&text, line);
    }
    enum status status = STATUS_OK;
    if (ferror(file))
        status = fail(err, STATUS_FAILED, "cannot read %s: %s", path, strerror(errno));
    fclose(file);
    free(line);
    *yaml = (struct bytes){arena_text_of(arena, buffer_bytes(&text)), text.size};
    buffer_release(&text);
    return status;
}
