/* materialize.c - see materialize.h. */
#include "materializer/materialize.h"

#include "config/place.h"
#include "materializer/view_job.h"

static enum status unknown_view(const struct catalog *catalog, const char *name,
                                struct arena *arena, struct error *err)
{
    const struct definitions *definitions = &catalog->definitions;
    const char **names = arena_array(arena, definitions->view_count + 1, sizeof *names);
    for (size_t i = 0; i < definitions->view_count; i++)
        names[i] = definitions->views[i].about.name;
    const char *near = nearest_name(name, names, definitions->view_count);
    return fail(err, STATUS_NOT_FOUND, "no feature view %s is applied; %s%s%s", name,
                near ? "did you mean " : "larder list shows those that are", near ? near : "",
                near ? "?" : "");
}

/* Whatever the run needs is told before it begins: which views, and that each can be served. */
static enum status select_views(const struct materialize_request *request, struct arena *arena,
                                const struct catalog_view ***views, size_t *count,
                                struct error *err)
{
    const struct catalog *catalog = request->catalog;
    *views = arena_array(arena, catalog->definitions.view_count + request->view_count + 1,
                         sizeof **views);
    *count = 0;
    for (size_t i = 0; !request->views && i < catalog->definitions.view_count; i++)
        if (catalog->views[i].view->online)
            (*views)[(*count)++] = &catalog->views[i];
    for (size_t i = 0; i < request->view_count; i++) {
        const struct catalog_view *view = catalog_find_view(catalog, request->views[i]);
        if (!view)
            return unknown_view(catalog, request->views[i], arena, err);
        if (!view->view->online)
            return fail(err, STATUS_INVALID, "feature view %s has online: false",
                        request->views[i]);
        (*views)[(*count)++] = view;
    }
    return STATUS_OK;
}

static enum status prepare_stores(const struct materialize_stores *stores,
                                  const struct materialize_request *request, struct arena *arena,
                                  struct error *err)
{
    const struct catalog *catalog = request->catalog;
    enum status status = online_store_claim(stores->online, catalog->identity, false, err);
    if (!status)
        status = online_store_put_catalog(stores->online, catalog->definitions.project,
                                          catalog->identity, catalog->version,
                                          catalog_encode(catalog, arena), false, err);
    struct offline_sample sample;
    if (!status)
        status = offline_store_sample(stores->offline, &sample, err);
    bool changed = false;
    if (!status)
        status = registry_adopt_system(stores->registry, sample.system_identifier, &changed, err);
    if (!status && changed)
        request_warn(request, "the history has moved to another PostgreSQL system; every view is "
                              "rewritten whole");
    return status;
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

enum status materialize(const struct materialize_stores *stores,
                        const struct materialize_request *request, struct arena *arena,
                        struct view_run **runs, size_t *run_count, struct error *err)
{
    const struct catalog_view **views;
    struct view_state *states = NULL;
    size_t count;
    *run_count = 0;
    if (request->has_from && request->has_to && request->from_us > request->to_us)
        return fail(err, STATUS_INVALID, "--from lies behind --to");
    enum status status = select_views(request, arena, &views, &count, err);
    if (!status)
        status = prepare_stores(stores, request, arena, err);
    if (!status)
        status = registry_view_states(stores->registry, request->catalog, arena, &states, err);
    if (status)
        return status;
    warn_of_long_transactions(stores, request, views, count, arena);
    *runs = arena_array(arena, count + 1, sizeof **runs);
    for (size_t i = 0; i < count && !status; i++) {
        size_t index = (size_t)(views[i] - request->catalog->views);
        status = view_job_run(stores, request, views[i], &states[index], arena,
                              &(*runs)[(*run_count)++], err);
    }
    return status;
}
