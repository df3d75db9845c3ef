/*
 * init_template.h - the example repositories that `larder init` can write.
 *
 * A template is a folder with a larder.yaml, in share/larder/examples of the prefix that the
 * program was installed into (wherever that was moved to), or of the build tree. Its files are
 * *.md, *.yaml, *.csv, *.py and .gitignore: SOURCE.csv is the history of that source, asks.csv the
 * rows that ask for a training set. Everything is in the arena.
 */
#ifndef LARDER_CLI_INIT_TEMPLATE_H
#define LARDER_CLI_INIT_TEMPLATE_H

#include "base/arena.h"
#include "base/error.h"
#include "config/definitions.h"

/* In the order in which somebody would look at them. */
enum init_kind {
    INIT_DOCUMENT,
    INIT_SETTINGS,
    INIT_DEFINITIONS,
    INIT_HISTORY,
    INIT_ASKS,
    INIT_PROGRAM, /* what becomes of a training set: train.py */
    INIT_IGNORED, /* .gitignore */
};

struct init_file {
    const char *name;
    const char *path; /* of the template's own file */
    enum init_kind kind;
    const struct source *source; /* of a history; else NULL */
    uint64_t row_count;          /* of a CSV, once it is written */
};

struct init_template {
    const char *name;
    const char *folder;
    struct init_file *files; /* by kind, then by name */
    size_t file_count;
};

/* INVALID: there is no template of that name ("did you mean"). NOT_FOUND: no templates are
 * installed. */
enum status init_template_find(const char *name, struct arena *arena,
                               struct init_template *template, struct error *err);
/* Lists its files; definitions are those of its folder. INVALID: a CSV is of no source. */
enum status init_template_list(struct init_template *template,
                               const struct definitions *definitions, struct arena *arena,
                               struct error *err);

/* The path of the running program; NULL if it cannot be known. */
const char *init_program(struct arena *arena);

#endif
