/*
 * memory_online_store.h - an online store of a few rows in memory, for tests of what reads one.
 *
 * It holds whatever bytes it is given, whole rows or not, can make rows up as they are asked for,
 * and can be told to fail. Only reading is there; anything else fails.
 */
#ifndef LARDER_TESTS_MEMORY_ONLINE_STORE_H
#define LARDER_TESTS_MEMORY_ONLINE_STORE_H

#include "base/arena.h"
#include "store/online/online_store_backend.h"

struct memory_online_store {
    struct online_store store;
    struct arena arena;
    struct memory_row {
        struct bytes key, row;
        struct memory_row *next;
    } * rows;
    /* If set: the row of a key that is not held; absent for none. */
    struct bytes (*make_row)(void *context, struct bytes key, struct arena *arena);
    void *make_row_context;
    enum status read_status; /* what the next reads return */
    size_t read_bytes_max;   /* a read whose rows are more is EXHAUSTED; 0: any number */
    size_t read_count;       /* calls */
    size_t key_count;        /* of all calls */
};

void memory_online_store_init(struct memory_online_store *memory);
void memory_online_store_release(struct memory_online_store *memory);
/* Copies both; replaces what was there. */
void memory_online_store_put(struct memory_online_store *memory, struct bytes key,
                             struct bytes row);

#endif
