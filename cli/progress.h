/*
 * progress.h - how far long work has come, how fast it goes, and how long it will still take: one
 * line that is written over on a terminal, a log line now and then otherwise. On stderr. Called
 * from one thread.
 *
 *     airport_weather: 1,234,000 rows read, 210,000 a second, 45 %, 8 s left
 *     writing: 600,000 of 1,000,000 rows, 150,000 a second, 60 %, 3 s left
 *     the database is joining, 12 s so far
 *
 * Time left is told once it can be guessed: after two seconds, where the share that is done is
 * known. A thread of its own tells the last step again while whoever takes the steps waits for a
 * database: a log without a line for minutes looks like something that hangs.
 */
#ifndef LARDER_CLI_PROGRESS_H
#define LARDER_CLI_PROGRESS_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

enum { PROGRESS_PHASE_SIZE = 64 };

struct progress_step {
    const char *phase; /* "airport_weather"; another one begins to count anew */
    const char *unit;  /* "rows read", which outlives all steps; NULL: there is nothing to count */
    uint64_t count;
    uint64_t of;  /* there are so many; 0: not known */
    double share; /* of the phase that is done; 0: not known */
};

struct progress {
    bool is_terminal;
    bool line_is_open; /* something stands on the terminal's line */
    int64_t told_us;
    int64_t started_us;
    char phase[PROGRESS_PHASE_SIZE]; /* what is under way, and since when */
    int64_t phase_us;
    struct progress_step last;
    bool is_silent; /* until the next step */
    bool has_thread, has_ended;
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t ended;
};

void progress_init(struct progress *progress);
/* From now on the last step is told again when it is time, until close. */
void progress_keep_telling(struct progress *progress);
/* Tells it at most five times a second on a terminal, every ten seconds in a log; the first step of
 * a phase at once, on a terminal. */
void progress_tell(struct progress *progress, const struct progress_step *step);
/* Clears the line, so that something else can be printed. */
void progress_end(struct progress *progress);
/* The same, for good. */
void progress_close(struct progress *progress);

/* "1,234,567" */
enum { COUNT_TEXT_SIZE = 32 };
const char *count_format(uint64_t count, char text[COUNT_TEXT_SIZE]);

#endif
