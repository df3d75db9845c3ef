/*
 * training_set.h - a training set: the rows that ask, in their order, each with the features as of
 * its time.
 *
 * Called by `larder training-set`. One row in, one row out. The file appears whole or not at all
 * (output_file.h).
 *
 * A value's status is what serving would have said at that time: PRESENT, NULL_VALUE, NOT_FOUND, or
 * OUTSIDE_MAX_AGE where the newest row is older than ttl but by at most a day. A key that is too
 * long to be online (base/entity_key.h) is NOT_FOUND here, too.
 */
#ifndef LARDER_TRAINING_TRAINING_SET_H
#define LARDER_TRAINING_TRAINING_SET_H

#include "base/arena.h"
#include "base/error.h"
#include "config/selection.h"
#include "store/offline/offline_store.h"
#include "store/registry/catalog.h"
#include "training/table_writer.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum value_status { VALUE_PRESENT, VALUE_NULL, VALUE_NOT_FOUND, VALUE_OUTSIDE_MAX_AGE };
enum { VALUE_STATUS_COUNT = 4 };
const char *value_status_name(enum value_status status); /* "PRESENT" */

/* The status of a joined view's value at an asking time. */
enum value_status value_status_at(const struct feature_view *view, const struct joined_view *joined,
                                  const struct value *value, int64_t at_us);

enum training_phase { TRAINING_READS_ASKS, TRAINING_JOINS, TRAINING_WRITES };

struct training_request {
    const struct catalog *catalog;
    const struct selection *selection; /* of the catalog's views */
    const char *asks_path;             /* "-": standard input */
    const char *out_path;              /* "-": standard output */
    enum table_format format;          /* of the output */
    bool as_known;
    int64_t as_of_us; /* AS_OF_NOW: none */
    bool with_status; /* adds name__status and name__event_time behind each feature */
    /* What determines the file beside its rows, for formats that have room for it. */
    const struct table_note *notes;
    size_t note_count;
    /* May be NULL. asked: how many rows ask; 0 while they are still read. */
    void (*progress)(void *context, enum training_phase phase, uint64_t rows, uint64_t asked);
    void *context;
    const atomic_bool *stop;
};

struct training_report {
    uint64_t rows;
    uint64_t values[VALUE_STATUS_COUNT]; /* how many values have each status; without with_status
                                            too old a row is not looked for, and is NOT_FOUND */
    uint64_t recorded_later; /* values recorded after their row asked: they were not known then */
    struct join_counts joined;
    bool refused; /* INVALID, because the sources cannot be asked in this way: the call is wrong, or
                     the definitions are */
};

/* INVALID: the asks, or names that collide; CONFLICT or INVALID of the join; FAILED: the file. */
enum status training_set_make(struct offline_store *store, const struct training_request *request,
                              struct training_report *report, struct error *err);

#endif
