/*
 * memory_online_store.h - an online store in memory: a backend like any other, for tests of what
 * stands on one.
 *
 * It can also hold whatever bytes it is given, whole rows or not, make rows up as they are asked
 * for, and be told to fail. Rows are lent, and poisoned under the address sanitizer once they are
 * let go. Every handle is the store itself, which close leaves as it is.
 */
#ifndef LARDER_TESTS_MEMORY_ONLINE_STORE_H
#define LARDER_TESTS_MEMORY_ONLINE_STORE_H

#include "base/arena.h"
#include "store/online/online_store_backend.h"

struct memory_online_store {
    struct online_store store;
    struct arena arena;
    struct arena lent; /* the rows of the last read */
    struct memory_row {
        struct bytes key, row;
        int64_t expires_at_us; /* 0: never */
        struct memory_row *next;
    } * rows;
    struct memory_mark {
        struct online_mark mark;
        struct memory_mark *next;
    } * marks;
    struct memory_catalog {
        const char *project;
        uint64_t identity, version;
        struct bytes text;
        struct memory_catalog *next;
    } * catalogs;
    uint64_t owner;
    /* If set: the row of a key that is not held; absent for none. */
    struct bytes (*make_row)(void *context, struct bytes key, struct arena *arena);
    void *make_row_context;
    enum status read_status;    /* what the next reads return */
    enum status catalog_status; /* and what asking for a catalog's version does */
    size_t catalog_count;       /* of such questions */
    size_t read_bytes_max;      /* a read whose rows are more is EXHAUSTED */
    size_t read_count;          /* calls */
    size_t key_count;           /* of all calls */
};

void memory_online_store_init(struct memory_online_store *memory);
void memory_online_store_release(struct memory_online_store *memory);
/* Copies both; replaces what was there, unconditionally. */
void memory_online_store_put(struct memory_online_store *memory, struct bytes key,
                             struct bytes row);

#endif
