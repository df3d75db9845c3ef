/*
 * progress.h - how far long work has come: one line that is written over on a terminal, a log line
 * now and then otherwise. On stderr. One thread.
 */
#ifndef LARDER_CLI_PROGRESS_H
#define LARDER_CLI_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

struct progress {
    bool is_terminal;
    bool line_is_open; /* something stands on the terminal's line */
    int64_t told_us;
    int64_t started_us;
};

void progress_init(struct progress *progress);
/* At most five times a second on a terminal, every ten seconds in a log. */
void progress_tell(struct progress *progress, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* Clears the line, so that something else can be printed. */
void progress_end(struct progress *progress);

/* "1,234,567" */
enum { COUNT_TEXT_SIZE = 32 };
const char *count_format(uint64_t count, char text[COUNT_TEXT_SIZE]);

#endif
