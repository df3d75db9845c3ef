/*
 * window.h - which rows of history a run reads. Pure, so that its rules can be tested alone.
 */
#ifndef LARDER_MATERIALIZER_WINDOW_H
#define LARDER_MATERIALIZER_WINDOW_H

#include "materializer/materialize.h"

struct window_facts {
    const struct feature_view *view;
    const struct view_state *state;
    bool lost_writes; /* the online store's mark is behind the registry */
    int64_t now_us;   /* PostgreSQL's */
    bool has_from, has_to;
    int64_t from_us, to_us;
};

struct window {
    enum run_kind kind;
    struct scan_request scan;
    bool moves_watermark; /* to scan.to_us */
    bool clears_stale;    /* the whole view is rewritten where it stands, up to its watermark at
                             least */
};

struct window window_of(const struct window_facts *facts);

/* When a row may be forgotten: its event time, ttl and a day; 0 (never) without a ttl. */
int64_t window_expiry(const struct feature_view *view, int64_t event_time_us);

#endif
