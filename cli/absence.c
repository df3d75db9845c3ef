/* absence.c - see absence.h. */
#include "cli/absence.h"

#include "base/timestamp.h"
#include "cli/notice.h"
#include "cli/references.h"
#include "sdk/c/include/larder/larder.h"
#include "store/registry/registry.h"

enum { REGISTRY_TIMEOUT_MS = 1000 };

/* How long a row is kept beyond its ttl. */
static const int64_t DAY_US = INT64_C(86400000000);

struct inquiry {
    const struct options *options;
    const struct entities *entities;
    const struct larder_response *response;
    struct catalog catalog;
    struct selection selection;
    struct view_state *states; /* in the order of the catalog */
};

/* How many entities lack what, of one view. */
struct missing {
    size_t rows;      /* all of its values are NOT_FOUND */
    size_t first_row; /* the first of those */
    size_t features;  /* only some of them are: the row lacks the feature */
    size_t too_old;
};

static bool lacks_anything(const struct larder_response *response)
{
    for (size_t row = 0; row < larder_response_row_count(response); row++)
        for (size_t i = 0; i < larder_response_column_count(response); i++) {
            enum larder_status status = larder_response_status(response, row, i);
            if (status == LARDER_NOT_FOUND || status == LARDER_OUTSIDE_MAX_AGE)
                return true;
        }
    return false;
}

/* An apply between the answer and now may have changed what the columns are. */
static bool fits_response(const struct inquiry *inquiry)
{
    const struct selection *selection = &inquiry->selection;
    const struct larder_response *response = inquiry->response;
    if (selection->feature_count != larder_response_column_count(response))
        return false;
    for (size_t i = 0; i < selection->feature_count; i++)
        if (strcmp(selection->features[i].name, larder_response_name(response, i)) != 0)
            return false;
    return true;
}

static bool ask_registry(struct inquiry *inquiry, const struct settings *settings)
{
    struct registry *registry = NULL;
    struct settings hasty = *settings;
    const struct options *options = inquiry->options;
    if (hasty.offline_store.timeout_ms > REGISTRY_TIMEOUT_MS)
        hasty.offline_store.timeout_ms = REGISTRY_TIMEOUT_MS;
    enum status status = registry_open_for_server(&hasty, -1, &registry, NULL);
    if (!status)
        status =
            registry_read(registry, settings->project, options->arena, &inquiry->catalog, NULL);
    if (!status)
        status = registry_view_states(registry, &inquiry->catalog, options->arena, &inquiry->states,
                                      NULL);
    if (!status)
        status =
            references_select(options, &inquiry->catalog.definitions, &inquiry->selection, NULL);
    registry_close(registry);
    return !status && fits_response(inquiry);
}

static void count_row(const struct inquiry *inquiry, size_t view, size_t row,
                      struct missing *missing)
{
    size_t values = 0, not_found = 0, too_old = 0;
    for (size_t i = 0; i < inquiry->selection.feature_count; i++) {
        if (inquiry->selection.features[i].view != view)
            continue;
        enum larder_status status = larder_response_status(inquiry->response, row, i);
        values++;
        not_found += status == LARDER_NOT_FOUND;
        too_old += status == LARDER_OUTSIDE_MAX_AGE;
    }
    if (values == not_found && missing->rows++ == 0)
        missing->first_row = row;
    missing->features += not_found > 0 && not_found < values;
    missing->too_old += too_old > 0;
}

static const struct view_state *state_of(const struct inquiry *inquiry,
                                         const struct feature_view *view)
{
    return &inquiry->states[view - inquiry->catalog.definitions.views];
}

static void explain_rows(const struct inquiry *inquiry, const struct feature_view *view,
                         const struct missing *missing)
{
    const struct view_state *state = state_of(inquiry, view);
    char time[TIMESTAMP_TEXT_SIZE] = "";
    if (!state->has_watermark) {
        notice(NOTICE_HINT, "%s was never materialized: larder materialize fills it",
               view->about.name);
        return;
    }
    if (timestamp_in_range(state->watermark_us))
        timestamp_format(state->watermark_us, time);
    struct arena *arena = inquiry->options->arena;
    const char *whom = entities_text(inquiry->entities, missing->first_row, arena);
    if (missing->rows > 1)
        whom = arena_printf(arena, "%zu of the entities, such as %s", missing->rows, whom);
    char kept[DURATION_TEXT_SIZE];
    duration_format(view->ttl_us + DAY_US, kept);
    notice(NOTICE_HINT,
           "%s has no row of %s: when it was last materialized (%s) its source had none%s%s",
           view->about.name, whom, time, view->ttl_us ? " of the last " : "",
           view->ttl_us ? kept : "");
}

static void explain_view(const struct inquiry *inquiry, size_t at)
{
    const struct feature_view *view = inquiry->selection.views[at].view;
    struct missing missing = {0};
    char ttl[DURATION_TEXT_SIZE];
    for (size_t row = 0; row < inquiry->entities->count; row++)
        count_row(inquiry, at, row, &missing);
    duration_format(view->ttl_us, ttl);
    if (missing.rows)
        explain_rows(inquiry, view, &missing);
    if (missing.features)
        notice(NOTICE_HINT,
               "rows of %s were written before it had all of these features: larder materialize "
               "rewrites them",
               view->about.name);
    if (missing.too_old)
        notice(NOTICE_HINT,
               "values of %s are older than its ttl of %s, and withheld: larder materialize brings "
               "newer ones, if there are any",
               view->about.name, ttl);
}

/* A view that was never materialized is missing under each of its aliases. */
static bool is_repeated(const struct inquiry *inquiry, size_t at)
{
    const struct selected_view *views = inquiry->selection.views;
    bool repeated = false;
    for (size_t i = 0; i < at; i++)
        repeated = repeated || views[i].view == views[at].view;
    return repeated && !state_of(inquiry, views[at].view)->has_watermark;
}

void absence_explain(const struct options *options, const struct settings *settings,
                     const struct entities *entities, const struct larder_response *response)
{
    struct inquiry inquiry = {.options = options, .entities = entities, .response = response};
    if (!lacks_anything(response))
        return;
    if (!settings || !ask_registry(&inquiry, settings)) {
        notice(NOTICE_HINT, "larder status tells up to when each feature view was materialized");
        return;
    }
    for (size_t i = 0; i < inquiry.selection.view_count; i++)
        if (!is_repeated(&inquiry, i))
            explain_view(&inquiry, i);
}
