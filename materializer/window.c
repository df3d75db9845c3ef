/* window.c - see window.h. */
#include "materializer/window.h"

#include "base/timestamp.h"

static const int64_t day_us = INT64_C(86400000000);

int64_t window_expiry(const struct feature_view *view, int64_t event_time_us)
{
    if (view->ttl_us == 0)
        return 0;
    int64_t expiry = timestamp_add(timestamp_add(event_time_us, view->ttl_us), day_us);
    return expiry == 0 ? 1 : expiry; /* 0 means never */
}

static enum run_kind kind_of(const struct window_facts *facts)
{
    if (facts->state->pending_generation)
        return RUN_REBUILD;
    if (facts->has_from)
        return RUN_WINDOW;
    if (facts->lost_writes)
        return RUN_LOST_WRITES;
    if (facts->state->stale_version)
        return RUN_STALE;
    return facts->state->has_watermark ? RUN_INCREMENTAL : RUN_FIRST;
}

/* Where an incremental run begins: created times are set before their commits, hence the lookback.
 */
static int64_t incremental_from(const struct window_facts *facts)
{
    return timestamp_subtract(facts->state->watermark_us, facts->view->source->lookback_us);
}

/* Readers go over to what a rebuild has written, so it holds all that they had: up to the watermark
 * at least. */
static int64_t rebuild_to(const struct window_facts *facts, int64_t to_us)
{
    int64_t watermark_us = facts->state->watermark_us;
    if (!facts->state->has_watermark || to_us >= watermark_us)
        return to_us;
    return watermark_us < facts->now_us ? watermark_us : facts->now_us;
}

struct window window_of(const struct window_facts *facts)
{
    int64_t oldest_us = feature_view_oldest(facts->view, facts->now_us);
    int64_t to_us = facts->has_to && facts->to_us < facts->now_us ? facts->to_us : facts->now_us;
    struct window window = {
        .kind = kind_of(facts),
        .scan = {.view = facts->view, .mode = SCAN_EVENTS, .to_us = to_us, .oldest_us = oldest_us},
    };
    switch (window.kind) {
    case RUN_WINDOW:
        window.scan.from_us = facts->from_us;
        break;
    case RUN_INCREMENTAL:
        window.scan.mode = SCAN_INCREMENTAL;
        window.scan.from_us = incremental_from(facts);
        window.moves_watermark = true;
        break;
    case RUN_REBUILD:
        window.scan.from_us = oldest_us;
        window.scan.to_us = rebuild_to(facts, to_us);
        window.moves_watermark = true;
        break;
    case RUN_FIRST:
    case RUN_STALE:
    case RUN_LOST_WRITES:
        window.scan.from_us = oldest_us;
        window.moves_watermark = true;
        /* Rows beyond an earlier `--to` may be online already, and would stay as they are. */
        window.clears_stale = !facts->state->has_watermark || to_us >= facts->state->watermark_us;
        break;
    }
    return window;
}
