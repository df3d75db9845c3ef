/*
 * test_sqlite_contention.c - processes that load, apply and run at the same time over one SQLite
 * file: none is refused before the timeout, and nothing that was acknowledged is lost.
 *
 * Each does what a command does, hundreds of times, in an order of its own, and counts in shared
 * memory what it was told was done; the file is then compared with that. LARDER_LONG=1:
 * thousands of times.
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

enum { PROCESSES = 3, SHORT_STEPS = 60, LONG_STEPS = 600, TIMEOUT_MS = 5000, ROWS_MAX = 5 };

/* What processes were told was done. */
struct tally {
    _Atomic int64_t rows, changes, switches, watermark_us, position;
};

struct fixture {
    struct private_file file;
    struct settings settings;
    struct arena arena;
    struct registry *registry;
    struct offline_store *store;
    struct tally *tally; /* shared */
    struct error err;
    unsigned seed;
};

/* In a process of the test; its parent sees that it has not ended as it should. */
static void demand(struct fixture *f, enum status status)
{
    if (!status)
        return;
    fprintf(stderr, "%s: %s\n", status_name(status), f->err.message);
    _exit(1);
}

static void require(bool holds, const char *what)
{
    if (holds)
        return;
    fprintf(stderr, "%s\n", what);
    _exit(1);
}

static void raise_to(_Atomic int64_t *greatest, int64_t value)
{
    int64_t seen = atomic_load(greatest);
    while (seen < value && !atomic_compare_exchange_weak(greatest, &seen, value))
        ;
}

/* What processes do ---------------------------------------------------------------------------- */

static void load(struct fixture *f)
{
    static const struct load_column columns[] = {
        {"customer", LOAD_KEY, TYPE_INT64},
        {"at", LOAD_EVENT_TIME, TYPE_TIMESTAMP},
        {"total", LOAD_FEATURE, TYPE_FLOAT64},
        {"visits", LOAD_FEATURE, TYPE_INT64},
    };
    const struct definitions *definitions = shop(&f->arena);
    struct offline_load *load;
    bool made;
    uint64_t rows;
    size_t culprit;
    demand(f, offline_load_open(f->store, &definitions->sources[0], columns, 4, columns, 4, &made,
                                &load, &f->err));
    for (int i = 1 + rand_r(&f->seed) % ROWS_MAX; i > 0; i--) {
        const struct value values[] = {
            {.type = TYPE_INT64, .int64 = rand_r(&f->seed)},
            {.type = TYPE_TIMESTAMP, .int64 = INT64_C(1704067200000000)},
            {.type = TYPE_FLOAT64, .float64 = 1},
            {.type = TYPE_INT64, .int64 = i},
        };
        demand(f, offline_load_row(load, values, &culprit, &f->err));
    }
    demand(f, offline_load_finish(load, &rows, &f->err));
    offline_load_close(load);
    atomic_fetch_add(&f->tally->rows, (int64_t)rows);
}

static void apply(struct fixture *f)
{
    static const char *const lists[] = {"total: float64, visits: int64",
                                        "visits: int64, total: float64", "visits: int64"};
    struct apply_outcome outcome;
    const char *list = lists[rand_r(&f->seed) % (int)COUNT_OF(lists)];
    demand(f, registry_apply(f->registry, shop_with(&f->arena, list), (struct apply_options){0},
                             &f->arena, &outcome, &f->err));
    atomic_fetch_add(&f->tally->changes, outcome.difference.change_count > 0);
}

/* What a run takes its rows from: a snapshot, and a position up to which all is in it. */
static int64_t scan(struct fixture *f, const struct catalog_view *view)
{
    struct offline_sample sample;
    struct position_sample found;
    struct offline_scan *scan;
    const struct scan_row *row;
    uint64_t xmin;
    bool is_found;
    int64_t acknowledged = atomic_load(&f->tally->rows);
    int64_t reached = atomic_load(&f->tally->position);
    demand(f, offline_store_sample(f->store, &sample, &f->err));
    require(sample.position > reached && sample.reached >= reached, "a position was given twice");
    raise_to(&f->tally->position, sample.position);
    struct position_sample kept = {sample.position, sample.next_transaction};
    demand(f, registry_keep_sample(f->registry, kept, &f->err));
    demand(f, offline_store_begin(f->store, &xmin, &f->err));
    demand(f, registry_find_sample(f->registry, xmin, &found, &is_found, &f->err));
    require(is_found && found.position >= sample.position, "a run's own position was not found");
    struct scan_request all = {view->view, SCAN_EVENTS, INT64_MIN, INT64_MAX, INT64_MIN};
    demand(f, offline_scan_open(f->store, &all, &scan, &f->err));
    do
        demand(f, offline_scan_next(scan, &row, &f->err));
    while (row);
    require((int64_t)offline_scan_counts(scan)->rows >= acknowledged, "a scan lacks rows");
    offline_scan_close(scan);
    offline_store_end(f->store);
    return found.position;
}

static void advance(struct fixture *f, const struct catalog *catalog, struct view_state state,
                    int64_t position)
{
    bool outdated;
    state.has_watermark = true;
    state.watermark_us = position;
    state.position = position;
    demand(f, registry_advance(f->registry, catalog, &state, true, &outdated, &f->err));
    if (!outdated && !state.pending_generation)
        raise_to(&f->tally->watermark_us, position);
}

static void switch_rows(struct fixture *f, const struct catalog *catalog,
                        const struct view_state *state, int64_t position)
{
    bool outdated, unread;
    demand(f, registry_switch_rows(f->registry, catalog, state, position, position, &outdated,
                                   &f->err));
    atomic_fetch_add(&f->tally->switches, !outdated);
    if (outdated)
        demand(f, registry_leave_rows(f->registry, catalog, state->view_id,
                                      state->pending_generation, &unread, &f->err));
}

static void sweep(struct fixture *f, const struct catalog *catalog)
{
    struct removed_rows *rows;
    size_t count;
    demand(f, registry_removed_rows(f->registry, catalog, &f->arena, &rows, &count, &f->err));
    demand(f, registry_forget_rows(f->registry, catalog, rows, count, &f->err));
}

static void run(struct fixture *f)
{
    struct catalog catalog;
    struct view_state *states;
    demand(f, registry_read(f->registry, "shop", &f->arena, &catalog, &f->err));
    demand(f, registry_view_states(f->registry, &catalog, &f->arena, &states, &f->err));
    const struct catalog_view *view = catalog_find_view(&catalog, "spending");
    const struct view_state *state = &states[view - catalog.views];
    int64_t position = scan(f, view);
    if (state->pending_generation)
        switch_rows(f, &catalog, state, position);
    else if (rand_r(&f->seed) % 4 == 0)
        demand(f, registry_mark_stale(f->registry, &catalog, state, "for the test", true, &f->err));
    else
        advance(f, &catalog, *state, position);
    sweep(f, &catalog);
}

static void open_stores(struct fixture *f)
{
    demand(f, registry_open(&f->settings, &f->registry, &f->err));
    demand(f, offline_store_open(&f->settings, &f->store, &f->err));
}

static void close_stores(struct fixture *f)
{
    registry_close(f->registry);
    offline_store_close(f->store);
}

_Noreturn static void work(struct fixture *f, int process, int steps)
{
    static void (*const deeds[])(struct fixture * f) = {load, apply, run};
    f->seed = 20240229u + (unsigned)process;
    for (int i = 0; i < steps; i++) {
        open_stores(f);
        for (int more = rand_r(&f->seed) % 3; more >= 0; more--)
            deeds[rand_r(&f->seed) % (int)COUNT_OF(deeds)](f);
        close_stores(f);
        arena_reset(&f->arena);
    }
    _exit(0);
}

/* The test ------------------------------------------------------------------------------------- */

static int64_t ask(struct fixture *f, const char *sql)
{
    sqlite3 *connection;
    sqlite3_stmt *statement;
    assert_int_equal(sqlite3_open(f->file.path, &connection), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(connection, sql, -1, &statement, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
    int64_t number = sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    sqlite3_close(connection);
    return number;
}

static void check_file(struct fixture *f)
{
    struct tally *tally = f->tally;
    struct catalog catalog;
    struct view_state *states;
    open_stores(f);
    demand(f, registry_read(f->registry, "shop", &f->arena, &catalog, &f->err));
    demand(f, registry_view_states(f->registry, &catalog, &f->arena, &states, &f->err));
    assert_int_equal(catalog.version, atomic_load(&tally->changes) + atomic_load(&tally->switches));
    assert_int_equal(ask(f, "SELECT count(*) FROM orders"), atomic_load(&tally->rows));
    assert_int_equal(ask(f, "SELECT position FROM larder_position"), atomic_load(&tally->position));
    assert_int_equal(ask(f, "SELECT count(*) FROM larder_version"), catalog.version);
    for (size_t i = 0; i < catalog.definitions.view_count; i++)
        assert_int_equal(states[i].view_id, catalog.views[i].id);
    const struct view_state *state =
        &states[catalog_find_view(&catalog, "spending") - catalog.views];
    assert_true(state->has_watermark && state->watermark_us >= atomic_load(&tally->watermark_us));
    close_stores(f);
}

static void nothing_is_refused_and_nothing_is_lost(void **state)
{
    struct fixture *f = *state;
    const char *is_long = getenv("LARDER_LONG");
    int steps = is_long && strcmp(is_long, "1") == 0 ? LONG_STEPS : SHORT_STEPS;
    pid_t pids[PROCESSES];
    open_stores(f);
    load(f);
    apply(f);
    close_stores(f);
    for (int i = 0; i < PROCESSES; i++) {
        pids[i] = fork();
        assert_true(pids[i] >= 0);
        if (pids[i] == 0) {
            prctl(PR_SET_PDEATHSIG, SIGKILL);
            work(f, i, steps);
        }
    }
    for (int i = 0; i < PROCESSES; i++) {
        int how;
        assert_int_equal(waitpid(pids[i], &how, 0), pids[i]);
        assert_true(WIFEXITED(how) && WEXITSTATUS(how) == 0);
    }
    check_file(f);
}

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    assert_non_null(f);
    private_file_make(&f->file);
    arena_init(&f->arena, 0);
    f->settings = private_file_settings(&f->file);
    f->settings.offline_store.timeout_ms = TIMEOUT_MS;
    f->tally =
        mmap(NULL, sizeof *f->tally, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(f->tally != MAP_FAILED);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    munmap(f->tally, sizeof *f->tally);
    private_file_remove(&f->file);
    arena_release(&f->arena);
    free(f);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(nothing_is_refused_and_nothing_is_lost, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
