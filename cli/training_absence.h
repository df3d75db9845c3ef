/*
 * training_absence.h - why a training set found nothing at all of a feature view: the hints behind
 * its summary.
 *
 * NOT_FOUND says that there was no row that a row might have; not whether the whole history is of
 * another time than the rows that ask, or was recorded later than --as-of or --as-known allow. The
 * history is read until that is known, for a few seconds at most: nobody is to wait for a hint.
 */
#ifndef LARDER_CLI_TRAINING_ABSENCE_H
#define LARDER_CLI_TRAINING_ABSENCE_H

#include "cli/options.h"
#include "config/settings.h"
#include "training/manifest.h"
#include "training/training_set.h"

/* manifest, report: of the request, once it is made. */
void training_absence_explain(const struct options *options, const struct settings *settings,
                              const struct training_request *request,
                              const struct manifest *manifest,
                              const struct training_report *report);

#endif
