/* pace.c - see pace.h. */
#include "server/pace.h"

enum { KNOWN_MS = 1000, STEADY_CALLS = 32 };

static bool is_known(const struct pace *pace, int64_t now_us)
{
    return now_us < pace->known_until_us;
}

/* One batch of few calls may have stood still for another reason: it raises the pace by little.
 * What lowers it is believed sooner while few are known. */
static void learn(struct pace *pace, double call_count, double call_us)
{
    double known_count = call_us < pace->call_us ? pace->call_count : STEADY_CALLS;
    pace->call_us += call_count / (call_count + known_count) * (call_us - pace->call_us);
    pace->call_count += call_count;
    if (pace->call_count > STEADY_CALLS)
        pace->call_count = STEADY_CALLS;
}

void pace_note(struct pace *pace, size_t call_count, bool left_some, int64_t begin_us,
               int64_t now_us)
{
    bool was_known = is_known(pace, now_us);
    if (call_count == 0 || (!left_some && !was_known))
        return;
    double call_us = (double)(now_us - begin_us) / (double)call_count;
    if (!left_some && call_us > pace->call_us)
        return;
    if (!was_known)
        *pace = (struct pace){.call_us = call_us};
    learn(pace, (double)call_count, call_us);
    if (left_some)
        pace->known_until_us = now_us + KNOWN_MS * INT64_C(1000);
}

bool pace_takes_in(const struct pace *pace, int64_t now_us, size_t waiting_count, int64_t left_us)
{
    return !is_known(pace, now_us) || (double)waiting_count * pace->call_us <= (double)left_us / 4;
}

bool pace_has_time(const struct pace *pace, int64_t now_us, size_t call_count, int64_t left_us)
{
    return call_count == 0 || !is_known(pace, now_us) ||
           (double)(call_count + 1) * pace->call_us <= (double)left_us;
}
