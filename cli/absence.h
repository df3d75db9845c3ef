/*
 * absence.h - why values of an answer are missing, and what to do about it: the hints of `get`.
 *
 * The server says which values are NOT_FOUND; the registry knows whether their feature view was
 * ever materialized, and how far. It is asked only where something is missing, and where it does
 * not answer soon the hint is a general one.
 */
#ifndef LARDER_CLI_ABSENCE_H
#define LARDER_CLI_ABSENCE_H

#include "cli/entities.h"
#include "config/settings.h"

struct larder_response;

/* settings: where the registry is; NULL: nobody knows, as for a server somewhere else. */
void absence_explain(const struct options *options, const struct settings *settings,
                     const struct entities *entities, const struct larder_response *response);

#endif
