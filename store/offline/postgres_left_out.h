/*
 * postgres_left_out.h - the rows of sources that nobody is trained with, counted.
 *
 * A join asks in the snapshot that answers. The whole source is read, whatever was asked of it, but
 * only once for all views that read the same keys of it. Rows whose key might be too long come back
 * with their keys, so that base/entity_key.h alone says how long they are.
 */
#ifndef LARDER_STORE_OFFLINE_POSTGRES_LEFT_OUT_H
#define LARDER_STORE_OFFLINE_POSTGRES_LEFT_OUT_H

#include "store/offline/postgres_source.h"

/* views: [request->selection->view_count]. Adds to all of counts but the misfits; a row that is
 * left out for two reasons counts once, and so does a view that is used twice. */
enum status postgres_count_left_out(struct postgres_store *store,
                                    const struct join_request *request,
                                    const struct postgres_view *views, struct join_counts *counts,
                                    struct error *err);

#endif
