/*
 * main.c - looks the command up and runs it.
 */
#include "cli/command.h"
#include "config/place.h"

#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

static const struct command *const commands[] = {
    &command_init,     &command_validate,     &command_plan,   &command_apply,
    &command_load,     &command_materialize,  &command_serve,  &command_get,
    &command_health,   &command_training_set, &command_status, &command_list,
    &command_describe, &command_teardown,
};

static int print_overview(FILE *out)
{
    fprintf(out, "Larder, a feature store: history in PostgreSQL, newest values in Redis, served "
                 "over gRPC.\n"
                 "\n"
                 "usage: larder [-C DIR] COMMAND ...\n"
                 "\n");
    for (size_t i = 0; i < COUNT_OF(commands); i++)
        fprintf(out, "  %-13s %s\n", commands[i]->name, commands[i]->summary);
    fprintf(out,
            "\n"
            "larder COMMAND --help tells about each. -C DIR names the folder with larder.yaml\n"
            "(default: here). Exit 0: done; 1: it failed; 2: the call or the definitions are\n"
            "wrong.\n");
    return EXIT_DONE;
}

static int print_help(const struct command *command)
{
    printf("usage: larder %s %s\n\n%s\n", command->name, command->synopsis, command->text);
    printf("options:\n");
    for (size_t i = 0; i < command->option_count; i++) {
        const struct option_spec *option = &command->options[i];
        char left[64];
        snprintf(left, sizeof left, "%s%s%s", option->name, option->value ? " " : "",
                 option->value ? option->value : "");
        printf("  %-22s %s\n", left, option->help);
    }
    printf("  %-22s %s\n", "-C DIR", "the repository (default: here)");
    printf("  %-22s %s\n", "--json", "machine-readable output on stdout");
    return EXIT_DONE;
}

static const struct command *find_command(const char *name)
{
    for (size_t i = 0; i < COUNT_OF(commands); i++)
        if (strcmp(commands[i]->name, name) == 0)
            return commands[i];
    return NULL;
}

static int unknown_command(const char *name)
{
    const char *names[COUNT_OF(commands)];
    for (size_t i = 0; i < COUNT_OF(commands); i++)
        names[i] = commands[i]->name;
    const char *near = nearest_name(name, names, COUNT_OF(commands));
    fprintf(stderr, "larder: unknown command \"%s\"", name);
    if (near)
        fprintf(stderr, "; did you mean %s?\n", near);
    else
        fprintf(stderr, "; larder --help lists them\n");
    return EXIT_USAGE;
}

static int run_command(const struct command *command, int count, char **arguments,
                       struct options *options)
{
    struct error err;
    if (options_parse(command, count, arguments, options, &err))
        return command_misused(&err);
    return options->help ? print_help(command) : command->run(options);
}

/* A full disk behind a redirection is a failure, too. */
static int check_output(int code)
{
    bool failed = fflush(stdout) != 0 || ferror(stdout);
    if (!failed || code != EXIT_DONE)
        return code;
    fprintf(stderr, "larder: cannot write to standard output\n");
    return EXIT_FAILED;
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
    setlocale(LC_CTYPE, "C.UTF-8"); /* widths of names in tables; numbers stay as in C */
    struct arena arena;
    arena_init(&arena, 0);
    struct options options = {.arena = &arena, .directory = "."};
    int at = take_directory(count, arguments, &options);
    int code = EXIT_USAGE;
    if (at < 0) {
        fprintf(stderr, "larder: -C needs a folder\n");
    } else if (at >= count) {
        print_overview(stderr);
    } else if (strcmp(arguments[at], "--help") == 0 || strcmp(arguments[at], "help") == 0) {
        code = print_overview(stdout);
    } else if (strcmp(arguments[at], "--version") == 0) {
        printf("larder %s\n", LARDER_VERSION);
        code = EXIT_DONE;
    } else {
        const struct command *command = find_command(arguments[at]);
        code = command ? run_command(command, count - at - 1, arguments + at + 1, &options)
                       : unknown_command(arguments[at]);
    }
    arena_release(&arena);
    return check_output(code);
}
