/*
 * changes.h - what `plan` and `apply` show alike: the difference, and what the database says of the
 * sources.
 */
#ifndef LARDER_CLI_CHANGES_H
#define LARDER_CLI_CHANGES_H

#include "config/difference.h"
#include "config/settings.h"
#include "store/offline/offline_store.h"

#include <stdbool.h>
#include <stdint.h>

struct json_t;

/* "+ feature view airport_weather", "~ ..." with its details, "- ...". */
void changes_print(const struct difference *difference, struct arena *arena);
struct json_t *changes_to_json(const struct difference *difference);

/* Compares the sources with the database. OK even with findings. */
enum status changes_check(const struct settings *settings, const struct definitions *definitions,
                          struct arena *arena, struct findings *findings, struct error *err);
bool findings_have_errors(const struct findings *findings);
/* On stderr: errors as mistakes in the definitions, each with its line; hints. */
void findings_print(const struct findings *findings);
/* Drops what is about other sources and views than those that have changed. */
void findings_keep_changed(struct findings *findings, const struct difference *difference);
struct json_t *findings_to_json(const struct findings *findings);

#endif
