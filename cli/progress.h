/*
 * progress.h - how far long work has come, how fast it goes, and how long it will still take: one
 * line that is written over on a terminal, a log line now and then otherwise. On stderr. One
 * thread.
 *
 *     airport_weather: 1,234,000 rows read, 210,000 a second, 45 %, 8 s left
 *
 * Time left is told once it can be guessed: after two seconds, where the share that is done is
 * known.
 */
#ifndef LARDER_CLI_PROGRESS_H
#define LARDER_CLI_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

enum { PROGRESS_PHASE_SIZE = 64 };

struct progress {
    bool is_terminal;
    bool line_is_open; /* something stands on the terminal's line */
    int64_t told_us;
    int64_t started_us;
    char phase[PROGRESS_PHASE_SIZE]; /* what is under way, and since when */
    int64_t phase_us;
};

struct progress_step {
    const char *phase; /* "airport_weather"; another one begins to count anew */
    const char *unit;  /* "rows read"; NULL: there is nothing to count */
    uint64_t count;
    double share; /* of the phase that is done; 0: not known */
};

void progress_init(struct progress *progress);
/* Tells it at most five times a second on a terminal, every ten seconds in a log; the first step of
 * a phase at once, on a terminal. */
void progress_tell(struct progress *progress, const struct progress_step *step);
/* Clears the line, so that something else can be printed. */
void progress_end(struct progress *progress);

/* "1,234,567" */
enum { COUNT_TEXT_SIZE = 32 };
const char *count_format(uint64_t count, char text[COUNT_TEXT_SIZE]);

#endif
