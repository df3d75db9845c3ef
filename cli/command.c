/* command.c - what all commands do alike; see command.h. */
#include "cli/command.h"

#include <jansson.h>
#include <stdio.h>

int command_failed(const struct error *err)
{
    fprintf(stderr, "larder: %s\n", err->message);
    return EXIT_FAILED;
}

int command_misused(const struct error *err)
{
    command_failed(err);
    return EXIT_USAGE;
}

int command_refused(const struct error *err)
{
    bool misused = err->status == STATUS_INVALID || err->status == STATUS_NOT_FOUND;
    return misused ? command_misused(err) : command_failed(err);
}

bool command_lacks(const struct options *options, const char *option)
{
    bool given = option_flag(options, option);
    if (given)
        fprintf(stderr, "larder: %s is not possible yet\n", option);
    return given;
}

static void tell_problem(const struct problem *problem)
{
    const struct place *place = &problem->place;
    if (place->file && place->line)
        fprintf(stderr, "%s:%u:%u: %s\n", place->file, place->line, place->column, problem->text);
    else if (place->file)
        fprintf(stderr, "%s: %s\n", place->file, problem->text);
    else
        fprintf(stderr, "larder: %s\n", problem->text);
}

/* Problems say more than the error, which then only repeats the first of them. */
static int tell_problems(struct problems *problems, const struct error *err)
{
    if (problems->count == 0)
        return command_misused(err);
    problems_sort(problems);
    for (size_t i = 0; i < problems->count; i++)
        tell_problem(&problems->items[i]);
    return EXIT_USAGE;
}

int command_read_repository(const struct options *options, struct repository *repository)
{
    struct error err;
    struct problems problems;
    problems_init(&problems, options->arena);
    if (repository_read(options->directory, options->arena, repository, &problems, &err))
        return tell_problems(&problems, &err);
    return EXIT_DONE;
}

int command_read_settings(const struct options *options, struct settings *settings)
{
    struct error err;
    struct problems problems;
    problems_init(&problems, options->arena);
    if (repository_read_settings(options->directory, options->arena, settings, &problems, &err))
        return tell_problems(&problems, &err);
    return EXIT_DONE;
}

int command_print_json(struct json_t *json)
{
    int failed = json_dumpf(json, stdout, JSON_INDENT(2) | JSON_PRESERVE_ORDER);
    json_decref(json);
    if (failed || fputc('\n', stdout) == EOF || fflush(stdout)) {
        fprintf(stderr, "larder: cannot write to standard output\n");
        return EXIT_FAILED;
    }
    return EXIT_DONE;
}
