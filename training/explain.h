/*
 * explain.h - how a training set would be made, without making it: the asks are read, and the
 * strategy of each view is chosen as it would be.
 */
#ifndef LARDER_TRAINING_EXPLAIN_H
#define LARDER_TRAINING_EXPLAIN_H

#include "training/join.h"
#include "training/training_set.h"

/* Of the request only what asks: nothing is written. refused: as in a training set's report. */
enum status training_set_explain(struct offline_store *store,
                                 const struct training_request *request, struct arena *arena,
                                 struct join_explanation *explanation, bool *refused,
                                 struct error *err);

#endif
