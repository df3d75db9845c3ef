/*
 * postgres_left_out.h - the rows of a source that nobody is trained with, counted.
 *
 * postgres_join.c asks when all answers are out, in the snapshot that gave them. The whole source
 * is read once, whatever was asked of it. Rows whose key might be too long come back with their
 * keys, so that base/entity_key.h alone says how long they are.
 */
#ifndef LARDER_STORE_OFFLINE_POSTGRES_LEFT_OUT_H
#define LARDER_STORE_OFFLINE_POSTGRES_LEFT_OUT_H

#include "base/entity_key.h"
#include "store/offline/postgres_source.h"

/* Each row counts once. */
struct postgres_left_out {
    uint64_t unfit; /* a null or infinite event time, or a null key */
    uint64_t long_keys;
    uint64_t unknown_created;
};

/* ids: of the view's rows online; NULL: keys of any length. unknown_created is 0 unless the created
 * time matters. */
enum status postgres_count_left_out(struct postgres_store *store, const struct postgres_view *view,
                                    const struct entity_key_ids *ids, bool created_matters,
                                    struct postgres_left_out *left_out, struct error *err);

#endif
