/* materialize.c - see materialize.h. */
#include "materializer/materialize.h"

#include "base/timestamp.h"
#include "materializer/earlier_state.h"
#include "materializer/sweep.h"
#include "materializer/view_job.h"

#include <time.h>

static enum status put_catalog(const struct materialize_stores *stores,
                               const struct catalog *catalog, struct error *err)
{
    struct arena arena;
    arena_init(&arena, 0);
    enum status status =
        online_store_put_catalog(stores->online, catalog->definitions.project, catalog->identity,
                                 catalog->version, catalog_encode(catalog, &arena), false, err);
    arena_release(&arena);
    return status;
}

/* *changed: the states are others now. */
static enum status adopt_database(const struct materialize_stores *stores,
                                  const struct materialize_request *request,
                                  const struct begun_marks *marks, struct arena *arena,
                                  bool *changed, struct error *err)
{
    struct offline_sample sample;
    enum status status = offline_store_sample(stores->offline, &sample, err);
    if (!status)
        status = registry_adopt_system(stores->registry, sample.system_identifier, changed, err);
    if (!status && *changed)
        request_warn(request, "the history has moved to another database system; every view is "
                              "rebuilt");
    if (status || *changed)
        return status;
    return earlier_state_rebuild(stores->registry, request->catalog, marks, sample.reached, arena,
                                 changed, err);
}

static enum status prepare_stores(const struct materialize_stores *stores,
                                  const struct materialize_request *request, struct arena *arena,
                                  struct view_state **states, struct error *err)
{
    const struct catalog *catalog = request->catalog;
    struct begun_marks marks;
    bool changed = false;
    enum status status = online_store_claim(stores->online, catalog->identity, false, err);
    if (!status)
        status = put_catalog(stores, catalog, err);
    if (!status)
        status = registry_view_states(stores->registry, catalog, arena, states, err);
    if (!status)
        status = begun_marks_read(stores->online, catalog, *states, arena, &marks, err);
    if (!status)
        status = adopt_database(stores, request, &marks, arena, &changed, err);
    return status || !changed ? status
                              : registry_view_states(stores->registry, catalog, arena, states, err);
}

/* A view that was never filled needs none, and one that is pending has one. Where this run ends too
 * early, the next one goes on with it. */
static enum status ask_for_rebuilds(const struct materialize_stores *stores,
                                    const struct catalog *catalog,
                                    const struct catalog_view *const *views, size_t count,
                                    struct arena *arena, struct view_state **states,
                                    struct error *err)
{
    enum status status = STATUS_OK;
    for (size_t i = 0; i < count && !status; i++) {
        const struct view_state *state = &(*states)[views[i] - catalog->views];
        if (state->has_watermark && !state->pending_generation)
            status = registry_mark_stale(stores->registry, catalog, state,
                                         "materialize --rebuild was asked for", true, err);
    }
    return status ? status : registry_view_states(stores->registry, catalog, arena, states, err);
}

static void warn_of_long_transactions(const struct materialize_stores *stores,
                                      const struct materialize_request *request,
                                      const struct catalog_view *const *views, size_t count,
                                      struct arena *arena)
{
    struct open_transaction transaction;
    struct error ignored;
    bool found = false;
    if (offline_store_oldest_transaction(stores->offline, arena, &transaction, &found, &ignored) ||
        !found)
        return;
    for (size_t i = 0; i < count; i++) {
        const struct source *source = views[i]->view->source;
        if (transaction.age_us <= source->lookback_us)
            continue;
        request_warn(request, arena_printf(arena,
                                           "a transaction is older than the lookback of source %s; "
                                           "rows that it commits may be missed: %s",
                                           source->about.name, transaction.text));
        return;
    }
}

/* What the views of one call share. An apply may come between any two of them. */
struct series {
    const struct materialize_stores *stores;
    const struct materialize_request *request;
    struct arena *arena;    /* the caller's */
    struct arena newest[2]; /* in turn, for what is read again: each view may want that */
    bool turn;
    const struct catalog *catalog; /* the newest that was read */
    struct view_state *states;     /* of its views */
    int64_t left_us;               /* when this run last made rows unread (monotonic); 0: never */
};

/* What was read before stays valid until this is called once more. */
static enum status read_newest(struct series *series, struct error *err)
{
    struct registry *registry = series->stores->registry;
    struct arena *arena = &series->newest[series->turn];
    arena_reset(arena);
    struct catalog *catalog = arena_array(arena, 1, sizeof *catalog);
    struct view_state *states;
    enum status status =
        registry_read(registry, series->catalog->definitions.project, arena, catalog, err);
    if (!status)
        status = registry_view_states(registry, catalog, arena, &states, err);
    if (status)
        return status;
    series->catalog = catalog;
    series->states = states;
    series->turn = !series->turn;
    return STATUS_OK;
}

/* The view as it is now; NULL: an apply has removed it, or taken it offline. */
static const struct catalog_view *find_online(const struct series *series, const char *name,
                                              uint32_t id)
{
    const struct catalog_view *view = catalog_find_view(series->catalog, name);
    return view && view->id == id && view->view->online ? view : NULL;
}

static void warn_of_removal(const struct series *series, const char *name)
{
    request_warn(series->request,
                 arena_printf(series->arena,
                              "feature view %s was removed while this ran; it is left out", name));
}

/* Readers have gone over to a view's new rows: servers that start without PostgreSQL, too. */
static enum status follow_switch(struct series *series, struct error *err)
{
    series->left_us = timestamp_monotonic_us();
    enum status status = read_newest(series, err);
    return status ? status : put_catalog(series->stores, series->catalog, err);
}

/* Each attempt that comes to nothing was overtaken by something: a version or a state that is not
 * the one it began with. Where all is as before, there is no state at all. */
static enum status follow_others(struct series *series, const struct catalog_view *view,
                                 struct error *err)
{
    const struct catalog *before = series->catalog;
    struct view_state seen = series->states[view - series->catalog->views];
    enum status status = read_newest(series, err);
    if (status || series->catalog->version != before->version ||
        series->catalog->project_id != before->project_id)
        return status;
    view = catalog_view_of_id(series->catalog, view->id);
    const struct view_state *now = &series->states[view - series->catalog->views];
    if (now->pending_generation != seen.pending_generation ||
        now->watermark_us != seen.watermark_us || now->has_watermark != seen.has_watermark)
        return STATUS_OK;
    return fail(err, STATUS_CORRUPT, "the registry lacks the state of feature view %s",
                view->view->about.name);
}

/* Runs the view under the newest definitions. *ran false: there is no such view any more. */
static enum status run_view(struct series *series, const struct catalog_view *view, bool *ran,
                            struct view_run *run, struct error *err)
{
    const char *name = view->view->about.name;
    uint32_t id = view->id;
    for (;;) {
        bool outdated, left_rows;
        view = find_online(series, name, id);
        *ran = view != NULL;
        if (!view) {
            warn_of_removal(series, name);
            return STATUS_OK;
        }
        enum status status = view_job_run(series->stores, series->request, series->catalog, view,
                                          &series->states[view - series->catalog->views],
                                          series->arena, run, &outdated, &left_rows, err);
        if (left_rows)
            series->left_us = timestamp_monotonic_us();
        if (!status && !outdated)
            return run->kind == RUN_REBUILD ? follow_switch(series, err) : STATUS_OK;
        if (!status)
            status = follow_others(series, view, err);
        if (status)
            return status;
    }
}

/* What stays behind is no failure of what was asked for. */
static void sweep_or_warn(const struct series *series)
{
    struct error err;
    const struct materialize_stores *stores = series->stores;
    if (sweep(stores->registry, stores->online, series->catalog, series->arena, &err))
        request_warn(series->request,
                     arena_printf(series->arena,
                                  "rows that nobody reads stay online until the next run: %s",
                                  err.message));
}

/* Behind all views, so that one wait and one walk do for all that was rebuilt. */
static void sweep_own_rows(const struct series *series)
{
    const struct timespec step = {.tv_nsec = 50000000};
    int64_t until_us = series->left_us + SWEEP_AFTER_MS * INT64_C(1000);
    if (series->left_us == 0)
        return;
    while (timestamp_monotonic_us() < until_us) {
        if (series->request->stop && atomic_load(series->request->stop))
            return;
        nanosleep(&step, NULL);
    }
    sweep_or_warn(series);
}

static enum status run_views(struct series *series, const struct catalog_view *const *views,
                             size_t count, struct view_run *runs, size_t *run_count,
                             struct error *err)
{
    const struct materialize_listener *listener = &series->request->listener;
    enum status status = STATUS_OK;
    for (size_t i = 0; i < count && !status; i++) {
        bool ran;
        struct view_run *run = &runs[*run_count];
        status = run_view(series, views[i], &ran, run, err);
        *run_count += ran;
        if (!status && ran && listener->done)
            listener->done(listener->context, run);
    }
    return status;
}

enum status materialize(const struct materialize_stores *stores,
                        const struct materialize_request *request, struct arena *arena,
                        struct view_run **runs, size_t *run_count, struct error *err)
{
    struct series series = {
        .stores = stores, .request = request, .arena = arena, .catalog = request->catalog};
    const struct catalog_view **views;
    size_t count;
    *run_count = 0;
    if (request->has_from && request->has_to && request->from_us > request->to_us)
        return fail(err, STATUS_INVALID, "--from lies behind --to");
    if (request->rebuild && (request->has_from || request->has_to))
        return fail(err, STATUS_INVALID,
                    "--rebuild writes a view whole: leave out --from and --to");
    enum status status = catalog_choose_online(request->catalog, request->views,
                                               request->view_count, arena, &views, &count, err);
    if (!status)
        status = prepare_stores(stores, request, arena, &series.states, err);
    if (!status && request->rebuild)
        status =
            ask_for_rebuilds(stores, request->catalog, views, count, arena, &series.states, err);
    if (status)
        return status;
    warn_of_long_transactions(stores, request, views, count, arena);
    sweep_or_warn(&series);
    *runs = arena_array(arena, count + 1, sizeof **runs);
    for (size_t i = 0; i < COUNT_OF(series.newest); i++)
        arena_init(&series.newest[i], 0);
    status = run_views(&series, views, count, *runs, run_count, err);
    if (!status)
        sweep_own_rows(&series);
    for (size_t i = 0; i < COUNT_OF(series.newest); i++)
        arena_release(&series.newest[i]);
    return status;
}
