/*
 * difference.h - what changes between two sets of definitions, for `plan`, `apply` and the
 * registry.
 *
 * Pure: no store is asked. Either side may be NULL or empty. Results are in the arena, ordered:
 * entities, sources, views, services; by name within each.
 */
#ifndef LARDER_CONFIG_DIFFERENCE_H
#define LARDER_CONFIG_DIFFERENCE_H

#include "base/arena.h"
#include "config/definitions.h"

enum object_kind { OBJECT_ENTITY, OBJECT_SOURCE, OBJECT_FEATURE_VIEW, OBJECT_FEATURE_SERVICE };
enum change_kind { CHANGE_ADDED, CHANGE_REMOVED, CHANGE_ALTERED };

struct change {
    enum object_kind object;
    enum change_kind kind;
    const char *name;
    /* One line for each thing that differs in an altered object: "ttl: 6h -> 7d", "+ feature gust
     * float64", "~ feature wind: int64 -> float64". Empty for added and removed ones. */
    const char *const *details;
    size_t detail_count;
    /* Altered feature views only. */
    bool schema_changed; /* the list of (feature, type) differs: a new schema number */
    bool becomes_stale;  /* gains a feature, a longer ttl (or none), another source, table, query,
                            column,  misfit policy, or goes online: the next run rewrites it whole.
                            Never of a view that is not online */
    bool rebuilds;       /* becomes stale, and its rows are made of something else than those that
                            stand: all of the above but features gained and ttl. They are written
                            beside those (store/registry/registry.h) */
    const char
        *needs_replace; /* why it needs --replace (a feature's type or the keys changed); or NULL */
};

struct difference {
    const struct change *changes;
    size_t change_count;
};

struct difference definitions_difference(const struct definitions *before,
                                         const struct definitions *after, struct arena *arena);

const char *
object_kind_name(enum object_kind kind); /* "entity", "source", "feature view", "feature service" */

#endif
