/*
 * partitions.h - a pass that is larger than its memory, put aside in parts by the hash of the key.
 *
 * All asks and all rows of a key are in one part, so that the parts are answered one after the
 * other, each as if it were the whole. Their answers are put aside, too, in the order of the part's
 * asks; who walks all asks in their order then takes each one's answer from the front of its part.
 *
 * Rows come from several threads at once; everything else is for one.
 */
#ifndef LARDER_TRAINING_PARTITIONS_H
#define LARDER_TRAINING_PARTITIONS_H

#include "base/buffer.h"
#include "training/spill.h"

#include <pthread.h>

enum { PARTITIONS_MAX = 64 };

struct partitions {
    size_t count, lane_count, view_count;
    struct spilled *asks;    /* [lane_count][count] */
    struct spilled *rows;    /* [view_count][count] */
    struct spilled *answers; /* [view_count][count] */
    pthread_mutex_t *locks;  /* [view_count][count], of rows */
    uint8_t **filters;       /* [lane_count]: a bit for each hash that asks, of filter_bits */
    size_t filter_bits;      /* a power of two */
};

/* filter_bytes: at most so many for each lane. */
void partitions_init(struct partitions *partitions, struct spill *spill, size_t lane_count,
                     size_t view_count, size_t count, size_t filter_bytes);
void partitions_release(struct partitions *partitions); /* accepts one that is zeroed */

static inline size_t partition_of(const struct partitions *partitions, uint64_t hash)
{
    return (size_t)((hash >> 32) % partitions->count);
}

/* Asks of a part, written and then read. Their statuses are those of spill.h. */
enum status partitions_add_ask(struct partitions *partitions, size_t lane, struct bytes key,
                               uint64_t hash, int64_t at_us, struct error *err);
/* Whether somebody may ask for the key. */
bool partitions_want(const struct partitions *partitions, size_t lane, uint64_t hash);
enum status partitions_add_row(struct partitions *partitions, size_t view, struct bytes key,
                               uint64_t hash, int64_t eligible_from_us, struct bytes packed,
                               struct error *err);
enum status partitions_add_answer(struct partitions *partitions, size_t view, size_t part,
                                  struct bytes packed, struct error *err);

/* To the front of what was written. */
void partitions_rewind(const struct partitions *partitions, struct spilled *what, size_t rows);
/* *end: there is no further one. key and packed are overwritten. */
enum status partitions_next_ask(struct spilled *asks, struct buffer *key, int64_t *at_us, bool *end,
                                struct error *err);
enum status partitions_next_row(struct spilled *rows, struct buffer *key, int64_t *eligible_from_us,
                                struct buffer *packed, bool *end, struct error *err);
enum status partitions_next_answer(struct spilled *answers, struct buffer *packed,
                                   struct error *err);

static inline struct spilled *partitions_asks(struct partitions *partitions, size_t lane,
                                              size_t part)
{
    return &partitions->asks[lane * partitions->count + part];
}
static inline struct spilled *partitions_rows(struct partitions *partitions, size_t view,
                                              size_t part)
{
    return &partitions->rows[view * partitions->count + part];
}
static inline struct spilled *partitions_answers(struct partitions *partitions, size_t view,
                                                 size_t part)
{
    return &partitions->answers[view * partitions->count + part];
}

#endif
