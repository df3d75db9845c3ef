/* test_lmdb_faults.c - folders that are no store, or that other programs and people have changed.
 */
#include "../conformance/online_store_fixture.h"
#include "private_folder.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <lmdb.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

static struct private_folder folder;
static long pretended_file_system; /* 0: what the system says */

/* As statfs is called where file offsets have 64 bits, as in all that includes hiredis. */
int __wrap_statfs64(const char *path, struct statfs *facts);
int __real_statfs64(const char *path, struct statfs *facts);

int __wrap_statfs64(const char *path, struct statfs *facts)
{
    int code = __real_statfs64(path, facts);
    if (pretended_file_system)
        facts->f_type = pretended_file_system;
    return code;
}

static struct online_store *open_store(void *context)
{
    (void)context;
    return store_in(folder.path, 5000);
}

static void clear(void *context)
{
    (void)context;
    private_folder_clear(&folder);
}

static const char *path_in(struct fixture *f, const char *name)
{
    return arena_printf(&f->arena, "%s/%s", folder.path, name);
}

static void open_anew(struct fixture *f, const char *path)
{
    online_store_close(f->store);
    f->store = store_in(path, 5000);
}

static void check_refused(struct fixture *f, enum status expected, const char *words)
{
    enum status status = online_store_ping(f->store, &f->err);
    if (status != expected || !strstr(f->err.message, words))
        fail_msg("%s: %s", status_name(status), status ? f->err.message : "nothing is wrong");
}

static void write_file(const char *path, const void *data, size_t size)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(data, 1, size, file), size);
    fclose(file);
}

/* Makes a store by hand, with a key of one of its databases, or of the unnamed one. */
static void make_by_hand(const char *database, const char *key, const char *text)
{
    MDB_env *env;
    MDB_txn *txn;
    MDB_dbi number;
    MDB_val name = {strlen(key), (void *)(uintptr_t)key};
    MDB_val value = {strlen(text), (void *)(uintptr_t)text};
    if (mkdir(folder.path, 0700) < 0)
        assert_int_equal(errno, EEXIST);
    assert_int_equal(mdb_env_create(&env), 0);
    assert_int_equal(mdb_env_set_maxdbs(env, 4), 0);
    assert_int_equal(mdb_env_open(env, folder.path, 0, 0600), 0);
    assert_int_equal(mdb_txn_begin(env, NULL, 0, &txn), 0);
    assert_int_equal(mdb_dbi_open(txn, database, database ? MDB_CREATE : 0, &number), 0);
    assert_int_equal(mdb_put(txn, number, &name, &value, 0), 0);
    assert_int_equal(mdb_txn_commit(txn), 0);
    mdb_env_close(env);
}

/* The folder */

static void folder_is_made_and_its_parent_is_not(void **state)
{
    struct fixture *f = *state;
    struct stat facts;
    open_anew(f, path_in(f, "deeper"));
    check_refused(f, STATUS_INVALID, "the folder that is to hold it does not exist");
    assert_int_equal(stat(folder.path, &facts), -1);
    open_anew(f, folder.path);
    check_absent(f, 1);
    assert_int_equal(stat(folder.path, &facts), 0);
    open_anew(f, path_in(f, "deeper/"));
    check_absent(f, 1);
    assert_int_equal(stat(path_in(f, "deeper/data.mdb"), &facts), 0);
}

static void file_is_no_folder(void **state)
{
    struct fixture *f = *state;
    write_file(folder.path, "x", 1);
    check_refused(f, STATUS_INVALID, "it is a file");
    open_anew(f, path_in(f, ""));
    check_refused(f, STATUS_INVALID, "it is a file");
    open_anew(f, path_in(f, "deeper"));
    check_refused(f, STATUS_INVALID, "its path leads through a file");
}

static void network_file_system_is_refused(void **state)
{
    static const long remote[] = {NFS_SUPER_MAGIC, SMB2_SUPER_MAGIC, CIFS_SUPER_MAGIC, V9FS_MAGIC};
    struct fixture *f = *state;
    for (size_t i = 0; i < COUNT_OF(remote); i++) {
        pretended_file_system = remote[i];
        check_refused(f, STATUS_INVALID, "is on a network file system");
    }
    assert_non_null(strstr(f->err.message, "use online_store.type: redis"));
    pretended_file_system = EXT4_SUPER_MAGIC;
    check_absent(f, 1);
    pretended_file_system = 0;
}

/* The superuser may do everything, so somebody else tries. */
_Noreturn static void check_without_permission(void)
{
    struct error err;
    struct online_store *store = store_in(folder.path, 5000);
    if (geteuid() == 0 && (setgid(65534) < 0 || setuid(65534) < 0))
        _exit(2);
    enum status status = online_store_ping(store, &err);
    bool is_told = status == STATUS_FAILED && strstr(err.message, "this user may not write there");
    if (!is_told)
        fprintf(stderr, "%s: %s\n", status_name(status), status ? err.message : "");
    _exit(is_told ? 0 : 1);
}

static void folder_of_somebody_else_is_told(void **state)
{
    struct fixture *f = *state;
    check_absent(f, 1); /* makes it */
    online_store_close(f->store);
    f->store = NULL;
    assert_int_equal(chmod(folder.directory, 0755), 0);
    assert_int_equal(chmod(path_in(f, "lock.mdb"), 0444), 0);
    assert_int_equal(chmod(path_in(f, "turn.lock"), 0666), 0);
    int state_of_child;
    pid_t child = fork();
    if (child == 0)
        check_without_permission();
    assert_int_equal(waitpid(child, &state_of_child, 0), child);
    assert_int_equal(state_of_child, 0);
}

/* The files */

static void file_of_another_kind_is_told(void **state)
{
    struct fixture *f = *state;
    char garbage[3 * 4096];
    memset(garbage, 'g', sizeof garbage);
    assert_int_equal(mkdir(folder.path, 0700), 0);
    for (size_t size = 1; size <= sizeof garbage; size = size * 3 + 1) {
        write_file(path_in(f, "data.mdb"), garbage, size);
        check_refused(f, STATUS_CORRUPT, "remove the folder");
    }
    assert_int_equal(unlink(path_in(f, "data.mdb")), 0);
    check_absent(f, 1);
}

/* Each of the first two pages holds, behind a header and a magic number, a version. */
static void data_of_another_lmdb_is_told(void **state)
{
    enum { AT_VERSION = 20 };
    struct fixture *f = *state;
    const uint32_t version = 999;
    check_absent(f, 1); /* makes it */
    open_anew(f, folder.path);
    int file = open(path_in(f, "data.mdb"), O_WRONLY);
    assert_true(file >= 0);
    for (long page = 0; page < 2; page++)
        assert_int_equal(
            pwrite(file, &version, sizeof version, page * sysconf(_SC_PAGESIZE) + AT_VERSION),
            sizeof version);
    close(file);
    check_refused(f, STATUS_CONFLICT, "by another version of LMDB");
}

static void lock_of_another_kind_is_made_anew(void **state)
{
    struct fixture *f = *state;
    char garbage[4096];
    memset(garbage, 'g', sizeof garbage);
    put(f, 1, row_at(f, 1, 1, "kept"));
    online_store_close(f->store);
    write_file(path_in(f, "lock.mdb"), garbage, sizeof garbage);
    f->store = store_in(folder.path, 5000);
    check_row(f, 1, "kept");
}

static void data_of_another_program_is_left_alone(void **state)
{
    struct fixture *f = *state;
    make_by_hand(NULL, "somebody's", "treasure");
    check_refused(f, STATUS_CONFLICT, "the data of another program");
    clear(NULL);
    make_by_hand("rows", "of", "another program");
    check_refused(f, STATUS_CONFLICT, "the data of another program");
}

static void store_of_another_version_is_told(void **state)
{
    struct fixture *f = *state;
    check_absent(f, 1); /* makes it */
    open_anew(f, folder.path);
    make_by_hand("about", "format", "2");
    check_refused(f, STATUS_CONFLICT, "made by another version of Larder");
}

static void strangers_values_are_corrupt(void **state)
{
    struct fixture *f = *state;
    uint64_t identity;
    int64_t position;
    struct online_mark mark = {"w", 1, 1, 1, 0};
    struct bytes text;
    check_absent(f, 1);
    open_anew(f, folder.path);
    make_by_hand("about", "owner", "short");
    assert_int_equal(online_store_owner(f->store, &identity, &f->err), STATUS_CORRUPT);
    open_anew(f, folder.path);
    make_by_hand("about", "catalog/p", "short");
    assert_int_equal(online_store_get_catalog(f->store, "p", &f->arena, &text, &f->err),
                     STATUS_CORRUPT);
    assert_int_equal(online_store_read_marks(f->store, &mark, 1, &position, &f->err), STATUS_OK);
}

static void strangers_rows_are_rubbish_and_replaced(void **state)
{
    struct fixture *f = *state;
    struct bytes key = bytes_of_text("{x}rubbish"), row = row_at(f, 1, 1, "in its place");
    struct online_write write = {key, row, 0};
    enum row_outcome outcome;
    check_absent(f, 1);
    open_anew(f, folder.path);
    make_by_hand("rows", key.data, "tiny");
    assert_non_null(read_key(f, key).data); /* row_open will say what it is */
    assert_int_equal(read_key(f, key).size, 0);
    check_ok(f, online_store_write(f->store, &write, 1, NULL, 0, &outcome, &f->err));
    assert_int_equal(outcome, ROW_WRITTEN);
    assert_true(bytes_equal(read_key(f, key), row));
}

/* Processes */

_Noreturn static void lock_and_wait(pid_t number, int ready)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = number, .l_len = 1};
    char path[128];
    snprintf(path, sizeof path, "%s/lock.mdb", folder.path);
    int file = open(path, O_RDWR);
    bool is_locked = fcntl(file, F_SETLK, &lock) == 0;
    if (write(ready, is_locked ? "1" : "0", 1) == 1)
        pause();
    _exit(0);
}

/* As in two containers, whose processes count from 1 each. */
static void process_of_the_same_number_is_told(void **state)
{
    struct fixture *f = *state;
    int ready[2];
    char is_locked = '?';
    check_absent(f, 1); /* makes it */
    open_anew(f, folder.path);
    assert_int_equal(pipe(ready), 0);
    pid_t self = getpid(), child = fork();
    if (child == 0)
        lock_and_wait(self, ready[1]);
    assert_int_equal(read(ready[0], &is_locked, 1), 1);
    assert_int_equal(is_locked, '1');
    check_refused(f, STATUS_CONFLICT, "a process of the same number, in another container");
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    close(ready[0]);
    close(ready[1]);
    check_absent(f, 1);
}

static void store_is_found_again_after_its_folder_was_removed(void **state)
{
    struct fixture *f = *state;
    put(f, 1, row_at(f, 1, 1, "before"));
    check_row(f, 1, "before");
    clear(NULL);
    int state_of_child;
    pid_t child = fork();
    if (child == 0) { /* has nothing of what its parent has open */
        f->store = store_in(folder.path, 5000);
        put(f, 1, row_at(f, 1, 1, "after"));
        _exit(0);
    }
    assert_int_equal(waitpid(child, &state_of_child, 0), child);
    assert_int_equal(state_of_child, 0);
    usleep(150 * 1000); /* a handle looks ten times a second */
    check_row(f, 1, "after");
    assert_int_equal(put(f, 1, row_at(f, 2, 1, "later")), ROW_WRITTEN);
}

static void half_of_a_folder_is_told_while_it_is_in_use(void **state)
{
    struct fixture *f = *state;
    struct online_store *other = store_in(folder.path, 5000);
    put(f, 1, row_at(f, 1, 1, "before"));
    assert_int_equal(online_store_ping(other, &f->err), STATUS_OK);
    assert_int_equal(unlink(path_in(f, "data.mdb")), 0);
    usleep(150 * 1000);
    check_refused(f, STATUS_FAILED, "one of data.mdb and lock.mdb was removed");
    online_store_close(other);
    check_absent(f, 1); /* once nobody has it open */
}

#define FAULT_TEST(test)                                                                           \
    {                                                                                              \
#test, test, set_up, tear_down, (void *)&maker                                             \
    }

int main(void)
{
    static const struct online_store_maker maker = {.open = open_store, .clear = clear};
    const struct CMUnitTest tests[] = {
        FAULT_TEST(folder_is_made_and_its_parent_is_not),
        FAULT_TEST(file_is_no_folder),
        FAULT_TEST(network_file_system_is_refused),
        FAULT_TEST(folder_of_somebody_else_is_told),
        FAULT_TEST(file_of_another_kind_is_told),
        FAULT_TEST(data_of_another_lmdb_is_told),
        FAULT_TEST(lock_of_another_kind_is_made_anew),
        FAULT_TEST(data_of_another_program_is_left_alone),
        FAULT_TEST(store_of_another_version_is_told),
        FAULT_TEST(strangers_values_are_corrupt),
        FAULT_TEST(strangers_rows_are_rubbish_and_replaced),
        FAULT_TEST(process_of_the_same_number_is_told),
        FAULT_TEST(store_is_found_again_after_its_folder_was_removed),
        FAULT_TEST(half_of_a_folder_is_told_while_it_is_in_use),
    };
    private_folder_make(&folder);
    int failed = cmocka_run_group_tests_name("online store, LMDB in trouble", tests, NULL, NULL);
    private_folder_remove(&folder);
    return failed;
}
