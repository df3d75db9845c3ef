/*
 * test_lmdb_crash.c - processes that are killed while they write, read, open or make a store leave
 * one that opens and holds every row that was acknowledged.
 *
 * Writers and a reader work at the same time. Each writer writes version after version of keys of
 * its own, cut into calls of any size, the last of them with its mark, and says in shared memory
 * which version was acknowledged. One after another is killed at any moment and looked at. Some
 * dozens of times; LARDER_LONG=1: hundreds of times.
 */
#include "online_contention.h"
#include "private_folder.h"

#include "base/entity_key.h"
#include "base/timestamp.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { TIMEOUT_MS = 20000, WRITERS = 3, KEYS = 200, PROJECT = 1, VIEW = 1 };
enum { SHORT_KILLS = 40, LONG_KILLS = 600, KILL_AFTER_US = 60 * 1000 };
enum { NEW_STORE_EVERY = 8, MAKERS = 4, KILL_MAKER_AFTER_US = 8 * 1000 };

struct fixture {
    struct private_folder folder;
    struct arena arena;
    struct row_layout layout;
    _Atomic int64_t *acknowledged; /* [WRITERS], the version, shared with them */
};

static struct bytes key_of(struct arena *arena, int writer, int number)
{
    struct buffer key;
    struct value value = {.type = TYPE_INT64, .int64 = number * WRITERS + writer};
    buffer_init(&key, 0);
    entity_key_begin(&key, PROJECT, 1, &value, 1);
    entity_key_end(&key, VIEW, 1);
    struct bytes copy = arena_bytes(arena, buffer_bytes(&key));
    buffer_release(&key);
    return copy;
}

static struct bytes row_of(struct fixture *f, int64_t version)
{
    struct buffer row;
    struct value value = {.type = TYPE_INT64, .int64 = version * 3};
    struct row_header header = {
        .event_time_us = version, .created_time_us = version, .position = version};
    buffer_init(&row, 0);
    assert_int_equal(row_pack(&f->layout, &header, &value, &row, NULL), STATUS_OK);
    struct bytes copy = arena_bytes(&f->arena, buffer_bytes(&row));
    buffer_release(&row);
    return copy;
}

static struct online_mark mark_of(int writer, int64_t position)
{
    static const char *const names[WRITERS] = {"first", "second", "third"};
    return (struct online_mark){names[writer], PROJECT, VIEW, 1, position};
}

static void give_up(const char *who, const struct error *err)
{
    fprintf(stderr, "%s: %s\n", who, err->message);
    _exit(1);
}

static void write_version(struct fixture *f, struct online_store *store, int writer,
                          int64_t version)
{
    struct error err;
    struct online_write writes[KEYS];
    struct online_mark mark = mark_of(writer, version);
    for (int i = 0; i < KEYS; i++)
        writes[i] = (struct online_write){key_of(&f->arena, writer, i), row_of(f, version), 0};
    for (int at = 0, size; at < KEYS; at += size) {
        size = 1 + rand() % (2 * KEYS);
        bool is_last = size >= KEYS - at;
        size = is_last ? KEYS - at : size;
        if (online_store_write(store, writes + at, (size_t)size, &mark, is_last ? 1 : 0, NULL,
                               &err))
            give_up("writer", &err);
    }
    atomic_store(&f->acknowledged[writer], version);
    arena_reset(&f->arena);
    row_layout_init(&f->layout, (const value_type[]){TYPE_INT64}, 1, &f->arena);
}

/* The whole life of a writer's process, until it is killed. */
_Noreturn static void write_on(struct fixture *f, int writer, unsigned seed)
{
    struct online_store *store = store_in(f->folder.path, TIMEOUT_MS);
    srand(seed);
    for (int64_t version = atomic_load(&f->acknowledged[writer]) + 1;; version++)
        write_version(f, store, writer, version);
}

/* And of the reader's: it lends itself rows most of the time. */
_Noreturn static void read_on(struct fixture *f)
{
    struct error err;
    struct bytes keys[KEYS], rows[KEYS];
    struct row_header header;
    struct online_store *store = store_in(f->folder.path, TIMEOUT_MS);
    for (int i = 0; i < KEYS; i++)
        keys[i] = key_of(&f->arena, i % WRITERS, i);
    for (;;) {
        if (online_store_read(store, keys, KEYS, &f->arena, rows, &err))
            give_up("reader", &err);
        usleep(1000);
        for (int i = 0; i < KEYS; i++)
            if (rows[i].data && row_open(rows[i], &f->layout, &header, &err))
                give_up("reader", &err);
    }
}

static pid_t start(struct fixture *f, int role, unsigned seed)
{
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid > 0)
        return pid;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (role == WRITERS)
        read_on(f);
    write_on(f, role, seed);
}

static void end(pid_t pid)
{
    int state;
    kill(pid, SIGKILL);
    assert_int_equal(waitpid(pid, &state, 0), pid);
    if (!WIFSIGNALED(state))
        fail_msg("it ended by itself, with %d", WEXITSTATUS(state));
}

/* What a dead writer has left: each row is of the version that was acknowledged last, or a later
 * one that was not, and a mark has all its rows. */
static void check_left(struct fixture *f, int writer, int64_t acknowledged)
{
    struct error err;
    struct bytes keys[KEYS], rows[KEYS];
    struct online_mark mark = mark_of(writer, 0);
    int64_t marked;
    struct online_store *store = store_in(f->folder.path, TIMEOUT_MS);
    for (int i = 0; i < KEYS; i++)
        keys[i] = key_of(&f->arena, writer, i);
    if (online_store_read_marks(store, &mark, 1, &marked, &err) ||
        online_store_read(store, keys, KEYS, &f->arena, rows, &err))
        fail_msg("after a kill: %s", err.message);
    if (marked < acknowledged)
        fail_msg("writer %d: marked %d, but %d was acknowledged", writer, (int)marked,
                 (int)acknowledged);
    for (int i = 0; i < KEYS && marked > 0; i++) {
        struct row_header header;
        if (!rows[i].data || row_open(rows[i], &f->layout, &header, &err))
            fail_msg("writer %d: row %d of %d is %s", writer, i, (int)marked,
                     rows[i].data ? err.message : "not there");
        if (header.event_time_us < marked || header.event_time_us > acknowledged + 1)
            fail_msg("writer %d: row %d is of version %d, not %d", writer, i,
                     (int)header.event_time_us, (int)marked);
    }
    online_store_close(store);
}

static void start_all(struct fixture *f, pid_t *pids, unsigned seed)
{
    for (int role = 0; role <= WRITERS; role++)
        pids[role] = start(f, role, seed + (unsigned)role);
}

static void end_all(const pid_t *pids)
{
    for (int role = 0; role <= WRITERS; role++)
        end(pids[role]);
}

/* Without a store, so that some are killed while they make one. */
static void begin_anew(struct fixture *f, pid_t *pids, unsigned seed)
{
    end_all(pids);
    private_folder_clear(&f->folder);
    for (int writer = 0; writer < WRITERS; writer++)
        atomic_store(&f->acknowledged[writer], 0);
    for (unsigned i = 0; i < MAKERS; i++) {
        pid_t maker = start(f, 0, seed + i);
        usleep((useconds_t)(rand() % KILL_MAKER_AFTER_US));
        end(maker);
        check_left(f, 0, atomic_load(&f->acknowledged[0]));
    }
    start_all(f, pids, seed + MAKERS);
}

static bool runs_long(void)
{
    const char *is_long = getenv("LARDER_LONG");
    return is_long && strcmp(is_long, "1") == 0;
}

static void every_acknowledged_row_outlives_any_kill(void **state)
{
    struct fixture *f = *state;
    pid_t pids[WRITERS + 1];
    int64_t versions = 0;
    int kills = runs_long() ? LONG_KILLS : SHORT_KILLS;
    srand(20240229);
    start_all(f, pids, 0);
    for (int i = 1; i <= kills; i++) {
        int role = rand() % (WRITERS + 1);
        usleep((useconds_t)(rand() % KILL_AFTER_US));
        end(pids[role]);
        if (role < WRITERS) {
            int64_t acknowledged = atomic_load(&f->acknowledged[role]);
            check_left(f, role, acknowledged);
            versions += acknowledged;
        }
        pids[role] = start(f, role, (unsigned)i * 1000);
        if (i % NEW_STORE_EVERY == 0)
            begin_anew(f, pids, (unsigned)i * 1000 + 100);
        arena_reset(&f->arena);
        row_layout_init(&f->layout, (const value_type[]){TYPE_INT64}, 1, &f->arena);
    }
    end_all(pids);
    print_message("%d kills, %d versions\n", kills, (int)versions);
    assert_true(versions > kills);
}

static off_t size_of_data(const struct fixture *f)
{
    char path[128];
    struct stat facts;
    snprintf(path, sizeof path, "%s/data.mdb", f->folder.path);
    assert_int_equal(stat(path, &facts), 0);
    return facts.st_size;
}

/* What a reader sees is not overwritten, and one that was killed would see it for good. */
static void killed_reader_lets_go_of_its_rows(void **state)
{
    struct fixture *f = *state;
    struct online_store *store = store_in(f->folder.path, TIMEOUT_MS);
    write_version(f, store, 0, 1);
    pid_t reader = start(f, WRITERS, 0);
    usleep(100 * 1000);
    end(reader);
    for (int64_t version = 2; version < 20; version++)
        write_version(f, store, 0, version);
    off_t before = size_of_data(f);
    for (int64_t version = 20; version < 200; version++)
        write_version(f, store, 0, version);
    assert_true(size_of_data(f) < 2 * before);
    online_store_close(store);
}

/* Many writers of the same rows: the greatest one wins. */

static struct online_store *open_store(void *context)
{
    const struct private_folder *folder = context;
    return store_in(folder->path, TIMEOUT_MS);
}

static void clear(void *context)
{
    private_folder_clear(context);
}

static void greatest_row_of_every_key_wins(void **state)
{
    struct fixture *f = *state;
    const struct online_store_maker maker = {
        .open = open_store, .clear = clear, .context = &f->folder};
    contend(&maker);
}

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    private_folder_make(&f->folder);
    arena_init(&f->arena, 0);
    row_layout_init(&f->layout, (const value_type[]){TYPE_INT64}, 1, &f->arena);
    f->acknowledged = mmap(NULL, WRITERS * sizeof *f->acknowledged, PROT_READ | PROT_WRITE,
                           MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(f->acknowledged != MAP_FAILED);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    munmap(f->acknowledged, WRITERS * sizeof *f->acknowledged);
    arena_release(&f->arena);
    private_folder_remove(&f->folder);
    free(f);
    return 0;
}

#define CRASH_TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CRASH_TEST(every_acknowledged_row_outlives_any_kill),
        CRASH_TEST(killed_reader_lets_go_of_its_rows),
        CRASH_TEST(greatest_row_of_every_key_wins),
    };
    return cmocka_run_group_tests_name("online store, killed writers in LMDB", tests, NULL, NULL);
}
