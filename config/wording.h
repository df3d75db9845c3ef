/*
 * wording.h - how messages quote what somebody wrote, and suggest what they meant.
 *
 * What is quoted may come from a hostile file or request: it is cut to a readable length, and bytes
 * that are no text become "?". Results are in the arena. Never quote a value that may hold a
 * secret.
 */
#ifndef LARDER_CONFIG_WORDING_H
#define LARDER_CONFIG_WORDING_H

#include "base/arena.h"
#include "base/bytes.h"

#include <stddef.h>

/* The text in double quotes. */
const char *quoted(struct arena *arena, const char *text);
const char *quoted_bytes(struct arena *arena, struct bytes text);

/* `: did you mean "x"?`, or "" if no candidate is near. */
const char *did_you_mean(struct arena *arena, const char *name, const char *const *candidates,
                         size_t count);

/* The same, or where none is near the first few of them: ": there is x, y, and 3 more". */
const char *did_you_mean_one(struct arena *arena, const char *name, const char *const *candidates,
                             size_t count);

/* The names of count structs that stand `stride` bytes apart, each with its name (a const char *)
 * at `offset`: candidates for did_you_mean. Cut at a few thousand. */
const char *const *names_of(struct arena *arena, const void *structs, size_t count, size_t stride,
                            size_t offset, size_t *name_count);

#endif
