/*
 * apply_rules.h - what an apply refuses, and which views it marks stale.
 *
 * The same for every backend of the registry, wherever definitions are kept. Pure.
 */
#ifndef LARDER_STORE_REGISTRY_APPLY_RULES_H
#define LARDER_STORE_REGISTRY_APPLY_RULES_H

#include "base/arena.h"
#include "base/error.h"
#include "config/difference.h"
#include "store/registry/registry.h"

/* CONFLICT names every object that would be removed without --prune, and every view that would need
 * --replace, with the reason. */
enum status apply_check(const struct difference *difference, struct apply_options options,
                        struct error *err);

/* Why the next run has to rewrite a view that was altered: one line for people, in the arena. */
const char *stale_reason(const struct change *change, struct arena *arena);

/* A view of the catalog that an apply has to mark stale. */
struct stale_mark {
    uint32_t view_id;
    const char *reason;
    /* What was written into a pending generation is no good any more: a fresh one takes its place.
     */
    bool renews_pending;
    bool rebuilds; /* and there is one, whether one was pending or not */
};
/* Those of an apply that makes the catalog, in the arena: the views that the difference says have
 * become stale, or all of a project that is taken over. Also a view without a watermark is marked:
 * its first run may be under way, under the definitions of before. */
void stale_marks(const struct difference *difference, struct apply_options options,
                 const struct catalog *catalog, struct arena *arena, struct stale_mark **marks,
                 size_t *count);

/* How many numbers of generations to pass over where positions belong to another system than
 * before. A registry that came with a backup does not know which were given after that, and rows of
 * them may still be online. */
uint32_t generation_gap(uint64_t system_identifier);

#endif
