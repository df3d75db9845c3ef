/*
 * training_explain.h - `larder training-set --explain`: how each view would be answered, and why.
 * Nothing is made.
 */
#ifndef LARDER_CLI_TRAINING_EXPLAIN_H
#define LARDER_CLI_TRAINING_EXPLAIN_H

#include "cli/command.h"
#include "training/training_set.h"

int training_explain(const struct options *options, const struct settings *settings,
                     const struct training_request *request);

#endif
