/* absence.c - see absence.h. */
#include "cli/absence.h"

#include "base/timestamp.h"
#include "cli/notice.h"
#include "cli/references.h"
#include "materializer/lost_rows.h"
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
    bool *lost;                /* the same; NULL: the online store could not be asked */
};

/* How many entities lack what, of one view. */
struct missing {
    size_t rows;          /* all of its values are NOT_FOUND */
    size_t first_row;     /* the first of those */
    const char *null_key; /* what is null in another such; NULL: nothing is */
    size_t features;      /* only some of them are: the row lacks the feature */
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
    for (size_t i = 0; i < selection->key_count; i++)
        if (entities_find_key(inquiry->entities, bytes_of_text(selection->keys[i].name)) ==
            inquiry->entities->key_count)
            return false;
    return true;
}

/* Whoever may ask the server need not have the right to ask the store. */
static void ask_online_store(struct inquiry *inquiry, const struct settings *settings)
{
    struct online_store *store;
    if (online_store_open(settings, &store, NULL))
        return;
    bool *lost;
    if (!lost_rows_find(store, &inquiry->catalog, inquiry->states, inquiry->options->arena, &lost,
                        NULL))
        inquiry->lost = lost;
    online_store_close(store);
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

/* Where the view's i-th key stands among those of the entities. */
static size_t column_of(const struct inquiry *inquiry, size_t view, size_t i)
{
    uint16_t asked = inquiry->selection.views[view].asked_keys[i];
    return entities_find_key(inquiry->entities, bytes_of_text(inquiry->selection.keys[asked].name));
}

/* The key of the row that is null, as the request calls it; NULL if none is. */
static const char *null_key_of(const struct inquiry *inquiry, size_t view, size_t row)
{
    const struct entities *entities = inquiry->entities;
    for (size_t i = 0; i < inquiry->selection.views[view].view->key_count; i++) {
        size_t column = column_of(inquiry, view, i);
        if (entities->values[row * entities->key_count + column].is_null)
            return entities->names[column];
    }
    return NULL;
}

/* "carrier=US, origin=LGA": the view's keys alone, by the names that it has for them. */
static const char *row_text(const struct inquiry *inquiry, size_t at, size_t row)
{
    struct arena *arena = inquiry->options->arena;
    const struct feature_view *view = inquiry->selection.views[at].view;
    const struct entities *entities = inquiry->entities;
    const char *all = "";
    for (size_t i = 0; i < view->key_count; i++) {
        struct bytes text = entities->texts[row * entities->key_count + column_of(inquiry, at, i)];
        all = arena_printf(arena, "%s%s%s=%.*s", all, i ? ", " : "", view->keys[i].name,
                           (int)text.size, (const char *)text.data);
    }
    return all;
}

static void count_missing(const struct inquiry *inquiry, size_t view, size_t row,
                          struct missing *missing)
{
    const char *null_key = null_key_of(inquiry, view, row);
    if (null_key)
        missing->null_key = null_key;
    else if (missing->rows++ == 0)
        missing->first_row = row;
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
    if (values == not_found)
        count_missing(inquiry, view, row, missing);
    missing->features += not_found > 0 && not_found < values;
    missing->too_old += too_old > 0;
}

static const struct view_state *state_of(const struct inquiry *inquiry,
                                         const struct feature_view *view)
{
    return &inquiry->states[view - inquiry->catalog.definitions.views];
}

static bool is_lost(const struct inquiry *inquiry, const struct feature_view *view)
{
    return inquiry->lost && inquiry->lost[view - inquiry->catalog.definitions.views];
}

/* "30h", or "day and 30m" where both make no round text. */
static const char *kept_text(const struct feature_view *view, struct arena *arena)
{
    char text[DURATION_TEXT_SIZE];
    bool is_round = view->ttl_us % (DAY_US / 24) == 0;
    duration_format(is_round ? view->ttl_us + DAY_US : view->ttl_us, text);
    return arena_printf(arena, "%s%s", is_round ? "" : "day and ", text);
}

static void explain_rows(const struct inquiry *inquiry, size_t at, const struct missing *missing)
{
    struct arena *arena = inquiry->options->arena;
    const struct feature_view *view = inquiry->selection.views[at].view;
    const struct view_state *state = state_of(inquiry, view);
    if (!state->has_watermark) {
        notice(NOTICE_HINT, "%s was never materialized: larder materialize fills it",
               view->about.name);
        return;
    }
    if (is_lost(inquiry, view)) {
        notice(NOTICE_HINT, "the online store lost rows of %s: larder materialize restores them",
               view->about.name);
        return;
    }
    const char *whom = row_text(inquiry, at, missing->first_row);
    if (missing->rows > 1)
        whom = arena_printf(arena, "%zu of the entities, such as %s", missing->rows, whom);
    notice(NOTICE_HINT, "no row of %s in %s: materialize found none%s%s", whom, view->about.name,
           view->ttl_us ? " of the last " : "", view->ttl_us ? kept_text(view, arena) : "");
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
        explain_rows(inquiry, at, &missing);
    if (missing.null_key)
        notice(NOTICE_HINT, "%s is null, and a null key finds no row of %s", missing.null_key,
               view->about.name);
    if (missing.features)
        notice(NOTICE_HINT, "rows of %s lack features that it has gained: run larder materialize",
               view->about.name);
    if (missing.too_old)
        notice(NOTICE_HINT, "rows of %s are older than its ttl, %s: try larder materialize",
               view->about.name, ttl);
}

/* A view that was never materialized, or is lost, is so under each of its aliases. */
static bool is_repeated(const struct inquiry *inquiry, size_t at)
{
    const struct selected_view *views = inquiry->selection.views;
    bool repeated = false;
    for (size_t i = 0; i < at; i++)
        repeated = repeated || views[i].view == views[at].view;
    return repeated &&
           (!state_of(inquiry, views[at].view)->has_watermark || is_lost(inquiry, views[at].view));
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
    ask_online_store(&inquiry, settings);
    for (size_t i = 0; i < inquiry.selection.view_count; i++)
        if (!is_repeated(&inquiry, i))
            explain_view(&inquiry, i);
}
