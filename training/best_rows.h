/*
 * best_rows.h - of one view, the best row of history that was met for each slot of an ask index.
 *
 * Rows are offered in any order, by several threads at once; the greater (event time, created time)
 * stays, and of two that tie whichever came first. Once all were offered and it is settled, a
 * slot's row is the best of its own and of all before it in the key's run: what was eligible then
 * still is.
 *
 * A row takes a fixed number of bytes (times, a state and a place for each value); what is variable
 * stands behind, in memory of its own.
 */
#ifndef LARDER_TRAINING_BEST_ROWS_H
#define LARDER_TRAINING_BEST_ROWS_H

#include "store/offline/offline_store.h"
#include "training/ask_index.h"

#include <stdatomic.h>

enum { BEST_ROWS_LOCKS = 1024 };

/* How the values of a view's rows lie. */
struct row_packing {
    const value_type *types; /* [count] */
    size_t *offsets;         /* [count]: of a value, or of the size of a variable one */
    size_t count;
    size_t states_offset; /* a byte each: 0 there, 1 null, else a misfit + 1; of the values, the
                             created time, the event time */
    size_t tail_offset;   /* of the pointer to what is variable; 0: nothing is */
    size_t size;
};
/* types are borrowed, offsets are in the arena. */
void row_packing_init(struct row_packing *packing, const value_type *types, size_t count,
                      struct arena *arena);

/* The row that answers. */
struct best_row {
    bool found;
    int64_t event_time_us, created_time_us;
    const uint8_t *packed;
};
/* A row, what is variable behind what is not. */
void row_packing_write(const struct row_packing *packing, int64_t event_time_us,
                       int64_t created_time_us, const struct streamed_values *values,
                       struct buffer *packed);
/* The same of a row that is held; nothing of one that is not. */
void row_packing_copy(const struct row_packing *packing, const struct best_row *row,
                      struct buffer *packed);
/* A row that lies as it was written, to be read. packed.size 0: there is none. */
struct best_row row_packing_open(const struct row_packing *packing, struct buffer *packed);

struct best_rows {
    const struct row_packing *packing;
    const struct ask_index *index;
    uint8_t *rows; /* [slot_count] */
    atomic_flag locks[BEST_ROWS_LOCKS];
};
void best_rows_init(struct best_rows *rows, const struct row_packing *packing,
                    const struct ask_index *index);
void best_rows_release(struct best_rows *rows); /* accepts one that is zeroed */

/* Whether such a row would be better than what the slot has. true: nobody else can offer for the
 * slot until it was put, or given up. */
bool best_rows_begin(struct best_rows *rows, uint32_t slot, int64_t event_time_us,
                     int64_t created_time_us);
/* A row as row_packing_write wrote it. */
void best_rows_put(struct best_rows *rows, uint32_t slot, struct bytes packed);
void best_rows_give_up(struct best_rows *rows, uint32_t slot);

void best_rows_settle(struct best_rows *rows);

/* What a slot has, once it is settled. */
struct best_row best_rows_get(const struct best_rows *rows, uint32_t slot);
/* values: [packing->count], strings and such borrowed from the rows. misfits: [count + 2]; *any:
 * one of them does not fit. */
void row_packing_read(const struct row_packing *packing, const uint8_t *packed,
                      struct value *values, uint8_t *misfits, bool *any);

#endif
