/* init.c - `larder init`: a working example repository, its times moved up to now. */
#include "base/timestamp.h"
#include "cli/checkup.h"
#include "cli/command.h"
#include "cli/init_folder.h"
#include "cli/init_next.h"
#include "cli/init_stores.h"
#include "cli/init_template.h"
#include "cli/init_times.h"
#include "cli/interrupt.h"
#include "cli/progress.h"
#include "cli/table.h"

#include <errno.h>
#include <jansson.h>
#include <string.h>

struct init_job {
    struct arena *arena;
    const char *directory;
    struct init_template template;
    struct repository repository; /* the template's */
    enum init_stores stores;
    struct bytes settings_yaml; /* what is written as larder.yaml */
    struct settings settings;   /* what that says */
    const atomic_bool *stop;
    int64_t ended_us; /* the template's last hour */
    int64_t ends_us;  /* now, to the minute: so times stay easy to read */
    struct init_next next;
};

/* Writing */

static enum status copy_file(const struct init_file *file, struct init_folder *folder,
                             struct error *err)
{
    char piece[16 * 1024];
    FILE *in = fopen(file->path, "re");
    if (!in)
        return fail(err, STATUS_FAILED, "cannot read %s: %s", file->path, strerror(errno));
    enum status status = STATUS_OK;
    for (size_t size; !status && (size = fread(piece, 1, sizeof piece, in)) > 0;)
        status = init_folder_write(folder, (struct bytes){piece, size}, err);
    if (!status && ferror(in))
        status = fail(err, STATUS_FAILED, "cannot read %s: %s", file->path, strerror(errno));
    fclose(in);
    return status;
}

static enum status write_file(struct init_job *job, struct init_folder *folder,
                              struct init_file *file, struct error *err)
{
    bool is_csv = file->kind == INIT_HISTORY || file->kind == INIT_ASKS;
    enum status status = init_folder_create(folder, file->name, err);
    if (!status && is_csv)
        status = init_times_copy(file, &job->repository.definitions, job->ends_us - job->ended_us,
                                 job->stop, folder, err);
    else if (!status && file->kind == INIT_SETTINGS)
        status = init_folder_write(folder, job->settings_yaml, err);
    else if (!status)
        status = copy_file(file, folder, err);
    return status ? status : init_folder_finish(folder, err);
}

static enum status write_folder(struct init_job *job, struct error *err)
{
    struct init_folder folder;
    enum status status = init_folder_open(job->directory, job->arena, &folder, err);
    for (size_t i = 0; i < job->template.file_count && !status; i++)
        status = write_file(job, &folder, &job->template.files[i], err);
    if (!status)
        status = init_folder_publish(&folder, err);
    init_folder_close(&folder);
    return status;
}

static enum status prepare(struct init_job *job, struct error *err)
{
    enum { MINUTE_US = 60 * 1000 * 1000 };
    const struct definitions *definitions = &job->repository.definitions;
    enum status status = init_template_list(&job->template, definitions, job->arena, err);
    if (!status)
        status = init_times_end(&job->template, definitions, &job->ended_us, err);
    if (!status)
        status =
            init_next_of(&job->template, definitions, job->directory, job->arena, &job->next, err);
    int64_t now_us = timestamp_now();
    job->ends_us = now_us - now_us % MINUTE_US;
    return status;
}

/* Telling */

/* "2013-07-28T22:00Z": the times here are whole minutes. */
static const char *minute_text(int64_t us, struct arena *arena)
{
    char text[TIMESTAMP_TEXT_SIZE];
    timestamp_format(us, text);
    return arena_printf(arena, "%.16sZ", text);
}

static const char *amount_text(int64_t us, struct arena *arena)
{
    char days[COUNT_TEXT_SIZE];
    int64_t minutes = us / (60 * 1000 * 1000);
    count_format((uint64_t)(minutes / 1440), days);
    return arena_printf(arena, "%s days %d h %d min", days, (int)(minutes / 60 % 24),
                        (int)(minutes % 60));
}

static const char *about_file(const struct init_file *file, struct arena *arena)
{
    char count[COUNT_TEXT_SIZE];
    switch (file->kind) {
    case INIT_DOCUMENT:
        return "what all this is: read it first";
    case INIT_SETTINGS:
        return "settings: where the stores are";
    case INIT_DEFINITIONS:
        return "definitions: entities, sources, feature views, a service";
    case INIT_HISTORY:
        return arena_printf(arena, "history: %s rows of the source %s",
                            count_format(file->row_count, count), file->source->about.name);
    case INIT_ASKS:
        return arena_printf(arena, "%s rows that ask for a training set",
                            count_format(file->row_count, count));
    case INIT_PROGRAM:
        return "trains a model with such a training set";
    case INIT_IGNORED:
        return "what git leaves out: stores and training sets";
    }
    return "";
}

static void print_stores(const struct init_job *job)
{
    if (job->stores == INIT_EMBEDDED)
        puts("\nStores, made in that folder when they are needed (larder.yaml has PostgreSQL and\n"
             "Redis beside them):\n");
    else
        puts("\nStores, which have to be there (larder.yaml says how to name others):\n");
    printf("  history      %s\n"
           "  newest rows  %s\n",
           store_place(&job->settings.offline_store, job->arena),
           store_place(&job->settings.online_store, job->arena));
}

static void print_commands(const char *title, const struct init_commands *commands)
{
    printf("\n%s\n\n", title);
    for (size_t i = 0; i < commands->count; i++) {
        const struct init_command *command = &commands->items[i];
        printf("  %s%s%s\n", command->text, command->rest ? " \\\n      " : "",
               command->rest ? command->rest : "");
    }
}

static int print_written(const struct init_job *job)
{
    struct table table;
    printf("%s holds a repository now, of the template %s:\n\n", job->directory,
           job->template.name);
    table_init(&table, job->arena, 2, NULL, NULL);
    for (size_t i = 0; i < job->template.file_count; i++) {
        const struct init_file *file = &job->template.files[i];
        table_add(&table, (const char *const[]){file->name, about_file(file, job->arena)});
    }
    table_print(&table, stdout, "  ");
    printf("\nThe data's last hour ended at %s. All its times were moved by one\n"
           "amount, %s, so that it ended at %s: now.\n",
           minute_text(job->ended_us, job->arena),
           amount_text(job->ends_us - job->ended_us, job->arena),
           minute_text(job->ends_us, job->arena));
    print_stores(job);
    print_commands("What to do next:", &job->next.first);
    print_commands("While it serves, in another shell, in the same folder:",
                   &job->next.while_serving);
    return EXIT_DONE;
}

static json_t *files_json(const struct init_template *template)
{
    json_t *files = json_array();
    for (size_t i = 0; i < template->file_count; i++) {
        const struct init_file *file = &template->files[i];
        json_t *item = json_pack("{s:s}", "name", file->name);
        if (file->kind == INIT_HISTORY || file->kind == INIT_ASKS)
            json_object_set_new(item, "rows", json_integer((json_int_t)file->row_count));
        json_array_append_new(files, item);
    }
    return files;
}

static json_t *commands_json(const struct init_commands *commands, struct arena *arena)
{
    json_t *list = json_array();
    for (size_t i = 0; i < commands->count; i++) {
        const struct init_command *command = &commands->items[i];
        json_array_append_new(
            list,
            json_string(command->rest ? arena_printf(arena, "%s %s", command->text, command->rest)
                                      : command->text));
    }
    return list;
}

static int print_written_json(const struct init_job *job)
{
    char ended[TIMESTAMP_TEXT_SIZE], ends[TIMESTAMP_TEXT_SIZE];
    timestamp_format(job->ended_us, ended);
    timestamp_format(job->ends_us, ends);
    return command_print_json(
        json_pack("{s:s, s:s, s:s, s:s, s:s, s:I, s:o, s:o, s:o}", "directory", job->directory,
                  "template", job->template.name, "stores", init_stores_name(job->stores),
                  "data_ended", ended, "data_ends_now", ends, "moved_seconds",
                  (json_int_t)((job->ends_us - job->ended_us) / 1000000), "files",
                  files_json(&job->template), "next", commands_json(&job->next.first, job->arena),
                  "while_serving", commands_json(&job->next.while_serving, job->arena)));
}

/* The command */

static int read_template(const struct options *options, struct init_job *job)
{
    struct error err;
    const char *name = option_text(options, "--template");
    if (init_template_find(name ? name : "flights", job->arena, &job->template, &err))
        return command_refused(&err);
    struct options reading = *options;
    reading.directory = job->template.folder;
    return command_read_repository(&reading, &job->repository);
}

/* The settings as they are to be written; a variable in them may be wrong. */
static int choose_stores(const struct options *options, struct init_job *job)
{
    struct error err;
    struct problems problems;
    const char *name = option_text(options, "--stores");
    const char *path = arena_printf(job->arena, "%s/larder.yaml", job->template.folder);
    if ((name && init_stores_find(name, &job->stores, &err)) ||
        init_stores_read(path, job->stores, job->arena, &job->settings_yaml, &err))
        return command_refused(&err);
    problems_init(&problems, job->arena);
    if (settings_read_yaml(path, job->settings_yaml, job->arena, &job->settings, &problems))
        return command_tell_problems(&problems, &err);
    return EXIT_DONE;
}

/* DIR stands in the folder of -C, as git has it. */
static const char *directory_of(const struct options *options)
{
    const char *word = options->words[0];
    bool here = strcmp(options->directory, ".") == 0 || word[0] == '/';
    return here ? word : arena_printf(options->arena, "%s/%s", options->directory, word);
}

static int run(const struct options *options)
{
    struct error err;
    struct init_job job = {.arena = options->arena, .directory = directory_of(options)};
    int code = read_template(options, &job);
    if (!code)
        code = choose_stores(options, &job);
    if (code)
        return code;
    job.stop = interrupt_watch();
    enum status status = prepare(&job, &err);
    if (!status)
        status = write_folder(&job, &err);
    if (status)
        return command_refused(&err);
    return options->json ? print_written_json(&job) : print_written(&job);
}

static const struct option_spec init_options[] = {
    {"--template", OPTION_TEXT, "NAME", "flights (the default) or minimal"},
    {"--stores", OPTION_TEXT, "PAIR", "embedded (the default) or postgres-redis"},
};

const struct command command_init = {
    .name = "init",
    .summary = "a working example repository, with data",
    .synopsis = "DIR [--template NAME] [--stores embedded|postgres-redis]",
    .text = "Writes a repository into DIR, which must not be there yet or be empty (git init\n"
            "may have been there): settings, definitions with comments that explain them,\n"
            "history and asking rows as CSV, and a README.md. All of it is written, or\n"
            "nothing. It touches no store; it ends with the commands to give next.\n"
            "\n"
            "  larder init flights                       8 weeks of departures from New York\n"
            "  larder init sensors --template minimal    the smallest thing that works\n"
            "\n"
            "flights: will a flight leave late? Weather, the delays of its carrier, the\n"
            "aircraft; ten thousand flights that ask. minimal: one entity, one source, one\n"
            "feature view, one service, a dozen rows.\n"
            "\n"
            "Its stores are a file (SQLite) and a folder (LMDB) in DIR, which need no server;\n"
            "larder.yaml has PostgreSQL and Redis beside them, as comments. --stores\n"
            "postgres-redis writes it the other way round.\n"
            "\n"
            "The data is years old, and what is older than its ttl is not served. So all\n"
            "times in the CSV files are moved by one amount: the last hour that every source\n"
            "covers ends now. What lay between two times lies between them still.\n"
            "\n"
            "--json prints {\"directory\", \"template\", \"stores\", \"data_ended\",\n"
            "\"data_ends_now\", \"moved_seconds\", \"files\": [{\"name\", \"rows\"}],\n"
            "\"next\": [COMMAND, ...], \"while_serving\": [COMMAND, ...]}; rows are those of CSV\n"
            "files.\n",
    .options = init_options,
    .option_count = COUNT_OF(init_options),
    .least_words = 1,
    .most_words = 1,
    .word = "DIR, the folder to make",
    .run = run,
};
