/*
 * apply_rules.h - what an apply refuses, and what it says of a view that has become stale.
 *
 * The same for every backend of the registry, so that a refusal reads alike wherever definitions
 * are kept. Pure.
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

#endif
