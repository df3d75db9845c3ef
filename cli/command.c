/* command.c - what all commands do alike; see command.h. */
#include "cli/command.h"

#include "base/log.h"
#include "cli/notice.h"

#include <jansson.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int command_failed(const struct error *err)
{
    notice_error(err);
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
        notice(NOTICE_FAILURE, "%s is not possible yet", option);
    return given;
}

int command_tell_problems(struct problems *problems, const struct error *err)
{
    if (problems->count == 0)
        return command_misused(err);
    problems_sort(problems);
    for (size_t i = 0; i < problems->count; i++)
        notice_mistake(&problems->items[i].place, problems->items[i].text);
    return EXIT_USAGE;
}

static void use_log(const struct log_settings *settings)
{
    log_set_level(settings->level);
    log_set_format(settings->format);
}

int command_read_repository(const struct options *options, struct repository *repository)
{
    struct error err;
    struct problems problems;
    problems_init(&problems, options->arena);
    if (repository_read(options->directory, options->arena, repository, &problems, &err))
        return command_tell_problems(&problems, &err);
    use_log(&repository->settings.log);
    return EXIT_DONE;
}

int command_read_settings(const struct options *options, struct settings *settings)
{
    struct error err;
    struct problems problems;
    problems_init(&problems, options->arena);
    if (repository_read_settings(options->directory, options->arena, settings, &problems, &err))
        return command_tell_problems(&problems, &err);
    use_log(&settings->log);
    return EXIT_DONE;
}

void command_hint_at_folder(const struct options *options, const char *path)
{
    if (!path || *path == '/' || strcmp(path, "-") == 0 || access(path, F_OK) == 0)
        return;
    const char *there = arena_printf(options->arena, "%s/%s", options->directory, path);
    if (access(there, F_OK) == 0)
        notice(NOTICE_HINT, "there is %s: files are named from here, not from -C", there);
}

/* Seconds are the only reals here, and microseconds are enough of them. */
enum { REAL_DIGITS = 9 };

int command_print_json(struct json_t *json)
{
    int failed = json_dumpf(
        json, stdout, JSON_INDENT(2) | JSON_PRESERVE_ORDER | JSON_REAL_PRECISION(REAL_DIGITS));
    json_decref(json);
    return command_end_output(!failed && fputc('\n', stdout) != EOF);
}

bool command_reader_has_left(void)
{
    struct pollfd out = {.fd = STDOUT_FILENO, .events = POLLOUT};
    return poll(&out, 1, 0) == 1 && (out.revents & POLLERR);
}

int command_end_output(bool written)
{
    if (written && fflush(stdout) == 0 && !ferror(stdout))
        return EXIT_DONE;
    if (command_reader_has_left())
        return EXIT_FAILED;
    notice(NOTICE_FAILURE, "cannot write to standard output");
    return EXIT_FAILED;
}
