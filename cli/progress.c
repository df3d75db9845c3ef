/* progress.c - see progress.h. */
#include "cli/progress.h"

#include "base/log.h"
#include "base/timestamp.h"
#include "cli/screen.h"

#include <stdio.h>
#include <string.h>

static const int64_t terminal_every_us = 200000, log_every_us = 10000000, guess_after_us = 2000000;

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
                                  .phase_us = now_us};
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
    if (step->unit)
        size += snprintf(line + size, sizeof line - (size_t)size, ": %s %s",
                         count_format(step->count, count), step->unit);
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
    if (pace->percent)
        size += snprintf(fields + size, sizeof fields - (size_t)size, " percent=%d", pace->percent);
    if (pace->left >= 0)
        snprintf(fields + size, sizeof fields - (size_t)size, " seconds_left=%.0f", pace->left);
    log_line(LOG_INFO, "working", "%s", fields);
}

void progress_tell(struct progress *progress, const struct progress_step *step)
{
    int64_t now_us = timestamp_monotonic_us();
    if (!is_due(progress, step->phase, now_us))
        return;
    progress->told_us = now_us;
    struct pace pace = pace_of(progress, step, now_us);
    if (progress->is_terminal)
        tell_terminal(progress, step, &pace);
    else
        tell_log(progress, step, &pace);
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
