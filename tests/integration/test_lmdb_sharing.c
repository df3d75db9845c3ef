/* test_lmdb_sharing.c - one folder, many handles, in many threads and processes. */
#include "../conformance/online_store_fixture.h"
#include "private_folder.h"
#include "store/online/lmdb_turn.h"

#include "base/timestamp.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { THREADS = 6, KEYS = 300, ROUNDS = 30, TIMEOUT_MS = 300 };

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

/* Threads */

struct reader {
    pthread_t thread;
    struct fixture *f;
    _Atomic bool *stop;
    int reads, mixed; /* how many reads saw rows of more than one write */
};

/* With handles of its own, one after another, so that they are opened and closed all the time. */
static void *read_on(void *argument)
{
    struct reader *reader = argument;
    struct arena arena;
    struct bytes keys[KEYS], rows[KEYS];
    arena_init(&arena, 0);
    for (int i = 0; i < KEYS; i++)
        keys[i] = driver(reader->f, i);
    while (!atomic_load(reader->stop)) {
        struct error err;
        struct online_store *store = store_in(folder.path, 5000);
        for (int i = 0; i < 20; i++) {
            struct row_header first, last;
            if (online_store_read(store, keys, KEYS, &arena, rows, &err) ||
                !row_peek(rows[0], &first) || !row_peek(rows[KEYS - 1], &last))
                abort();
            reader->reads++;
            reader->mixed += first.event_time_us != last.event_time_us;
        }
        online_store_close(store);
    }
    arena_release(&arena);
    return NULL;
}

static void write_all(struct fixture *f, int64_t time)
{
    struct online_write writes[KEYS];
    for (int i = 0; i < KEYS; i++)
        writes[i] = (struct online_write){driver(f, i), row_at(f, time, 1, "x"), 0};
    check_ok(f, online_store_write(f->store, writes, KEYS, NULL, 0, NULL, &f->err));
}

static void threads_with_handles_of_their_own_share_a_store(void **state)
{
    struct fixture *f = *state;
    struct reader readers[THREADS];
    struct fixture theirs[THREADS];
    _Atomic bool stop = false;
    int reads = 0;
    write_all(f, 1);
    for (int i = 0; i < THREADS; i++) {
        theirs[i] = *f; /* each makes its keys in an arena of its own */
        arena_init(&theirs[i].arena, 0);
        readers[i] = (struct reader){.f = &theirs[i], .stop = &stop};
        assert_int_equal(pthread_create(&readers[i].thread, NULL, read_on, &readers[i]), 0);
    }
    for (int64_t time = 2; time < ROUNDS; time++)
        write_all(f, time);
    atomic_store(&stop, true);
    for (int i = 0; i < THREADS; i++) {
        pthread_join(readers[i].thread, NULL);
        assert_int_equal(readers[i].mixed, 0); /* a read is one moment of the store */
        reads += readers[i].reads;
        arena_release(&theirs[i].arena);
    }
    assert_true(reads > THREADS);
}

static void child_opens_what_its_parent_has_open(void **state)
{
    struct fixture *f = *state;
    put(f, 1, row_at(f, 1, 1, "the parent's"));
    int state_of_child;
    pid_t child = fork();
    if (child == 0) {
        f->store = open_store(NULL);
        check_row(f, 1, "the parent's");
        put(f, 1, row_at(f, 2, 1, "the child's"));
        online_store_close(f->store);
        _exit(0);
    }
    assert_int_equal(waitpid(child, &state_of_child, 0), child);
    assert_int_equal(state_of_child, 0);
    check_row(f, 1, "the child's");
    put(f, 1, row_at(f, 3, 1, "the parent's again"));
    check_row(f, 1, "the parent's again");
}

/* Turns */

static pid_t start_one_that_writes_and_never_ends(void)
{
    int ready[2];
    char is_taken = '?';
    assert_int_equal(pipe(ready), 0);
    pid_t child = fork();
    if (child == 0) {
        struct lmdb_turn turn;
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        bool done = lmdb_turn_open(&turn, folder.path) == 0 &&
                    lmdb_turn_take(&turn, timestamp_monotonic_us() + 1000000);
        if (write(ready[1], done ? "1" : "0", 1) == 1)
            pause();
        _exit(0);
    }
    assert_int_equal(read(ready[0], &is_taken, 1), 1);
    assert_int_equal(is_taken, '1');
    close(ready[0]);
    close(ready[1]);
    return child;
}

static void writer_that_hangs_holds_up_others_for_their_timeout_alone(void **state)
{
    struct fixture *f = *state;
    put(f, 1, row_at(f, 1, 1, "before"));
    online_store_close(f->store);
    f->store = store_in(folder.path, TIMEOUT_MS);
    pid_t child = start_one_that_writes_and_never_ends();
    struct online_write write = {driver(f, 1), row_at(f, 2, 1, "after"), 0};
    int64_t began_us = timestamp_monotonic_us();
    assert_int_equal(online_store_write(f->store, &write, 1, NULL, 0, NULL, &f->err),
                     STATUS_UNAVAILABLE);
    assert_in_range(timestamp_monotonic_us() - began_us, TIMEOUT_MS * 900, TIMEOUT_MS * 4000);
    assert_non_null(strstr(f->err.message, "another process is writing there"));
    check_row(f, 1, "before"); /* who reads waits for nobody */
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    check_ok(f, online_store_write(f->store, &write, 1, NULL, 0, NULL, &f->err));
    check_row(f, 1, "after");
}

struct waiter {
    struct lmdb_turn turn;
    _Atomic bool had_its_turn;
};

static void *take_one_turn(void *argument)
{
    struct waiter *waiter = argument;
    if (!lmdb_turn_take(&waiter->turn, timestamp_monotonic_us() + 20000000))
        abort();
    atomic_store(&waiter->had_its_turn, true);
    lmdb_turn_give(&waiter->turn);
    return NULL;
}

/* Whether others hold any lock of the turns' file. */
static bool somebody_waits(const struct lmdb_turn *turn)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    assert_int_equal(fcntl(turn->file, F_OFD_GETLK, &lock), 0);
    return lock.l_type != F_UNLCK;
}

/* LMDB's own lock goes to whoever asks for it at the right moment, which is mostly the one that has
 * just given it back. */
static void who_has_just_written_lets_others_go_first(void **state)
{
    struct fixture *f = *state;
    struct lmdb_turn turn;
    pthread_t thread;
    check_absent(f, 1); /* makes the folder */
    assert_int_equal(lmdb_turn_open(&turn, folder.path), 0);
    for (int i = 0; i < 20; i++) {
        struct waiter waiter = {0};
        assert_int_equal(lmdb_turn_open(&waiter.turn, folder.path), 0);
        assert_true(lmdb_turn_take(&turn, timestamp_monotonic_us() + 20000000));
        assert_int_equal(pthread_create(&thread, NULL, take_one_turn, &waiter), 0);
        while (!somebody_waits(&turn))
            usleep(100);
        lmdb_turn_give(&turn);
        assert_true(lmdb_turn_take(&turn, timestamp_monotonic_us() + 20000000));
        assert_true(atomic_load(&waiter.had_its_turn));
        lmdb_turn_give(&turn);
        pthread_join(thread, NULL);
        lmdb_turn_close(&waiter.turn);
    }
    lmdb_turn_close(&turn);
}

#define SHARING_TEST(test)                                                                         \
    {                                                                                              \
#test, test, set_up, tear_down, (void *)&maker                                             \
    }

int main(void)
{
    static const struct online_store_maker maker = {.open = open_store, .clear = clear};
    const struct CMUnitTest tests[] = {
        SHARING_TEST(threads_with_handles_of_their_own_share_a_store),
        SHARING_TEST(child_opens_what_its_parent_has_open),
        SHARING_TEST(writer_that_hangs_holds_up_others_for_their_timeout_alone),
        SHARING_TEST(who_has_just_written_lets_others_go_first),
    };
    private_folder_make(&folder);
    int failed = cmocka_run_group_tests_name("online store, LMDB shared", tests, NULL, NULL);
    private_folder_remove(&folder);
    return failed;
}
