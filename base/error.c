/* error.c - see error.h. */
#include "base/error.h"

#include "base/bytes.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

const char *status_name(enum status status)
{
    static const char *const names[] = {
        [STATUS_OK] = "OK",
        [STATUS_INVALID] = "INVALID",
        [STATUS_NOT_FOUND] = "NOT_FOUND",
        [STATUS_CONFLICT] = "CONFLICT",
        [STATUS_UNAVAILABLE] = "UNAVAILABLE",
        [STATUS_EXHAUSTED] = "EXHAUSTED",
        [STATUS_CORRUPT] = "CORRUPT",
        [STATUS_CANCELLED] = "CANCELLED",
        [STATUS_FAILED] = "FAILED",
    };
    return (size_t)status < COUNT_OF(names) ? names[status] : "UNKNOWN";
}

/* Where the room ended, half a character may stand at the end. */
static void drop_cut_character(char *message, size_t size)
{
    size_t end = size - 1;
    while (end > 0 && (message[end - 1] & 0xc0) == 0x80)
        end--;
    if (end > 0 && (message[end - 1] & 0x80))
        end--;
    message[end] = '\0';
}

/* Libraries end their messages with newlines, and a message here is one line. */
static void make_one_line(char *message)
{
    size_t end = strlen(message);
    while (end > 0 && (message[end - 1] == '\n' || message[end - 1] == ' '))
        message[--end] = '\0';
    for (size_t i = 0; i < end; i++)
        if (message[i] == '\n' || message[i] == '\r' || message[i] == '\t')
            message[i] = ' ';
}

enum status fail(struct error *err, enum status status, const char *format, ...)
{
    if (!err)
        return status;
    va_list args;
    va_start(args, format);
    int length = vsnprintf(err->message, sizeof err->message, format, args);
    va_end(args);
    if (length >= (int)sizeof err->message)
        drop_cut_character(err->message, sizeof err->message);
    make_one_line(err->message);
    err->status = status;
    err->line = 0;
    return status;
}

enum status fail_within(struct error *err, const char *format, ...)
{
    if (!err)
        return STATUS_FAILED;
    char context[ERROR_MESSAGE_SIZE];
    char message[ERROR_MESSAGE_SIZE];
    va_list args;
    va_start(args, format);
    vsnprintf(context, sizeof context, format, args);
    va_end(args);
    memcpy(message, err->message, sizeof message);
    uint64_t line = err->line;
    fail(err, err->status, "%s: %s", context, message);
    size_t file_at = err->file_at + strlen(context) + 2;
    bool whole = file_at + err->file_size < strlen(err->message);
    err->line = whole ? line : 0;
    err->file_at = (uint16_t)file_at;
    return err->status;
}

enum status fail_at(struct error *err, const char *file, uint64_t line, uint32_t column)
{
    if (!err)
        return STATUS_FAILED;
    char message[ERROR_MESSAGE_SIZE];
    memcpy(message, err->message, sizeof message);
    fail(err, err->status, "%s:%llu:%u: %s", file, (unsigned long long)line, column, message);
    size_t size = strlen(file);
    bool whole = strlen(err->message) > size && err->message[size] == ':';
    err->line = whole ? line : 0;
    err->column = column;
    err->file_at = 0;
    err->file_size = (uint16_t)size;
    return err->status;
}

_Noreturn void out_of_memory(void)
{
    static const char message[] = "larder: out of memory\n";
    ssize_t written = write(STDERR_FILENO, message, sizeof message - 1);
    (void)written;
    _exit(1);
}
