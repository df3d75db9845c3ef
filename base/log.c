/* log.c - see log.h. */
#include "base/log.h"

#include "base/bytes.h"
#include "base/log_json.h"
#include "base/timestamp.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

enum { LINE_SIZE = 8192, MESSAGE_SIZE = 3072 };

/* What outlives a call: main sets it once, every thread reads it. */
static atomic_int least_level = LOG_INFO, line_format = LOG_LOGFMT;

static const char *const level_names[] = {
    [LOG_DEBUG] = "debug", [LOG_INFO] = "info", [LOG_WARNING] = "warning", [LOG_ERROR] = "error"};

void log_set_level(enum log_level least)
{
    atomic_store_explicit(&least_level, (int)least, memory_order_relaxed);
}

void log_set_format(enum log_format format)
{
    atomic_store_explicit(&line_format, (int)format, memory_order_relaxed);
}

/* How a byte stands between quotes; 0 is "as it is". */
static const char *escape_of(unsigned char c, char hex[5])
{
    static const char digits[] = "0123456789abcdef";
    switch (c) {
    case '"':
        return "\\\"";
    case '\\':
        return "\\\\";
    case '\n':
        return "\\n";
    case '\r':
        return "\\r";
    case '\t':
        return "\\t";
    default:
        break;
    }
    if (c >= 0x20 && c != 0x7f)
        return NULL;
    memcpy(hex, (char[5]){'\\', 'x', digits[c >> 4], digits[c & 15], '\0'}, 5);
    return hex;
}

/* Writes text between quotes and returns the length, which is less than size; size is at least 3.
 */
static size_t quote(const char *text, char *quoted, size_t size)
{
    const char *start = text;
    size_t length = 0;
    quoted[length++] = '"';
    for (; *text; text++) {
        char hex[5];
        const char *escape = escape_of((unsigned char)*text, hex);
        size_t needed = escape ? strlen(escape) : 1;
        if (length + needed + 2 > size)
            break;
        memcpy(quoted + length, escape ? escape : text, needed);
        length += needed;
    }
    /* Where the text is cut, it is not cut in the middle of a character. */
    for (; (*text & 0xc0) == 0x80 && text > start && (text[-1] & 0x80); text--)
        length--;
    quoted[length++] = '"';
    quoted[length] = '\0';
    return length;
}

const char *log_quote(const char *text, char *quoted, int size)
{
    if (size < 3) {
        if (size > 0)
            *quoted = '\0';
        return quoted;
    }
    bool bare = *text != '\0' && strlen(text) < (size_t)size;
    for (const char *at = text; bare && *at; at++)
        bare = (unsigned char)*at > ' ' && *at != 0x7f && !strchr("\"\\=", *at);
    if (bare)
        memcpy(quoted, text, strlen(text) + 1);
    else
        quote(text, quoted, (size_t)size);
    return quoted;
}

/* A field's text that the caller forgot to quote must not begin a second line. */
static void make_one_line(char *line, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if (line[i] == '\n' || line[i] == '\r')
            line[i] = ' ';
}

/* fields may come to nothing: no blank stands at the end then. */
static size_t write_logfmt(char *line, size_t size, const char *time, const char *level,
                           const char *message, const char *fields)
{
    char quoted[MESSAGE_SIZE];
    quote(message, quoted, sizeof quoted);
    size_t length = (size_t)snprintf(line, size, "time=%s level=%s msg=%s%s%s", time, level, quoted,
                                     *fields ? " " : "", fields);
    if (length >= size)
        length = size - 1;
    make_one_line(line, length);
    return length;
}

void log_line(enum log_level level, const char *message, const char *fields, ...)
{
    if ((int)level < atomic_load_explicit(&least_level, memory_order_relaxed))
        return;
    bool is_json = atomic_load_explicit(&line_format, memory_order_relaxed) == LOG_JSON;
    char line[LINE_SIZE], told[LINE_SIZE], time_text[TIMESTAMP_TEXT_SIZE];
    timestamp_format(timestamp_now(), time_text);
    va_list args;
    va_start(args, fields);
    if (vsnprintf(told, sizeof told, fields, args) < 0)
        *told = '\0';
    va_end(args);
    size_t length = (is_json ? log_json_line : write_logfmt)(line, sizeof line - 1, time_text,
                                                             level_names[level], message, told);
    line[length++] = '\n';
    /* If standard error is gone there is nobody left to tell. */
    ssize_t written = write(STDERR_FILENO, line, length);
    (void)written;
}
