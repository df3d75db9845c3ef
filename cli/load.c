/* load.c - `larder load`: rows of a CSV into a source's table. */
#include "base/csv.h"
#include "base/timestamp.h"
#include "base/value_text.h"
#include "cli/command.h"
#include "cli/interrupt.h"
#include "cli/load_columns.h"
#include "cli/notice.h"
#include "cli/progress.h"
#include "cli/screen.h"
#include "config/wording.h"
#include "store/offline/offline_store.h"

#include <jansson.h>
#include <stdio.h>
#include <sys/stat.h>

enum { NAMES_TOLD = 12 }; /* in a message */

struct load_job {
    const char *path;
    const struct source *source;
    struct csv_reader *reader;
    struct offline_store *store;
    struct offline_load *load;
    const struct load_column *given;
    size_t given_count;
    struct arena row_arena;
    struct value *values;
    struct progress progress;
    int64_t file_size; /* 0: it is no plain file */
    const atomic_bool *stop;
    bool made;
    uint64_t rows;
    struct load_before before;
};

static enum status open_load(struct load_job *job, const struct definitions *definitions,
                             struct arena *arena, struct error *err)
{
    struct load_columns columns;
    const struct csv_field *header;
    enum status status = load_columns_of(definitions, job->source, arena, &columns, err);
    if (!status)
        status = csv_reader_open(job->path, &job->reader, err);
    if (!status) {
        csv_reader_stop_on(job->reader, job->stop);
        status = csv_reader_next(job->reader, &header, &job->given_count, err);
    }
    if (atomic_load(job->stop))
        status = STATUS_CANCELLED;
    if (status)
        return status;
    if (job->given_count == 0)
        return fail(err, STATUS_INVALID, "%s: the file is empty; it needs a header", job->path);
    status =
        load_columns_match(&columns, job->path, header, job->given_count, arena, &job->given, err);
    if (status)
        return status;
    csv_reader_expect(job->reader, job->given_count);
    job->values = arena_array(arena, job->given_count, sizeof *job->values);
    return offline_load_open(job->store, job->source, columns.items, columns.count, job->given,
                             job->given_count, &job->made, &job->load, err);
}

static enum status parse_field(struct load_job *job, const struct csv_field *field, size_t index,
                               struct error *err)
{
    const struct load_column *column = &job->given[index];
    job->values[index] = value_null(column->type);
    if (field->is_null && (column->role == LOAD_KEY || column->role == LOAD_EVENT_TIME)) {
        fail(err, STATUS_INVALID, "%s is empty; keys and the event time cannot be null",
             column->column);
        return fail_at(err, job->path, field->line, field->column);
    }
    if (field->is_null || value_parse(column->type, field->text, &job->row_arena,
                                      &job->values[index], err) == STATUS_OK)
        return STATUS_OK;
    fail_within(err, "%s", column->column);
    return fail_at(err, job->path, field->line, field->column);
}

static enum status load_row(struct load_job *job, const struct csv_field *fields, struct error *err)
{
    enum status status = STATUS_OK;
    arena_reset(&job->row_arena);
    for (size_t i = 0; i < job->given_count && !status; i++)
        status = parse_field(job, &fields[i], i, err);
    if (status)
        return status;
    size_t culprit = 0;
    status = offline_load_row(job->load, job->values, &culprit, err);
    return status == STATUS_INVALID
               ? fail_at(err, job->path, fields[culprit].line, fields[culprit].column)
               : status;
}

static void tell_progress(struct load_job *job, uint64_t rows)
{
    double bytes = (double)csv_reader_byte_count(job->reader);
    const struct progress_step step = {
        .phase = job->source->table,
        .unit = "rows",
        .count = rows,
        .share = job->file_size > 0 ? bytes / (double)job->file_size : 0,
    };
    progress_tell(&job->progress, &step);
}

static enum status finish(struct load_job *job, struct error *err)
{
    job->before = *offline_load_before(job->load);
    return offline_load_finish(job->load, &job->rows, err);
}

static enum status load_rows(struct load_job *job, struct error *err)
{
    for (uint64_t n = 1;; n++) {
        const struct csv_field *fields;
        size_t count;
        enum status status = csv_reader_next(job->reader, &fields, &count, err);
        /* Standard input has ended then, and its last record is perhaps half of one. */
        if (atomic_load(job->stop))
            status = STATUS_CANCELLED;
        if (!status && count == 0)
            return finish(job, err);
        if (!status)
            status = load_row(job, fields, err);
        if (status)
            return status;
        if (n % 1000 == 0)
            tell_progress(job, n);
    }
}

/* ", which held 4,087 already," */
static const char *held_text(const struct load_before *before, struct arena *arena)
{
    char text[COUNT_TEXT_SIZE];
    if (before->rows == 0)
        return "";
    return arena_printf(arena, ", which held %s%s already,", count_format(before->rows, text),
                        before->rows < LOAD_BEFORE_MAX ? "" : " or more");
}

/* Told, and not refused: a file may well go on where another ended. */
static void warn_of_repeat(const struct load_job *job)
{
    if (job->before.has_first)
        notice(NOTICE_WARNING,
               "%s had a row with the key and the times of the first of these: was %s loaded "
               "before? Rows that stand there twice count once, but take twice the space",
               job->source->table, csv_reader_name(job->reader));
}

static json_t *loaded_to_json(const struct load_job *job, double seconds)
{
    const struct load_before *before = &job->before;
    json_t *json = json_pack("{s:s, s:s, s:I, s:b, s:f}", "source", job->source->about.name,
                             "table", job->source->table, "rows", (json_int_t)job->rows,
                             "made_table", job->made, "seconds", seconds);
    json_object_set_new(json, "rows_before",
                        before->is_known ? json_integer((json_int_t)before->rows) : json_null());
    json_object_set_new(json, "had_first_row",
                        before->is_known ? json_boolean(before->has_first) : json_null());
    return json;
}

static int print_loaded(const struct options *options, struct load_job *job)
{
    double seconds = (double)(timestamp_monotonic_us() - job->progress.started_us) / 1e6;
    if (options->json)
        return command_print_json(loaded_to_json(job, seconds));
    char text[COUNT_TEXT_SIZE];
    const char *line = arena_printf(options->arena, "%s row%s into %s%s in %.2f s%s",
                                    count_format(job->rows, text), job->rows == 1 ? "" : "s",
                                    job->source->table, held_text(&job->before, options->arena),
                                    seconds, job->made ? "; the table was made" : "");
    text_wrap(stdout, line, 0, 2, "");
    warn_of_repeat(job);
    return EXIT_DONE;
}

static int64_t size_of_file(const char *path)
{
    struct stat facts;
    return stat(path, &facts) == 0 && S_ISREG(facts.st_mode) ? facts.st_size : 0;
}

static int load_with(const struct options *options, const struct repository *repository,
                     struct load_job *job)
{
    struct error err;
    progress_init(&job->progress);
    progress_keep_telling(&job->progress);
    job->stop = interrupt_watch();
    job->file_size = size_of_file(job->path);
    arena_init(&job->row_arena, 0);
    enum status status = offline_store_open(&repository->settings, &job->store, &err);
    if (!status) {
        offline_store_stop_on(job->store, job->stop);
        status = open_load(job, &repository->definitions, options->arena, &err);
    }
    if (!status)
        status = load_rows(job, &err);
    if (status == STATUS_CANCELLED && atomic_load(job->stop))
        fail(&err, status, "stopped; nothing was loaded");
    progress_close(&job->progress);
    int code = status ? command_failed(&err) : print_loaded(options, job);
    if (code)
        command_hint_at_folder(options, job->path);
    offline_load_close(job->load);
    offline_store_close(job->store);
    csv_reader_close(job->reader);
    arena_release(&job->row_arena);
    return code;
}

static int unknown_source(const struct options *options, const struct definitions *definitions,
                          const char *name)
{
    const char **names = arena_array(options->arena, definitions->source_count + 1, sizeof *names);
    for (size_t i = 0; i < definitions->source_count; i++)
        names[i] = definitions->sources[i].about.name;
    const struct feature_view *view = definitions_view(definitions, name);
    const char *advice =
        view ? arena_printf(options->arena, "; the feature view of that name reads \"%s\"",
                            view->source->about.name)
             : did_you_mean(options->arena, name, names, definitions->source_count);
    bool has_advice = *advice;
    const char *are = definitions->source_count == 1 ? ": there is " : ": there are ";
    for (size_t i = 0; i < definitions->source_count && i < NAMES_TOLD && !has_advice; i++)
        advice = arena_printf(options->arena, "%s%s%s", advice, i ? ", " : are, names[i]);
    notice(NOTICE_FAILURE, "no source is called %s%s", quoted(options->arena, name), advice);
    return EXIT_USAGE;
}

static enum status check(const struct options *options, struct error *err)
{
    return option_text(options, "--source")
               ? STATUS_OK
               : fail(err, STATUS_INVALID, "load needs --source S, whose table gets the rows");
}

static int run(const struct options *options)
{
    struct repository repository;
    const char *name = option_text(options, "--source");
    int code = command_read_repository(options, &repository);
    if (code)
        return code;
    struct load_job job = {.path = options->words[0]};
    job.source = definitions_source(&repository.definitions, name);
    if (!job.source)
        return unknown_source(options, &repository.definitions, name);
    if (!job.source->table) {
        notice(NOTICE_FAILURE, "source %s is a query; load fills tables only", name);
        return EXIT_USAGE;
    }
    return load_with(options, &repository, &job);
}

static const struct option_spec load_options[] = {
    {"--source", OPTION_TEXT, "S", "the source whose table gets the rows"},
};

const struct command command_load = {
    .name = "load",
    .summary = "rows of a CSV into a source's table",
    .synopsis = "[-C DIR] --source S F.csv",
    .text = "The header names the keys and features of the source, or their columns, and its\n"
            "time columns. A null is an empty field, the empty string is \"\". All rows are\n"
            "loaded, or none; a value that a column would round or cut is refused. Where\n"
            "there is no table yet it is made from the declared types, with the index that\n"
            "serves point-in-time reads. - is standard input.\n"
            "\n"
            "Rows are only ever added. How many the table held before is told, and a warning\n"
            "given where it had a row with the key and the times of the first that is loaded.\n",
    .options = load_options,
    .option_count = COUNT_OF(load_options),
    .least_words = 1,
    .most_words = 1,
    .word = "F.csv, the file with the rows",
    .check = check,
    .run = run,
};
