/* arguments.c - see arguments.h. */
#include "tests/bench/arguments.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

_Noreturn void die(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fprintf(stderr, "%s: ", program_invocation_short_name);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    exit(EXIT_FAILURE);
}

const char *argument_text(int count, char **words, const char *name, const char *fallback)
{
    for (int i = 1; i + 1 < count; i += 2)
        if (strncmp(words[i], "--", 2) == 0 && strcmp(words[i] + 2, name) == 0)
            return words[i + 1];
    if (!fallback)
        die("--%s is missing", name);
    return fallback;
}

double argument_number(int count, char **words, const char *name, const char *fallback)
{
    const char *text = argument_text(count, words, name, fallback);
    char *end;
    double number = strtod(text, &end);
    if (*end != '\0' || end == text || !(number >= 0))
        die("--%s: not a number: %s", name, text);
    return number;
}

uint8_t *argument_file(const char *path, size_t *size)
{
    FILE *file = fopen(path, "rb");
    if (!file || fseek(file, 0, SEEK_END) != 0)
        die("%s: %s", path, strerror(errno));
    long end = ftell(file);
    rewind(file);
    uint8_t *bytes = end >= 0 ? malloc((size_t)end + 1) : NULL;
    if (!bytes || fread(bytes, 1, (size_t)end, file) != (size_t)end)
        die("%s: cannot be read", path);
    fclose(file);
    *size = (size_t)end;
    return bytes;
}
