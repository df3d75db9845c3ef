/*
 * lost_rows.h - whether the online store still has what runs of materialize have written.
 *
 * Acknowledged is not durable everywhere, so a run leaves a mark with its position behind its rows,
 * and the registry remembers the position, too. A store whose mark is behind has lost the rows that
 * went before it; the next run brings them back.
 */
#ifndef LARDER_MATERIALIZER_LOST_ROWS_H
#define LARDER_MATERIALIZER_LOST_ROWS_H

#include "base/arena.h"
#include "base/error.h"
#include "store/online/online_store.h"
#include "store/registry/registry.h"

#include <stdbool.h>

/* The name under which a run leaves its mark once all that it wrote is acknowledged. */
#define WRITTEN_MARK "materialize"

static inline bool is_behind(int64_t mark, const struct view_state *state)
{
    return state->position > 0 && mark < state->position;
}

/* lost[i] for each view of the catalog, whose states are [i], too. */
enum status lost_rows_find(struct online_store *online, const struct catalog *catalog,
                           const struct view_state *states, struct arena *arena, bool **lost,
                           struct error *err);

#endif
