/*
 * view_look.h - one look at the sampled keys of a view: at what is served, then at history, so that
 * each has its verdict.
 *
 * For verify_view.c, which looks again at what differs. Rows of history are not kept: each is held
 * against the served row of its key, and only one whose values differ from it stays. One thread.
 */
#ifndef LARDER_TRAINING_VIEW_LOOK_H
#define LARDER_TRAINING_VIEW_LOOK_H

#include "base/buffer.h"
#include "base/entity_key.h"
#include "training/key_sample.h"
#include "training/verify.h"

struct view_look {
    const struct verify_stores *stores;
    const struct verify_request *request;
    const struct catalog_view *view;
    int64_t watermark_us; /* the last run has seen what was there by then */
    struct entity_key_ids ids;
    size_t key_head, key_tail; /* bytes of a whole key before its values, and behind them */
    struct key_sample sample;
    struct arena step; /* what one step reads */
    struct buffer key, row;
    int64_t now_us, oldest_us;             /* rows of between count */
    bool is_second;                        /* for progress: the caller looks again */
    bool has_scanned;                      /* history was read whole, */
    uint64_t left_out, long_keys, misfits; /* and these were counted the first time */
    int64_t told_us;                       /* when progress was last told */
};

/* Borrows all it is given. */
void view_look_init(struct view_look *look, const struct verify_stores *stores,
                    const struct verify_request *request, const struct catalog *catalog,
                    const struct catalog_view *view, int64_t watermark_us);
void view_look_release(struct view_look *look);

/* Puts the keys that are online into the sample. */
enum status view_look_find_keys(struct view_look *look, struct error *err);
/* Reads what is served of the keys in the sample and is not read yet; then history, whose keys join
 * the sample unless it is closed. */
enum status view_look_run(struct view_look *look, struct error *err);

bool verify_is_stopped(const struct verify_request *request);
enum status verify_stopped(struct error *err);

#endif
