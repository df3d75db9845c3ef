/*
 * repository.h - a folder of YAML: larder.yaml (settings) and every other *.yaml or *.yml beside it
 * (definitions, merged without regard to order; hidden files and folders are left alone). This is
 * where YAML is read, and nowhere else.
 *
 * Bad input is expected: tabs, duplicate or unknown keys, wrong types, anchors in a cycle or
 * expanding without end, files over 4 MiB, more than 100 levels, bytes that are not UTF-8. Every
 * mistake is a problem with its place; all are found in one run, and nothing is half read.
 */
#ifndef LARDER_CONFIG_REPOSITORY_H
#define LARDER_CONFIG_REPOSITORY_H

#include "base/arena.h"
#include "base/error.h"
#include "config/definitions.h"
#include "config/place.h"
#include "config/settings.h"

struct repository {
    struct settings settings;
    struct definitions definitions;
};

/* Reads settings and definitions. INVALID: see problems. NOT_FOUND: no such folder, or no
 * larder.yaml in it. Places name files as `directory` joined with the file's name ("./" left out);
 * the stores' paths are joined with it, too. */
enum status repository_read(const char *directory, struct arena *arena,
                            struct repository *repository, struct problems *problems,
                            struct error *err);
/* larder.yaml alone, for commands that need no definitions (serve, materialize, get). */
enum status repository_read_settings(const char *directory, struct arena *arena,
                                     struct settings *settings, struct problems *problems,
                                     struct error *err);

/* The same from one text in memory, for tests and the fuzzer. OK, or INVALID with problems, sorted;
 * then the result is empty, but for settings' project, which definitions are still compared with.
 */
enum status definitions_read_yaml(const char *name, struct bytes yaml, struct arena *arena,
                                  struct definitions *definitions, struct problems *problems);
enum status settings_read_yaml(const char *name, struct bytes yaml, struct arena *arena,
                               struct settings *settings, struct problems *problems);

#endif
