/*
 * training_set.h - a training set: the rows that ask, in their order, each with the features as of
 * its time.
 *
 * Called by `larder training-set`. One row in, one row out. The file appears whole or not at all
 * (output_file.h), and then its manifest (delivery.h): whoever finds one beside a file can trust
 * that it is of that file.
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
#include "training/formats/table_writer.h"
#include "training/join.h"

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

struct manifest;
struct manifest_origin;
struct training_request {
    const struct manifest_origin *origin; /* for the manifest */
    const struct catalog *catalog;
    const struct selection *selection; /* of the catalog's views */
    const char *asks_path;             /* "-": standard input; NULL: the query asks */
    const char *asks_query;            /* in the offline store; see asks.h */
    const char *out_path;              /* "-": standard output */
    enum table_format format;          /* of the output */
    bool as_known;
    int64_t as_of_us; /* AS_OF_NOW: none */
    enum join_strategy strategy;
    uint64_t memory_bytes;     /* 0: the default */
    bool with_status;          /* adds name__status and name__event_time behind each feature */
    const char *manifest_path; /* NULL: none is written */
    /* What an earlier one was, which is to be made again. NULL: there was none. */
    const struct manifest *again;
    bool keep_other; /* the file is put in place even if it is not the same again */
    /* May be NULL. asked: how many rows ask; 0 while they are still read. */
    void (*progress)(void *context, enum training_phase phase, uint64_t rows, uint64_t asked);
    void *context;
    const atomic_bool *stop;
};

struct training_report {
    uint64_t rows;
    int64_t first_us, last_us;           /* the earliest and the latest time that a row asks for */
    uint64_t values[VALUE_STATUS_COUNT]; /* how many values have each status; without with_status
                                            too old a row is not looked for, and is NOT_FOUND */
    uint64_t recorded_later; /* values recorded after their row asked: they were not known then */
    struct join_counts joined;
    uint64_t put_aside_bytes; /* on disk, while it was made: more than memory was to hold */
    bool is_other;            /* than the one that was to be made again: its bytes differ */
    bool refused; /* INVALID, because the sources cannot be asked in this way: the call is wrong, or
                     the definitions are */
};

/* Fills the manifest, in the arena, whether or not it is written. INVALID: the asks, other asks
 * than those of `again`, or names that collide; CONFLICT or INVALID of the join; FAILED: the file.
 */
enum status training_set_make(struct offline_store *store, const struct training_request *request,
                              struct arena *arena, struct manifest *manifest,
                              struct training_report *report, struct error *err);

#endif
