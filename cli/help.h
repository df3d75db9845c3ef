/*
 * help.h - what `larder help`, `larder help COMMAND` and `larder COMMAND --help` print.
 */
#ifndef LARDER_CLI_HELP_H
#define LARDER_CLI_HELP_H

#include "cli/command.h"

#include <stdio.h>

/* What Larder is, and one line a command. */
void help_print_overview(FILE *out, const struct command *const *commands, size_t count);
/* How the command is called, what it does, and its options. */
void help_print_command(FILE *out, const struct command *command, struct arena *arena);

#endif
