/* lmdb_marks.c - how far each writer has come with each view: see lmdb_environment.h. */
#include "store/online/lmdb_store.h"

#include "base/byte_order.h"

#include <assert.h>

enum { KEY_SIZE = 128, PREFIX_SIZE = 5, AT_VIEW = 9, AT_GENERATION = 13, AT_WRITER = 17 };
static const char prefix[PREFIX_SIZE + 1] = "mark/";

/* What all marks of a project begin with. */
static void begin_key(uint8_t key[KEY_SIZE], uint32_t project_id)
{
    memcpy(key, prefix, PREFIX_SIZE);
    store_be32(key + PREFIX_SIZE, project_id);
}

static MDB_val key_of(const struct online_mark *mark, uint8_t key[KEY_SIZE])
{
    size_t size = strlen(mark->writer);
    assert(size > 0 && size <= KEY_SIZE - AT_WRITER);
    begin_key(key, mark->project_id);
    store_be32(key + AT_VIEW, mark->view_id);
    store_be32(key + AT_GENERATION, mark->generation);
    memcpy(key + AT_WRITER, mark->writer, size);
    return (MDB_val){AT_WRITER + size, key};
}

/* 0 where there is none. */
static int read_mark(const struct lmdb_environment *environment, MDB_txn *txn,
                     const struct online_mark *mark, int64_t *position)
{
    uint8_t bytes[KEY_SIZE];
    MDB_val key = key_of(mark, bytes), value;
    *position = 0;
    int code = mdb_get(txn, environment->about, &key, &value);
    if (code)
        return code == MDB_NOTFOUND ? 0 : code;
    if (value.mv_size != sizeof *position)
        return MDB_CORRUPTED;
    *position = (int64_t)load_be64(value.mv_data);
    return *position >= 0 ? 0 : MDB_CORRUPTED;
}

static int put_mark(const struct lmdb_environment *environment, MDB_txn *txn,
                    const struct online_mark *mark)
{
    uint8_t bytes[KEY_SIZE], number[sizeof mark->position];
    int64_t old;
    int code = read_mark(environment, txn, mark, &old);
    if (code || mark->position <= old)
        return code;
    store_be64(number, (uint64_t)mark->position);
    MDB_val key = key_of(mark, bytes), value = {sizeof number, number};
    return mdb_put(txn, environment->about, &key, &value, 0);
}

int lmdb_put_marks(const struct lmdb_environment *environment, MDB_txn *txn,
                   const struct online_mark *marks, size_t count)
{
    int code = 0;
    for (size_t i = 0; !code && i < count; i++)
        code = put_mark(environment, txn, &marks[i]);
    return code;
}

enum status lmdb_read_marks(struct online_store *base, const struct online_mark *marks,
                            size_t count, int64_t *positions, struct error *err)
{
    struct lmdb_store *store = lmdb_store_of(base);
    enum status status = lmdb_begin_reading(store, err);
    if (status)
        return status;
    int code = 0;
    for (size_t i = 0; !code && i < count; i++)
        code = read_mark(store->environment, store->reading, &marks[i], &positions[i]);
    lmdb_end_reading(store);
    return code ? lmdb_fail(&store->folder, code, err) : STATUS_OK;
}

int lmdb_remove_marks(const struct lmdb_environment *environment, MDB_txn *txn, uint32_t project_id,
                      const struct online_rows *rows, size_t count)
{
    uint8_t begin[KEY_SIZE];
    begin_key(begin, project_id);
    MDB_cursor *cursor;
    MDB_val key = {AT_VIEW, begin}, value;
    int code = mdb_cursor_open(txn, environment->about, &cursor);
    if (code)
        return code;
    for (code = mdb_cursor_get(cursor, &key, &value, MDB_SET_RANGE); !code;
         code = mdb_cursor_get(cursor, &key, &value, MDB_NEXT)) {
        const uint8_t *data = key.mv_data;
        if (key.mv_size < AT_WRITER || memcmp(data, begin, AT_VIEW) != 0)
            break;
        if (online_rows_include(rows, count, load_be32(data + AT_VIEW),
                                load_be32(data + AT_GENERATION)))
            code = mdb_cursor_del(cursor, 0);
        if (code)
            break;
    }
    mdb_cursor_close(cursor);
    return code == MDB_NOTFOUND ? 0 : code;
}
