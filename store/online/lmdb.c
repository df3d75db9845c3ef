/*
 * lmdb.c - the LMDB backend: its table, reading, and looking at the store.
 *
 * A read looks its keys up in one snapshot, and leaves the rows where they are: in the map of the
 * file, which stays as it is until the snapshot ends.
 */
#include "store/online/lmdb_store.h"

#include "base/byte_order.h"
#include "base/timestamp.h"

#include <stdio.h>
#include <stdlib.h>

static enum status lmdb_open(const struct settings *settings, struct online_store **opened,
                             struct error *err)
{
    const struct store_settings *chosen = &settings->online_store;
    if (!chosen->path || !*chosen->path)
        return fail(err, STATUS_INVALID, "online_store.path is missing: it names a folder");
    struct lmdb_store *store = calloc(1, sizeof *store);
    if (!store)
        out_of_memory();
    arena_init(&store->arena, 0);
    arena_init(&store->scratch, 0);
    buffer_init(&store->row, 0);
    size_t size = strlen(chosen->path);
    while (size > 1 && chosen->path[size - 1] == '/')
        size--;
    store->base.ops = &lmdb_online_store;
    store->folder.path = arena_text_of(&store->arena, (struct bytes){chosen->path, size});
    store->folder.max_size_bytes = chosen->max_size_bytes;
    store->timeout_us = (int64_t)chosen->timeout_ms * 1000;
    store->turn.file = -1;
    *opened = &store->base;
    return STATUS_OK;
}

static void lmdb_close(struct online_store *base)
{
    struct lmdb_store *store = lmdb_store_of(base);
    lmdb_leave(store);
    buffer_release(&store->row);
    arena_release(&store->scratch);
    arena_release(&store->arena);
    free(store);
}

struct lmdb_row lmdb_row_of(MDB_val value)
{
    const char *data = value.mv_data;
    if (value.mv_size < LMDB_EXPIRY_SIZE)
        return (struct lmdb_row){.row = {data, 0}};
    return (struct lmdb_row){load_sortable64(data),
                             {data + LMDB_EXPIRY_SIZE, value.mv_size - LMDB_EXPIRY_SIZE}};
}

/* Absent where there is none, or one that has expired. */
static int find_row(struct lmdb_store *store, struct bytes key_bytes, int64_t now_us,
                    struct bytes *row)
{
    MDB_val key = lmdb_value_of(key_bytes), value;
    *row = (struct bytes){0};
    int code = mdb_cursor_get(store->row_reader, &key, &value, MDB_SET);
    if (code)
        return code == MDB_NOTFOUND ? 0 : code;
    struct lmdb_row stored = lmdb_row_of(value);
    if (!lmdb_is_past(stored.expires_at_us, now_us))
        *row = stored.row;
    return 0;
}

static enum status lmdb_read(struct online_store *base, const struct bytes *keys, size_t count,
                             struct arena *arena, struct bytes *rows, struct error *err)
{
    (void)arena;
    struct lmdb_store *store = lmdb_store_of(base);
    enum status status = lmdb_begin_reading(store, err);
    int64_t now_us = timestamp_now();
    size_t bytes = 0;
    for (size_t i = 0; !status && i < count; i++) {
        int code = find_row(store, keys[i], now_us, &rows[i]);
        bytes += rows[i].size;
        if (code)
            status = lmdb_fail(&store->folder, code, err);
        else if (bytes > ONLINE_READ_BYTES_MAX)
            status = fail(err, STATUS_EXHAUSTED, "lmdb %s: rows of over %d bytes in one read",
                          store->folder.path, ONLINE_READ_BYTES_MAX);
    }
    return status;
}

static void lmdb_let_go(struct online_store *base)
{
    lmdb_end_reading(lmdb_store_of(base));
}

static uint64_t bytes_of(const MDB_stat *stat)
{
    return (uint64_t)stat->ms_psize *
           (stat->ms_branch_pages + stat->ms_leaf_pages + stat->ms_overflow_pages);
}

enum status lmdb_inspect(struct online_store *base, struct online_info *info, struct error *err)
{
    struct lmdb_store *store = lmdb_store_of(base);
    MDB_stat rows, about;
    enum status status = lmdb_begin_reading(store, err);
    if (status)
        return status;
    int code = mdb_stat(store->reading, store->environment->rows, &rows);
    if (!code)
        code = mdb_stat(store->reading, store->environment->about, &about);
    lmdb_end_reading(store);
    if (code)
        return lmdb_fail(&store->folder, code, err);
    int major, minor, patch;
    mdb_version(&major, &minor, &patch);
    snprintf(info->version, sizeof info->version, "lmdb %d.%d.%d", major, minor, patch);
    info->used_bytes = bytes_of(&rows) + bytes_of(&about);
    return STATUS_OK;
}

static enum status lmdb_ping(struct online_store *base, struct error *err)
{
    struct lmdb_store *store = lmdb_store_of(base);
    enum status status = lmdb_begin_reading(store, err);
    lmdb_end_reading(store);
    return status;
}

const struct online_store_ops lmdb_online_store = {
    .type = "lmdb",
    .open = lmdb_open,
    .close = lmdb_close,
    .read = lmdb_read,
    .let_go = lmdb_let_go,
    .scan = lmdb_scan,
    .write = lmdb_write,
    .read_marks = lmdb_read_marks,
    .owner = lmdb_owner,
    .claim = lmdb_claim,
    .release = lmdb_release,
    .put_catalog = lmdb_put_catalog,
    .get_catalog = lmdb_get_catalog,
    .catalog_version = lmdb_catalog_version,
    .remove = lmdb_remove,
    .inspect = lmdb_inspect,
    .examine = lmdb_examine,
    .ping = lmdb_ping,
};
