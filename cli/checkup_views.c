/* checkup_views.c - whether what is served of each feature view is whole, and young enough. */
#include "base/timestamp.h"
#include "cli/checkup.h"
#include "materializer/lost_rows.h"
#include "materializer/sweep.h"

struct view_tally {
    size_t current, stale, never, offline;
    const char *never_names; /* ", airport_weather, carrier_delays" */
};

static void judge_age(struct checkup *checkup, const struct feature_view *view,
                      const struct view_state *state)
{
    char age[DURATION_TEXT_SIZE], ttl[DURATION_TEXT_SIZE];
    int64_t age_us = timestamp_subtract(timestamp_now(), state->watermark_us);
    if (!view->ttl_us || age_us <= view->ttl_us)
        return;
    duration_format(age_us / 60000000 * 60000000, age);
    duration_format(view->ttl_us, ttl);
    diagnosis_find(checkup->diagnosis, FINDING_ERROR,
                   "%s was last materialized up to a time %s ago, longer than its ttl of %s, so "
                   "that no value of it is served: larder materialize, run by a timer, keeps it "
                   "current",
                   view->about.name, age, ttl);
}

static void judge_staleness(struct checkup *checkup, const struct feature_view *view,
                            const struct view_state *state)
{
    diagnosis_find(checkup->diagnosis, FINDING_HINT, "%s is stale: %s; larder materialize %s",
                   view->about.name, state->stale_reason ? state->stale_reason : "it has changed",
                   state->pending_generation ? "rebuilds it, and until then it is served as before"
                                             : "rewrites it whole");
}

static void judge_view(struct checkup *checkup, const struct feature_view *view,
                       const struct view_state *state, struct view_tally *tally)
{
    tally->offline += !view->online;
    if (!view->online)
        return;
    tally->never += !state->has_watermark;
    tally->stale += state->has_watermark && state->stale_version;
    tally->current += state->has_watermark && !state->stale_version;
    if (!state->has_watermark) {
        tally->never_names =
            arena_printf(checkup->arena, "%s, %s", tally->never_names, view->about.name);
        return;
    }
    if (state->stale_version)
        judge_staleness(checkup, view, state);
    judge_age(checkup, view, state);
}

static const char *part_of(size_t count, const char *word, struct arena *arena)
{
    return count ? arena_printf(arena, ", %zu %s", count, word) : "";
}

static void see_views(struct checkup *checkup, const struct view_tally *tally)
{
    struct arena *arena = checkup->arena;
    const char *text = arena_printf(arena, "%s%s%s%s", part_of(tally->current, "current", arena),
                                    part_of(tally->stale, "stale", arena),
                                    part_of(tally->never, "never materialized", arena),
                                    part_of(tally->offline, "offline only", arena));
    diagnosis_see(checkup->diagnosis, "%s", *text ? text + 2 : "none");
    if (tally->never)
        diagnosis_find(checkup->diagnosis, FINDING_HINT,
                       "larder materialize fills what was never materialized: %s",
                       tally->never_names + 2);
}

/* A store that is not even made has lost all. */
static bool find_lost_rows(struct checkup *checkup, const struct view_state *states, bool **lost)
{
    const struct catalog *catalog = &checkup->catalog;
    size_t count = catalog->definitions.view_count;
    struct error err;
    if (checkup->online)
        return lost_rows_find(checkup->online, catalog, states, checkup->arena, lost, &err) ==
               STATUS_OK;
    *lost = arena_array(checkup->arena, count, sizeof **lost);
    for (size_t i = 0; i < count; i++)
        (*lost)[i] = is_behind(0, &states[i]);
    return checkup->online_says.is_new;
}

static void look_for_lost_rows(struct checkup *checkup, const struct view_state *states)
{
    const struct catalog *catalog = &checkup->catalog;
    bool *lost;
    if (!find_lost_rows(checkup, states, &lost))
        return; /* that it is away was told */
    for (size_t i = 0; i < catalog->definitions.view_count; i++)
        if (lost[i])
            diagnosis_find(checkup->diagnosis, FINDING_ERROR,
                           "the online store lacks rows of %s that it had: it was emptied, is "
                           "another one, or came back from an older copy; larder materialize "
                           "brings them back",
                           catalog->views[i].view->about.name);
}

static void look_for_removed_rows(struct checkup *checkup)
{
    struct removed_rows *rows;
    struct error err;
    size_t count, waiting = 0;
    if (registry_removed_rows(checkup->registry, &checkup->catalog, checkup->arena, &rows, &count,
                              &err)) {
        diagnosis_find(checkup->diagnosis, FINDING_ERROR, "%s", err.message);
        return;
    }
    for (size_t i = 0; i < count; i++)
        waiting += rows[i].age_us > SWEEP_AFTER_MS * INT64_C(1000);
    if (waiting)
        diagnosis_find(checkup->diagnosis, FINDING_HINT,
                       "the online store still holds the rows of %zu generation%s that nobody "
                       "reads any more: larder materialize removes them",
                       waiting, waiting == 1 ? "" : "s");
}

void checkup_feature_views(struct checkup *checkup)
{
    struct view_state *states;
    struct error err;
    struct view_tally tally = {.never_names = ""};
    diagnosis_begin(checkup->diagnosis, "feature_views");
    if (!checkup->has_catalog) {
        diagnosis_cannot_see(checkup->diagnosis,
                             "the registry does not say which ones are applied");
        return;
    }
    if (registry_view_states(checkup->registry, &checkup->catalog, checkup->arena, &states, &err)) {
        diagnosis_find(checkup->diagnosis, FINDING_ERROR, "%s", err.message);
        return;
    }
    for (size_t i = 0; i < checkup->catalog.definitions.view_count; i++)
        judge_view(checkup, checkup->catalog.views[i].view, &states[i], &tally);
    see_views(checkup, &tally);
    look_for_lost_rows(checkup, states);
    look_for_removed_rows(checkup);
}
