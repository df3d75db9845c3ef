/* comparison.c - see comparison.h. */
#include "training/comparison.h"

static bool is_before(struct row_times a, struct row_times b)
{
    return a.event_us != b.event_us ? a.event_us < b.event_us : a.created_us < b.created_us;
}

static void keep_later(struct row_times *kept, bool *has, struct row_times times)
{
    if (!*has || is_before(*kept, times))
        *kept = times;
    *has = true;
}

bool comparison_add(struct comparison *comparison, struct row_times times, bool is_seen)
{
    keep_later(&comparison->latest, &comparison->has_latest, times);
    if (is_seen)
        keep_later(&comparison->seen, &comparison->has_seen, times);
    const struct row_times served = comparison->served;
    return comparison->has_served && !comparison->is_unreadable &&
           served.event_us == times.event_us && served.created_us == times.created_us;
}

static enum verdict end_without_served(const struct comparison *comparison, int64_t expiring_us)
{
    if (comparison->has_seen && comparison->seen.event_us >= expiring_us)
        return VERDICT_MISSING;
    bool is_new = comparison->has_latest &&
                  (!comparison->has_seen || is_before(comparison->seen, comparison->latest));
    return is_new ? VERDICT_BEHIND : VERDICT_NONE;
}

enum verdict comparison_end(const struct comparison *comparison, int64_t expiring_us)
{
    if (!comparison->has_served)
        return end_without_served(comparison, expiring_us);
    if (comparison->is_unreadable)
        return comparison->has_latest ? VERDICT_DIFFERENT : VERDICT_EXTRA;
    if (comparison->has_seen && is_before(comparison->served, comparison->seen))
        return VERDICT_STALE;
    if (!comparison->is_equal)
        return comparison->is_unequal ? VERDICT_DIFFERENT : VERDICT_EXTRA;
    if (comparison->is_unequal)
        return VERDICT_AMBIGUOUS;
    return is_before(comparison->served, comparison->latest) ? VERDICT_BEHIND : VERDICT_EQUAL;
}
