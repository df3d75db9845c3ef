/*
 * difference_details.h - how one object differs from what it was, line by line, and what follows
 * from that for the rows of a feature view. Used by difference.c alone.
 */
#ifndef LARDER_CONFIG_DIFFERENCE_DETAILS_H
#define LARDER_CONFIG_DIFFERENCE_DETAILS_H

#include "base/arena.h"
#include "config/definitions.h"

#include <stdbool.h>
#include <stddef.h>

/* No lines: nothing differs. The rest is as in struct change. */
struct details {
    struct arena *arena;
    const char **lines;
    size_t count, capacity;
    bool schema_changed, becomes_stale, rebuilds;
    const char *needs_replace;
};

void details_of_entity(const struct entity *before, const struct entity *after,
                       struct details *details);
void details_of_source(const struct source *before, const struct source *after,
                       struct details *details);
void details_of_view(const struct feature_view *before, const struct feature_view *after,
                     struct details *details);
void details_of_service(const struct feature_service *before, const struct feature_service *after,
                        struct details *details);

#endif
