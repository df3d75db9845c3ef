/* training_set.c - `larder training-set`: rows with the features as of their times. */
#include "training/training_set.h"

#include "base/timestamp.h"
#include "cli/command.h"
#include "cli/interrupt.h"
#include "cli/progress.h"
#include "cli/references.h"
#include "store/registry/registry.h"

#include <jansson.h>
#include <stdio.h>

static void tell_progress(void *context, enum training_phase phase, uint64_t rows)
{
    static const char *const words[] = {
        [TRAINING_READS_ASKS] = "asking rows read",
        [TRAINING_JOINS] = "rows joined; the database is at work",
        [TRAINING_WRITES] = "rows written",
    };
    char count[COUNT_TEXT_SIZE];
    if (phase == TRAINING_JOINS)
        progress_tell(context, "the database is joining");
    else
        progress_tell(context, "%s %s", count_format(rows, count), words[phase]);
}

static int print_report(const struct options *options, const struct training_request *request,
                        const struct training_report *report, double seconds)
{
    const struct join_counts *joined = &report->joined;
    if (options->json) {
        json_t *values = json_object();
        for (int i = 0; i < VALUE_STATUS_COUNT; i++)
            json_object_set_new(values, value_status_name((enum value_status)i),
                                json_integer((json_int_t)report->values[i]));
        return command_print_json(
            json_pack("{s:s, s:I, s:o, s:I, s:I, s:I, s:I, s:f}", "out", request->out_path, "rows",
                      (json_int_t)report->rows, "values", values, "recorded_later",
                      (json_int_t)report->recorded_later, "left_out", (json_int_t)joined->left_out,
                      "unknown_created", (json_int_t)joined->unknown_created, "misfits",
                      (json_int_t)joined->misfits, "seconds", seconds));
    }
    char text[COUNT_TEXT_SIZE];
    fprintf(stderr, "%s rows in %.2f s to %s\n", count_format(report->rows, text), seconds,
            request->out_path);
    for (int i = 0; i < VALUE_STATUS_COUNT; i++)
        fprintf(stderr, "  %14s values %s\n", count_format(report->values[i], text),
                value_status_name((enum value_status)i));
    if (report->recorded_later)
        fprintf(stderr,
                "%s values were recorded after their row's time; --as-known leaves such "
                "out\n",
                count_format(report->recorded_later, text));
    if (joined->left_out)
        fprintf(stderr,
                "%s source rows left out for a null or infinite event time, or a null "
                "key\n",
                count_format(joined->left_out, text));
    if (joined->unknown_created)
        fprintf(stderr, "%s source rows left out for an unknown created time\n",
                count_format(joined->unknown_created, text));
    if (joined->misfits)
        fprintf(stderr, "%s values do not fit their feature and read as null\n",
                count_format(joined->misfits, text));
    return EXIT_DONE;
}

static int make(const struct options *options, const struct settings *settings,
                struct training_request *request)
{
    struct error err;
    struct progress progress;
    struct training_report report;
    struct offline_store *store = NULL;
    progress_init(&progress);
    request->progress = tell_progress;
    request->context = &progress;
    request->stop = interrupt_watch();
    enum status status = offline_store_open(settings, &store, &err);
    if (!status)
        status = training_set_make(store, request, &report, &err);
    offline_store_close(store);
    progress_end(&progress);
    double seconds = (double)(timestamp_monotonic_us() - progress.started_us) / 1e6;
    return status ? command_failed(&err) : print_report(options, request, &report, seconds);
}

static enum status read_request(const struct options *options, struct training_request *request,
                                struct error *err)
{
    bool has_as_of;
    request->asks_path = option_text(options, "--entities");
    request->out_path = option_text(options, "--out");
    request->as_known = option_flag(options, "--as-known");
    request->with_status = option_flag(options, "--with-status");
    if (!request->asks_path || !request->out_path)
        return fail(err, STATUS_INVALID, "training-set needs --entities FILE and --out FILE");
    enum status status = option_time(options, "--as-of", &request->as_of_us, &has_as_of, err);
    if (!has_as_of)
        request->as_of_us = AS_OF_NOW;
    return status;
}

static enum status read_catalog(const struct options *options, const struct settings *settings,
                                struct catalog *catalog, struct error *err)
{
    struct registry *registry;
    enum status status = registry_open(settings, &registry, err);
    if (status)
        return status;
    status = registry_read(registry, settings->project, options->arena, catalog, err);
    registry_close(registry);
    return status;
}

static int run(const struct options *options)
{
    struct settings settings;
    struct catalog catalog;
    struct selection selection;
    struct training_request request = {.selection = &selection};
    struct error err;
    if (read_request(options, &request, &err))
        return command_misused(&err);
    int code = command_read_settings(options, &settings);
    if (code)
        return code;
    if (read_catalog(options, &settings, &catalog, &err))
        return command_failed(&err);
    if (references_select(options, &catalog.definitions, &selection, &err))
        return command_refused(&err);
    return make(options, &settings, &request);
}

static const struct option_spec training_set_options[] = {
    REFERENCES_OPTIONS,
    {"--entities", OPTION_TEXT, "F.csv", "the rows that ask; - is standard input"},
    {"--out", OPTION_TEXT, "F.csv", "where the training set goes"},
    {"--as-known", OPTION_FLAG, NULL, "only what was recorded by each row's time"},
    {"--as-of", OPTION_TEXT, "T", "only what was recorded by T: the same file again"},
    {"--with-status", OPTION_FLAG, NULL, "add f__status and f__event_time columns"},
};

const struct command command_training_set = {
    .name = "training-set",
    .summary = "rows with the features as they were at each row's time",
    .synopsis = "--entities F --out F --service S|--features V:F,...",
    .text = "Takes a CSV with the join keys and event_timestamp, and gives the same rows, in\n"
            "their order, each with the newest values at or before its time and no older\n"
            "than ttl. Its other columns pass through.\n"
            "\n"
            "Without --as-known later corrections count; with it a row sees only what had\n"
            "been recorded by its time, which is what serving would have answered then.\n",
    .options = training_set_options,
    .option_count = COUNT_OF(training_set_options),
    .run = run,
};
