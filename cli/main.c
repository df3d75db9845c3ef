/*
 * main.c - looks the command up and runs it.
 */
#include "cli/command.h"
#include "cli/help.h"
#include "cli/notice.h"
#include "config/wording.h"

#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

/* In the order of a first day. */
static const struct command *const commands[] = {
    &command_init,   &command_validate,     &command_load,     &command_plan,
    &command_apply,  &command_materialize,  &command_serve,    &command_get,
    &command_health, &command_training_set, &command_status,   &command_verify,
    &command_doctor, &command_list,         &command_describe, &command_teardown,
};

static bool is_any_of(const char *word, const char *one, const char *other)
{
    return strcmp(word, one) == 0 || strcmp(word, other) == 0;
}

static const struct command *find_command(const char *name)
{
    for (size_t i = 0; i < COUNT_OF(commands); i++)
        if (strcmp(commands[i]->name, name) == 0)
            return commands[i];
    return NULL;
}

static int unknown_command(const char *name, struct arena *arena)
{
    static const char *const others[] = {"help", "--help", "--version"};
    const char *names[COUNT_OF(commands) + COUNT_OF(others)];
    for (size_t i = 0; i < COUNT_OF(commands); i++)
        names[i] = commands[i]->name;
    for (size_t i = 0; i < COUNT_OF(others); i++)
        names[COUNT_OF(commands) + i] = others[i];
    const char *near = did_you_mean(arena, name, names, COUNT_OF(names));
    bool is_option = name[0] == '-';
    notice(NOTICE_FAILURE, "unknown %s %s%s", is_option ? "option" : "command", quoted(arena, name),
           near);
    if (!*near)
        notice(NOTICE_HINT, is_option ? "options stand behind the command, all but -C DIR"
                                      : "larder help lists the commands");
    return EXIT_USAGE;
}

/* `larder help`, `larder help COMMAND` */
static int help(int count, char **words, struct arena *arena)
{
    const struct command *command = count > 0 ? find_command(words[0]) : NULL;
    if (count > 0 && !command)
        return unknown_command(words[0], arena);
    if (command)
        help_print_command(stdout, command, arena);
    else
        help_print_overview(stdout, commands, COUNT_OF(commands));
    return EXIT_DONE;
}

static int run_command(const struct command *command, int count, char **arguments,
                       struct options *options)
{
    struct error err;
    if (options_parse(command, count, arguments, options, &err)) {
        command_misused(&err);
        notice(NOTICE_USAGE, "larder %s %s", command->name, command->synopsis);
        return EXIT_USAGE;
    }
    if (!options->help)
        return command->run(options);
    help_print_command(stdout, command, options->arena);
    return EXIT_DONE;
}

static int run_word(int count, char **words, struct options *options)
{
    const struct command *command = find_command(words[0]);
    if (command)
        return run_command(command, count - 1, words + 1, options);
    if (strcmp(words[0], "help") == 0 || is_any_of(words[0], "--help", "-h"))
        return help(count - 1, words + 1, options->arena);
    if (strcmp(words[0], "--version") != 0)
        return unknown_command(words[0], options->arena);
    printf("larder %s\n", LARDER_VERSION);
    return EXIT_DONE;
}

/* -C DIR before the command; returns how many words it took, or -1. */
static int take_directory(int count, char **arguments, struct options *options)
{
    int at = 1;
    while (at < count && strcmp(arguments[at], "-C") == 0) {
        if (at + 1 >= count)
            return -1;
        options->directory = arguments[at + 1];
        at += 2;
    }
    return at;
}

int main(int count, char **arguments)
{
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN);       /* a file that may not grow is an error like any other */
    setlocale(LC_CTYPE, "C.UTF-8"); /* widths of names in tables; numbers stay as in C */
    struct arena arena;
    arena_init(&arena, 0);
    struct options options = {.arena = &arena, .directory = "."};
    int at = take_directory(count, arguments, &options);
    int code = EXIT_USAGE;
    if (at < 0)
        notice(NOTICE_FAILURE, "-C needs a folder: larder -C DIR COMMAND ...");
    else if (at >= count)
        help_print_overview(stderr, commands, COUNT_OF(commands));
    else
        code = run_word(count - at, arguments + at, &options);
    arena_release(&arena);
    /* A full disk behind a redirection is a failure, too. */
    return code == EXIT_DONE ? command_end_output(true) : code;
}
