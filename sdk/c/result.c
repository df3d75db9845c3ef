/* result.c - names for people, and errors; see result.h. */
#include "sdk/c/result.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

const char *larder_version(void)
{
    return LARDER_VERSION;
}

const char *larder_result_name(enum larder_result result)
{
    switch (result) {
    case LARDER_OK:
        return "OK";
    case LARDER_INVALID_ARGUMENT:
        return "INVALID_ARGUMENT";
    case LARDER_UNKNOWN_NAME:
        return "UNKNOWN_NAME";
    case LARDER_UNAVAILABLE:
        return "UNAVAILABLE";
    case LARDER_DEADLINE_EXCEEDED:
        return "DEADLINE_EXCEEDED";
    case LARDER_RESOURCE_EXHAUSTED:
        return "RESOURCE_EXHAUSTED";
    case LARDER_NO_MEMORY:
        return "NO_MEMORY";
    case LARDER_FAILED:
        return "FAILED";
    }
    return "UNKNOWN";
}

const char *larder_status_name(enum larder_status status)
{
    switch (status) {
    case LARDER_PRESENT:
        return "PRESENT";
    case LARDER_NULL_VALUE:
        return "NULL_VALUE";
    case LARDER_NOT_FOUND:
        return "NOT_FOUND";
    case LARDER_OUTSIDE_MAX_AGE:
        return "OUTSIDE_MAX_AGE";
    case LARDER_WRONG_TYPE:
        return "WRONG_TYPE";
    case LARDER_NO_SUCH_VALUE:
        return "NO_SUCH_VALUE";
    }
    return "UNKNOWN";
}

/* A cut may have left the first bytes of a character at the end. */
static void drop_broken_character(char *text, size_t size)
{
    size_t start = size;
    while (start > 0 && size - start < 4 && ((unsigned char)text[start - 1] & 0xC0) == 0x80)
        start--;
    if (start > 0 && (unsigned char)text[start - 1] >= 0xC0)
        text[start - 1] = '\0';
}

enum larder_result larder_fail(struct larder_error *err, enum larder_result result,
                               const char *format, ...)
{
    if (!err)
        return result;
    va_list arguments;
    va_start(arguments, format);
    int size = vsnprintf(err->message, sizeof err->message, format, arguments);
    va_end(arguments);
    err->result = result;
    if (size >= (int)sizeof err->message)
        drop_broken_character(err->message, sizeof err->message - 1);
    for (char *at = err->message; *at; at++)
        if ((unsigned char)*at < 0x20 || *at == 0x7F)
            *at = ' '; /* a server's words may hold anything */
    return result;
}
