/*
 * pass.h - answers by one pass over history: the rows that ask are held in memory by key and time,
 * and each row of history, streamed in no order, finds the first ask that it may answer.
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

/* Reads the log and the history of all views of the request. What is passed is borrowed until
 * close. */
enum status pass_run(struct offline_store *store, const struct join_request *request,
                     struct ask_log *log, struct pass **pass, struct error *err);
/* The answers for the next ask of the log, which has these keys (of the log's selection) and asks
 * at that time: views[request->selection->view_count], borrowed until the next call. INVALID: one
 * holds a misfit. */
enum status pass_next(struct pass *pass, const struct value *keys, int64_t at_us,
                      struct joined_view *views, struct error *err);
const struct join_counts *pass_counts(const struct pass *pass);
void pass_close(struct pass *pass); /* accepts NULL */

#endif
