/* progress.c - see progress.h. */
#include "cli/progress.h"

#include "base/log.h"
#include "base/timestamp.h"

#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

static const int64_t terminal_every_us = 200000, log_every_us = 10000000;

void progress_init(struct progress *progress)
{
    int64_t now_us = timestamp_monotonic_us();
    *progress = (struct progress){
        .is_terminal = isatty(STDERR_FILENO) != 0, .started_us = now_us, .told_us = now_us};
}

void progress_tell(struct progress *progress, const char *format, ...)
{
    int64_t now_us = timestamp_monotonic_us();
    if (now_us - progress->told_us < (progress->is_terminal ? terminal_every_us : log_every_us))
        return;
    progress->told_us = now_us;
    char text[256];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (!progress->is_terminal) {
        log_line(LOG_INFO, text, "seconds=%.0f", (double)(now_us - progress->started_us) / 1e6);
        return;
    }
    fprintf(stderr, "\r\033[K%.78s", text);
    progress->line_is_open = true;
}

void progress_end(struct progress *progress)
{
    if (progress->line_is_open)
        fputs("\r\033[K", stderr);
    progress->line_is_open = false;
}

const char *count_format(uint64_t count, char text[COUNT_TEXT_SIZE])
{
    char digits[COUNT_TEXT_SIZE];
    int length = snprintf(digits, sizeof digits, "%llu", (unsigned long long)count);
    char *to = text;
    for (int i = 0; i < length; i++) {
        if (i > 0 && (length - i) % 3 == 0)
            *to++ = ',';
        *to++ = digits[i];
    }
    *to = '\0';
    return text;
}
