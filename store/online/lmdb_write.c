/*
 * lmdb_write.c - the conditional write, in transactions.
 *
 * LMDB writes whole pages, each changed one once in a transaction, and rows lie in the order of
 * their keys. So a call's rows are written in that order, cut into transactions: each touches pages
 * that lie side by side, and none many. What a transaction has committed is on disk.
 */
#include "store/online/lmdb_store.h"

#include "base/byte_order.h"
#include "base/timestamp.h"

#include <stdlib.h>

enum {
    PART_ROWS = 20000,
    PART_BYTES = 32 * 1024 * 1024, /* a single larger row goes alone */
    SWEPT_A_ROW = 4,
    SWEPT_MIN = 1000,
};

/* One call of lmdb_write. */
struct writing {
    struct lmdb_store *store;
    const struct online_write *writes;
    const uint32_t *order; /* of the writes, by their keys */
    size_t count;
    const struct online_mark *marks;
    size_t mark_count;
    enum row_outcome *outcomes; /* or NULL */
    bool was_swept;             /* to make room */
};

static int compare_keys(struct bytes a, struct bytes b)
{
    int order = memcmp(a.data, b.data, a.size < b.size ? a.size : b.size);
    return order ? order : (a.size > b.size) - (a.size < b.size);
}

/* Several rows of one key stay in the order in which they came, which their outcomes tell of. */
static int compare_writes(const void *a, const void *b, void *context)
{
    const struct online_write *writes = context;
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    int order = compare_keys(writes[x].key, writes[y].key);
    return order ? order : (x > y) - (x < y);
}

static const uint32_t *order_writes(struct arena *arena, const struct online_write *writes,
                                    size_t count)
{
    uint32_t *order = arena_array(arena, count, sizeof *order);
    bool is_ordered = true;
    for (size_t i = 0; i < count; i++) {
        order[i] = (uint32_t)i;
        is_ordered = is_ordered && (i == 0 || compare_keys(writes[i - 1].key, writes[i].key) <= 0);
    }
    if (!is_ordered)
        qsort_r(order, count, sizeof *order, compare_writes, (void *)(uintptr_t)writes);
    return order;
}

static size_t measure_part(const struct writing *writing, size_t first)
{
    size_t at = first, bytes = 0;
    while (at < writing->count && at - first < PART_ROWS && bytes < PART_BYTES)
        bytes += writing->writes[writing->order[at++]].row.size;
    return at - first;
}

static int put_row(MDB_cursor *cursor, struct bytes key_bytes, struct bytes row, int64_t floor,
                   int64_t expires_at_us)
{
    MDB_val key = lmdb_value_of(key_bytes), value = {LMDB_EXPIRY_SIZE + row.size, NULL};
    int code = mdb_cursor_put(cursor, &key, &value, MDB_RESERVE);
    if (code)
        return code;
    char *data = value.mv_data;
    store_sortable64(data, expires_at_us);
    memcpy(data + LMDB_EXPIRY_SIZE, row.data, row.size);
    row_set_floor(data + LMDB_EXPIRY_SIZE, floor);
    return 0;
}

/* The row that stands; absent where there is none, or one that has expired, or none of ours. */
static int find_row(MDB_cursor *cursor, struct bytes key_bytes, int64_t now_us,
                    struct lmdb_row *stands)
{
    MDB_val key = lmdb_value_of(key_bytes), value;
    struct row_header header;
    *stands = (struct lmdb_row){0};
    int code = mdb_cursor_get(cursor, &key, &value, MDB_SET);
    if (code)
        return code == MDB_NOTFOUND ? 0 : code;
    struct lmdb_row stored = lmdb_row_of(value);
    if (!lmdb_is_past(stored.expires_at_us, now_us) && row_peek(stored.row, &header))
        *stands = stored;
    return 0;
}

/* As row_resolve says (base/row.h), and online_store.h of rows that come expired. */
static int write_row(struct lmdb_store *store, MDB_cursor *cursor, const struct online_write *write,
                     int64_t now_us, enum row_outcome *outcome)
{
    struct lmdb_row stands;
    int code = find_row(cursor, write->key, now_us, &stands);
    if (code)
        return code;
    struct row_resolution resolution = row_resolve(stands.row, write->row);
    bool comes_expired = lmdb_is_past(write->expires_at_us, now_us);
    *outcome = resolution.outcome;
    if (resolution.outcome == ROW_FLOOR_RAISED) {
        buffer_clear(&store->row); /* what stands is overwritten while it is written */
        buffer_append(&store->row, stands.row.data, stands.row.size);
        return put_row(cursor, write->key, buffer_bytes(&store->row), resolution.floor,
                       stands.expires_at_us);
    }
    if (resolution.outcome != ROW_WRITTEN || (comes_expired && !stands.row.data))
        return 0;
    return put_row(cursor, write->key, write->row, resolution.floor,
                   comes_expired ? stands.expires_at_us : write->expires_at_us);
}

static int write_rows(const struct writing *writing, MDB_txn *txn, size_t first, size_t count)
{
    MDB_cursor *cursor;
    int64_t now_us = timestamp_now();
    int code = mdb_cursor_open(txn, writing->store->environment->rows, &cursor);
    if (code)
        return code;
    for (size_t i = first; !code && i < first + count; i++) {
        uint32_t number = writing->order[i];
        enum row_outcome outcome;
        code = write_row(writing->store, cursor, &writing->writes[number], now_us, &outcome);
        if (!code && writing->outcomes)
            writing->outcomes[number] = outcome;
    }
    mdb_cursor_close(cursor);
    return code;
}

/* A transaction that failed has done nothing, whatever it did. */
static void forget_outcomes(const struct writing *writing, size_t first, size_t count)
{
    for (size_t i = first; writing->outcomes && i < first + count; i++)
        writing->outcomes[writing->order[i]] = ROW_UNKNOWN;
}

/* One transaction; the marks are in the last one. */
static enum status write_part(const struct writing *writing, size_t first, size_t count,
                              bool *is_full, struct error *err)
{
    struct lmdb_store *store = writing->store;
    const struct lmdb_environment *environment;
    MDB_txn *txn;
    uint64_t removed;
    bool is_around;
    *is_full = false;
    enum status status = lmdb_begin_writing(store, &txn, err);
    if (status)
        return status;
    environment = store->environment;
    int code = write_rows(writing, txn, first, count);
    if (!code && first + count == writing->count)
        code = lmdb_put_marks(environment, txn, writing->marks, writing->mark_count);
    size_t swept = count * SWEPT_A_ROW;
    if (!code)
        code = lmdb_sweep(environment, txn, swept < SWEPT_MIN ? SWEPT_MIN : swept, &removed,
                          &is_around);
    code = lmdb_end_writing(store, txn, code);
    *is_full = code == MDB_MAP_FULL;
    if (!code)
        return STATUS_OK;
    forget_outcomes(writing, first, count);
    return lmdb_fail(&store->folder, code, err);
}

/* Deletes all that has expired: a full store may be full of that. */
static enum status make_room(struct lmdb_store *store, uint64_t *removed, struct error *err)
{
    bool is_around = false;
    *removed = 0;
    while (!is_around) {
        MDB_txn *txn;
        uint64_t some;
        enum status status = lmdb_begin_writing(store, &txn, err);
        if (status)
            return status;
        int code = lmdb_sweep(store->environment, txn, SWEPT_MIN, &some, &is_around);
        status = lmdb_finish_writing(store, txn, code, err);
        if (status)
            return status;
        *removed += some;
    }
    return STATUS_OK;
}

static enum status write_part_with_room(struct writing *writing, size_t first, size_t count,
                                        struct error *err)
{
    bool is_full;
    uint64_t removed;
    struct error ignored;
    enum status status = write_part(writing, first, count, &is_full, err);
    if (!is_full || writing->was_swept)
        return status;
    writing->was_swept = true;
    if (make_room(writing->store, &removed, &ignored) || removed == 0)
        return status;
    return write_part(writing, first, count, &is_full, err);
}

enum status lmdb_write(struct online_store *base, const struct online_write *writes, size_t count,
                       const struct online_mark *marks, size_t mark_count,
                       enum row_outcome *outcomes, struct error *err)
{
    struct lmdb_store *store = lmdb_store_of(base);
    arena_reset(&store->scratch);
    struct writing writing = {.store = store,
                              .writes = writes,
                              .order = order_writes(&store->scratch, writes, count),
                              .count = count,
                              .marks = marks,
                              .mark_count = mark_count,
                              .outcomes = outcomes};
    size_t first = 0;
    enum status status;
    do {
        size_t size = measure_part(&writing, first);
        status = write_part_with_room(&writing, first, size, err);
        first += size;
    } while (!status && first < count);
    return status;
}
