/*
 * join.h - the answers to the rows that ask: for each, in their order, what every view of the
 * selection held as of its time.
 *
 * Called by training_set.c: open, ask for every row, run, then take one answer a row. Each view is
 * answered by probes into the database's indexes or by a pass over its history (pass.h), whichever
 * is estimated to cost less; the answers are the same, and all of one snapshot. One thread.
 */
#ifndef LARDER_TRAINING_JOIN_H
#define LARDER_TRAINING_JOIN_H

#include "base/error.h"
#include "store/offline/offline_store.h"

enum join_strategy { JOIN_BY_COST, JOIN_PROBE, JOIN_PASS };

struct training_join;

/* What the request holds is borrowed until close. strategy: for all views, instead of what costs
 * less. Statuses of offline_join_check. */
enum status training_join_open(struct offline_store *store, const struct join_request *request,
                               enum join_strategy strategy, struct training_join **join,
                               struct error *err);
/* keys: [selection->key_count], nulls allowed. INVALID: a time outside the years 1 to 9999. */
enum status training_join_ask(struct training_join *join, const struct value *keys, int64_t at_us,
                              struct error *err);
enum status training_join_run(struct training_join *join, struct error *err);
/* *row NULL is the end. Borrowed until the next call. */
enum status training_join_next(struct training_join *join, const struct joined_row **row,
                               struct error *err);
/* Complete once the end was seen. */
const struct join_counts *training_join_counts(struct training_join *join);
void training_join_close(struct training_join *join); /* accepts NULL */

#endif
