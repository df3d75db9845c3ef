/* status.c - `larder status`: how current is what is served? */
#include "base/timestamp.h"
#include "cli/applied.h"
#include "cli/notice.h"
#include "cli/table.h"
#include "config/difference.h"
#include "materializer/lost_rows.h"
#include "store/online/online_store.h"

#include <jansson.h>
#include <stdio.h>

struct status_job {
    const struct options *options;
    struct applied applied;
    struct view_state *states;
    bool *lost; /* of each view, whether the online store lacks rows that it had */
    struct online_info info;
    bool online_is_there, is_owner, has_owner;
    struct error online_error;
};

static enum status look_at_online_store(struct status_job *job)
{
    struct online_store *store;
    uint64_t owner = 0;
    struct error *err = &job->online_error;
    enum status status = online_store_open(&job->applied.settings, &store, err);
    if (status)
        return status;
    status = online_store_inspect(store, &job->info, err);
    if (!status)
        status = online_store_owner(store, &owner, err);
    if (!status)
        status = lost_rows_find(store, &job->applied.catalog, job->states, job->options->arena,
                                &job->lost, err);
    online_store_close(store);
    job->online_is_there = status == STATUS_OK;
    job->has_owner = owner != 0;
    job->is_owner = owner == job->applied.catalog.identity;
    return status;
}

enum state { STATE_OFFLINE, STATE_NEVER, STATE_LOST, STATE_STALE, STATE_CURRENT };

static const struct {
    const char *word;
    enum paint paint;
} state_words[] = {
    [STATE_OFFLINE] = {"offline only", PAINT_FAINT},
    [STATE_NEVER] = {"never materialized", PAINT_CARE},
    [STATE_LOST] = {"rows lost", PAINT_BAD},
    [STATE_STALE] = {"stale", PAINT_CARE},
    [STATE_CURRENT] = {"current to", PAINT_GOOD},
};

/* For programs. */
static const char *const state_names[] = {[STATE_OFFLINE] = "offline_only",
                                          [STATE_NEVER] = "never_materialized",
                                          [STATE_LOST] = "rows_lost",
                                          [STATE_STALE] = "stale",
                                          [STATE_CURRENT] = "current"};

static enum state state_of(const struct status_job *job, size_t at)
{
    const struct view_state *state = &job->states[at];
    if (!job->applied.catalog.views[at].view->online)
        return STATE_OFFLINE;
    if (!state->has_watermark)
        return STATE_NEVER;
    if (job->online_is_there && job->lost[at])
        return STATE_LOST;
    return state->stale_version ? STATE_STALE : STATE_CURRENT;
}

static json_t *json_time(bool has_time, int64_t us)
{
    char time[TIMESTAMP_TEXT_SIZE];
    if (!has_time || !timestamp_in_range(us))
        return json_null();
    timestamp_format(us, time);
    return json_string(time);
}

static json_t *view_to_json(const struct status_job *job, size_t at)
{
    const struct catalog_view *view = &job->applied.catalog.views[at];
    const struct view_state *state = &job->states[at];
    json_t *json =
        json_pack("{s:s, s:s, s:b, s:I, s:b, s:b}", "view", view->view->about.name, "state",
                  state_names[state_of(job, at)], "online", view->view->online, "schema",
                  (json_int_t)view->schemas[view->schema_count - 1].number, "stale",
                  state->stale_version != 0, "to_be_rebuilt", state->pending_generation != 0);
    json_object_set_new(json, "watermark", json_time(state->has_watermark, state->watermark_us));
    json_object_set_new(json, "last_run", json_time(state->updated_us != 0, state->updated_us));
    json_object_set_new(json, "stale_reason",
                        state->stale_reason ? json_string(state->stale_reason) : json_null());
    return json;
}

static int print_json(const struct status_job *job)
{
    const struct catalog *catalog = &job->applied.catalog;
    json_t *views = json_array();
    for (size_t i = 0; i < catalog->definitions.view_count; i++)
        json_array_append_new(views, view_to_json(job, i));
    json_t *online = json_pack("{s:b}", "reachable", job->online_is_there);
    if (job->online_is_there) {
        json_object_set_new(online, "version", json_string(job->info.version));
        json_object_set_new(online, "used_bytes", json_integer((json_int_t)job->info.used_bytes));
        if (job->info.eviction_policy[0])
            json_object_set_new(online, "eviction_policy", json_string(job->info.eviction_policy));
        json_object_set_new(online, "may_evict", json_boolean(job->info.may_evict));
        json_object_set_new(online, "ours", json_boolean(job->is_owner));
    } else {
        json_object_set_new(online, "error", json_string(job->online_error.message));
    }
    return command_print_json(
        json_pack("{s:s, s:I, s:o, s:o}", "project", catalog->definitions.project, "version",
                  (json_int_t)catalog->version, "online_store", online, "views", views));
}

static const char *ago(int64_t us, struct arena *arena)
{
    int64_t age_us = timestamp_subtract(timestamp_now(), us);
    char text[DURATION_TEXT_SIZE];
    if (age_us < 0)
        age_us = 0;
    int64_t unit_us = age_us >= INT64_C(172800000000) ? INT64_C(86400000000)
                      : age_us >= INT64_C(7200000000) ? INT64_C(3600000000)
                      : age_us >= INT64_C(120000000)  ? INT64_C(60000000)
                                                      : INT64_C(1000000);
    duration_format(age_us - age_us % unit_us, text);
    return age_us < unit_us ? "just now" : arena_printf(arena, "%s ago", text);
}

static void add_view(struct table *table, const struct status_job *job, size_t at)
{
    const struct catalog_view *view = &job->applied.catalog.views[at];
    const struct view_state *state = &job->states[at];
    char time[TIMESTAMP_TEXT_SIZE] = "-";
    bool has_time = state->has_watermark && timestamp_in_range(state->watermark_us);
    if (has_time)
        timestamp_format(state->watermark_us, time);
    enum state is = state_of(job, at);
    const char *const cells[] = {view->view->about.name, state_words[is].word, time,
                                 has_time ? ago(state->watermark_us, job->options->arena) : ""};
    table_add(table, cells);
    table_paint(table, 1, state_words[is].paint);
}

static void print_views(const struct status_job *job)
{
    static const char *const titles[] = {"FEATURE VIEW", "STATE", "WATERMARK", ""};
    const struct catalog *catalog = &job->applied.catalog;
    struct table table;
    table_init(&table, job->options->arena, COUNT_OF(titles), titles, NULL);
    table.gives_way = 0;
    for (size_t i = 0; i < catalog->definitions.view_count; i++)
        add_view(&table, job, i);
    table_print(&table, stdout, "");
}

static void hint_lost(const struct status_job *job, const char *first, size_t count)
{
    struct arena *arena = job->options->arena;
    notice(NOTICE_HINT,
           "the online store lacks rows of %s that it had: it was emptied, is another one, or came "
           "back from an older copy; larder materialize brings them back",
           count == 1 ? first
                      : arena_printf(arena, "%zu feature views, such as %s,", count, first));
}

/* What to do about the views that are not current. */
static void print_hints(const struct status_job *job)
{
    const struct catalog *catalog = &job->applied.catalog;
    const char *first_lost = NULL;
    size_t never = 0, lost = 0;
    for (size_t i = 0; i < catalog->definitions.view_count; i++) {
        const struct view_state *state = &job->states[i];
        const char *name = catalog->views[i].view->about.name;
        enum state is = state_of(job, i);
        never += is == STATE_NEVER;
        lost += is == STATE_LOST;
        if (is == STATE_LOST && !first_lost)
            first_lost = name;
        if (is == STATE_STALE)
            notice(NOTICE_HINT, "%s is stale: %s; larder materialize %s", name,
                   state->stale_reason ? state->stale_reason : "it has changed",
                   state->pending_generation ? "rebuilds it, and until then it is served as before"
                                             : "rewrites it whole");
    }
    if (lost)
        hint_lost(job, first_lost, lost);
    if (never)
        notice(NOTICE_HINT, "larder materialize fills what was never materialized");
}

/* Somebody who has changed a definition and forgotten to apply it looks here. */
static void hint_unapplied(const struct status_job *job)
{
    struct repository repository;
    struct problems problems;
    struct arena *arena = job->options->arena;
    problems_init(&problems, arena);
    if (repository_read(job->options->directory, arena, &repository, &problems, NULL))
        return;
    struct difference difference =
        definitions_difference(&job->applied.catalog.definitions, &repository.definitions, arena);
    if (difference.change_count)
        notice(NOTICE_HINT, "the definitions in this folder are not those that are applied: larder "
                            "plan shows the difference");
}

static void print_online_store(const struct status_job *job)
{
    struct style style = style_of(stdout);
    if (job->online_is_there)
        printf("online store: %s, %.1f MiB used\n\n", job->info.version,
               (double)job->info.used_bytes / (1024 * 1024));
    else
        printf("online store: %saway%s\n\n", style_begin(style, PAINT_BAD),
               style_end(style, PAINT_BAD));
}

static void print_warnings(const struct status_job *job)
{
    if (!job->online_is_there)
        command_failed(&job->online_error);
    else if (job->has_owner && !job->is_owner)
        notice(NOTICE_WARNING, "the online store belongs to another registry");
    if (job->online_is_there && job->info.may_evict)
        notice(NOTICE_WARNING,
               "the online store may drop rows when it is full: its maxmemory-policy is %s; "
               "noeviction keeps them",
               job->info.eviction_policy);
}

static void print_status(const struct status_job *job)
{
    printf("project %s, version %llu\n", job->applied.catalog.definitions.project,
           (unsigned long long)job->applied.catalog.version);
    print_online_store(job);
    print_views(job);
}

static int run(const struct options *options)
{
    struct status_job job = {.options = options};
    struct error err;
    int code = applied_open(options, &job.applied);
    if (code)
        return code;
    if (registry_view_states(job.applied.registry, &job.applied.catalog, options->arena,
                             &job.states, &err)) {
        code = command_failed(&err);
    } else {
        look_at_online_store(&job);
        if (options->json)
            code = print_json(&job);
        else
            print_status(&job);
        print_warnings(&job);
        if (!options->json)
            print_hints(&job);
        if (!options->json)
            hint_unapplied(&job);
        if (!code && !job.online_is_there)
            code = EXIT_FAILED;
    }
    applied_close(&job.applied);
    return code;
}

const struct command command_status = {
    .name = "status",
    .summary = "how current each feature view is online",
    .synopsis = "[-C DIR]",
    .text = "For each feature view: up to which time it was materialized, and whether the\n"
            "next run has to rewrite it. For the online store: whether it answers, whose it\n"
            "is, whether it still has the rows, and whether it might drop some. Exit 1 if\n"
            "the online store is away.\n",
    .run = run,
};
