/*
 * test_sqlite_registry_crash.c - processes that are killed while they apply, or make the file, or
 * end a run, leave a registry that is whole and holds all that was acknowledged.
 *
 * Two appliers and a run, which also asks for rebuilds, switches to them and strikes off what was
 * left, work on one file at the same time, and each says in shared memory how far it came. One
 * after another is killed at any moment, and the registry is looked at.
 */
#include "private_file.h"
#include "store/registry/registry.h"
#include "tests/support/shop.h"

#include <setjmp.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { APPLIERS = 2, RUN = APPLIERS, ROLES, TIMEOUT_MS = 20000 };
enum { SHORT_KILLS = 40, LONG_KILLS = 600, KILL_AFTER_US = 60 * 1000, NEW_FILE_EVERY = 10 };

struct fixture {
    struct private_file file;
    struct settings settings;
    struct arena arena;
    _Atomic int64_t *done; /* [ROLES], shared: the version that was made, the watermark kept */
};

_Noreturn static void give_up(const struct error *err)
{
    fprintf(stderr, "a process of the test fails: %s\n", err->message);
    _exit(1);
}

/* Each apply is a change: its features are in an order of the applier's own, and then another. */
_Noreturn static void apply_on(struct fixture *f, int role)
{
    struct registry *registry;
    struct error err;
    const char *const lists[] = {role ? "a: int32, b: int32" : "a: int32, c: int32",
                                 role ? "b: int32, a: int32" : "c: int32, a: int32"};
    if (registry_open(&f->settings, &registry, &err))
        give_up(&err);
    for (unsigned i = 0;; i++) {
        struct apply_outcome outcome;
        const struct definitions *definitions = shop_with(&f->arena, lists[i % 2]);
        if (registry_apply(registry, definitions, (struct apply_options){0}, &f->arena, &outcome,
                           &err))
            give_up(&err);
        atomic_store(&f->done[role], (int64_t)outcome.catalog.version);
        arena_reset(&f->arena);
    }
}

static void must(enum status status, const struct error *err)
{
    if (status)
        give_up(err);
}

/* What a run keeps at its end: a watermark, or, where a generation is pending, a switch to it. */
static bool keep_watermark(struct registry *registry, const struct catalog *catalog,
                           struct view_state *seen, int64_t watermark_us)
{
    struct error err;
    bool outdated;
    if (seen->pending_generation) {
        must(registry_switch_rows(registry, catalog, seen, watermark_us, 1, &outdated, &err), &err);
        return !outdated;
    }
    seen->has_watermark = true;
    seen->watermark_us = watermark_us;
    must(registry_advance(registry, catalog, seen, true, &outdated, &err), &err);
    if (watermark_us % 3 == 0)
        must(registry_mark_stale(registry, catalog, seen, "for the test", true, &err), &err);
    return !outdated;
}

static void sweep(struct fixture *f, struct registry *registry, const struct catalog *catalog)
{
    struct removed_rows *rows;
    struct error err;
    size_t count;
    must(registry_removed_rows(registry, catalog, &f->arena, &rows, &count, &err), &err);
    must(registry_forget_rows(registry, catalog, rows, count, &err), &err);
}

_Noreturn static void run_on(struct fixture *f)
{
    struct registry *registry;
    struct error err;
    must(registry_open(&f->settings, &registry, &err), &err);
    for (;;) {
        struct catalog catalog;
        struct view_state *states;
        enum status status = registry_read(registry, "shop", &f->arena, &catalog, &err);
        if (status == STATUS_NOT_FOUND)
            continue;
        must(status, &err);
        must(registry_view_states(registry, &catalog, &f->arena, &states, &err), &err);
        sweep(f, registry, &catalog);
        int64_t next_us = atomic_load(&f->done[RUN]) + 1;
        if (keep_watermark(registry, &catalog, &states[0], next_us))
            atomic_store(&f->done[RUN], next_us);
        arena_reset(&f->arena);
    }
}

static pid_t start(struct fixture *f, int role)
{
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid > 0)
        return pid;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (role == RUN)
        run_on(f);
    apply_on(f, role);
}

static void end(pid_t pid)
{
    int how;
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(waitpid(pid, &how, 0), pid);
    assert_true(WIFSIGNALED(how)); /* and did not give up before */
}

/* A state that is missing reads as one without any mark. */
static size_t count_states(struct fixture *f)
{
    sqlite3 *connection;
    sqlite3_stmt *statement;
    assert_int_equal(sqlite3_open(f->file.path, &connection), SQLITE_OK);
    sqlite3_busy_timeout(connection, TIMEOUT_MS);
    assert_int_equal(sqlite3_prepare_v2(connection, "SELECT count(*) FROM larder_view_state", -1,
                                        &statement, NULL),
                     SQLITE_OK);
    assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
    int count = sqlite3_column_int(statement, 0);
    sqlite3_finalize(statement);
    sqlite3_close(connection);
    return (size_t)count;
}

/* A version and the states of its views. They are read one after the other, and a state of another
 * generation than the version's reads as none: so until no switch came between. */
static enum status read_whole(struct fixture *f, struct registry *registry, struct catalog *catalog,
                              struct view_state **states, struct error *err)
{
    struct catalog after;
    enum status status = registry_read(registry, "shop", &f->arena, &after, err);
    do {
        *catalog = after;
        if (!status)
            status = registry_view_states(registry, catalog, &f->arena, states, err);
        if (!status)
            status = registry_read(registry, "shop", &f->arena, &after, err);
    } while (!status && after.views[0].generation != catalog->views[0].generation);
    return status;
}

/* What is there is a version as it was made, with the states of its views. */
static void check_registry(struct fixture *f, const int64_t *done)
{
    struct registry *registry;
    struct catalog catalog;
    struct view_state *states;
    struct error err = {0};
    assert_int_equal(registry_open(&f->settings, &registry, &err), STATUS_OK);
    enum status status = read_whole(f, registry, &catalog, &states, &err);
    if (status == STATUS_NOT_FOUND) {
        assert_true(done[0] == 0 && done[1] == 0);
        registry_close(registry);
        return;
    }
    if (status)
        fail_msg("%s", err.message);
    for (int i = 0; i < APPLIERS; i++)
        assert_true((int64_t)catalog.version >= done[i]);
    assert_true(done[RUN] == 0 || (states[0].has_watermark && states[0].watermark_us >= done[RUN]));
    assert_int_equal(count_states(f), catalog.definitions.view_count);
    registry_close(registry);
}

static void end_all(const pid_t *pids)
{
    for (int role = 0; role < ROLES; role++)
        end(pids[role]);
}

static void begin_anew(struct fixture *f, pid_t *pids)
{
    private_file_clear(&f->file);
    for (int role = 0; role < ROLES; role++)
        atomic_store(&f->done[role], 0);
    for (int role = 0; role < ROLES; role++)
        pids[role] = start(f, role);
}

static void every_version_outlives_any_kill(void **state)
{
    struct fixture *f = *state;
    const char *is_long = getenv("LARDER_LONG");
    int kills = is_long && strcmp(is_long, "1") == 0 ? LONG_KILLS : SHORT_KILLS;
    pid_t pids[ROLES];
    int64_t versions = 0;
    srand(20240229);
    begin_anew(f, pids);
    for (int i = 1; i <= kills; i++) {
        int role = rand() % ROLES;
        int64_t done[ROLES];
        usleep((useconds_t)(rand() % KILL_AFTER_US));
        end(pids[role]);
        for (int each = 0; each < ROLES; each++)
            done[each] = atomic_load(&f->done[each]);
        check_registry(f, done);
        arena_reset(&f->arena);
        pids[role] = start(f, role);
        if (i % NEW_FILE_EVERY > 0)
            continue;
        versions += done[0] + done[1];
        end_all(pids);
        begin_anew(f, pids);
    }
    end_all(pids);
    assert_true(versions > 0);
}

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    assert_non_null(f);
    private_file_make(&f->file);
    arena_init(&f->arena, 0);
    f->settings = private_file_settings(&f->file);
    f->settings.offline_store.timeout_ms = TIMEOUT_MS;
    f->done = mmap(NULL, ROLES * sizeof *f->done, PROT_READ | PROT_WRITE,
                   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(f->done != MAP_FAILED);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    munmap(f->done, ROLES * sizeof *f->done);
    private_file_remove(&f->file);
    arena_release(&f->arena);
    free(f);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_version_outlives_any_kill, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
