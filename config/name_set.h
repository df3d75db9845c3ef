/*
 * name_set.h - names seen so far, each with a number: finds what stands twice, in linear time.
 *
 * A hash table in an arena; names are borrowed. It grows as needed, and what it outgrew stays in
 * the arena. Used while definitions are read and on the server's read path. One thread.
 */
#ifndef LARDER_CONFIG_NAME_SET_H
#define LARDER_CONFIG_NAME_SET_H

#include "base/arena.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct name_slot {
    const char *name; /* NULL: free */
    uint32_t hash;
    uint32_t number;
};

struct name_set {
    struct arena *arena;
    struct name_slot *slots;
    size_t slot_count; /* a power of two, or 0 */
    size_t count;
};

/* Room for `expected` names without growing. */
void name_set_init(struct name_set *set, struct arena *arena, size_t expected);
/* true: added. false: it was there already, and *number is the number it was added with. */
bool name_set_add(struct name_set *set, const char *name, size_t *number);
/* Whether it is there; if so, *number (which may be NULL) is its number. */
bool name_set_find(const struct name_set *set, const char *name, size_t *number);

#endif
