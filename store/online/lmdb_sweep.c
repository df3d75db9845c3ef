/*
 * lmdb_sweep.c - rows that have expired leave the store, a few with each write.
 *
 * A read never returns one. Who writes n rows looks at 4 n others, in the order of their keys and
 * around and around the store, and deletes what has expired. So once a third as many rows were
 * written as there were, each was looked at, also if all of those are new: what lies there expired
 * is never more than about a third of what lives. An index by time would find them at once, but
 * would be written to with every row, which costs more than looking at four.
 */
#include "store/online/lmdb_store.h"

#include "base/entity_key.h"
#include "base/timestamp.h"

static MDB_val swept_key(void)
{
    return lmdb_value_of(bytes_of_text("swept"));
}

struct swept_place {
    uint8_t key[ENTITY_KEY_MAX];
    size_t size; /* 0: before all rows */
};

static void keep(struct swept_place *place, MDB_val key)
{
    place->size = key.mv_size <= sizeof place->key ? key.mv_size : 0;
    memcpy(place->key, key.mv_data, place->size);
}

static struct bytes bytes_of(const struct swept_place *place)
{
    return (struct bytes){place->key, place->size};
}

static int read_place(const struct lmdb_environment *environment, MDB_txn *txn,
                      struct swept_place *place)
{
    MDB_val key = swept_key(), value;
    int code = mdb_get(txn, environment->about, &key, &value);
    place->size = 0;
    if (!code)
        keep(place, value);
    return code == MDB_NOTFOUND ? 0 : code;
}

static int write_place(const struct lmdb_environment *environment, MDB_txn *txn,
                       const struct swept_place *place)
{
    MDB_val key = swept_key(), value = {place->size, (void *)(uintptr_t)place->key};
    return mdb_put(txn, environment->about, &key, &value, 0);
}

/* Leaves place at the last row that was looked at. MDB_NOTFOUND: there is none behind it. */
static int sweep_rows(const struct lmdb_environment *environment, MDB_txn *txn, size_t count,
                      struct swept_place *place, uint64_t *removed)
{
    MDB_cursor *cursor;
    int64_t now_us = timestamp_now();
    MDB_val key = {place->size, place->key}, value;
    int code = mdb_cursor_open(txn, environment->rows, &cursor);
    if (code)
        return code;
    code = mdb_cursor_get(cursor, &key, &value, place->size ? MDB_SET_RANGE : MDB_FIRST);
    for (size_t i = 0; !code; i++) {
        bool is_last = i + 1 >= count;
        if (is_last)
            keep(place, key);
        if (lmdb_is_past(lmdb_row_of(value).expires_at_us, now_us)) {
            code = mdb_cursor_del(cursor, 0);
            *removed += !code;
        }
        if (code || is_last)
            break;
        code = mdb_cursor_get(cursor, &key, &value, MDB_NEXT);
    }
    mdb_cursor_close(cursor);
    return code;
}

int lmdb_sweep(const struct lmdb_environment *environment, MDB_txn *txn, size_t count,
               uint64_t *removed, bool *is_around)
{
    struct swept_place place, before;
    *removed = 0;
    int code = read_place(environment, txn, &place);
    before = place;
    if (!code)
        code = sweep_rows(environment, txn, count, &place, removed);
    *is_around = code == MDB_NOTFOUND;
    if (*is_around)
        place.size = 0;
    if (code && !*is_around)
        return code;
    /* A small store is walked whole each time, and need not be written to. */
    return bytes_equal(bytes_of(&place), bytes_of(&before)) ? 0
                                                            : write_place(environment, txn, &place);
}
