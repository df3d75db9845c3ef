/* training_absence.c - see training_absence.h. */
#include "cli/training_absence.h"

#include "base/timestamp.h"
#include "cli/deadline.h"
#include "cli/notice.h"
#include "store/offline/offline_store.h"

enum { LOOK_MS = 2000 };

struct inquiry {
    const struct options *options;
    const struct training_request *request;
    const struct manifest *manifest;
    const struct training_report *report;
    struct offline_store *store;
};

/* What is known of a view's history: where anything in it may be seen, all of it is not to blame.
 */
struct history {
    uint64_t rows;
    int64_t first_us, last_us;     /* event times */
    int64_t first_created_us;      /* INT64_MAX: none is known */
    bool is_known, is_of_the_time; /* some row was recorded in time; some row is neither too late
                                      nor too old for all that ask */
};

static bool found_nothing(const struct inquiry *inquiry, size_t view)
{
    const struct selection *selection = inquiry->request->selection;
    uint64_t found = 0;
    for (size_t i = 0; i < selection->feature_count; i++)
        for (int s = 0; s < VALUE_STATUS_COUNT; s++)
            if (selection->features[i].view == view && s != (int)VALUE_NOT_FOUND)
                found += inquiry->manifest->columns[i].values[s];
    return found == 0;
}

/* Under another alias it was told of before. */
static bool is_repeated(const struct inquiry *inquiry, size_t view)
{
    const struct selected_view *views = inquiry->request->selection->views;
    for (size_t i = 0; i < view; i++)
        if (views[i].view == views[view].view && found_nothing(inquiry, i))
            return true;
    return false;
}

/* The last time of recording that any of the rows may see. */
static int64_t known_by(const struct inquiry *inquiry)
{
    const struct training_request *request = inquiry->request;
    int64_t last_us = inquiry->report->last_us;
    return request->as_known && last_us < request->as_of_us ? last_us : request->as_of_us;
}

static void take_row(const struct inquiry *inquiry, const struct feature_view *view,
                     const struct scan_row *row, struct history *history)
{
    int64_t at_us = row->event_time_us, created_us = row->created_time_us;
    int64_t oldest_us =
        view->ttl_us ? timestamp_subtract(inquiry->report->first_us, view->ttl_us) : INT64_MIN;
    if (history->rows++ == 0 || at_us < history->first_us)
        history->first_us = at_us;
    if (history->rows == 1 || at_us > history->last_us)
        history->last_us = at_us;
    if (created_us != TIMESTAMP_UNKNOWN && created_us < history->first_created_us)
        history->first_created_us = created_us;
    history->is_known = history->is_known || known_by(inquiry) == AS_OF_NOW ||
                        history->first_created_us <= known_by(inquiry);
    history->is_of_the_time =
        history->is_of_the_time || (at_us <= inquiry->report->last_us && at_us >= oldest_us);
}

static enum status read_history(const struct inquiry *inquiry, const struct feature_view *view,
                                struct history *history)
{
    const struct scan_request request = {.view = view,
                                         .mode = SCAN_EVENTS,
                                         .from_us = INT64_MIN,
                                         .to_us = TIMESTAMP_MAX,
                                         .oldest_us = INT64_MIN};
    struct offline_scan *scan = NULL;
    const struct scan_row *row = NULL;
    *history = (struct history){.first_created_us = INT64_MAX};
    enum status status = offline_scan_open(inquiry->store, &request, &scan, NULL);
    while (!status && !(status = offline_scan_next(scan, &row, NULL)) && row) {
        take_row(inquiry, view, row, history);
        if (history->is_known && history->is_of_the_time)
            break;
    }
    offline_scan_close(scan);
    return status;
}

static const char *time_text(int64_t us, struct arena *arena)
{
    char text[TIMESTAMP_TEXT_SIZE];
    timestamp_format(us, text);
    return arena_text(arena, text);
}

static void tell(const struct inquiry *inquiry, const struct feature_view *view,
                 const struct history *history)
{
    struct arena *arena = inquiry->options->arena;
    const char *name = view->about.name, *as_of = option_text(inquiry->options, "--as-of");
    if (history->rows == 0)
        notice(NOTICE_HINT, "the source of %s has no rows", name);
    else if (!history->is_known && as_of)
        notice(NOTICE_HINT, "all history of %s was recorded after %s, which --as-of leaves out",
               name, as_of);
    else if (!history->is_known)
        notice(NOTICE_HINT,
               "all history of %s was recorded after the rows ask, which --as-known leaves out",
               name);
    else if (history->first_us > inquiry->report->last_us)
        notice(NOTICE_HINT, "all history of %s is later than the rows ask: it begins at %s", name,
               time_text(history->first_us, arena));
    else if (!history->is_of_the_time)
        notice(NOTICE_HINT, "all history of %s is too old for the rows that ask: it ends at %s",
               name, time_text(history->last_us, arena));
}

static void explain_views(const struct inquiry *inquiry)
{
    const struct selection *selection = inquiry->request->selection;
    for (size_t i = 0; i < selection->view_count; i++) {
        struct history history;
        if (!found_nothing(inquiry, i) || is_repeated(inquiry, i))
            continue;
        if (read_history(inquiry, selection->views[i].view, &history))
            return;
        tell(inquiry, selection->views[i].view, &history);
    }
}

static bool lacks_a_view(const struct inquiry *inquiry)
{
    for (size_t i = 0; i < inquiry->request->selection->view_count; i++)
        if (found_nothing(inquiry, i))
            return true;
    return false;
}

void training_absence_explain(const struct options *options, const struct settings *settings,
                              const struct training_request *request,
                              const struct manifest *manifest, const struct training_report *report)
{
    struct deadline deadline;
    struct inquiry inquiry = {
        .options = options, .request = request, .manifest = manifest, .report = report};
    if (report->rows == 0 || !lacks_a_view(&inquiry))
        return;
    if (offline_store_open(settings, &inquiry.store, NULL))
        return;
    offline_store_stop_on(inquiry.store, deadline_begin(&deadline, LOOK_MS));
    if (!offline_store_begin(inquiry.store, NULL, NULL))
        explain_views(&inquiry);
    offline_store_end(inquiry.store);
    offline_store_close(inquiry.store);
    deadline_end(&deadline);
}
