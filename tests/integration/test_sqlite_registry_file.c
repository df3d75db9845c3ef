/* test_sqlite_registry_file.c - what is SQLite's own about the registry: its file, which others
 * make, fill, replace and hold. */
#include "store/registry/registry.h"
#include "tests/integration/registry_file_fixture.h"
#include "tests/support/shop.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/* A writer that holds the file. */
static sqlite3 *hold_file(void)
{
    sqlite3 *holder;
    assert_int_equal(sqlite3_open(file.path, &holder), SQLITE_OK);
    assert_int_equal(sqlite3_exec(holder, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    return holder;
}

/* The file ----------------------------------------------------------------------------------- */

static void opening_and_reading_make_no_file(void **state)
{
    struct fixture *f = *state;
    struct catalog catalog;
    struct difference difference;
    bool changed;
    assert_int_equal(registry_read(f->registry, "shop", &f->arena, &catalog, &f->err),
                     STATUS_NOT_FOUND);
    check_words(f, "run larder apply");
    demand(f, registry_plan(f->registry, shop(&f->arena), (struct apply_options){0}, &f->arena,
                            &difference, &f->err));
    assert_int_equal(version(f), 0);
    demand(f, registry_wait(f->registry, 0, -1, &changed, &f->err));
    demand(f, registry_remove(f->registry, "shop", &f->err));
    assert_int_equal(access(file.path, F_OK), -1);
}

static void a_server_without_a_file_is_without_its_registry(void **state)
{
    struct fixture *f = *state;
    struct registry *server;
    struct registry_version version;
    bool changed;
    demand(f, registry_open_for_server(&f->settings, -1, &server, &f->err));
    assert_int_equal(registry_version(server, "shop", &version, &f->err), STATUS_UNAVAILABLE);
    check_words(f, "there is no file");
    check_words(f, file.path);
    demand(f, apply(f, shop(&f->arena)));
    demand(f, registry_version(server, "shop", &version, &f->err));
    assert_int_equal(version.number, 1);
    registry_close(f->registry);
    f->registry = NULL;
    private_file_clear(&file);
    assert_int_equal(registry_version(server, "shop", &version, &f->err), STATUS_UNAVAILABLE);
    assert_int_equal(registry_wait(server, 60000, -1, &changed, &f->err), STATUS_UNAVAILABLE);
    registry_close(server);
}

static void a_file_in_the_place_of_another_is_heard_of(void **state)
{
    struct fixture *f = *state;
    struct registry *listener;
    bool changed;
    demand(f, apply(f, shop(&f->arena)));
    demand(f, registry_open(&f->settings, &listener, &f->err));
    demand(f, registry_wait(listener, 0, -1, &changed, &f->err));
    private_file_clear(&file);
    demand(f, apply(f, shop(&f->arena)));
    assert_int_equal(version(f), 1);
    demand(f, registry_wait(listener, 60000, -1, &changed, &f->err));
    assert_true(changed);
    registry_close(listener);
}

static atomic_bool going;

static void *make_and_remove(void *context)
{
    while (atomic_load(&going)) {
        FILE *stream = fopen(file.path, "w");
        if (stream)
            fclose(stream);
        unlink(file.path);
    }
    return context;
}

/* Between a look that finds nothing and the next it may be there. */
static void a_file_that_comes_and_goes_is_there_or_not(void **state)
{
    struct fixture *f = *state;
    pthread_t thread;
    atomic_store(&going, true);
    assert_int_equal(pthread_create(&thread, NULL, make_and_remove, NULL), 0);
    enum status status = STATUS_OK;
    for (int i = 0; i < 3000 && !status; i++) {
        struct registry_version seen;
        demand(f, open_as(f, "larder"));
        status = registry_version(f->registry, "shop", &seen, &f->err);
    }
    atomic_store(&going, false);
    pthread_join(thread, NULL);
    demand(f, status);
}

static int (*open_at_once)(const char *, int, int);
static int misses;

/* SQLite looks for a file to write, then for one to read: here it was made between the two. */
static int open_between(const char *path, int flags, int mode)
{
    bool is_missed = misses > 0 && (flags & O_ACCMODE) == O_RDWR && strcmp(path, file.path) == 0;
    if (!is_missed)
        return open_at_once(path, flags, mode);
    misses--;
    errno = ENOENT;
    return -1;
}

static void a_file_that_is_made_while_it_is_opened_can_be_written(void **state)
{
    struct fixture *f = *state;
    sqlite3_vfs *vfs = sqlite3_vfs_find(NULL);
    demand(f, apply(f, shop(&f->arena)));
    demand(f, open_as(f, "larder"));
    open_at_once = (int (*)(const char *, int, int))vfs->xGetSystemCall(vfs, "open");
    vfs->xSetSystemCall(vfs, "open", (sqlite3_syscall_ptr)open_between);
    misses = 1;
    assert_int_equal(version(f), 1);
    assert_int_equal(misses, 0);
    enum status status = apply(f, shop_with(&f->arena, "a: int32"));
    vfs->xSetSystemCall(vfs, "open", NULL);
    demand(f, status);
    assert_int_equal(version(f), 2);
}

static void a_folder_that_is_missing_is_asked_for(void **state)
{
    struct fixture *f = *state;
    f->settings.offline_store.path = arena_printf(&f->arena, "%s/no/h.db", file.directory);
    demand(f, open_as(f, "larder"));
    assert_int_equal(version(f), 0);
    assert_int_equal(apply(f, shop(&f->arena)), STATUS_FAILED);
    check_words(f, "the folder that is to hold it does not exist");
}

static void a_file_that_is_no_database_is_named(void **state)
{
    struct fixture *f = *state;
    struct registry_version version;
    FILE *stream = fopen(file.path, "w");
    fputs("this is a text, and long enough to be taken for a header of something else\n", stream);
    fclose(stream);
    assert_int_equal(registry_version(f->registry, "shop", &version, &f->err), STATUS_CORRUPT);
    assert_int_equal(apply(f, shop(&f->arena)), STATUS_CORRUPT);
    check_words(f, file.path);
    check_words(f, "is no SQLite database");
}

static int child_status(pid_t child)
{
    int status;
    assert_true(child > 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* As another user, if we are the superuser, who may do everything. */
static void read_and_apply_as_guest(struct fixture *f, enum status read, const char *words)
{
    pid_t child = fork();
    if (child == 0) {
        struct error err = {0};
        struct registry_version seen;
        struct apply_outcome outcome;
        if (geteuid() == 0 && (setgid(65534) || setuid(65534)))
            _exit(2);
        if (registry_open(&f->settings, &f->registry, &err) ||
            registry_version(f->registry, "shop", &seen, &err) != read ||
            (read && !strstr(err.message, words)))
            _exit(3);
        if (registry_apply(f->registry, shop_with(&f->arena, "a: int32"), (struct apply_options){0},
                           &f->arena, &outcome, &err) != STATUS_FAILED)
            _exit(4);
        _exit(strstr(err.message, words) ? 0 : 5);
    }
    assert_int_equal(child_status(child), 0);
}

/* SQLite makes files beside it also to read it. */
static void a_file_that_may_only_be_read_is_read_where_its_folder_is_open(void **state)
{
    struct fixture *f = *state;
    demand(f, apply(f, shop(&f->arena)));
    registry_close(f->registry);
    f->registry = NULL;
    assert_int_equal(chmod(file.path, 0444), 0);
    assert_int_equal(chmod(file.directory, 0555), 0);
    read_and_apply_as_guest(f, STATUS_FAILED, "may not write to it or to its folder");
    assert_int_equal(chmod(file.directory, 0777), 0);
    read_and_apply_as_guest(f, STATUS_OK, "may not write to it");
    assert_int_equal(chmod(file.directory, 0700), 0);
}

/* In a folder that both may write to, as /tmp is one. */
static void files_of_another_user_beside_it_are_named(void **state)
{
    struct fixture *f = *state;
    if (geteuid() != 0) /* nobody else can be */
        skip();
    assert_int_equal(chmod(file.directory, 0777), 0);
    demand(f, apply(f, shop(&f->arena)));
    registry_close(f->registry);
    f->registry = NULL;
    assert_int_equal(chown(file.path, 65534, 65534), 0);
    /* Who may only read the file leaves what is beside it behind. */
    pid_t reader = fork();
    if (reader == 0) {
        struct registry_version seen;
        struct error err;
        if (setgid(65533) || setuid(65533))
            _exit(2);
        if (registry_open(&f->settings, &f->registry, &err) ||
            registry_version(f->registry, "shop", &seen, &err))
            _exit(3);
        registry_close(f->registry);
        _exit(0);
    }
    assert_int_equal(child_status(reader), 0);
    read_and_apply_as_guest(f, STATUS_OK, "ends in -wal, which another user made");
    assert_int_equal(chmod(file.directory, 0700), 0);
}

static void a_file_that_was_cut_off_is_said_to_be_damaged(void **state)
{
    struct fixture *f = *state;
    struct catalog catalog;
    demand(f, apply(f, shop(&f->arena)));
    registry_close(f->registry);
    f->registry = NULL;
    assert_int_equal(truncate(file.path, 4096 + 2048), 0);
    demand(f, open_as(f, "larder"));
    assert_int_equal(registry_read(f->registry, "shop", &f->arena, &catalog, &f->err),
                     STATUS_CORRUPT);
    check_words(f, file.path);
    check_words(f, "put it back from a copy");
    assert_int_equal(apply(f, shop_with(&f->arena, "a: int32")), STATUS_CORRUPT);
    check_words(f, "put it back from a copy");
}

/* As `cp copy.db history.db` does it, once what belonged to the file of before is removed. */
static void a_file_that_is_written_over_is_heard_of(void **state)
{
    struct fixture *f = *state;
    struct registry *listener;
    bool changed;
    demand(f, apply(f, shop(&f->arena)));
    const char *copy = arena_printf(&f->arena, "%s.copy", file.path);
    private_file_run(&file, arena_printf(&f->arena, "VACUUM INTO '%s'", copy));
    demand(f, apply(f, shop_with(&f->arena, "a: int32, total: float64, visits: int64")));
    demand(f, registry_open(&f->settings, &listener, &f->err));
    demand(f, registry_wait(listener, 0, -1, &changed, &f->err));
    registry_close(f->registry);
    f->registry = NULL;
    unlink(arena_printf(&f->arena, "%s-wal", file.path));
    unlink(arena_printf(&f->arena, "%s-shm", file.path));
    assert_int_equal(
        system(arena_printf(&f->arena, "cat '%s' > '%s' && rm '%s'", copy, file.path, copy)), 0);
    struct registry_version seen;
    demand(f, registry_wait(listener, 60000, -1, &changed, &f->err));
    assert_true(changed);
    demand(f, registry_version(listener, "shop", &seen, &f->err));
    assert_int_equal(seen.number, 1);
    registry_close(listener);
    demand(f, open_as(f, "larder"));
}

/* As on a full disk: of an apply that finds no room, nothing is left. */
static void an_apply_without_room_leaves_what_was(void **state)
{
    struct fixture *f = *state;
    demand(f, apply(f, shop(&f->arena)));
    registry_close(f->registry);
    f->registry = NULL;
    pid_t child = fork();
    if (child == 0) {
        struct error err;
        struct apply_outcome outcome;
        struct rlimit limit = {4096, 4096};
        signal(SIGXFSZ, SIG_IGN);
        if (registry_open(&f->settings, &f->registry, &err) || setrlimit(RLIMIT_FSIZE, &limit))
            _exit(2);
        enum status status = registry_apply(f->registry, shop_with(&f->arena, "a: int32"),
                                            (struct apply_options){0}, &f->arena, &outcome, &err);
        _exit(status ? 0 : 3);
    }
    assert_int_equal(child_status(child), 0);
    demand(f, open_as(f, "larder"));
    assert_int_equal(version(f), 1);
    demand(f, apply(f, shop_with(&f->arena, "a: int32, total: float64, visits: int64")));
    assert_int_equal(version(f), 2);
}

/* Others who write --------------------------------------------------------------------------- */

static void an_apply_waits_for_a_writer_and_then_says_so(void **state)
{
    struct fixture *f = *state;
    demand(f, apply(f, shop(&f->arena)));
    f->settings.offline_store.timeout_ms = 50;
    demand(f, open_as(f, "larder"));
    sqlite3 *holder = hold_file();
    assert_int_equal(apply(f, shop_with(&f->arena, "a: int32")), STATUS_UNAVAILABLE);
    check_words(f, "another process writes to it");
    assert_int_equal(version(f), 1); /* who reads does not wait */
    sqlite3_close(holder);
    demand(f, apply(f, shop_with(&f->arena, "a: int32, total: float64, visits: int64")));
    assert_int_equal(version(f), 2);
}

struct late_apply {
    struct fixture *f;
    const struct definitions *definitions;
    enum status status;
};

static void *apply_in_thread(void *context)
{
    struct late_apply *late = context;
    late->status = apply(late->f, late->definitions);
    return NULL;
}

static void an_apply_goes_on_once_the_writer_has_ended(void **state)
{
    struct fixture *f = *state;
    pthread_t thread;
    struct late_apply late = {.f = f, .definitions = shop_with(&f->arena, "a: int32")};
    private_file_run(&file, "PRAGMA journal_mode = WAL");
    sqlite3 *holder = hold_file();
    assert_int_equal(pthread_create(&thread, NULL, apply_in_thread, &late), 0);
    usleep(50000);
    assert_int_equal(sqlite3_exec(holder, "COMMIT", NULL, NULL, NULL), SQLITE_OK);
    pthread_join(thread, NULL);
    sqlite3_close(holder);
    demand(f, late.status);
    assert_int_equal(version(f), 1);
}

/* What holds the whole file, readers included, holds a server up no longer than it may wait. */
static void a_server_does_not_wait_for_a_lock_for_ever(void **state)
{
    struct fixture *f = *state;
    struct registry *server;
    struct registry_version version;
    int fds[2];
    demand(f, apply(f, shop(&f->arena)));
    registry_close(f->registry);
    f->registry = NULL;
    private_file_run(&file, "PRAGMA journal_mode = DELETE");
    sqlite3 *holder;
    assert_int_equal(sqlite3_open(file.path, &holder), SQLITE_OK);
    assert_int_equal(sqlite3_exec(holder, "BEGIN EXCLUSIVE", NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(pipe(fds), 0);
    f->settings.offline_store.timeout_ms = 100;
    demand(f, registry_open_for_server(&f->settings, fds[0], &server, &f->err));
    assert_int_equal(registry_version(server, "shop", &version, &f->err), STATUS_UNAVAILABLE);
    registry_close(server);
    /* Somebody waits for it: an hour is too long. */
    f->settings.offline_store.timeout_ms = 3600000;
    assert_int_equal(write(fds[1], "!", 1), 1);
    demand(f, registry_open_for_server(&f->settings, fds[0], &server, &f->err));
    assert_int_equal(registry_version(server, "shop", &version, &f->err), STATUS_UNAVAILABLE);
    sqlite3_close(holder);
    demand(f, registry_version(server, "shop", &version, &f->err));
    assert_int_equal(version.number, 1);
    registry_close(server);
    close(fds[0]);
    close(fds[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FILE_TEST(opening_and_reading_make_no_file),
        FILE_TEST(a_server_without_a_file_is_without_its_registry),
        FILE_TEST(a_file_in_the_place_of_another_is_heard_of),
        FILE_TEST(a_file_that_is_written_over_is_heard_of),
        FILE_TEST(a_file_that_comes_and_goes_is_there_or_not),
        FILE_TEST(a_file_that_is_made_while_it_is_opened_can_be_written),
        FILE_TEST(a_folder_that_is_missing_is_asked_for),
        FILE_TEST(a_file_that_is_no_database_is_named),
        FILE_TEST(a_file_that_may_only_be_read_is_read_where_its_folder_is_open),
        FILE_TEST(files_of_another_user_beside_it_are_named),
        FILE_TEST(a_file_that_was_cut_off_is_said_to_be_damaged),
        FILE_TEST(an_apply_without_room_leaves_what_was),
        FILE_TEST(an_apply_waits_for_a_writer_and_then_says_so),
        FILE_TEST(an_apply_goes_on_once_the_writer_has_ended),
        FILE_TEST(a_server_does_not_wait_for_a_lock_for_ever),
    };
    return cmocka_run_group_tests(tests, registry_file_begin, registry_file_end);
}
