/*
 * init_next.h - the commands that somebody would give next in a repository that was just written:
 * from loading its history to the server, and, while that runs, from another shell. Each works as
 * it is printed, in this order.
 */
#ifndef LARDER_CLI_INIT_NEXT_H
#define LARDER_CLI_INIT_NEXT_H

#include "base/arena.h"
#include "base/error.h"
#include "cli/init_template.h"
#include "config/definitions.h"

struct init_command {
    const char *text;
    const char *rest; /* what people see on a line of its own behind a backslash; NULL if nothing */
};

struct init_commands {
    struct init_command *items;
    size_t count;
};

struct init_next {
    struct init_commands first;         /* the last of them serves, and ends when it is told to */
    struct init_commands while_serving; /* in another shell, in the same folder */
};

/* directory: as the user named it. The entity that is asked for is the last complete one of the
 * asks. In the arena. */
enum status init_next_of(const struct init_template *template,
                         const struct definitions *definitions, const char *directory,
                         struct arena *arena, struct init_next *next, struct error *err);

#endif
