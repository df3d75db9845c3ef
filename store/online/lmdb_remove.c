/*
 * lmdb_remove.c - rows that are not served any more leave: see online_store.h.
 *
 * The rows of a project lie side by side. They are walked in steps, each a transaction and a turn
 * of its own, so that others write in between; a step that finds nothing writes nothing.
 */
#include "store/online/lmdb_store.h"

#include "base/entity_key.h"

enum { STEP_ROWS = 5000 };

struct removal {
    struct lmdb_store *store;
    uint32_t project_id;
    const struct online_rows *rows; /* sorted; NULL: all of the project */
    size_t count;
    struct buffer prefix; /* of the project's keys */
    struct buffer at;     /* where the next step begins */
    uint64_t removed;
    bool is_done;
};

static bool is_wanted(const struct removal *removal, struct bytes key)
{
    struct entity_key_ids ids;
    return entity_key_parse(key, &ids) && ids.project_id == removal->project_id &&
           online_rows_include(removal->rows, removal->count, ids.view_id, ids.generation);
}

/* MDB_NOTFOUND: the project's rows end here. */
static int walk(struct removal *removal, MDB_cursor *cursor, uint64_t *found)
{
    const struct buffer *prefix = &removal->prefix;
    MDB_val key = lmdb_value_of(buffer_bytes(&removal->at)), value;
    int code = mdb_cursor_get(cursor, &key, &value, MDB_SET_RANGE);
    for (int i = 0; !code; i++) {
        if (key.mv_size < prefix->size || memcmp(key.mv_data, prefix->data, prefix->size) != 0)
            return MDB_NOTFOUND;
        if (i == STEP_ROWS) {
            buffer_clear(&removal->at);
            buffer_append(&removal->at, key.mv_data, key.mv_size);
            return 0;
        }
        if (is_wanted(removal, lmdb_bytes_of(key))) {
            code = mdb_cursor_del(cursor, 0);
            (*found)++;
        }
        if (!code)
            code = mdb_cursor_get(cursor, &key, &value, MDB_NEXT);
    }
    return code;
}

static enum status remove_step(struct removal *removal, struct error *err)
{
    struct lmdb_store *store = removal->store;
    MDB_txn *txn;
    MDB_cursor *cursor;
    uint64_t found = 0;
    enum status status = lmdb_begin_writing(store, &txn, err);
    if (status)
        return status;
    int code = mdb_cursor_open(txn, store->environment->rows, &cursor);
    if (!code) {
        code = walk(removal, cursor, &found);
        mdb_cursor_close(cursor);
        removal->is_done = code == MDB_NOTFOUND;
    }
    status = lmdb_finish_writing(store, txn, removal->is_done ? 0 : code, err);
    removal->removed += status ? 0 : found;
    return status;
}

static enum status remove_rows(struct removal *removal, struct error *err)
{
    enum status status = STATUS_OK;
    buffer_init(&removal->prefix, 0);
    buffer_init(&removal->at, 0);
    entity_key_project_prefix(&removal->prefix, removal->project_id);
    entity_key_project_prefix(&removal->at, removal->project_id);
    while (!status && !removal->is_done)
        status = remove_step(removal, err);
    buffer_release(&removal->at);
    buffer_release(&removal->prefix);
    return status;
}

static enum status remove_marks(const struct removal *removal, struct error *err)
{
    MDB_txn *txn;
    enum status status = lmdb_begin_writing(removal->store, &txn, err);
    if (status)
        return status;
    int code = lmdb_remove_marks(removal->store->environment, txn, removal->project_id,
                                 removal->rows, removal->count);
    return lmdb_finish_writing(removal->store, txn, code, err);
}

static enum status remove_catalog(struct lmdb_store *store, const char *project, struct error *err)
{
    MDB_txn *txn;
    enum status status = lmdb_begin_writing(store, &txn, err);
    if (status)
        return status;
    int code = lmdb_remove_catalog(store->environment, txn, project);
    return lmdb_finish_writing(store, txn, code, err);
}

enum status lmdb_remove(struct online_store *base, uint32_t project_id, const char *project,
                        const struct online_rows *rows, size_t count, uint64_t *removed,
                        struct error *err)
{
    struct removal removal = {
        .store = lmdb_store_of(base), .project_id = project_id, .rows = rows, .count = count};
    enum status status = remove_marks(&removal, err);
    if (!status)
        status = remove_rows(&removal, err);
    if (!status && !rows && project)
        status = remove_catalog(removal.store, project, err);
    *removed = removal.removed;
    return status;
}
