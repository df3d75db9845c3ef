/*
 * pass.h - answers by one pass over history: the rows that ask are held in memory by key and time,
 * and each row of history, streamed in no order, finds the first ask that it may answer.
 *
 * Where the asks and their rows are more than the memory allows, both are put aside in a temporary
 * file by the hash of their key, and answered part by part (partitions.h).
 *
 * It costs one look at each row in the window of time that is asked for, and nothing is sorted or
 * indexed but the asks; so it wins where asks are dense, and where no index serves. For join.h,
 * inside the offline store's transaction. One thread calls; others are its own.
 */
#ifndef LARDER_TRAINING_PASS_H
#define LARDER_TRAINING_PASS_H

#include "store/offline/offline_store.h"
#include "training/ask_log.h"

struct pass;

struct pass_limits {
    size_t memory_bytes;     /* about so much is held */
    const double *row_bytes; /* [view_count]: what is variable in a row of history, estimated */
    struct spill *spill;     /* where the rest goes */
    const atomic_bool *stop; /* NULL, or CANCELLED soon after it is set */
};

/* In how many parts it would be run; 1: memory holds it all, and nothing is put aside. Of the
 * limits neither where the rest goes nor the stop flag matters. */
size_t pass_part_count(const struct join_request *request, const struct pass_limits *limits,
                       const struct ask_log *log);
/* Reads the log and the history of all views of the request. What is passed is borrowed until
 * close. */
enum status pass_run(struct offline_store *store, const struct join_request *request,
                     const struct pass_limits *limits, const struct ask_log *log,
                     struct pass **pass, struct error *err);
/* The answers for the next ask of the log, which has these keys (of the log's selection) and asks
 * at that time: views[request->selection->view_count], borrowed until the next call. INVALID: one
 * holds a misfit. */
enum status pass_next(struct pass *pass, const struct value *keys, int64_t at_us,
                      struct joined_view *views, struct error *err);
const struct join_counts *pass_counts(const struct pass *pass);
void pass_close(struct pass *pass); /* accepts NULL */

#endif
