/*
 * options.h - the words behind a command: options, which may stand anywhere, and plain words.
 *
 * Forms: --name value, --name=value, --flag, -C DIR; "--" ends options. Every command knows -C DIR,
 * --json and --help. An unknown option is refused with the nearest one. Everything lives in the
 * arena.
 */
#ifndef LARDER_CLI_OPTIONS_H
#define LARDER_CLI_OPTIONS_H

#include "base/arena.h"
#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum option_kind { OPTION_FLAG, OPTION_TEXT, OPTION_TEXTS /* may be given again and again */ };

struct option_spec {
    const char *name; /* "--from" */
    enum option_kind kind;
    const char *value; /* what stands for the value in --help: "T"; NULL for a flag */
    const char *help;  /* one line */
};

struct option_given {
    const struct option_spec *spec;
    const char *text; /* NULL for a flag */
};

struct options {
    struct arena *arena;
    const char *directory; /* -C; "." */
    bool json;
    bool help;
    const struct option_given *given; /* in the order they stood */
    size_t given_count;
    const char *const *words;
    size_t word_count;
};

struct command;
/* Parses what follows the command's name. INVALID. options->arena and directory are set by the
 * caller. */
enum status options_parse(const struct command *command, int count, char *const *arguments,
                          struct options *options, struct error *err);

bool option_flag(const struct options *options, const char *name);
/* The last one given, or NULL. */
const char *option_text(const struct options *options, const char *name);
/* All of them, in order; *count 0 if none. */
const char *const *option_texts(const struct options *options, const char *name, size_t *count);
/* A time; *found false if it was not given. INVALID names the option and what it takes. */
enum status option_time(const struct options *options, const char *name, int64_t *us, bool *found,
                        struct error *err);
/* A time to wait; *ms stays as it is if it was not given. */
enum status option_timeout(const struct options *options, const char *name, int *ms,
                           struct error *err);

#endif
