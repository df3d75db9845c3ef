/* test_lmdb_room.c - what an LMDB store takes of disk and memory, and what it does without. */
#include "../conformance/online_store_fixture.h"
#include "private_folder.h"

#include "base/timestamp.h"

#include <lmdb.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define MIB (UINT64_C(1) << 20)
#define HOUR_US INT64_C(3600000000)

static struct private_folder folder;

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

static void open_with(struct fixture *f, uint64_t max_size_bytes)
{
    online_store_close(f->store);
    f->store = store_of_size(folder.path, max_size_bytes);
}

/* Rows of about a hundred bytes for drivers from `first` on. */
static enum status write_rows(struct fixture *f, int64_t first, size_t count, int64_t time,
                              int64_t expires_at_us)
{
    struct arena arena;
    arena_init(&arena, 0);
    struct fixture own = *f; /* what is made for this call lives as long */
    own.arena = arena;
    struct online_write *writes = calloc(count, sizeof *writes);
    struct bytes row =
        row_at(&own, time, 1, "a row of some length, as rows are when they hold one");
    for (size_t i = 0; i < count; i++)
        writes[i] = (struct online_write){driver(&own, first + (int64_t)i), row, expires_at_us};
    enum status status = online_store_write(f->store, writes, count, NULL, 0, NULL, &f->err);
    free(writes);
    arena_release(&own.arena);
    return status;
}

static size_t count_found(struct fixture *f, int64_t first, size_t count)
{
    size_t found = 0;
    for (size_t i = 0; i < count; i++)
        found += read_key(f, driver(f, first + (int64_t)i)).data != NULL;
    return found;
}

/* How many lie in the file, expired or not. The store must not be open. */
static size_t count_stored(void)
{
    MDB_env *env;
    MDB_txn *txn;
    MDB_dbi rows;
    MDB_stat facts;
    assert_int_equal(mdb_env_create(&env), 0);
    assert_int_equal(mdb_env_set_maxdbs(env, 2), 0);
    assert_int_equal(mdb_env_open(env, folder.path, MDB_RDONLY, 0600), 0);
    assert_int_equal(mdb_txn_begin(env, NULL, MDB_RDONLY, &txn), 0);
    assert_int_equal(mdb_dbi_open(txn, "rows", 0, &rows), 0);
    assert_int_equal(mdb_stat(txn, rows, &facts), 0);
    mdb_txn_abort(txn);
    mdb_env_close(env);
    return facts.ms_entries;
}

static off_t size_of_data(void)
{
    char path[128];
    struct stat facts;
    snprintf(path, sizeof path, "%s/data.mdb", folder.path);
    assert_int_equal(stat(path, &facts), 0);
    return facts.st_size;
}

/* Expiry */

static void expired_rows_leave_while_others_are_written(void **state)
{
    enum { ROWS = 20000, NEW = 16000 };
    struct fixture *f = *state;
    int64_t soon_us = timestamp_now() + 300 * 1000;
    check_ok(f, write_rows(f, 0, ROWS, 1, soon_us));
    check_ok(f, write_rows(f, ROWS, ROWS, 1, 0));
    while (timestamp_now() <= soon_us)
        usleep(10 * 1000);
    assert_int_equal(count_found(f, 0, ROWS), 0);
    for (int64_t at = 0; at < NEW; at += 2000) /* two fifths of what there is */
        check_ok(f, write_rows(f, 2 * ROWS + at, 2000, 1, 0));
    assert_int_equal(count_found(f, ROWS, ROWS), ROWS);
    online_store_close(f->store);
    f->store = NULL;
    assert_int_equal(count_stored(), ROWS + NEW);
}

static void rows_that_are_replaced_over_and_over_take_no_more_room(void **state)
{
    struct fixture *f = *state;
    for (int64_t time = 1; time < 20; time++)
        check_ok(f, write_rows(f, 0, 2000, time, timestamp_now() + HOUR_US));
    off_t before = size_of_data();
    for (int64_t time = 20; time < 200; time++)
        check_ok(f, write_rows(f, 0, 2000, time, timestamp_now() + HOUR_US));
    assert_true(size_of_data() < before * 3 / 2);
}

/* Full */

static size_t fill(struct fixture *f, int64_t expires_at_us)
{
    size_t count = 0;
    while (!write_rows(f, (int64_t)count, 1000, 1, expires_at_us))
        count += 1000;
    return count;
}

static void full_store_says_which_setting_to_raise_and_loses_nothing(void **state)
{
    struct fixture *f = *state;
    open_with(f, 2 * MIB);
    size_t count = fill(f, 0);
    assert_true(count >= 5000);
    assert_int_equal(f->err.status, STATUS_EXHAUSTED);
    assert_non_null(strstr(f->err.message, "raise online_store.max_size, which is 2MiB"));
    assert_int_equal(count_found(f, 0, count), count);
    assert_true((uint64_t)size_of_data() <= 2 * MIB);
    open_with(f, 4 * MIB);
    check_ok(f, write_rows(f, (int64_t)count, 1000, 1, 0));
    assert_int_equal(count_found(f, 0, count + 1000), count + 1000);
}

static void failed_write_says_which_rows_are_acknowledged(void **state)
{
    enum { ROWS = 100000 };
    struct fixture *f = *state;
    struct online_write *writes = arena_array(&f->arena, ROWS, sizeof *writes);
    struct bytes *keys = arena_array(&f->arena, ROWS, sizeof *keys);
    struct bytes *rows = arena_array(&f->arena, ROWS, sizeof *rows);
    enum row_outcome *outcomes = arena_array(&f->arena, ROWS, sizeof *outcomes);
    struct bytes row = row_at(f, 1, 1, "x");
    size_t written = 0;
    for (int i = 0; i < ROWS; i++) {
        keys[i] = driver(f, (int64_t)i * 7919 % ROWS); /* in no order */
        writes[i] = (struct online_write){keys[i], row, 0};
    }
    open_with(f, 6 * MIB);
    assert_int_equal(online_store_write(f->store, writes, ROWS, NULL, 0, outcomes, &f->err),
                     STATUS_EXHAUSTED);
    check_ok(f, online_store_read(f->store, keys, ROWS, &f->arena, rows, &f->err));
    for (int i = 0; i < ROWS; i++) {
        assert_int_equal(outcomes[i], rows[i].data ? ROW_WRITTEN : ROW_UNKNOWN);
        written += rows[i].data != NULL;
    }
    assert_in_range(written, 1, ROWS - 1);
}

static void rows_can_be_removed_from_a_full_store(void **state)
{
    const struct online_rows view = {.view_id = VIEW};
    struct fixture *f = *state;
    uint64_t removed;
    open_with(f, 2 * MIB);
    size_t count = fill(f, 0);
    check_ok(f, online_store_remove(f->store, PROJECT, "p", &view, 1, &removed, &f->err));
    assert_int_equal(removed, count);
    check_ok(f, write_rows(f, 0, 1000, 1, 0));
    check_ok(f, write_rows(f, 1000, 1000, 1, 0));
}

static void store_full_of_expired_rows_makes_room_by_itself(void **state)
{
    struct fixture *f = *state;
    open_with(f, 2 * MIB);
    int64_t soon_us = timestamp_now() + 1000 * 1000;
    size_t count = fill(f, soon_us);
    while (timestamp_now() <= soon_us)
        usleep(10 * 1000);
    check_ok(f, write_rows(f, (int64_t)count, 1000, 1, 0));
    assert_int_equal(count_found(f, (int64_t)count, 1000), 1000);
}

static void store_that_others_let_grow_further_says_so(void **state)
{
    struct fixture *f = *state;
    open_with(f, 2 * MIB);
    check_ok(f, write_rows(f, 0, 1000, 1, 0));
    int state_of_child;
    pid_t child = fork();
    if (child == 0) {
        f->store = store_of_size(folder.path, 64 * MIB);
        _exit(write_rows(f, 0, 100000, 1, 0) ? 1 : 0);
    }
    assert_int_equal(waitpid(child, &state_of_child, 0), child);
    assert_int_equal(state_of_child, 0);
    assert_int_equal(online_store_ping(f->store, &f->err), STATUS_CONFLICT);
    assert_non_null(strstr(f->err.message, "has grown beyond"));
    open_with(f, 64 * MIB);
    assert_int_equal(count_found(f, 99000, 1000), 1000);
    /* Less than is in use is taken for what is in use: what is there can be read. */
    open_with(f, 2 * MIB);
    assert_int_equal(count_found(f, 99000, 1000), 1000);
}

/* A limit of file sizes is as good as a full disk, and takes no disk. */
static void full_disk_is_told_and_loses_nothing(void **state)
{
    struct fixture *f = *state;
    check_ok(f, write_rows(f, 0, 1000, 1, 0));
    const struct rlimit limit = {(rlim_t)size_of_data() + 65536, RLIM_INFINITY};
    const struct rlimit none = {RLIM_INFINITY, RLIM_INFINITY};
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
    enum status status = write_rows(f, 1000, 10000, 1, 0);
    enum status again = write_rows(f, 1000, 10000, 1, 0);
    size_t found = count_found(f, 0, 1000);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &none), 0);
    if (!status || !again || !strstr(f->err.message, "disk is full"))
        fail_msg("%s: %s", status_name(again), f->err.message);
    assert_int_equal(found, 1000);
    assert_int_equal(count_found(f, 1000, 10), 0);
    check_ok(f, write_rows(f, 1000, 10000, 1, 0));
    assert_int_equal(count_found(f, 0, 11000), 11000);
}

/* Processes tell each other in it who reads, through a map: a hole in it would be filled then, and
 * kill them where the disk is full. */
static void the_disk_of_the_lock_is_taken_when_it_is_made(void **state)
{
    struct fixture *f = *state;
    struct stat facts;
    char path[128];
    check_ok(f, online_store_ping(f->store, &f->err));
    snprintf(path, sizeof path, "%s/lock.mdb", folder.path);
    assert_int_equal(stat(path, &facts), 0);
    assert_true(facts.st_size > 0 && facts.st_blocks * 512 >= facts.st_size);
}

/* Memory */

#if defined(__GLIBC__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
static size_t allocations;
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);

/* Takes the place of the library's for all that this program is linked with. */
void *malloc(size_t size)
{
    allocations++;
    return __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
    allocations++;
    return __libc_calloc(count, size);
}

static void reading_allocates_nothing(void **state)
{
    enum { KEYS = 100 };
    struct fixture *f = *state;
    struct bytes keys[KEYS], rows[KEYS];
    check_ok(f, write_rows(f, 0, KEYS, 1, 0));
    for (int i = 0; i < KEYS; i++)
        keys[i] = driver(f, 2 * i); /* every other is absent */
    check_ok(f, online_store_read(f->store, keys, KEYS, &f->arena, rows, &f->err));
    size_t before = allocations, used = f->arena.used_bytes;
    for (int i = 0; i < 1000; i++) {
        check_ok(f, online_store_read(f->store, keys, KEYS, &f->arena, rows, &f->err));
        online_store_let_go(f->store);
    }
    assert_int_equal(allocations, before);
    assert_int_equal(f->arena.used_bytes, used);
    free(malloc(1));
    assert_int_equal(allocations, before + 1); /* or nothing is counted */
}
#else
static void reading_allocates_nothing(void **state)
{
    (void)state;
    skip(); /* the sanitizer has an allocator of its own */
}
#endif

#define ROOM_TEST(test)                                                                            \
    {                                                                                              \
#test, test, set_up, tear_down, (void *)&maker                                             \
    }

int main(void)
{
    static const struct online_store_maker maker = {.open = open_store, .clear = clear};
    const struct CMUnitTest tests[] = {
        ROOM_TEST(expired_rows_leave_while_others_are_written),
        ROOM_TEST(rows_that_are_replaced_over_and_over_take_no_more_room),
        ROOM_TEST(full_store_says_which_setting_to_raise_and_loses_nothing),
        ROOM_TEST(failed_write_says_which_rows_are_acknowledged),
        ROOM_TEST(rows_can_be_removed_from_a_full_store),
        ROOM_TEST(store_full_of_expired_rows_makes_room_by_itself),
        ROOM_TEST(store_that_others_let_grow_further_says_so),
        ROOM_TEST(full_disk_is_told_and_loses_nothing),
        ROOM_TEST(the_disk_of_the_lock_is_taken_when_it_is_made),
        ROOM_TEST(reading_allocates_nothing),
    };
    private_folder_make(&folder);
    int failed = cmocka_run_group_tests_name("online store, room in LMDB", tests, NULL, NULL);
    private_folder_remove(&folder);
    return failed;
}
