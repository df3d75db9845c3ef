/*
 * earlier_state.h - whether the history has become an earlier state of itself: a backup was
 * restored, or a copy of its file put back.
 *
 * A run leaves a mark with its position before its first row. Where the database has yet to reach
 * such a position, rows online come from a history that is gone, and would stand above all that is
 * written now. So their views are rebuilt, in generations that nobody has written to.
 *
 * Every view is looked at before a run does anything else: a position that was lost is soon reached
 * again, a SQLite file's by the samples of a single run.
 */
#ifndef LARDER_MATERIALIZER_EARLIER_STATE_H
#define LARDER_MATERIALIZER_EARLIER_STATE_H

#include "base/arena.h"
#include "base/error.h"
#include "store/online/online_store.h"
#include "store/registry/registry.h"

#include <stdbool.h>

/* The name under which a run leaves its mark when it begins. */
#define BEGUN_MARK "materialize-begun"

/* The positions that runs have seen which wrote to the generation of a view that the next run
 * writes to, or to one of those behind it: this state of the registry may have yet to give their
 * numbers.
 */
enum { BEGUN_GENERATIONS = 8 };
struct begun_marks {
    uint32_t *firsts;   /* of each view, the first of its generations */
    int64_t *positions; /* [view_count * BEGUN_GENERATIONS]; 0: none */
};

/* To be read before the sample that they are compared with: other runs go on meanwhile. states: of
 * the catalog's views, in its order. In the arena. */
enum status begun_marks_read(struct online_store *online, const struct catalog *catalog,
                             const struct view_state *states, struct arena *arena,
                             struct begun_marks *marks, struct error *err);

/* Gives every view that is ahead of what the sample has `reached` a pending generation that no mark
 * is of. *found: there were such views, and the states are others now. */
enum status earlier_state_rebuild(struct registry *registry, const struct catalog *catalog,
                                  const struct begun_marks *marks, int64_t reached,
                                  struct arena *arena, bool *found, struct error *err);

#endif
