/*
 * sqlite_left_out.h - the rows of a source that nobody is trained with, counted.
 *
 * sqlite_join.c asks when all answers are out, in the snapshot that gave them. The whole source is
 * read, whatever was asked of it.
 */
#ifndef LARDER_STORE_OFFLINE_SQLITE_LEFT_OUT_H
#define LARDER_STORE_OFFLINE_SQLITE_LEFT_OUT_H

#include "base/entity_key.h"
#include "store/offline/sqlite_source.h"

/* Adds the view's rows to the counts, each once. ids: of the view's rows online. unknown_created
 * stays as it is unless the created time matters. */
enum status sqlite_count_left_out(struct sqlite_store *store, const struct sqlite_view *view,
                                  const struct entity_key_ids *ids, bool created_matters,
                                  struct join_counts *counts, struct error *err);

#endif
