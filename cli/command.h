/*
 * command.h - one command of the command line: its words, its options, its function.
 *
 * main.c only looks a command up, parses its options (options.h) and runs it. Each command has a
 * file of its own that ends in a `const struct command`. What all of them do alike (reading the
 * repository, telling errors, exit codes) is here, too.
 *
 * People's words go to stderr, results to stdout; with --json stdout holds one JSON document.
 */
#ifndef LARDER_CLI_COMMAND_H
#define LARDER_CLI_COMMAND_H

#include "base/arena.h"
#include "base/error.h"
#include "cli/options.h"
#include "config/repository.h"

#include <stdbool.h>

/* Exit codes. */
enum { EXIT_DONE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };

struct json_t;

struct command {
    const char *name;
    const char *summary;  /* one line of `larder --help` */
    const char *synopsis; /* what follows "larder NAME" in the usage line */
    const char *text;     /* the body of --help: what it does, an example; lines of 80 columns */
    const struct option_spec *options;
    size_t option_count;
    size_t least_words, most_words; /* words that are no options: `describe NAME` has 1 */
    const char *word;               /* what the first of them is: "NAME, of whatever is applied" */
    bool without_json;              /* it prints nothing that a program would read */
    /* INVALID: an option is missing that it cannot do without, or two exclude each other. The usage
     * line follows what this says. NULL: any go together. */
    enum status (*check)(const struct options *options, struct error *err);
    /* options->arena lives as long as the command. Returns an exit code. */
    int (*run)(const struct options *options);
};

extern const struct command command_apply;
extern const struct command command_describe;
extern const struct command command_doctor;
extern const struct command command_get;
extern const struct command command_health;
extern const struct command command_init;
extern const struct command command_list;
extern const struct command command_load;
extern const struct command command_materialize;
extern const struct command command_plan;
extern const struct command command_serve;
extern const struct command command_status;
extern const struct command command_teardown;
extern const struct command command_training_set;
extern const struct command command_validate;
extern const struct command command_verify;

/* Tells the error on stderr, with the line of the file where it is in one, and returns EXIT_FAILED.
 */
int command_failed(const struct error *err);
/* The same for a wrong call or wrong definitions: EXIT_USAGE. */
int command_misused(const struct error *err);
/* The one of the two that fits where both may come out of one function: INVALID and NOT_FOUND are
 * misuse. */
int command_refused(const struct error *err);

/* Whether an option was given that a later release will have; says so on stderr. */
bool command_lacks(const struct options *options, const char *option);

/* Reads the repository of -C; tells every problem on stderr. EXIT_DONE or the code to end with. */
int command_read_repository(const struct options *options, struct repository *repository);
int command_read_settings(const struct options *options, struct settings *settings);

/* Tells every problem on stderr, sorted, or the error where there is none (problems say more than
 * it, which then only repeats the first of them). EXIT_USAGE. */
int command_tell_problems(struct problems *problems, const struct error *err);

/* Files are named from where somebody stands, not from -C: says so on stderr where one is not
 * there, and stands in the folder of -C. path may be NULL. */
void command_hint_at_folder(const struct options *options, const char *path);

/* `| head` and `| less` leave once they have seen enough, and nobody wants to hear of it. */
bool command_reader_has_left(void);
/* Ends what was written to stdout (false: it could not be). EXIT_FAILED behind a full disk, which
 * is told, and where a reader has left before the end, which is not. */
int command_end_output(bool written);
/* Writes a JSON document to stdout and frees it; EXIT_FAILED if it cannot be written. */
int command_print_json(struct json_t *json);

#endif
