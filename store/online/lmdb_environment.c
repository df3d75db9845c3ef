/* lmdb_environment.c - see lmdb_environment.h. */
#include "store/online/lmdb_environment.h"

#include "base/bytes.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

enum {
    DATABASES = 2,
    READERS_MAX = 2048, /* handles of all processes; each costs 64 bytes of lock.mdb */
    PATH_SIZE = 4096,
};
static const char format_key[] = "format", format[] = "1";

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static struct lmdb_environment *environments; /* guarded by the mutex */

/* The folder */

/* Only the last folder of the path is made: where a disk is not mounted, what lies below its mount
 * point is not to be made on another one. */
static enum status make_folder(const struct lmdb_folder *folder, struct error *err)
{
    struct stat facts;
    if (mkdir(folder->path, 0777) < 0 && errno != EEXIST) {
        if (errno == ENOENT)
            return fail(
                err, STATUS_INVALID,
                "lmdb %s: the folder that is to hold it does not exist: make that, or correct "
                "online_store.path",
                folder->path);
        if (errno == ENOTDIR)
            return fail(err, STATUS_INVALID,
                        "lmdb %s: its path leads through a file: correct online_store.path",
                        folder->path);
        return lmdb_fail(folder, errno, err);
    }
    if (stat(folder->path, &facts) < 0)
        return lmdb_fail(folder, errno, err);
    if (!S_ISDIR(facts.st_mode))
        return fail(err, STATUS_INVALID,
                    "lmdb %s: it is a file: online_store.path has to name a folder", folder->path);
    return STATUS_OK;
}

/* Where another machine may change a file behind our back, LMDB loses data. */
static enum status check_disk_is_local(const struct lmdb_folder *folder, struct error *err)
{
    static const struct {
        uint32_t magic;
        const char *name;
    } remote[] = {
        {NFS_SUPER_MAGIC, "NFS"},  {SMB_SUPER_MAGIC, "SMB"},   {CIFS_SUPER_MAGIC, "SMB"},
        {SMB2_SUPER_MAGIC, "SMB"}, {CEPH_SUPER_MAGIC, "Ceph"}, {AFS_SUPER_MAGIC, "AFS"},
        {AFS_FS_MAGIC, "AFS"},     {V9FS_MAGIC, "9P"},         {CODA_SUPER_MAGIC, "Coda"},
        {NCP_SUPER_MAGIC, "NCP"},
    };
    struct statfs facts;
    if (statfs(folder->path, &facts) < 0)
        return lmdb_fail(folder, errno, err);
    for (size_t i = 0; i < COUNT_OF(remote); i++)
        if (remote[i].magic == (uint32_t)facts.f_type)
            return fail(
                err, STATUS_INVALID,
                "lmdb %s: it is on a network file system (%s), where LMDB loses data: name a "
                "folder on a local disk, or use online_store.type: redis",
                folder->path, remote[i].name);
    return STATUS_OK;
}

static bool number_of(const struct lmdb_folder *folder, const char *name,
                      struct lmdb_file_number *number)
{
    char path[PATH_SIZE];
    struct stat facts;
    if (snprintf(path, sizeof path, "%s/%s", folder->path, name) >= (int)sizeof path ||
        stat(path, &facts) < 0)
        return false;
    *number = (struct lmdb_file_number){facts.st_dev, facts.st_ino};
    return true;
}

static bool numbers_equal(struct lmdb_file_number a, struct lmdb_file_number b)
{
    return a.device == b.device && a.number == b.number;
}

/* Once the names of new files are to survive a crash of the system. */
static int flush_folder(const struct lmdb_folder *folder, const char *name)
{
    char path[PATH_SIZE];
    snprintf(path, sizeof path, "%s/%s", folder->path, name);
    int file = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int code = file < 0 || fsync(file) < 0 ? errno : 0;
    if (file >= 0)
        close(file);
    return code;
}

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
        return lmdb_turn_is_late(folder, err);
    code = make_databases(environment);
    lmdb_turn_give(turn);
    if (!code)
        code = flush_folder(folder, ".");
    if (!code)
        code = flush_folder(folder, "..");
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
    int code = mdb_env_create(env);
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
        return lmdb_turn_is_late(folder, err);
    enum status status = STATUS_OK;
    int code = open_environment(folder, &environment->env);
    if (!code && (!number_of(folder, "data.mdb", &environment->data) ||
                  !number_of(folder, "lock.mdb", &environment->lock)))
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

/* What is open of these files in this process, not in one that has made it by a fork. *half: only
 * one of the two is, since somebody has replaced the other. */
static struct lmdb_environment *find_open(const struct lmdb_folder *folder, bool *half)
{
    struct lmdb_file_number data = {0}, lock = {0};
    bool has_data = number_of(folder, "data.mdb", &data);
    bool has_lock = number_of(folder, "lock.mdb", &lock);
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
    enum status status = make_folder(folder, err);
    if (!status)
        status = check_disk_is_local(folder, err);
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
    return number_of(folder, "data.mdb", &data) && number_of(folder, "lock.mdb", &lock) &&
           numbers_equal(data, environment->data) && numbers_equal(lock, environment->lock);
}

enum status lmdb_turn_is_late(const struct lmdb_folder *folder, struct error *err)
{
    return fail(err, STATUS_UNAVAILABLE,
                "lmdb %s: another process is writing there, and did not finish in time",
                folder->path);
}
