/* progress.c - see progress.h. */
#include "cli/progress.h"

#include "base/error.h"
#include "base/log.h"
#include "base/timestamp.h"
#include "cli/screen.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static const int64_t terminal_every_us = 200000, log_every_us = 10000000, guess_after_us = 2000000;
static const int64_t again_every_us = 1000000;

/* What a step comes to, besides its count. */
struct pace {
    double seconds; /* since the phase began */
    uint64_t rate;  /* a second */
    int percent;    /* 0: not known */
    double left;    /* seconds; negative: not known */
};

void progress_init(struct progress *progress)
{
    int64_t now_us = timestamp_monotonic_us();
    *progress = (struct progress){.is_terminal = screen_width(stderr) != 0,
                                  .started_us = now_us,
                                  .told_us = now_us,
                                  .phase_us = now_us,
                                  .is_silent = true,
                                  .mutex = PTHREAD_MUTEX_INITIALIZER};
}

/* Whether it is time to tell something; a new phase begins here. */
static bool is_due(struct progress *progress, const char *phase, int64_t now_us)
{
    bool begins = strncmp(progress->phase, phase, PROGRESS_PHASE_SIZE - 1) != 0;
    if (begins) {
        snprintf(progress->phase, sizeof progress->phase, "%s", phase);
        progress->phase_us = now_us;
    }
    int64_t every_us = progress->is_terminal ? terminal_every_us : log_every_us;
    return (begins && progress->is_terminal) || now_us - progress->told_us >= every_us;
}

static struct pace pace_of(const struct progress *progress, const struct progress_step *step,
                           int64_t now_us)
{
    int64_t passed_us = now_us - progress->phase_us;
    struct pace pace = {.seconds = (double)passed_us / 1e6, .left = -1};
    bool known = step->share > 0 && step->share <= 1;
    if (passed_us > 0)
        pace.rate = (uint64_t)((double)step->count / pace.seconds);
    if (known)
        pace.percent = (int)(step->share * 100);
    if (known && passed_us >= guess_after_us)
        pace.left = pace.seconds * (1 - step->share) / step->share;
    return pace;
}

/* "8 s", "12 min", "3 h" */
static const char *time_left(double seconds, char text[32])
{
    static const struct {
        const char *unit;
        double seconds, until;
    } units[] = {{"s", 1, 100}, {"min", 60, 6000}, {"h", 3600, 1e300}};
    size_t i = 0;
    seconds = seconds < 1 ? 1 : seconds;
    while (seconds >= units[i].until)
        i++;
    snprintf(text, 32, "%.0f %s", seconds / units[i].seconds, units[i].unit);
    return text;
}

/* Cut to the line, since a longer one could not be written over. */
static void print_line(const char *line)
{
    size_t room = screen_width(stderr), size = 0, columns = 0, length;
    while (line[size]) {
        columns += text_character(line + size, &length);
        if (room && columns >= room)
            break;
        size += length;
    }
    fprintf(stderr, "\r\033[K%.*s", (int)size, line);
    fflush(stderr);
}

static void tell_terminal(struct progress *progress, const struct progress_step *step,
                          const struct pace *pace)
{
    char line[256], count[COUNT_TEXT_SIZE], rate[COUNT_TEXT_SIZE], left[32];
    int size = snprintf(line, sizeof line, "%s", progress->phase);
    if (step->unit && step->of)
        size +=
            snprintf(line + size, sizeof line - (size_t)size, ": %s of %s %s",
                     count_format(step->count, count), count_format(step->of, rate), step->unit);
    else if (step->unit)
        size += snprintf(line + size, sizeof line - (size_t)size, ": %s %s",
                         count_format(step->count, count), step->unit);
    else if (pace->seconds >= 1)
        size += snprintf(line + size, sizeof line - (size_t)size, ", %s so far",
                         time_left(pace->seconds, left));
    if (step->unit && pace->rate)
        size += snprintf(line + size, sizeof line - (size_t)size, ", %s a second",
                         count_format(pace->rate, rate));
    if (pace->percent)
        size += snprintf(line + size, sizeof line - (size_t)size, ", %d %%", pace->percent);
    if (pace->left >= 0)
        snprintf(line + size, sizeof line - (size_t)size, ", %s left", time_left(pace->left, left));
    print_line(line);
    progress->line_is_open = true;
}

static void tell_log(const struct progress *progress, const struct progress_step *step,
                     const struct pace *pace)
{
    char fields[256], quoted[128], unit[64];
    int size = snprintf(fields, sizeof fields, "phase=%s seconds=%.0f",
                        log_quote(progress->phase, quoted, sizeof quoted), pace->seconds);
    if (step->unit)
        size += snprintf(fields + size, sizeof fields - (size_t)size,
                         " count=%llu unit=%s per_second=%llu", (unsigned long long)step->count,
                         log_quote(step->unit, unit, sizeof unit), (unsigned long long)pace->rate);
    if (step->unit && step->of)
        size += snprintf(fields + size, sizeof fields - (size_t)size, " of=%llu",
                         (unsigned long long)step->of);
    if (pace->percent)
        size += snprintf(fields + size, sizeof fields - (size_t)size, " percent=%d", pace->percent);
    if (pace->left >= 0)
        snprintf(fields + size, sizeof fields - (size_t)size, " seconds_left=%.0f", pace->left);
    log_line(LOG_INFO, "working", "%s", fields);
}

static void tell(struct progress *progress, const struct progress_step *step, int64_t now_us)
{
    progress->told_us = now_us;
    struct pace pace = pace_of(progress, step, now_us);
    if (progress->is_terminal)
        tell_terminal(progress, step, &pace);
    else
        tell_log(progress, step, &pace);
}

void progress_tell(struct progress *progress, const struct progress_step *step)
{
    int64_t now_us = timestamp_monotonic_us();
    pthread_mutex_lock(&progress->mutex);
    progress->last = *step;
    progress->is_silent = false;
    if (is_due(progress, step->phase, now_us))
        tell(progress, step, now_us);
    pthread_mutex_unlock(&progress->mutex);
}

static void tell_again(struct progress *progress)
{
    int64_t now_us = timestamp_monotonic_us();
    int64_t every_us = progress->is_terminal ? again_every_us : log_every_us;
    if (!progress->is_silent && now_us - progress->told_us >= every_us)
        tell(progress, &progress->last, now_us);
}

static void *keep_telling(void *argument)
{
    struct progress *progress = argument;
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    pthread_mutex_lock(&progress->mutex);
    while (!progress->has_ended) {
        until.tv_sec++;
        while (!progress->has_ended &&
               !pthread_cond_timedwait(&progress->ended, &progress->mutex, &until))
            continue;
        if (!progress->has_ended)
            tell_again(progress);
    }
    pthread_mutex_unlock(&progress->mutex);
    return NULL;
}

/* Signals stay with whoever waits: Ctrl-C is to end its wait for input. */
void progress_keep_telling(struct progress *progress)
{
    pthread_condattr_t monotonic;
    sigset_t all, before;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&progress->ended, &monotonic);
    pthread_condattr_destroy(&monotonic);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    if (pthread_create(&progress->thread, NULL, keep_telling, progress))
        out_of_memory();
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    progress->has_thread = true;
}

void progress_end(struct progress *progress)
{
    pthread_mutex_lock(&progress->mutex);
    if (progress->line_is_open)
        fputs("\r\033[K", stderr);
    progress->line_is_open = false;
    progress->is_silent = true;
    pthread_mutex_unlock(&progress->mutex);
}

void progress_close(struct progress *progress)
{
    progress_end(progress);
    if (!progress->has_thread)
        return;
    pthread_mutex_lock(&progress->mutex);
    progress->has_ended = true;
    pthread_cond_signal(&progress->ended);
    pthread_mutex_unlock(&progress->mutex);
    pthread_join(progress->thread, NULL);
    pthread_cond_destroy(&progress->ended);
    progress->has_thread = false;
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
