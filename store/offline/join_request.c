/* join_request.c - see join_request.h. */
#include "store/offline/join_request.h"

#include "base/timestamp.h"

static enum status check_created(const struct join_request *request,
                                 const struct feature_view *view, int64_t now_us, struct error *err)
{
    const struct source *source = view->source;
    bool as_of = request->as_of_us != AS_OF_NOW;
    if ((request->as_known || as_of) && !source->created_time)
        return fail(
            err, STATUS_INVALID,
            "feature view %s: source %s has no created_time, so what was known %s cannot be told",
            view->about.name, source->about.name, as_of ? "as of a time" : "when a row asks");
    int64_t latest_us = timestamp_subtract(now_us, source->lookback_us);
    if (!as_of || request->as_of_us <= latest_us)
        return STATUS_OK;
    char latest[TIMESTAMP_TEXT_SIZE] = "now", lookback[DURATION_TEXT_SIZE];
    if (timestamp_in_range(latest_us))
        timestamp_format(latest_us, latest);
    duration_format(source->lookback_us, lookback);
    return fail(
        err, STATUS_INVALID,
        "source %s: rows may still arrive that were created up to %s ago (its lookback), so "
        "the latest time to ask as of is %s",
        source->about.name, lookback, latest);
}

enum status join_request_check(const struct join_request *request, int64_t now_us,
                               struct error *err)
{
    const struct selection *selection = request->selection;
    enum status status = STATUS_OK;
    for (size_t i = 0; i < selection->view_count && !status; i++)
        status = check_created(request, selection->views[i].view, now_us, err);
    return status;
}

bool join_used_before(const struct selection *selection, size_t index)
{
    for (size_t i = 0; i < index; i++)
        if (selection->views[i].view == selection->views[index].view)
            return true;
    return false;
}

const uint16_t *join_features_of(const struct selection *selection, size_t view,
                                 struct arena *arena, size_t *count)
{
    uint16_t *features = arena_array(arena, selection->feature_count, sizeof *features);
    *count = 0;
    for (size_t i = 0; i < selection->feature_count; i++)
        if (selection->features[i].view == view)
            features[(*count)++] = selection->features[i].feature;
    return features;
}
