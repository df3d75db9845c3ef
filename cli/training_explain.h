/*
 * training_explain.h - `larder training-set --explain`: how each view would be answered, and why.
 * Nothing is made.
 */
#ifndef LARDER_CLI_TRAINING_EXPLAIN_H
#define LARDER_CLI_TRAINING_EXPLAIN_H

#include "cli/command.h"
#include "training/training_set.h"

struct store_opening;

/* Ends the opening. */
int training_explain(const struct options *options, const struct training_request *request,
                     struct store_opening *opening);

#endif
