/* pace.c - see pace.h. */
#include "server/pace.h"

enum { KNOWN_MS = 1000, STEADY_CALLS = 32 };

static bool is_known(const struct pace *pace, int64_t now_us)
{
    return now_us < pace->known_until_us;
}

/* A round of few calls moves what is known by little: it may have stood still for another reason.
 */
void pace_note(struct pace *pace, size_t call_count, int64_t begin_us, int64_t now_us)
{
    if (call_count == 0)
        return;
    double call_us = (double)(now_us - begin_us) / (double)call_count;
    double share = (double)call_count / (double)(call_count + STEADY_CALLS);
    if (!is_known(pace, now_us))
        pace->call_us = call_us;
    pace->call_us += share * (call_us - pace->call_us);
    pace->known_until_us = now_us + KNOWN_MS * INT64_C(1000);
}

bool pace_takes_in(const struct pace *pace, int64_t now_us, size_t waiting_count, int64_t left_us)
{
    return !is_known(pace, now_us) || (double)waiting_count * pace->call_us <= (double)left_us / 4;
}

bool pace_has_time(const struct pace *pace, int64_t now_us, size_t call_count, int64_t left_us)
{
    return !is_known(pace, now_us) || (double)(call_count + 1) * pace->call_us <= (double)left_us;
}
