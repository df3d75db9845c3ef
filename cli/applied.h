/*
 * applied.h - the applied definitions, for the commands that show them or act on them.
 */
#ifndef LARDER_CLI_APPLIED_H
#define LARDER_CLI_APPLIED_H

#include "cli/command.h"
#include "store/registry/registry.h"

struct applied {
    struct settings settings;
    struct registry *registry;
    struct catalog catalog;
};

/* Reads settings and the newest catalog. EXIT_DONE, or the code to end with, the reason told. */
int applied_open(const struct options *options, struct applied *applied);
/* The same for whoever can do without: *found false where the project was never applied. */
int applied_find(const struct options *options, struct applied *applied, bool *found);
void applied_close(struct applied *applied);

#endif
