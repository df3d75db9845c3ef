/* lmdb_transaction.c - reading and writing begin and end: see lmdb_store.h. */
#include "store/online/lmdb_store.h"

#include "base/timestamp.h"

#include <assert.h>

enum { LOOK_US = 100 * 1000 };

static void forget_reading(struct lmdb_store *store)
{
    if (store->row_reader)
        mdb_cursor_close(store->row_reader);
    if (store->reading)
        mdb_txn_abort(store->reading);
    store->row_reader = NULL;
    store->reading = NULL;
    store->is_reading = false;
}

void lmdb_leave(struct lmdb_store *store)
{
    if (!store->environment)
        return;
    forget_reading(store);
    lmdb_environment_let_go(store->environment);
    lmdb_turn_close(&store->turn);
    store->environment = NULL;
}

/* Opens the environment, or the one that has taken its place: a folder may be removed, and filled
 * anew by another process, while this one goes on to see the files that were there. */
static enum status make_ready(struct lmdb_store *store, struct error *err)
{
    int64_t now_us = timestamp_monotonic_us();
    if (store->environment && now_us - store->looked_us < LOOK_US)
        return STATUS_OK;
    store->looked_us = now_us;
    if (store->environment && lmdb_environment_is_current(store->environment, &store->folder))
        return STATUS_OK;
    lmdb_leave(store);
    return lmdb_environment_share(&store->folder, &store->turn, now_us + store->timeout_us,
                                  &store->environment, err);
}

static int begin_first(struct lmdb_store *store)
{
    const struct lmdb_environment *environment = store->environment;
    int code = mdb_txn_begin(environment->env, NULL, MDB_RDONLY, &store->reading);
    return code ? code : mdb_cursor_open(store->reading, environment->rows, &store->row_reader);
}

static int begin_again(struct lmdb_store *store)
{
    int code = mdb_txn_renew(store->reading);
    return code ? code : mdb_cursor_renew(store->reading, store->row_reader);
}

enum status lmdb_begin_reading(struct lmdb_store *store, struct error *err)
{
    lmdb_end_reading(store);
    enum status status = make_ready(store, err);
    if (status)
        return status;
    int code = store->reading ? begin_again(store) : begin_first(store);
    store->is_reading = code == 0;
    if (!code)
        return STATUS_OK;
    forget_reading(store);
    return lmdb_fail(&store->folder, code, err);
}

void lmdb_end_reading(struct lmdb_store *store)
{
    if (store->is_reading)
        mdb_txn_reset(store->reading);
    store->is_reading = false;
}

enum status lmdb_begin_writing(struct lmdb_store *store, MDB_txn **txn, struct error *err)
{
    lmdb_end_reading(store);
    enum status status = make_ready(store, err);
    if (status)
        return status;
    if (!lmdb_turn_take(&store->turn, timestamp_monotonic_us() + store->timeout_us))
        return lmdb_fail_late(&store->folder, err);
    /* A reader that was killed would keep its snapshot for good, and the file would grow. */
    int code = mdb_reader_check(store->environment->env, NULL);
    if (!code)
        code = mdb_txn_begin(store->environment->env, NULL, 0, txn);
    if (!code)
        return STATUS_OK;
    lmdb_turn_give(&store->turn);
    return lmdb_fail(&store->folder, code, err);
}

int lmdb_end_writing(struct lmdb_store *store, MDB_txn *txn, int code)
{
    if (code)
        mdb_txn_abort(txn);
    else
        code = mdb_txn_commit(txn);
    lmdb_turn_give(&store->turn);
    return code;
}

enum status lmdb_finish_writing(struct lmdb_store *store, MDB_txn *txn, int code, struct error *err)
{
    code = lmdb_end_writing(store, txn, code);
    return code ? lmdb_fail(&store->folder, code, err) : STATUS_OK;
}
