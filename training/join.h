/*
 * join.h - the answers to the rows that ask: for each, in their order, what every view of the
 * selection held as of its time.
 *
 * Called by training_set.c: open, ask for every row, run, then take one answer a row. Whatever the
 * strategy by which a view is answered, the answers are those of the offline store's join
 * (store/offline/offline_store.h), of one snapshot for all views. One thread.
 */
#ifndef LARDER_TRAINING_JOIN_H
#define LARDER_TRAINING_JOIN_H

#include "base/error.h"
#include "store/offline/offline_store.h"

struct training_join;

/* Statuses as those of offline_join_open; what the request holds is borrowed until close. */
enum status training_join_open(struct offline_store *store, const struct join_request *request,
                               struct training_join **join, struct error *err);
/* keys: [selection->key_count], nulls allowed. */
enum status training_join_ask(struct training_join *join, const struct value *keys, int64_t at_us,
                              struct error *err);
enum status training_join_run(struct training_join *join, struct error *err);
/* *row NULL is the end. Borrowed until the next call. */
enum status training_join_next(struct training_join *join, const struct joined_row **row,
                               struct error *err);
/* Complete once the end was seen. */
const struct join_counts *training_join_counts(const struct training_join *join);
void training_join_close(struct training_join *join); /* accepts NULL */

#endif
