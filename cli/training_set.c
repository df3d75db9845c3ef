/* training_set.c - `larder training-set`: rows with the features as of their times. */
#include "training/training_set.h"

#include "base/timestamp.h"
#include "cli/command.h"
#include "cli/interrupt.h"
#include "cli/notice.h"
#include "cli/progress.h"
#include "cli/query_option.h"
#include "cli/references.h"
#include "cli/remake.h"
#include "cli/store_opening.h"
#include "cli/table.h"
#include "cli/training_absence.h"
#include "cli/training_explain.h"
#include "store/registry/registry.h"
#include "training/formats/output_file.h"
#include "training/manifest.h"

#include <jansson.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

struct telling {
    struct progress progress;
    bool is_quiet; /* while it writes: the rows may go to the same terminal */
};

static void tell_progress(void *context, enum training_phase phase, uint64_t rows, uint64_t asked)
{
    struct telling *telling = context;
    static const char *const phases[] = {[TRAINING_READS_ASKS] = "reading what is asked",
                                         [TRAINING_JOINS] = "the database is joining",
                                         [TRAINING_WRITES] = "writing"};
    const struct progress_step step = {
        .phase = phases[phase],
        .unit = phase == TRAINING_JOINS ? NULL : "rows",
        .count = rows,
        .of = asked,
        .share = asked > 0 ? (double)rows / (double)asked : 0,
    };
    if (phase == TRAINING_WRITES && telling->is_quiet)
        progress_end(&telling->progress);
    else
        progress_tell(&telling->progress, &step);
}

/* Without --with-status rows beyond ttl are not looked for: too old and not there look alike. */
static bool tells_apart(const struct training_request *request, int status)
{
    return request->with_status || status != (int)VALUE_OUTSIDE_MAX_AGE;
}

/* Of source rows, which may not have been counted. */
static json_t *count_of_source(const struct join_counts *joined, uint64_t count)
{
    return joined->is_uncounted ? json_null() : json_integer((json_int_t)count);
}

static int print_report_json(const struct training_request *request,
                             const struct manifest *manifest, const struct training_report *report,
                             double seconds)
{
    bool is_kept = !report->is_other || request->keep_other;
    json_t *values = json_object();
    for (int i = 0; i < VALUE_STATUS_COUNT; i++)
        json_object_set_new(values, value_status_name((enum value_status)i),
                            tells_apart(request, i) ? json_integer((json_int_t)report->values[i])
                                                    : json_null());
    const struct join_counts *joined = &report->joined;
    return command_print_json(json_pack(
        "{s:s?, s:s?, s:s, s:o, s:I, s:o, s:I, s:o, s:o, s:o, s:I, s:I, s:f}", "out",
        is_kept ? request->out_path : NULL, "manifest", is_kept ? request->manifest_path : NULL,
        "sha256", manifest->out.sha256, "same_again",
        request->again ? json_boolean(!report->is_other) : json_null(), "rows",
        (json_int_t)report->rows, "values", values, "recorded_later",
        (json_int_t)report->recorded_later, "left_out", count_of_source(joined, joined->left_out),
        "long_keys", count_of_source(joined, joined->long_keys), "unknown_created",
        count_of_source(joined, joined->unknown_created), "misfits", (json_int_t)joined->misfits,
        "put_aside_bytes", (json_int_t)report->put_aside_bytes, "seconds", seconds));
}

static void tell_count(uint64_t count, const char *what)
{
    char text[COUNT_TEXT_SIZE];
    if (count)
        fprintf(stderr, "%s: %s\n", what, count_format(count, text));
}

static void tell_report(const struct training_request *request,
                        const struct training_report *report, double seconds, struct arena *arena)
{
    static const char *const titles[] = {"STATUS", "VALUES"};
    static const bool right[] = {false, true};
    char text[COUNT_TEXT_SIZE];
    fprintf(stderr, "%s row%s in %.2f s to %s\n", count_format(report->rows, text),
            report->rows == 1 ? "" : "s", seconds, output_name(request->out_path));
    struct table table;
    table_init(&table, arena, COUNT_OF(titles), titles, right);
    for (int i = 0; i < VALUE_STATUS_COUNT; i++) {
        bool within_ttl = !request->with_status && i == (int)VALUE_NOT_FOUND;
        const char *const cells[] = {arena_printf(arena, "%s%s",
                                                  value_status_name((enum value_status)i),
                                                  within_ttl ? " within ttl" : ""),
                                     count_format(report->values[i], text)};
        if (tells_apart(request, i))
            table_add(&table, cells);
    }
    table_print(&table, stderr, "  ");
    tell_count(report->recorded_later,
               "values recorded after their row's time, which --as-known leaves out");
    tell_count(report->joined.left_out,
               "source rows left out for a null or infinite event time, or a null key");
    tell_count(report->joined.long_keys, "source rows left out for a key longer than 480 bytes");
    tell_count(report->joined.unknown_created, "source rows left out for an unknown created time");
    tell_count(report->joined.misfits, "values that do not fit their feature, and read as null");
    tell_count(report->put_aside_bytes,
               "bytes that training: memory: did not hold, put aside on disk");
}

/* What is there now, and whether it is what was wanted. */
static int tell_outcome(const struct options *options, const struct settings *settings,
                        const struct training_request *request, const struct remake *remake,
                        const struct manifest *manifest, const struct training_report *report,
                        double seconds)
{
    int code = EXIT_DONE;
    if (options->json)
        code = print_report_json(request, manifest, report, seconds);
    else if (!report->is_other || request->keep_other)
        tell_report(request, report, seconds, options->arena);
    if (request->again)
        remake_tell(remake, request, manifest, report->is_other, options->arena);
    else if (!options->json)
        training_absence_explain(options, settings, request, manifest, report);
    return report->is_other ? EXIT_FAILED : code;
}

static int make(const struct options *options, const struct settings *settings,
                const struct remake *remake, struct training_request *request,
                struct store_opening *opening)
{
    struct error err;
    struct telling telling = {.is_quiet = output_is_standard(request->out_path)};
    struct progress *progress = &telling.progress;
    struct manifest manifest;
    struct training_report report = {0};
    struct offline_store *store = NULL;
    progress_init(progress);
    telling.is_quiet = telling.is_quiet && progress->is_terminal;
    progress_keep_telling(progress);
    request->progress = tell_progress;
    request->context = &telling;
    enum status status = store_opening_take(opening, &store, &err);
    if (!status)
        offline_store_stop_on(store, request->stop);
    if (!status)
        status = training_set_make(store, request, options->arena, &manifest, &report, &err);
    offline_store_close(store);
    progress_close(progress);
    double seconds = (double)(timestamp_monotonic_us() - progress->started_us) / 1e6;
    if (status && output_is_standard(request->out_path) && command_reader_has_left())
        return EXIT_FAILED;
    if (status)
        return report.refused ? command_misused(&err) : command_failed(&err);
    return tell_outcome(options, settings, request, remake, &manifest, &report, seconds);
}

/* The rows that ask are somebody's work: they are not to be lost by a slip. */
static bool is_one_file(const char *a, const char *b)
{
    struct stat left, right;
    if (stat(a, &left) || stat(b, &right))
        return strcmp(a, b) == 0 && output_is_plain(a);
    return S_ISREG(left.st_mode) && left.st_dev == right.st_dev && left.st_ino == right.st_ino;
}

static enum status check_apart(const char *option, const char *path, const char *other,
                               const char *what, struct error *err)
{
    if (!path || !other || !is_one_file(path, other))
        return STATUS_OK;
    return fail(err, STATUS_INVALID, "%s would overwrite %s, %s; give it another file", option,
                other, what);
}

/* A manifest stands beside its file, unless it is said where. Made again without --out, the file is
 * the same, and its manifest stays. */
static void place_manifest(const struct options *options, struct training_request *request)
{
    request->manifest_path = option_text(options, "--manifest");
    bool is_new = !request->again || request->keep_other;
    if (!request->manifest_path && is_new && output_is_plain(request->out_path))
        request->manifest_path =
            arena_printf(options->arena, "%s" MANIFEST_ENDING, request->out_path);
}

static enum status check_files(const struct options *options,
                               const struct training_request *request, struct error *err)
{
    static const char asks[] = "the rows that ask";
    const char *manifest = request->manifest_path;
    enum status status = check_apart("--out", request->out_path, request->asks_path, asks, err);
    if (!status)
        status = check_apart("the manifest", manifest, request->asks_path, asks, err);
    if (!status)
        status = check_apart("--manifest", manifest, request->out_path, "the training set", err);
    if (!status && options->json && output_is_standard(request->out_path))
        status = fail(err, STATUS_INVALID,
                      "--json and the training set both want standard output; "
                      "give --out a file");
    return status;
}

static enum status read_format(const struct options *options, struct training_request *request,
                               struct error *err)
{
    const char *name = option_text(options, "--format");
    if (!name)
        return table_format_of(request->out_path, &request->format, err);
    if (table_format_named(name, &request->format, err))
        return fail_within(err, "--format");
    return STATUS_OK;
}

static enum status read_strategy(const struct options *options, enum join_strategy *strategy,
                                 struct error *err)
{
    const char *text = option_text(options, "--strategy");
    *strategy = JOIN_BY_COST;
    if (text && strcmp(text, "probe") == 0)
        *strategy = JOIN_PROBE;
    else if (text && strcmp(text, "pass") == 0)
        *strategy = JOIN_PASS;
    else if (text)
        return fail(err, STATUS_INVALID, "--strategy is probe or pass, not \"%s\"", text);
    return STATUS_OK;
}

static enum status read_call(const struct options *options, struct manifest_origin *origin,
                             struct training_request *request, struct error *err)
{
    bool has_as_of;
    request->asks_path = option_text(options, "--entities");
    request->out_path = option_text(options, "--out");
    request->as_known = option_flag(options, "--as-known");
    request->with_status = option_flag(options, "--with-status");
    const char *query = option_text(options, "--entities-query");
    if (!request->out_path)
        request->out_path = "-"; /* --explain, which writes nothing */
    enum status status = read_format(options, request, err);
    if (!status && query)
        status = query_text_given(query, options->arena, &request->asks_query, err);
    if (status)
        return status;
    status = option_time(options, "--as-of", &request->as_of_us, &has_as_of, err);
    if (!has_as_of)
        request->as_of_us = AS_OF_NOW;
    size_t count;
    const struct bytes *parts = references_split(options, &count);
    const char **references = arena_array(options->arena, count, sizeof *references);
    for (size_t i = 0; i < count; i++)
        references[i] = arena_text_of(options->arena, parts[i]);
    *origin = (struct manifest_origin){
        .service = option_text(options, "--service"),
        .references = references,
        .reference_count = count,
        .full_names = option_flag(options, "--full-names"),
    };
    request->origin = origin;
    return status;
}

static enum status check(const struct options *options, struct error *err)
{
    if (option_text(options, "--from-manifest"))
        return remake_check(options, err);
    bool asks = option_text(options, "--entities");
    bool queries = option_text(options, "--entities-query");
    enum status status = references_check(options, err);
    if (status)
        return status;
    if (!asks && !queries)
        return fail(err, STATUS_INVALID, "training-set needs --entities F, the rows that ask");
    if (asks && queries)
        return fail(err, STATUS_INVALID, "give --entities or --entities-query, not both");
    if (!option_text(options, "--out") && !option_flag(options, "--explain"))
        return fail(err, STATUS_INVALID, "training-set needs --out F, where the rows go");
    return STATUS_OK;
}

static enum status read_request(const struct options *options, struct remake *remake,
                                struct manifest_origin *origin, struct training_request *request,
                                struct error *err)
{
    enum status status = option_text(options, "--from-manifest")
                             ? remake_read(options, remake, request, err)
                             : read_call(options, origin, request, err);
    if (!status)
        status = read_strategy(options, &request->strategy, err);
    if (status)
        return status;
    if (option_flag(options, "--explain"))
        return STATUS_OK;
    place_manifest(options, request);
    return check_files(options, request, err);
}

/* EXIT_DONE, or the code to end with, the reason told. */
static int select_features(const struct options *options, const struct settings *settings,
                           const struct remake *remake, bool again, struct catalog *catalog,
                           struct selection *selection)
{
    struct error err;
    struct registry *registry = NULL;
    struct arena *arena = options->arena;
    enum status status = registry_open(settings, &registry, &err);
    if (!status && again)
        status = remake_select(remake, settings, registry, arena, catalog, selection, &err);
    else if (!status)
        status = registry_read(registry, settings->project, arena, catalog, &err);
    registry_close(registry);
    if (status)
        return status == STATUS_INVALID ? command_misused(&err) : command_failed(&err);
    if (again || !references_select(options, &catalog->definitions, selection, &err))
        return EXIT_DONE;
    int code = command_refused(&err);
    references_hint(options);
    return code;
}

static int run_set(const struct options *options)
{
    struct settings settings;
    struct catalog catalog;
    struct selection selection;
    struct remake remake;
    struct manifest_origin origin = {0};
    struct training_request request = {.catalog = &catalog, .selection = &selection};
    struct error err;
    if (read_request(options, &remake, &origin, &request, &err))
        return command_refused(&err);
    int code = command_read_settings(options, &settings);
    if (code)
        return code;
    struct store_opening opening;
    store_opening_begin(&opening, &settings);
    code =
        select_features(options, &settings, &remake, request.again != NULL, &catalog, &selection);
    if (code) {
        store_opening_drop(&opening);
        return code;
    }
    request.memory_bytes = settings.training_memory_bytes;
    request.stop = interrupt_watch();
    if (option_flag(options, "--explain"))
        return training_explain(options, &request, &opening);
    origin.project = settings.project;
    origin.registry_schema = settings.registry_schema;
    origin.offline_store = settings.offline_store.type;
    if (request.again)
        remake_warn(&remake, &request);
    return make(options, &settings, &remake, &request, &opening);
}

/* The training set was given, beside which its manifest stands. */
static void hint_at_manifest(const struct options *options)
{
    const char *path = option_text(options, "--from-manifest");
    const char *beside = path ? arena_printf(options->arena, "%s" MANIFEST_ENDING, path) : NULL;
    if (beside && access(beside, F_OK) == 0)
        notice(NOTICE_HINT, "its manifest is %s", beside);
}

static int run(const struct options *options)
{
    int code = run_set(options);
    const char *query = option_text(options, "--entities-query");
    if (!code)
        return code;
    command_hint_at_folder(options, option_text(options, "--entities"));
    command_hint_at_folder(options, option_text(options, "--from-manifest"));
    hint_at_manifest(options);
    command_hint_at_folder(options, query && *query == '@' ? query + 1 : NULL);
    return code;
}

static const struct option_spec training_set_options[] = {
    REFERENCES_OPTIONS,
    {"--entities", OPTION_TEXT, "F", "the rows that ask, CSV or Arrow; - is standard input"},
    {"--entities-query", OPTION_TEXT, "SQL",
     "or what this gives, in the offline store; @F is a file"},
    {"--out", OPTION_TEXT, "F", "where the training set goes; - is standard output"},
    {"--format", OPTION_TEXT, "NAME", "csv, arrow, arrow-stream or parquet; else by F's end"},
    {"--as-known", OPTION_FLAG, NULL, "only what was recorded by each row's time"},
    {"--as-of", OPTION_TEXT, "T", "only what was recorded by T: the same file again"},
    {"--with-status", OPTION_FLAG, NULL, "add f__status and f__event_time columns"},
    {"--manifest", OPTION_TEXT, "F", "where its manifest goes; else beside the training set"},
    {"--from-manifest", OPTION_TEXT, "F", "make again what this manifest tells of"},
    {"--explain", OPTION_FLAG, NULL, "say how each view would be answered, and make nothing"},
    {"--strategy", OPTION_TEXT, "S", "probe or pass, instead of what costs less"},
};

const struct command command_training_set = {
    .name = "training-set",
    .summary = "rows with the features as they were at each row's time",
    .synopsis = "(--service S|--features V:F,...) --entities F --out F",
    .text = "Takes rows with the join keys and event_timestamp (a CSV, Arrow, or what a query\n"
            "gives), and gives the same rows, in their order, each with the newest values at\n"
            "or before its time and no older than ttl. Their other columns pass through.\n"
            "\n"
            "Without --as-known later corrections count; with it a row sees only what had\n"
            "been recorded by its time, which is what serving would have answered then.\n"
            "\n"
            "Beside the file stands a manifest: what it was made from, and its SHA-256.\n"
            "--from-manifest F.csv.manifest.json, alone, makes the same bytes again where\n"
            "--as-of was given and sources are only added to, or says what has changed, and\n"
            "exits 1.\n",
    .options = training_set_options,
    .option_count = COUNT_OF(training_set_options),
    .check = check,
    .run = run,
};
