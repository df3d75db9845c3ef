/* verify.c - `larder verify`: does training equal serving? */
#include "training/verify.h"
#include "cli/command.h"
#include "cli/interrupt.h"
#include "cli/notice.h"
#include "cli/progress.h"
#include "cli/verify_report.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>

enum {
    SAMPLE_KEYS = 10000,
    SAMPLE_MAX = 1000000000,
    SAMPLE_BYTES = 128 * 1024 * 1024,
    SHOWN_KEYS = 3,
    SHOWN_MAX = 10000,
    READER_TIMEOUT_MS = 30000, /* nobody waits for an answer */
};

/* How many differences there may be. */
struct allowance {
    double number;
    bool is_share; /* of the keys that were compared, in percent */
};

struct verify_job {
    const struct options *options;
    struct settings settings;
    struct verify_stores stores;
    struct verify_request request;
    struct allowance allowance;
    struct progress progress;
};

static void tell_progress(void *context, const char *view, enum verify_phase phase, uint64_t rows,
                          uint64_t expected)
{
    struct verify_job *job = context;
    static const char *const units[] = {[VERIFY_READS_ONLINE] = "keys found online",
                                        [VERIFY_READS_HISTORY] = "rows of history read",
                                        [VERIFY_LOOKS_AGAIN] = "rows of history read again"};
    const struct progress_step step = {
        .phase = phase == VERIFY_READS_HISTORY
                     ? view
                     : arena_printf(job->options->arena, "%s%s", view,
                                    phase == VERIFY_LOOKS_AGAIN ? ", once more" : ", online"),
        .unit = units[phase],
        .count = rows,
        .share = expected > 0 ? (double)rows / (double)expected : 0,
    };
    progress_tell(&job->progress, &step);
}

/* Options ------------------------------------------------------------------------------------- */

static bool read_number(const char *text, size_t least, size_t most, size_t *number)
{
    char *end;
    errno = 0;
    unsigned long long read = strtoull(text, &end, 10);
    if (*text < '0' || *text > '9' || *end || errno || read < least || read > most)
        return false;
    *number = (size_t)read;
    return true;
}

static enum status read_sample(const struct options *options, size_t *sample, struct error *err)
{
    const char *text = option_text(options, "--sample");
    *sample = text ? 0 : SAMPLE_KEYS;
    if (!text || strcmp(text, "all") == 0 || read_number(text, 1, SAMPLE_MAX, sample))
        return STATUS_OK;
    return fail(err, STATUS_INVALID, "--sample: \"%s\" is neither all nor a number of keys", text);
}

static enum status read_show(const struct options *options, size_t *show, struct error *err)
{
    const char *text = option_text(options, "--show");
    *show = SHOWN_KEYS;
    if (!text || read_number(text, 0, SHOWN_MAX, show))
        return STATUS_OK;
    return fail(err, STATUS_INVALID, "--show: \"%s\" is not a number up to %d", text, SHOWN_MAX);
}

static enum status read_allowance(const struct options *options, struct allowance *allowance,
                                  struct error *err)
{
    const char *text = option_text(options, "--allow");
    char *end;
    if (!text)
        return STATUS_OK;
    allowance->number = strtod(text, &end);
    allowance->is_share = *end == '%';
    end += allowance->is_share;
    if (*text < '0' || *text > '9' || *end || !(allowance->number <= 1e15))
        return fail(err, STATUS_INVALID,
                    "--allow: \"%s\" is neither a number of keys nor a share of them, as in 10 "
                    "or 0.1%%",
                    text);
    return STATUS_OK;
}

static enum status read_request(struct verify_job *job, struct error *err)
{
    const struct options *options = job->options;
    struct verify_request *request = &job->request;
    request->bytes_max = SAMPLE_BYTES;
    request->views = option_texts(options, "--view", &request->view_count);
    if (request->view_count == 0)
        request->views = NULL;
    enum status status = read_sample(options, &request->sample, err);
    if (!status)
        status = read_show(options, &request->show, err);
    return status ? status : read_allowance(options, &job->allowance, err);
}

/* Results ------------------------------------------------------------------------------------- */

static struct verify_report make_report(const struct verify_job *job,
                                        const struct verified_view *views, size_t count,
                                        const struct error *err)
{
    struct verify_report report = {
        .views = views, .count = count, .error = err ? err->message : NULL};
    for (size_t i = 0; i < count; i++) {
        report.keys += views[i].keys;
        for (int verdict = 0; verdict < VERDICT_COUNT; verdict++)
            if (verdict_is_difference((enum verdict)verdict))
                report.differences += views[i].counts[verdict];
    }
    double allowed = job->allowance.number;
    if (job->allowance.is_share)
        allowed *= (double)report.keys / 100;
    report.is_within = (double)report.differences <= allowed;
    return report;
}

/* What people have to know beside the table; the code to end with. */
static int tell_outcome(const struct verify_job *job, const struct verify_report *report)
{
    struct arena *arena = job->options->arena;
    int code = report->is_within ? EXIT_DONE : EXIT_FAILED;
    uint64_t recent = 0, extra = 0;
    char differences[COUNT_TEXT_SIZE], keys[COUNT_TEXT_SIZE];
    for (size_t i = 0; i < report->count; i++) {
        const struct verified_view *view = &report->views[i];
        recent += view->recent;
        extra += view->counts[VERDICT_EXTRA];
        if (view->state == VERIFY_COMPARED)
            continue;
        notice(NOTICE_FAILURE, "%s was not compared: %s", view->view, verify_reason(view, arena));
        code = EXIT_FAILED;
    }
    if (report->differences)
        notice(report->is_within ? NOTICE_WARNING : NOTICE_FAILURE,
               "%s of %s %s differ%s between history and the online store",
               count_format(report->differences, differences), count_format(report->keys, keys),
               report->keys == 1 ? "key" : "keys", report->differences == 1 ? "s" : "");
    if (recent)
        notice(NOTICE_HINT,
               "history's rows of %s of them lie within the lookback of their source: the next "
               "larder materialize reads those again",
               count_format(recent, differences));
    if (extra)
        notice(NOTICE_HINT, "rows that history has not leave with larder materialize --rebuild");
    return code;
}

static int print_report(const struct verify_job *job, const struct verify_report *report)
{
    if (job->options->json)
        return command_print_json(verify_report_to_json(report));
    verify_report_print(report, job->options->arena);
    char keys[COUNT_TEXT_SIZE];
    if (!report->error && report->keys && !report->differences)
        printf("%s %s compared: no difference\n", count_format(report->keys, keys),
               report->keys == 1 ? "key" : "keys");
    return EXIT_DONE;
}

/* The work ------------------------------------------------------------------------------------ */

static int verify_with(struct verify_job *job)
{
    struct error err;
    struct catalog catalog;
    struct verified_view *views;
    size_t count;
    struct arena *arena = job->options->arena;
    if (registry_read(job->stores.registry, job->settings.project, arena, &catalog, &err))
        return command_failed(&err);
    progress_init(&job->progress);
    progress_keep_telling(&job->progress);
    job->request.catalog = &catalog;
    job->request.progress = tell_progress;
    job->request.context = job;
    job->request.stop = interrupt_watch();
    offline_store_stop_on(job->stores.offline, job->request.stop);
    enum status status = verify(&job->stores, &job->request, arena, &views, &count, &err);
    progress_close(&job->progress);
    if (status && !views)
        return command_refused(&err);
    struct verify_report report = make_report(job, views, count, status ? &err : NULL);
    int code = print_report(job, &report);
    int outcome = tell_outcome(job, &report);
    if (status)
        return command_failed(&err);
    return code ? code : outcome;
}

static enum status open_stores(struct verify_job *job, struct error *err)
{
    struct settings *settings = &job->settings;
    if (settings->online_store.timeout_ms < READER_TIMEOUT_MS)
        settings->online_store.timeout_ms = READER_TIMEOUT_MS;
    enum status status = registry_open(settings, &job->stores.registry, err);
    if (!status)
        status = offline_store_open(settings, &job->stores.offline, err);
    if (!status)
        status = online_store_open(settings, &job->stores.online, err);
    return status;
}

static int run(const struct options *options)
{
    struct verify_job job = {.options = options};
    struct error err;
    if (read_request(&job, &err))
        return command_misused(&err);
    int code = command_read_settings(options, &job.settings);
    if (code)
        return code;
    code = open_stores(&job, &err) ? command_failed(&err) : verify_with(&job);
    online_store_close(job.stores.online);
    offline_store_close(job.stores.offline);
    registry_close(job.stores.registry);
    return code;
}

static const struct option_spec verify_options[] = {
    {"--view", OPTION_TEXTS, "V", "only this feature view; may be given again"},
    {"--sample", OPTION_TEXT, "N|all", "at most so many keys of a view (default: 10000)"},
    {"--allow", OPTION_TEXT, "N|N%", "so many keys may differ, or such a share (default: 0)"},
    {"--show", OPTION_TEXT, "N", "so many keys of each kind and view (default: 3)"},
};

const struct command command_verify = {
    .name = "verify",
    .summary = "compare what is served with history, bit by bit",
    .synopsis = "[-C DIR] [--view V]... [--sample N|all] [--allow N|N%]",
    .text = "Reads the rows that are online and the latest rows of history, compares them\n"
            "value by value, and tells of keys whose row is\n"
            "\n"
            "  missing    in history, and not online\n"
            "  extra      online, and not in history\n"
            "  stale      an earlier one than the last run of materialize has to have seen\n"
            "  different  of the same times, with other values\n"
            "\n"
            "What differs is looked at again a second later, and counts only if it still\n"
            "does. Two counts are no differences: behind, history has gained rows since the\n"
            "last run; ambiguous, several rows of one key and time have different values,\n"
            "and one of them is served.\n"
            "\n"
            "Which keys are compared their hash decides, so runs agree. Exit 1 if more keys\n"
            "differ than --allow says, or if a view could not be compared. Changes nothing.\n",
    .options = verify_options,
    .option_count = COUNT_OF(verify_options),
    .run = run,
};
