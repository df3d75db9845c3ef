/*
 * ask_log.h - the keys and times of the rows that ask, kept in their order.
 *
 * A join learns only at its end how many ask, and for which times; what it then does walks them
 * from the front, as often as it wants, and at two places at once: where it looks for answers, and
 * where it hands them out. One thread.
 */
#ifndef LARDER_TRAINING_ASK_LOG_H
#define LARDER_TRAINING_ASK_LOG_H

#include "base/value.h"
#include "config/selection.h"
#include "training/spill.h"

struct ask_log {
    const struct selection *selection;
    struct spilled rows;
    struct buffer row; /* that is written */
    uint64_t count;
    uint64_t key_bytes;        /* of all texts and bytes in keys */
    int64_t first_us, last_us; /* the least and the greatest time; none: INT64_MAX, INT64_MIN */
};

void ask_log_init(struct ask_log *log, const struct selection *selection, struct spill *spill);
void ask_log_release(struct ask_log *log); /* accepts one that is zeroed */

/* keys: [selection->key_count], nulls allowed. */
enum status ask_log_add(struct ask_log *log, const struct value *keys, int64_t at_us,
                        struct error *err);
/* Nothing is added after that. */
void ask_log_finish(struct ask_log *log);

struct ask_log_reader {
    const struct ask_log *log;
    struct spilled_place place;
    struct buffer row;
    struct value *keys; /* [selection->key_count], of the row that was read */
};
/* At the front of a finished log. */
void ask_log_reader_init(struct ask_log_reader *reader, const struct ask_log *log);
void ask_log_reader_release(struct ask_log_reader *reader); /* accepts one that is zeroed */
/* *keys NULL is the end. Borrowed until the next call. */
enum status ask_log_next(struct ask_log_reader *reader, const struct value **keys, int64_t *at_us,
                         struct error *err);

#endif
