/* materialize.c - `larder materialize`: copy the newest values online. */
#include "materializer/materialize.h"
#include "base/log.h"
#include "base/timestamp.h"
#include "cli/command.h"
#include "cli/interrupt.h"
#include "cli/notice.h"
#include "cli/progress.h"
#include "cli/screen.h"
#include "cli/table.h"

#include <jansson.h>
#include <stdio.h>

/* A bulk writer may keep the store busy for longer than a request would wait. */
enum { WRITER_TIMEOUT_MS = 30000 };

static const char *const kind_words[] = {
    [RUN_INCREMENTAL] = "incremental", [RUN_FIRST] = "first run", [RUN_STALE] = "rewritten",
    [RUN_LOST_WRITES] = "restored",    [RUN_WINDOW] = "window",   [RUN_REBUILD] = "rebuilt"};

static void tell_progress(void *context, const struct view_run *run)
{
    const struct run_counts *counts = &run->counts;
    const struct progress_step step = {
        .phase = run->view,
        .unit = counts->read > 1 ? "rows read" : NULL, /* a run tells of its first row, too */
        .count = counts->read,
        .share = counts->expected > 0 ? (double)counts->read / (double)counts->expected : 0,
    };
    progress_tell(context, &step);
}

static void tell_warning(void *context, const char *text)
{
    progress_end(context);
    notice(NOTICE_WARNING, "%s", text);
}

static json_t *run_to_json(const struct view_run *run)
{
    const struct run_counts *counts = &run->counts;
    char from[TIMESTAMP_TEXT_SIZE] = "", to[TIMESTAMP_TEXT_SIZE] = "";
    bool has_from = timestamp_in_range(run->from_us);
    if (has_from)
        timestamp_format(run->from_us, from);
    if (timestamp_in_range(run->to_us))
        timestamp_format(run->to_us, to);
    json_t *json =
        json_pack("{s:s, s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:f}", "view", run->view,
                  "kind", kind_words[run->kind], "to", to, "read", (json_int_t)counts->read,
                  "written", (json_int_t)counts->written, "older", (json_int_t)counts->older,
                  "superseded", (json_int_t)counts->superseded, "left_out",
                  (json_int_t)counts->left_out, "long_keys", (json_int_t)counts->long_keys,
                  "misfits", (json_int_t)counts->misfits, "seconds", run->seconds);
    json_object_set_new(json, "from", has_from ? json_string(from) : json_null());
    json_object_set_new(json, "reason", run->reason ? json_string(run->reason) : json_null());
    return json;
}

static void print_count(const struct view_run *run, const char *what, uint64_t count,
                        struct arena *arena)
{
    char text[COUNT_TEXT_SIZE];
    if (count)
        text_wrap(stdout,
                  arena_printf(arena, "%s: %s: %s", run->view, what, count_format(count, text)), 0,
                  2, "");
}

static void print_notes(const struct view_run *run, struct arena *arena)
{
    print_count(run, "rows left out for a null or infinite event time, or a null key",
                run->counts.left_out, arena);
    print_count(run, "rows left out for a key longer than 480 bytes", run->counts.long_keys, arena);
    print_count(run, "values that do not fit their feature, and read as null", run->counts.misfits,
                arena);
    if (run->reason)
        text_wrap(
            stdout,
            arena_printf(arena, "%s: %s whole: %s", run->view, kind_words[run->kind], run->reason),
            0, 2, "");
}

static void print_runs(const struct options *options, const struct view_run *runs, size_t count)
{
    static const char *const titles[] = {"FEATURE VIEW", "RUN",   "READ",
                                         "WRITTEN",      "OLDER", "SECONDS"};
    static const bool right[] = {false, false, true, true, true, true};
    struct table table;
    if (count == 0)
        return;
    table_init(&table, options->arena, COUNT_OF(titles), titles, right);
    for (size_t i = 0; i < count; i++) {
        char read[COUNT_TEXT_SIZE], written[COUNT_TEXT_SIZE], older[COUNT_TEXT_SIZE], seconds[32];
        const struct run_counts *counts = &runs[i].counts;
        snprintf(seconds, sizeof seconds, "%.2f", runs[i].seconds);
        const char *const cells[] = {runs[i].view,
                                     kind_words[runs[i].kind],
                                     count_format(counts->read, read),
                                     count_format(counts->written, written),
                                     count_format(counts->older + counts->superseded, older),
                                     seconds};
        table_add(&table, cells);
    }
    table_print(&table, stdout, "");
    for (size_t i = 0; i < count; i++)
        print_notes(&runs[i], options->arena);
}

/* err: why it ended before all views were done; NULL if they were. */
static int print_result(const struct options *options, const struct view_run *runs, size_t count,
                        const struct error *err)
{
    if (!options->json) {
        /* The last one is that which failed: the error tells of it, unless it came to something. */
        bool in_vain = err && count > 0 && runs[count - 1].counts.read == 0;
        print_runs(options, runs, in_vain ? count - 1 : count);
        return EXIT_DONE;
    }
    json_t *views = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(views, run_to_json(&runs[i]));
    return command_print_json(
        json_pack("{s:o, s:s?}", "views", views, "error", err ? err->message : NULL));
}

static enum status open_stores(struct settings *settings, struct materialize_stores *stores,
                               struct error *err)
{
    if (settings->online_store.timeout_ms < WRITER_TIMEOUT_MS)
        settings->online_store.timeout_ms = WRITER_TIMEOUT_MS;
    enum status status = registry_open(settings, &stores->registry, err);
    if (!status)
        status = offline_store_open(settings, &stores->offline, err);
    if (!status)
        status = online_store_open(settings, &stores->online, err);
    return status;
}

static void warn_of_eviction(struct online_store *online)
{
    struct online_info info;
    struct error ignored;
    if (online_store_inspect(online, &info, &ignored) == STATUS_OK && info.may_evict)
        notice(NOTICE_WARNING,
               "the online store may drop rows when it is full: its maxmemory-policy is %s; "
               "noeviction keeps them",
               info.eviction_policy);
}

static enum status read_request(const struct options *options, struct materialize_request *request,
                                struct error *err)
{
    request->views = option_texts(options, "--view", &request->view_count);
    if (request->view_count == 0)
        request->views = NULL;
    request->rebuild = option_flag(options, "--rebuild");
    enum status status = option_time(options, "--from", &request->from_us, &request->has_from, err);
    return status ? status : option_time(options, "--to", &request->to_us, &request->has_to, err);
}

static int materialize_with(const struct options *options, const struct settings *settings,
                            const struct materialize_stores *stores,
                            struct materialize_request *request)
{
    struct error err;
    struct catalog catalog;
    struct progress progress;
    struct view_run *runs = NULL;
    size_t count = 0;
    if (registry_read(stores->registry, settings->project, options->arena, &catalog, &err))
        return command_failed(&err);
    warn_of_eviction(stores->online);
    progress_init(&progress);
    progress_keep_telling(&progress);
    request->catalog = &catalog;
    request->stop = interrupt_watch();
    offline_store_stop_on(stores->offline, request->stop);
    request->listener = (struct materialize_listener){
        .context = &progress, .progress = tell_progress, .warning = tell_warning};
    enum status status = materialize(stores, request, options->arena, &runs, &count, &err);
    progress_close(&progress);
    int code = count || options->json ? print_result(options, runs, count, status ? &err : NULL)
                                      : EXIT_DONE;
    if (!status)
        return code;
    return count ? command_failed(&err)
                 : command_refused(&err); /* was the call wrong, or the run? */
}

static int run(const struct options *options)
{
    struct settings settings;
    struct materialize_stores stores = {0};
    struct materialize_request request = {0};
    struct error err;
    if (read_request(options, &request, &err))
        return command_misused(&err);
    int code = command_read_settings(options, &settings);
    if (code)
        return code;
    code = open_stores(&settings, &stores, &err)
               ? command_failed(&err)
               : materialize_with(options, &settings, &stores, &request);
    online_store_close(stores.online);
    offline_store_close(stores.offline);
    registry_close(stores.registry);
    return code;
}

static const struct option_spec materialize_options[] = {
    {"--from", OPTION_TEXT, "T", "only event times from here; leaves the watermark alone"},
    {"--to", OPTION_TEXT, "T", "only event times up to here (default: now)"},
    {"--view", OPTION_TEXTS, "V", "only this feature view; may be given again"},
    {"--rebuild", OPTION_FLAG, NULL, "write whole, beside what is served, and replace it"},
};

const struct command command_materialize = {
    .name = "materialize",
    .summary = "copy the newest values into the online store",
    .synopsis = "[-C DIR] [--from T] [--to T] [--view V]... [--rebuild]",
    .text = "Reads what has changed in the history since the last run (the first time: all\n"
            "that ttl allows) and writes each entity's newest row. A row that is older than\n"
            "what is online changes nothing, so a run may be repeated at any time, and one\n"
            "that failed is simply run again. Times are written as 2026-01-31T09:30:00Z.\n"
            "\n"
            "A view whose source has changed is rebuilt: written whole, whatever --from and\n"
            "--to say, beside the rows that are served, which it then replaces at once.\n"
            "--rebuild does so to any view: rows that history has not any more, or that\n"
            "were edited in place, which an ordinary run does not see, are right then.\n",
    .options = materialize_options,
    .option_count = COUNT_OF(materialize_options),
    .run = run,
};
