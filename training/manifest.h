/*
 * manifest.h - what a training set was made from, and what came of it: a JSON document beside the
 * file, with which it can be made again (`larder training-set --from-manifest`).
 *
 * training_set.c fills it and writes it; the command line reads one back and compares. What decides
 * the bytes stands in it by value or by checksum; urls and other secrets do not.
 * docs/training-sets.md names every field. One thread; texts and arrays are in the arena that it
 * was begun with, or borrowed from what the request points to.
 */
#ifndef LARDER_TRAINING_MANIFEST_H
#define LARDER_TRAINING_MANIFEST_H

#include "training/formats/checksum.h"
#include "training/formats/output_file.h"
#include "training/training_set.h"

#define MANIFEST_ENDING ".manifest.json" /* behind the file's name */
enum { MANIFEST_FORMAT = 1 };            /* moves on when an older Larder would read it wrongly */

/* How it was asked for: whoever makes the training set says so. */
struct manifest_origin {
    const char *project;
    const char *registry_schema;
    const char *offline_store;     /* "postgres" */
    const char *service;           /* NULL: by references */
    const char *const *references; /* "view:feature" */
    size_t reference_count;
    bool full_names;
};

struct manifest_column {
    const char *name;
    const char *view, *feature, *type;
    const char *keys; /* the asking columns that the view's keys were taken from: "carrier,dest" */
    uint64_t values[VALUE_STATUS_COUNT];
    uint64_t recorded_later;
};

/* What a view's definition is known by, with that of its source and its entities. */
struct manifest_view {
    const char *name;
    char sha256[CHECKSUM_TEXT_SIZE];
};

struct manifest_asks {
    const char *path;    /* NULL: the query asked */
    const char *query;   /* NULL: the file did */
    uint64_t rows, size; /* of a query's rows, as a CSV */
    char sha256[CHECKSUM_TEXT_SIZE];
};

struct manifest {
    struct arena *arena;
    const char *larder; /* the version that made it */
    int64_t made_us;
    struct manifest_origin origin;
    uint64_t definitions_version;
    char definitions_sha256[CHECKSUM_TEXT_SIZE];
    struct manifest_view *views; /* each view once */
    size_t view_count;
    bool as_known, with_status;
    int64_t as_of_us;   /* AS_OF_NOW: none */
    const char *format; /* "csv" */
    struct manifest_asks asks;
    const char *transactions, *position; /* the snapshot; NULL: not known */
    struct manifest_column *columns;     /* one a feature, in the order of the selection */
    size_t column_count;
    struct join_counts joined;
    const char *out_path;
    struct output_summary out;
};

/* With all that stands before anything is read. */
void manifest_begin(struct manifest *manifest, const struct manifest_origin *origin,
                    const struct training_request *request, struct arena *arena);
/* The document. */
void manifest_format(const struct manifest *manifest, struct buffer *json);
/* NOT_FOUND or FAILED: the file; INVALID: it is no manifest, or one of a later Larder. */
enum status manifest_read(const char *path, struct arena *arena, struct manifest *manifest,
                          struct error *err);

/* Whether both give the same columns from the same definitions. INVALID: they do not, and the first
 * view, feature or service that differs is named. */
enum status manifest_check_same_definitions(const struct manifest *then, const struct manifest *now,
                                            struct error *err);

#endif
