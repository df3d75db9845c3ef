/* lmdb_owner.c - whose store it is, and the definitions kept there: see lmdb_environment.h. */
#include "store/online/lmdb_store.h"

#include "base/byte_order.h"

#include <inttypes.h>
#include <stdio.h>

enum { NUMBER_SIZE = 8, KEY_SIZE = 128 };

static MDB_val owner_key(void)
{
    return lmdb_value_of(bytes_of_text("owner"));
}

/* 0 where there is none. */
static int read_owner(const struct lmdb_environment *environment, MDB_txn *txn, uint64_t *identity)
{
    MDB_val key = owner_key(), value;
    *identity = 0;
    int code = mdb_get(txn, environment->about, &key, &value);
    if (!code && value.mv_size != NUMBER_SIZE)
        return MDB_CORRUPTED;
    if (!code)
        *identity = load_be64(value.mv_data);
    return code == MDB_NOTFOUND ? 0 : code;
}

enum status lmdb_owner(struct online_store *base, uint64_t *identity, struct error *err)
{
    struct lmdb_store *store = lmdb_store_of(base);
    enum status status = lmdb_begin_reading(store, err);
    if (status)
        return status;
    int code = read_owner(store->environment, store->reading, identity);
    lmdb_end_reading(store);
    return code ? lmdb_fail(&store->folder, code, err) : STATUS_OK;
}

static int put_owner(const struct lmdb_environment *environment, MDB_txn *txn, uint64_t identity)
{
    uint8_t number[NUMBER_SIZE];
    store_be64(number, identity);
    MDB_val key = owner_key(), value = {sizeof number, number};
    return mdb_put(txn, environment->about, &key, &value, 0);
}

enum status lmdb_claim(struct online_store *base, uint64_t identity, bool take_over,
                       struct error *err)
{
    struct lmdb_store *store = lmdb_store_of(base);
    MDB_txn *txn;
    uint64_t owner;
    enum status status = lmdb_begin_writing(store, &txn, err);
    if (status)
        return status;
    int code = read_owner(store->environment, txn, &owner);
    bool is_foreign = !code && owner != 0 && owner != identity && !take_over;
    if (!code && !is_foreign && owner != identity)
        code = put_owner(store->environment, txn, identity);
    status = lmdb_finish_writing(store, txn, code, err);
    if (status || !is_foreign)
        return status;
    return fail(err, STATUS_CONFLICT,
                "lmdb %s belongs to another registry (%016" PRIx64 "): --take-over makes it ours "
                "and fills it anew",
                store->folder.path, owner);
}

enum status lmdb_release(struct online_store *base, uint64_t identity, struct error *err)
{
    struct lmdb_store *store = lmdb_store_of(base);
    MDB_txn *txn;
    MDB_val key = owner_key();
    uint64_t owner;
    enum status status = lmdb_begin_writing(store, &txn, err);
    if (status)
        return status;
    int code = read_owner(store->environment, txn, &owner);
    if (!code && owner == identity)
        code = mdb_del(txn, store->environment->about, &key, NULL);
    return lmdb_finish_writing(store, txn, code == MDB_NOTFOUND ? 0 : code, err);
}

/* Catalogs */

static MDB_val catalog_key(const char *project, char text[KEY_SIZE])
{
    int size = snprintf(text, KEY_SIZE, "catalog/%s", project);
    return (MDB_val){size < KEY_SIZE ? (size_t)size : KEY_SIZE - 1, text};
}

struct stored_catalog {
    bool is_there;
    uint64_t identity, version;
    struct bytes text;
};

static int read_catalog(const struct lmdb_environment *environment, MDB_txn *txn,
                        const char *project, struct stored_catalog *catalog)
{
    char text[KEY_SIZE];
    MDB_val key = catalog_key(project, text), value;
    *catalog = (struct stored_catalog){0};
    int code = mdb_get(txn, environment->about, &key, &value);
    if (code)
        return code == MDB_NOTFOUND ? 0 : code;
    if (value.mv_size < 2 * NUMBER_SIZE)
        return MDB_CORRUPTED;
    const uint8_t *data = value.mv_data;
    *catalog = (struct stored_catalog){
        .is_there = true,
        .identity = load_be64(data),
        .version = load_be64(data + NUMBER_SIZE),
        .text = {data + 2 * NUMBER_SIZE, value.mv_size - 2 * NUMBER_SIZE},
    };
    return 0;
}

static int put_catalog(const struct lmdb_environment *environment, MDB_txn *txn,
                       const char *project, const struct stored_catalog *catalog)
{
    char text[KEY_SIZE];
    MDB_val key = catalog_key(project, text), value = {2 * NUMBER_SIZE + catalog->text.size, NULL};
    int code = mdb_put(txn, environment->about, &key, &value, MDB_RESERVE);
    if (code)
        return code;
    uint8_t *data = value.mv_data;
    store_be64(data, catalog->identity);
    store_be64(data + NUMBER_SIZE, catalog->version);
    if (catalog->text.size > 0)
        memcpy(data + 2 * NUMBER_SIZE, catalog->text.data, catalog->text.size);
    return 0;
}

enum status lmdb_put_catalog(struct online_store *base, const char *project, uint64_t identity,
                             uint64_t version, struct bytes text, bool force, struct error *err)
{
    struct lmdb_store *store = lmdb_store_of(base);
    struct stored_catalog old, new = {true, identity, version, text};
    MDB_txn *txn;
    enum status status = lmdb_begin_writing(store, &txn, err);
    if (status)
        return status;
    int code = read_catalog(store->environment, txn, project, &old);
    bool is_foreign = old.is_there && old.identity != identity && !force;
    bool stays = old.is_there && !force && (is_foreign || version <= old.version);
    if (!code && !stays)
        code = put_catalog(store->environment, txn, project, &new);
    status = lmdb_finish_writing(store, txn, code, err);
    if (status || !is_foreign)
        return status;
    return fail(err, STATUS_CONFLICT,
                "lmdb %s holds the definitions of project %s from another registry: --take-over "
                "replaces them",
                store->folder.path, project);
}

enum status lmdb_get_catalog(struct online_store *base, const char *project, struct arena *arena,
                             struct bytes *text, struct error *err)
{
    struct lmdb_store *store = lmdb_store_of(base);
    struct stored_catalog catalog;
    *text = (struct bytes){0};
    enum status status = lmdb_begin_reading(store, err);
    if (status)
        return status;
    int code = read_catalog(store->environment, store->reading, project, &catalog);
    if (!code && catalog.is_there)
        *text = arena_bytes(arena, catalog.text);
    lmdb_end_reading(store);
    return code ? lmdb_fail(&store->folder, code, err) : STATUS_OK;
}

enum status lmdb_catalog_version(struct online_store *base, const char *project, uint64_t *identity,
                                 uint64_t *version, struct error *err)
{
    struct lmdb_store *store = lmdb_store_of(base);
    struct stored_catalog catalog;
    bool holds_rows = store->is_reading;
    enum status status = holds_rows ? STATUS_OK : lmdb_begin_reading(store, err);
    if (status)
        return status;
    int code = read_catalog(store->environment, store->reading, project, &catalog);
    *identity = catalog.identity;
    *version = catalog.version;
    if (!holds_rows)
        lmdb_end_reading(store);
    return code ? lmdb_fail(&store->folder, code, err) : STATUS_OK;
}

int lmdb_remove_catalog(const struct lmdb_environment *environment, MDB_txn *txn,
                        const char *project)
{
    char text[KEY_SIZE];
    MDB_val key = catalog_key(project, text);
    int code = mdb_del(txn, environment->about, &key, NULL);
    return code == MDB_NOTFOUND ? 0 : code;
}
