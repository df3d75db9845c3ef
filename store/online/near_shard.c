/* near_shard.c - see near_shard.h. */
#include "store/online/near_shard.h"

#include "base/row.h"

#include <assert.h>
#include <stddef.h>

enum {
    UNIT = 8,           /* all sizes are so many bytes, or some of them */
    BUCKET_BYTES = 128, /* of memory to one bucket: about as much as an entry */
    GHOST_BYTES = 256,
    SMALL_PART = 10,  /* the small ring is one such part of both */
    LARGEST_PART = 4, /* an entry is at most one such part of the small ring */
    USES_MAX = 3,
    USES_TO_STAY = 2, /* in the small ring */
    AROUND_MAX = 64,  /* entries that go around for one that wants to come: a bound on its time */
};

enum state {
    DEAD,  /* no entry any more, or a gap at a ring's end */
    STALE, /* a key whose answer was forgotten */
    FLOOR, /* the same, and what was given to somebody since: no older answer is kept */
    ABSENT,
    PRESENT,
};

struct near_entry {
    uint32_t size; /* all of it; a gap has no more than this first unit */
    uint16_t key_size;
    uint8_t state;
    uint8_t uses;  /* since it came, or came around: at most USES_MAX */
    uint32_t next; /* place of another in its bucket */
    uint32_t tag;
    uint32_t row_size;
    uint8_t bytes[]; /* key, row */
};

static_assert(offsetof(struct near_entry, next) == UNIT, "a gap may be as small as a unit");

/* Entries and buckets. */

static inline struct near_entry *entry_at(const struct near_shard *shard, uint32_t place)
{
    return (struct near_entry *)(void *)(shard->memory + (size_t)(place - 1) * UNIT);
}

static inline uint32_t place_of(const struct near_shard *shard, const struct near_entry *entry)
{
    return (uint32_t)((size_t)((const uint8_t *)entry - shard->memory) / UNIT) + 1;
}

static inline bool is_answer(const struct near_entry *entry)
{
    return entry->state >= ABSENT;
}

static inline uint32_t *bucket_of(const struct near_shard *shard, uint32_t tag)
{
    return &shard->buckets[(uint64_t)tag * shard->bucket_count >> 32];
}

static inline uint32_t *ghost_of(const struct near_shard *shard, uint32_t tag)
{
    return &shard->ghosts[(uint64_t)tag * shard->ghost_count >> 32];
}

static struct near_entry *find(const struct near_shard *shard, uint32_t tag, struct bytes key)
{
    struct near_entry *entry;
    for (uint32_t place = *bucket_of(shard, tag); place; place = entry->next) {
        entry = entry_at(shard, place);
        if (entry->tag == tag && entry->key_size == key.size &&
            memcmp(entry->bytes, key.data, key.size) == 0)
            return entry;
    }
    return NULL;
}

static void link_entry(struct near_shard *shard, struct near_entry *entry)
{
    uint32_t *bucket = bucket_of(shard, entry->tag);
    entry->next = *bucket;
    *bucket = place_of(shard, entry);
}

static void unlink_entry(struct near_shard *shard, const struct near_entry *entry)
{
    uint32_t *link = bucket_of(shard, entry->tag);
    uint32_t place = place_of(shard, entry);
    while (*link != place)
        link = &entry_at(shard, *link)->next;
    *link = entry->next;
}

static void set_state(struct near_shard *shard, struct near_entry *entry, enum state state)
{
    shard->counts.entries += (uint64_t)(state >= ABSENT) - (uint64_t)is_answer(entry);
    entry->state = (uint8_t)state;
}

static void kill_entry(struct near_shard *shard, struct near_entry *entry)
{
    unlink_entry(shard, entry);
    set_state(shard, entry, DEAD);
}

/* Rings. */

static struct near_entry *oldest(const struct near_ring *ring)
{
    return (struct near_entry *)(void *)(ring->memory + ring->first);
}

/* Where so many bytes can go, or NULL: something has to leave before. Entries do not go over the
 * ring's end: a gap is left there. */
static void *find_room(struct near_ring *ring, uint32_t size)
{
    if (ring->used == 0)
        ring->first = ring->end = 0;
    if (ring->used == ring->size)
        return NULL;
    uint32_t left = ring->size - ring->end;
    if (ring->end >= ring->first && left < size) {
        struct near_entry *gap = (struct near_entry *)(void *)(ring->memory + ring->end);
        gap->size = left;
        gap->state = DEAD;
        ring->used += left;
        ring->end = 0;
    }
    if (ring->end >= ring->first && ring->used < ring->size)
        return ring->memory + ring->end;
    return ring->first - ring->end >= size ? ring->memory + ring->end : NULL;
}

static void take_room(struct near_ring *ring, uint32_t size)
{
    ring->used += size;
    ring->end += size;
    if (ring->end == ring->size)
        ring->end = 0;
}

static void leave_oldest(struct near_ring *ring, uint32_t size)
{
    ring->used -= size;
    ring->first += size;
    if (ring->first == ring->size)
        ring->first = 0;
}

/* Leaving. */

static void evict(struct near_shard *shard, struct near_entry *entry)
{
    shard->counts.evictions += is_answer(entry);
    *ghost_of(shard, entry->tag) = entry->tag;
    kill_entry(shard, entry);
}

/* The entry goes on to `to`, where it finds room, and may overlap what it was. */
static void move_entry(struct near_shard *shard, struct near_entry *entry, struct near_entry *to,
                       uint8_t uses)
{
    if (entry != to) {
        unlink_entry(shard, entry);
        memmove(to, entry, entry->size);
        link_entry(shard, to);
    }
    to->uses = uses;
}

/* There is room for it at the ring's end as soon as it has left the other. */
static void go_around(struct near_shard *shard, struct near_entry *entry)
{
    struct near_ring *ring = &shard->main;
    uint32_t size = entry->size;
    leave_oldest(ring, size);
    struct near_entry *to = find_room(ring, size);
    assert(to);
    take_room(ring, size);
    move_entry(shard, entry, to, (uint8_t)(entry->uses - 1));
}

/* NULL: so many that are asked for stand before what could leave that another is not let in. They
 * have gone around, and the next one that comes finds others first. */
static void *make_main_room(struct near_shard *shard, uint32_t size)
{
    struct near_ring *ring = &shard->main;
    void *room;
    for (int around = 0; !(room = find_room(ring, size));) {
        struct near_entry *entry = oldest(ring);
        if (is_answer(entry) && entry->uses > 0) {
            if (around++ == AROUND_MAX)
                return NULL;
            go_around(shard, entry);
            continue;
        }
        if (entry->state != DEAD)
            evict(shard, entry);
        leave_oldest(ring, entry->size);
    }
    take_room(ring, size);
    return room;
}

/* What is asked for goes on to the main ring; so does the rest, while there is room. */
static void leave_small(struct near_shard *shard, struct near_entry *entry)
{
    struct near_entry *to = NULL;
    if (entry->state == DEAD)
        return;
    if (is_answer(entry) &&
        (entry->uses >= USES_TO_STAY || find_room(&shard->main, entry->size) != NULL))
        to = make_main_room(shard, entry->size);
    if (to)
        move_entry(shard, entry, to, 0);
    else
        evict(shard, entry);
}

static void *make_small_room(struct near_shard *shard, uint32_t size)
{
    struct near_ring *ring = &shard->small;
    void *room;
    while (!(room = find_room(ring, size))) {
        struct near_entry *entry = oldest(ring);
        uint32_t left = entry->size;
        leave_small(shard, entry);
        leave_oldest(ring, left);
    }
    take_room(ring, size);
    return room;
}

/* Answers. */

void near_shard_init(struct near_shard *shard, void *memory, uint64_t bytes)
{
    assert(bytes >= NEAR_SHARD_MIN && bytes / UNIT < UINT32_MAX / 2);
    *shard = (struct near_shard){.bucket_count = (uint32_t)(bytes / BUCKET_BYTES) & ~UINT32_C(1),
                                 .ghost_count = (uint32_t)(bytes / GHOST_BYTES) & ~UINT32_C(1)};
    shard->buckets = memory;
    shard->ghosts = shard->buckets + shard->bucket_count;
    shard->memory = (uint8_t *)(shard->ghosts + shard->ghost_count);
    shard->fixed_bytes = (uint64_t)(shard->memory - (uint8_t *)memory);
    uint32_t units = (uint32_t)((bytes - shard->fixed_bytes) / UNIT);
    shard->small = (struct near_ring){.memory = shard->memory, .size = units / SMALL_PART * UNIT};
    shard->main = (struct near_ring){.memory = shard->memory + shard->small.size,
                                     .size = units * UNIT - shard->small.size};
    shard->entry_max = shard->small.size / LARGEST_PART;
}

/* What it holds, whether it may be given or not. */
static inline struct bytes row_of(const struct near_entry *entry)
{
    bool has_row = entry->state == PRESENT || entry->state == FLOOR;
    return has_row ? (struct bytes){entry->bytes + entry->key_size, entry->row_size}
                   : (struct bytes){NULL, 0};
}

bool near_shard_look(struct near_shard *shard, uint32_t tag, struct bytes key, struct bytes *row)
{
    struct near_entry *entry = find(shard, tag, key);
    if (!entry || !is_answer(entry)) {
        shard->counts.misses++;
        return false;
    }
    shard->counts.hits++;
    if (entry->uses < USES_MAX)
        entry->uses++;
    *row = row_of(entry);
    return true;
}

/* Whether the store put one behind the other: rows begin with
 * what orders them (base/row.h). */
static bool is_greater(struct bytes row, struct bytes other)
{
    if (row.size < ROW_TRIPLE_SIZE || other.size < ROW_TRIPLE_SIZE)
        return row.size > other.size;
    return memcmp(row.data, other.data, ROW_TRIPLE_SIZE) > 0;
}

static void fill(struct near_shard *shard, struct near_entry *entry, struct bytes row,
                 enum state state)
{
    if (row.size > 0)
        memcpy(entry->bytes + entry->key_size, row.data, row.size);
    entry->row_size = (uint32_t)row.size;
    set_state(shard, entry, state);
}

static uint64_t size_with(struct bytes key, struct bytes row)
{
    uint64_t size = offsetof(struct near_entry, bytes) + key.size + (uint64_t)row.size;
    return (size + UNIT - 1) / UNIT * UNIT;
}

static struct near_entry *add(struct near_shard *shard, uint32_t tag, struct bytes key,
                              uint32_t size, bool is_known)
{
    is_known = is_known || *ghost_of(shard, tag) == tag;
    struct near_entry *entry = is_known ? make_main_room(shard, size) : NULL;
    if (!entry)
        entry = make_small_room(shard, size);
    *entry = (struct near_entry){.size = size, .key_size = (uint16_t)key.size, .tag = tag};
    memcpy(entry->bytes, key.data, key.size);
    link_entry(shard, entry);
    return entry;
}

/* The entry that holds this row from now on: the one that there
 * is, or another. */
static void put(struct near_shard *shard, struct near_entry *entry, uint32_t tag, struct bytes key,
                struct bytes row, enum state state)
{
    uint64_t size = size_with(key, row);
    if (!entry || size > entry->size) {
        bool was_main = entry && (uint8_t *)entry >= shard->main.memory;
        if (entry)
            kill_entry(shard, entry);
        if (size > shard->entry_max)
            return;
        entry = add(shard, tag, key, (uint32_t)size, was_main);
    }
    fill(shard, entry, row, state);
}

void near_shard_keep(struct near_shard *shard, uint32_t tag, struct bytes key, struct bytes row,
                     uint32_t version)
{
    struct near_entry *entry = find(shard, tag, key);
    if (near_shard_version(shard, tag) != version) {
        near_shard_raise(shard, tag, key, row);
        return;
    }
    if (entry && is_answer(entry) && !is_greater(row, row_of(entry)))
        return;
    if (entry && entry->state == FLOOR && is_greater(row_of(entry), row))
        return;
    put(shard, entry, tag, key, row, row.data ? PRESENT : ABSENT);
}

void near_shard_raise(struct near_shard *shard, uint32_t tag, struct bytes key, struct bytes row)
{
    struct near_entry *entry = find(shard, tag, key);
    if (row.data && (!entry || is_greater(row, row_of(entry))))
        put(shard, entry, tag, key, row, FLOOR);
}

void near_shard_forget(struct near_shard *shard, uint32_t tag, struct bytes key)
{
    shard->versions[tag % NEAR_VERSIONS]++;
    shard->counts.invalidations++;
    struct near_entry *entry = find(shard, tag, key);
    if (entry)
        set_state(shard, entry, STALE);
}

void near_shard_clear(struct near_shard *shard)
{
    for (size_t i = 0; i < NEAR_VERSIONS; i++)
        shard->versions[i]++;
    memset(shard->buckets, 0, shard->bucket_count * sizeof *shard->buckets);
    shard->small.used = shard->main.used = 0;
    shard->counts.entries = 0;
}

void near_shard_count(const struct near_shard *shard, struct near_counts *counts)
{
    *counts = shard->counts;
    counts->bytes = shard->fixed_bytes + shard->small.used + shard->main.used;
}
