/*
 * verified_keys.h - what came of the keys of a view that were compared: how many have which
 * verdict, which features differ in how many of them, and some of them to show.
 *
 * For verify_view.c. Everything lives in the report's arena. One thread.
 */
#ifndef LARDER_TRAINING_VERIFIED_KEYS_H
#define LARDER_TRAINING_VERIFIED_KEYS_H

#include "training/key_sample.h"
#include "training/verify.h"

struct verified_keys {
    struct arena *arena;
    const struct catalog_view *view;
    size_t show; /* of each verdict */
    uint64_t keys, counts[VERDICT_COUNT], recent;
    uint64_t *different, *ambiguous; /* by feature */
    struct verified_key *shown[VERDICT_COUNT];
    size_t shown_count[VERDICT_COUNT];
};

/* The view has to stay until the report was made, the arena outlives it. */
void verified_keys_init(struct verified_keys *verified, const struct catalog_view *view,
                        size_t show, struct arena *arena);
/* Counts the keys of a sample whose verdicts stand: those that differ only where is_final. Shown
 * are those with the least hashes, so that runs agree. */
void verified_keys_count(struct verified_keys *verified, const struct key_sample *sample,
                         const struct view_state *state, bool is_final);
/* Once all were counted. */
void verified_keys_report(const struct verified_keys *verified, struct verified_view *report);

#endif
