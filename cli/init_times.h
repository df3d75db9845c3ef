/*
 * init_times.h - the times of a template's CSV files, and moving them.
 *
 * Examples keep the times of their data, often years ago; what is older than its ttl is not served.
 * So `larder init` moves all times of a template, history and asks alike, by one amount. Which
 * columns are times the definitions say: a source's event time and created time, join keys and
 * features of type timestamp, and event_timestamp where a row asks.
 */
#ifndef LARDER_CLI_INIT_TIMES_H
#define LARDER_CLI_INIT_TIMES_H

#include "base/error.h"
#include "cli/init_folder.h"
#include "cli/init_template.h"
#include "config/definitions.h"

#include <stdatomic.h>
#include <stdint.h>

/* The last instant that every source covers. A source covers up to its last event time, or, where
 * no view on it has a ttl, all that follows. INVALID with FILE:LINE:COLUMN, or where no view has a
 * ttl. */
enum status init_times_end(const struct init_template *template,
                           const struct definitions *definitions, int64_t *end_us,
                           struct error *err);

/* Copies a CSV with every time moved by so much, and counts its rows. INVALID with
 * FILE:LINE:COLUMN; CANCELLED once *stop is set; what init_folder_write says. */
enum status init_times_copy(struct init_file *file, const struct definitions *definitions,
                            int64_t shift_us, const atomic_bool *stop, struct init_folder *out,
                            struct error *err);

#endif
