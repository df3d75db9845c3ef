/* lmdb_environment.c - see lmdb_environment.h. */
#include "store/online/lmdb_environment.h"

#include "base/bytes.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

enum {
    DATABASES = 2,
    READERS_MAX = 2048, /* handles of all processes; each costs 64 bytes of lock.mdb */
    LOCK_SIZE = 64 * (READERS_MAX + 64), /* with what LMDB needs for itself, in whole pages */
};
static const char format_key[] = "format", format[] = "1";

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static struct lmdb_environment *environments; /* guarded by the mutex */

/* The databases */

static int open_databases(struct lmdb_environment *environment, MDB_txn *txn, unsigned flags)
{
    int code = mdb_dbi_open(txn, "about", flags, &environment->about);
    return code ? code : mdb_dbi_open(txn, "rows", flags, &environment->rows);
}

/* Finds the databases; MDB_NOTFOUND where they are not there. */
static int find_databases(struct lmdb_environment *environment, bool *is_ours)
{
    MDB_txn *txn;
    MDB_val key = {sizeof format_key - 1, (void *)(uintptr_t)format_key}, value;
    int code = mdb_txn_begin(environment->env, NULL, MDB_RDONLY, &txn);
    if (code)
        return code;
    code = open_databases(environment, txn, 0);
    if (!code)
        code = mdb_get(txn, environment->about, &key, &value);
    *is_ours = !code && value.mv_size == sizeof format - 1 &&
               memcmp(value.mv_data, format, value.mv_size) == 0;
    if (!code)
        return mdb_txn_commit(txn); /* which keeps the databases' handles */
    mdb_txn_abort(txn);
    return code;
}

static int make_databases(struct lmdb_environment *environment)
{
    MDB_txn *txn;
    MDB_val key = {sizeof format_key - 1, (void *)(uintptr_t)format_key};
    MDB_val value = {sizeof format - 1, (void *)(uintptr_t)format};
    int code = mdb_txn_begin(environment->env, NULL, 0, &txn);
    if (code)
        return code;
    code = open_databases(environment, txn, MDB_CREATE);
    if (!code)
        code = mdb_put(txn, environment->about, &key, &value, 0);
    if (!code)
        return mdb_txn_commit(txn);
    mdb_txn_abort(txn);
    return code;
}

/* Whether nothing at all was written there. */
static int is_empty(struct lmdb_environment *environment, bool *empty)
{
    MDB_stat stat;
    int code = mdb_env_stat(environment->env, &stat);
    *empty = !code && stat.ms_entries == 0;
    return code;
}

static enum status make_store(const struct lmdb_folder *folder,
                              struct lmdb_environment *environment, const struct lmdb_turn *turn,
                              int64_t deadline_us, struct error *err)
{
    bool empty;
    int code = is_empty(environment, &empty);
    if (!code && !empty)
        return fail(err, STATUS_CONFLICT,
                    "lmdb %s holds the data of another program: name another folder", folder->path);
    if (code)
        return lmdb_fail(folder, code, err);
    if (!lmdb_turn_take(turn, deadline_us))
        return lmdb_fail_late(folder, err);
    code = make_databases(environment);
    lmdb_turn_give(turn);
    if (!code)
        code = lmdb_folder_flush(folder);
    return code ? lmdb_fail(folder, code, err) : STATUS_OK;
}

static enum status find_or_make_store(const struct lmdb_folder *folder,
                                      struct lmdb_environment *environment,
                                      const struct lmdb_turn *turn, int64_t deadline_us,
                                      struct error *err)
{
    bool is_ours;
    int code = find_databases(environment, &is_ours);
    if (code == MDB_NOTFOUND)
        return make_store(folder, environment, turn, deadline_us, err);
    if (code)
        return lmdb_fail(folder, code, err);
    if (!is_ours)
        return fail(err, STATUS_CONFLICT,
                    "lmdb %s was made by another version of Larder: use that one, or remove the "
                    "folder, and larder materialize fills it anew",
                    folder->path);
    return STATUS_OK;
}

/* The environment */

static int open_environment(const struct lmdb_folder *folder, MDB_env **env)
{
    *env = NULL;
    size_t max_size = (size_t)folder->max_size_bytes;
    if (max_size != folder->max_size_bytes)
        return ENOMEM;
    /* LMDB would leave it a hole, and write there through a map: on a full disk, that kills. */
    int code = lmdb_folder_reserve(folder, "lock.mdb", LOCK_SIZE);
    if (!code)
        code = mdb_env_create(env);
    if (!code)
        code = mdb_env_set_mapsize(*env, max_size);
    if (!code)
        code = mdb_env_set_maxdbs(*env, DATABASES);
    if (!code)
        code = mdb_env_set_maxreaders(*env, READERS_MAX);
    /* Without NOTLS a thread could read through one handle alone. */
    return code ? code : mdb_env_open(*env, folder->path, MDB_NOTLS, 0666);
}

static enum status open_new(const struct lmdb_folder *folder, const struct lmdb_turn *turn,
                            int64_t deadline_us, struct lmdb_environment *environment,
                            struct error *err)
{
    /* LMDB does not stand two processes that open it at once. */
    if (!lmdb_turn_take_opening(turn, deadline_us))
        return lmdb_fail_late(folder, err);
    enum status status = STATUS_OK;
    int code = open_environment(folder, &environment->env);
    if (!code && (!lmdb_folder_number(folder, "data.mdb", &environment->data) ||
                  !lmdb_folder_number(folder, "lock.mdb", &environment->lock)))
        code = errno;
    if (code)
        status = lmdb_fail(folder, code, err);
    else
        status = find_or_make_store(folder, environment, turn, deadline_us, err);
    lmdb_turn_give_opening(turn);
    return status;
}

static enum status open_and_keep(const struct lmdb_folder *folder, const struct lmdb_turn *turn,
                                 int64_t deadline_us, struct lmdb_environment **opened,
                                 struct error *err)
{
    struct lmdb_environment *environment = calloc(1, sizeof *environment);
    if (!environment)
        out_of_memory();
    enum status status = open_new(folder, turn, deadline_us, environment, err);
    if (status) {
        mdb_env_close(environment->env);
        free(environment);
        return status;
    }
    environment->process = getpid();
    environment->next = environments;
    environments = environment;
    *opened = environment;
    return STATUS_OK;
}

static bool numbers_equal(struct lmdb_file_number a, struct lmdb_file_number b)
{
    return a.device == b.device && a.number == b.number;
}

/* What is open of these files in this process, not in one that has made it by a fork. *half: only
 * one of the two is, since somebody has replaced the other. */
static struct lmdb_environment *find_open(const struct lmdb_folder *folder, bool *half)
{
    struct lmdb_file_number data = {0}, lock = {0};
    bool has_data = lmdb_folder_number(folder, "data.mdb", &data);
    bool has_lock = lmdb_folder_number(folder, "lock.mdb", &lock);
    *half = false;
    for (struct lmdb_environment *each = environments; each; each = each->next) {
        bool same_data = has_data && numbers_equal(each->data, data);
        bool same_lock = has_lock && numbers_equal(each->lock, lock);
        if (each->process != getpid() || (!same_data && !same_lock))
            continue;
        *half = !same_data || !same_lock;
        return each;
    }
    return NULL;
}

static enum status share(const struct lmdb_folder *folder, struct lmdb_turn *turn,
                         int64_t deadline_us, struct lmdb_environment **environment,
                         struct error *err)
{
    bool half;
    *environment = find_open(folder, &half);
    if (*environment && half)
        return fail(err, STATUS_FAILED,
                    "lmdb %s: one of data.mdb and lock.mdb was removed while both were in use: "
                    "stop what uses them, and remove the folder",
                    folder->path);
    enum status status = STATUS_OK;
    if (!*environment)
        status = open_and_keep(folder, turn, deadline_us, environment, err);
    if (!status)
        (*environment)->handles++;
    return status;
}

enum status lmdb_environment_share(const struct lmdb_folder *folder, struct lmdb_turn *turn,
                                   int64_t deadline_us, struct lmdb_environment **environment,
                                   struct error *err)
{
    *environment = NULL;
    enum status status = lmdb_folder_make(folder, err);
    int code = status ? 0 : lmdb_turn_open(turn, folder->path);
    if (code)
        status = lmdb_fail(folder, code, err);
    if (status)
        return status;
    pthread_mutex_lock(&mutex);
    status = share(folder, turn, deadline_us, environment, err);
    pthread_mutex_unlock(&mutex);
    if (status) {
        lmdb_turn_close(turn);
        *environment = NULL;
    }
    return status;
}

void lmdb_environment_let_go(struct lmdb_environment *environment)
{
    pthread_mutex_lock(&mutex);
    if (--environment->handles == 0) {
        struct lmdb_environment **at = &environments;
        while (*at != environment)
            at = &(*at)->next;
        *at = environment->next;
        mdb_env_close(environment->env);
        free(environment);
    }
    pthread_mutex_unlock(&mutex);
}

bool lmdb_environment_is_current(const struct lmdb_environment *environment,
                                 const struct lmdb_folder *folder)
{
    struct lmdb_file_number data, lock;
    return lmdb_folder_number(folder, "data.mdb", &data) &&
           lmdb_folder_number(folder, "lock.mdb", &lock) &&
           numbers_equal(data, environment->data) && numbers_equal(lock, environment->lock);
}
