/*
 * examination.h - what a store says of itself, for whoever looks after it.
 *
 * `larder doctor` asks each store for one. Asking changes nothing there, and makes nothing: where
 * nothing was ever written, that is what the examination says. Texts are in the arena that was
 * passed.
 */
#ifndef LARDER_STORE_EXAMINATION_H
#define LARDER_STORE_EXAMINATION_H

#include "store/finding.h"

#include <stdbool.h>
#include <stdint.h>

struct examination {
    const char *version; /* "PostgreSQL 15.14", "redis 7.0.15" */
    bool is_new;         /* there is nothing yet: the first write makes it */
    bool has_clock;      /* of its own; else it goes by that of this machine */
    /* What its clock is surely ahead of this machine's, whenever on the way it was read. */
    int64_t clock_ahead_us;
    uint64_t used_bytes;  /* 0: not known */
    uint64_t limit_bytes; /* how large it may become; 0: as large as its disk or memory */
    const char *folder;   /* where its files stand; NULL: not here, or not to be seen */
    struct findings findings;
};

/* Fills in the clock from its answer to a question that was asked at `asked_us` by ours. */
void examination_set_clock(struct examination *examination, int64_t its_us, int64_t asked_us);

#endif
