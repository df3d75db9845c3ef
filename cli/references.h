/*
 * references.h - "--service S or --features view:feature,...": the options, and the selection that
 * they mean. For `get` and `training-set`.
 */
#ifndef LARDER_CLI_REFERENCES_H
#define LARDER_CLI_REFERENCES_H

#include "cli/options.h"
#include "config/selection.h"

/* Stands at the head of a command's options. */
#define REFERENCES_OPTIONS                                                                         \
    {"--service", OPTION_TEXT, "S", "the features of this feature service"},                       \
        {"--features", OPTION_TEXTS, "V:F,...", "or these, each view:feature"},                    \
    {                                                                                              \
        "--full-names", OPTION_FLAG, NULL, "name every column view__feature"                       \
    }

/* The references of all --features, split at commas. In the arena of options. */
const struct bytes *references_split(const struct options *options, size_t *count);

/* INVALID: both or neither are given; else as selection.h has it. */
enum status references_select(const struct options *options, const struct definitions *definitions,
                              struct selection *selection, struct error *err);
/* Both or neither are given. */
enum status references_check(const struct options *options, struct error *err);

/* Where a service or feature is not known: whether the folder defines it all the same, and so only
 * apply is missing; says so on stderr. */
void references_hint(const struct options *options);

#endif
