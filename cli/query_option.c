/* query_option.c - see query_option.h. */
#include "cli/query_option.h"

#include "base/buffer.h"
#include "base/value.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { QUERY_SIZE_MAX = 1 << 20 };

static enum status read_file(const char *path, struct buffer *text, struct error *err)
{
    FILE *file = fopen(path, "re");
    if (!file)
        return fail(err, errno == ENOENT ? STATUS_NOT_FOUND : STATUS_FAILED, "cannot read %s: %s",
                    path, strerror(errno));
    char bytes[4096];
    size_t got;
    while (text->size <= QUERY_SIZE_MAX && (got = fread(bytes, 1, sizeof bytes, file)) > 0)
        buffer_append(text, bytes, got);
    bool failed = ferror(file);
    fclose(file);
    if (failed)
        return fail(err, STATUS_FAILED, "%s: it cannot be read", path);
    if (text->size > QUERY_SIZE_MAX || !text_is_valid(buffer_bytes(text)))
        return fail(err, STATUS_INVALID, "%s is no SQL: it is %s", path,
                    text->size > QUERY_SIZE_MAX ? "over a mebibyte" : "not UTF-8");
    return STATUS_OK;
}

/* As files of SQL end, and as people end what they type. */
static const char *without_end(struct bytes sql, struct arena *arena)
{
    const char *text = sql.data;
    static const char space[] = " \t\r\n";
    while (sql.size > 0 && memchr(space, text[sql.size - 1], sizeof space - 1))
        sql.size--;
    if (sql.size > 0 && text[sql.size - 1] == ';')
        sql.size--;
    return arena_text_of(arena, sql);
}

enum status query_text_given(const char *option, struct arena *arena, const char **sql,
                             struct error *err)
{
    if (*option != '@') {
        *sql = without_end(bytes_of_text(option), arena);
        return STATUS_OK;
    }
    struct buffer text;
    buffer_init(&text, 0);
    enum status status = read_file(option + 1, &text, err);
    *sql = status ? NULL : without_end(buffer_bytes(&text), arena);
    buffer_release(&text);
    return status;
}
