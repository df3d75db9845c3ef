/*
 * definitions_copy.h - definitions in an arena of their own.
 *
 * Reading definitions leaves several times their size behind: nodes, drafts, sets of names. Who
 * keeps them for long reads them into an arena that goes, and keeps a copy.
 */
#ifndef LARDER_CONFIG_DEFINITIONS_COPY_H
#define LARDER_CONFIG_DEFINITIONS_COPY_H

#include "base/arena.h"
#include "config/definitions.h"

/* Nothing of the copy is in `from`, but the names of files in places. */
struct definitions definitions_copy(const struct definitions *from, struct arena *arena);

#endif
