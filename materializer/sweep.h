/*
 * sweep.h - removes from the online store the rows that nobody reads any more.
 *
 * Which those are, the registry has recorded (registry.h). A run of materialize sweeps at its
 * begin, what others left behind, and at its end, what it made unread itself; apply sweeps, too.
 * Rows of a generation that readers have just left stay until the last of them must have heard of
 * it. What is not reached stays recorded for the next one.
 */
#ifndef LARDER_MATERIALIZER_SWEEP_H
#define LARDER_MATERIALIZER_SWEEP_H

#include "base/arena.h"
#include "base/error.h"
#include "store/online/online_store.h"
#include "store/registry/registry.h"

/* After this long no server reads a generation any more that another has replaced: they hear of it
 * within a second. One that heard nothing for so long asks the online store whether there is newer
 * (server/answer/batch.c), so the newest catalog is there before any row goes. The time is that of
 * the registry's clock, from just before the switch was committed. */
enum { SWEEP_AFTER_MS = 2000 };

/* Removes rows of the catalog's project. OK without a step where the online store is not the
 * registry's, or does not hold its newest catalog. */
enum status sweep(struct registry *registry, struct online_store *online,
                  const struct catalog *catalog, struct arena *arena, struct error *err);

#endif
