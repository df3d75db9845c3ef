/* name_set.c - see name_set.h. Open addressing, at most half full. */
#include "config/name_set.h"

#include "base/hash.h"

#include <assert.h>
#include <string.h>

static void allocate(struct name_set *set, size_t slot_count)
{
    set->slot_count = slot_count;
    set->slots = arena_array(set->arena, slot_count, sizeof *set->slots);
}

void name_set_init(struct name_set *set, struct arena *arena, size_t expected)
{
    *set = (struct name_set){.arena = arena};
    size_t slot_count = 8;
    while (slot_count / 2 < expected)
        slot_count *= 2;
    allocate(set, slot_count);
}

/* Where the name is, or the free slot where it belongs. */
static struct name_slot *slot_of(const struct name_set *set, const char *name, uint32_t hash)
{
    size_t mask = set->slot_count - 1;
    size_t i = hash & mask;
    while (set->slots[i].name &&
           (set->slots[i].hash != hash || strcmp(set->slots[i].name, name) != 0))
        i = (i + 1) & mask;
    return &set->slots[i];
}

static void grow(struct name_set *set)
{
    struct name_set old = *set;
    allocate(set, old.slot_count * 2);
    for (size_t i = 0; i < old.slot_count; i++)
        if (old.slots[i].name)
            *slot_of(set, old.slots[i].name, old.slots[i].hash) = old.slots[i];
}

static uint32_t hash_of(const char *name)
{
    return (uint32_t)bytes_hash(bytes_of_text(name));
}

bool name_set_add(struct name_set *set, const char *name, size_t *number)
{
    assert(*number <= UINT32_MAX);
    if (set->count >= set->slot_count / 2)
        grow(set);
    uint32_t hash = hash_of(name);
    struct name_slot *slot = slot_of(set, name, hash);
    if (slot->name) {
        *number = slot->number;
        return false;
    }
    *slot = (struct name_slot){name, hash, (uint32_t)*number};
    set->count++;
    return true;
}

bool name_set_find(const struct name_set *set, const char *name, size_t *number)
{
    const struct name_slot *slot = slot_of(set, name, hash_of(name));
    if (slot->name && number)
        *number = slot->number;
    return slot->name != NULL;
}
