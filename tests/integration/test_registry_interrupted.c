/* test_registry_interrupted.c - connections to a PostgreSQL registry that end at a bad time, and
 * applies that wait for each other. */
#include "store/registry/registry.h"

#include "tests/integration/registry_postgres_fixture.h"
#include "tests/support/shop.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

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

/* Waits until so many backends of ours wait for locks, and returns the process id of one; gives up
 * after a minute. */
static long blocked_backend(long count)
{
    static const char *const blocked =
        "FROM pg_stat_activity WHERE application_name = 'larder' AND wait_event_type = 'Lock'"
        " AND datname = current_database()";
    char sql[512];
    for (int tries = 0; tries < 6000; tries++) {
        snprintf(sql, sizeof sql, "SELECT CASE count(*) WHEN %ld THEN max(pid) ELSE 0 END %s",
                 count, blocked);
        long pid = sql_number(database.session, sql);
        if (pid)
            return pid;
        sql_run(database.session, "SELECT pg_sleep(0.01)");
    }
    fail_msg("no apply waits for a lock");
    return 0;
}

/* Stops applies after they wrote their version, before they touch the states, until it is finished.
 */
static PGconn *hold_states(void)
{
    PGconn *blocker = PQconnectdb(database.url);
    sql_run(blocker, "BEGIN; LOCK TABLE larder.view_state IN SHARE MODE");
    return blocker;
}

/* A second apply, whose backend is done something to in the midst of it. */
static struct late_apply apply_and_interrupt(struct fixture *f, const char *function)
{
    char sql[256];
    pthread_t thread;
    demand(f, apply(f, shop(&f->arena)));
    PGconn *blocker = hold_states();
    struct late_apply late = {.f = f,
                              .definitions = shop_with(&f->arena, "a: int32, total: float64")};
    assert_int_equal(pthread_create(&thread, NULL, apply_in_thread, &late), 0);
    snprintf(sql, sizeof sql, "SELECT %s(%ld)", function, blocked_backend(1));
    sql_run(database.session, sql);
    pthread_join(thread, NULL);
    PQfinish(blocker);
    return late;
}

static void an_apply_that_is_killed_leaves_nothing(void **state)
{
    struct fixture *f = *state;
    struct late_apply late = apply_and_interrupt(f, "pg_terminate_backend");
    assert_int_equal(late.status, STATUS_UNAVAILABLE);
    demand(f, open_as(f, "larder", database.url));
    assert_int_equal(version(f), 1);
    assert_int_equal(sql_number(database.session, "SELECT count(*) FROM larder.version"), 1);
    demand(f, apply(f, late.definitions));
    assert_int_equal(version(f), 2);
}

static void a_listener_notices_that_its_connection_is_gone(void **state)
{
    struct fixture *f = *state;
    bool changed;
    demand(f, registry_wait(f->registry, 0, -1, &changed, &f->err));
    sql_run(database.session,
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE application_name = 'larder' AND datname = current_database()");
    assert_int_equal(registry_wait(f->registry, 60000, -1, &changed, &f->err), STATUS_UNAVAILABLE);
    assert_int_equal(registry_wait(f->registry, 60000, -1, &changed, &f->err), STATUS_UNAVAILABLE);
    struct registry_version version;
    assert_int_equal(registry_version(f->registry, "shop", &version, &f->err), STATUS_UNAVAILABLE);
}

static void a_cancelled_apply_leaves_a_handle_that_still_works(void **state)
{
    struct fixture *f = *state;
    struct late_apply late = apply_and_interrupt(f, "pg_cancel_backend");
    assert_int_equal(late.status, STATUS_CANCELLED);
    assert_int_equal(version(f), 1);
}

/* The statement ends in the database, too: nothing of it waits on there. */
static void a_server_does_not_wait_for_a_lock_for_ever(void **state)
{
    struct fixture *f = *state;
    struct registry *server;
    struct registry_version version;
    demand(f, apply(f, shop(&f->arena)));
    f->settings.offline_store.timeout_ms = 300;
    demand(f, registry_open_for_server(&f->settings, -1, &server, &f->err));
    PGconn *blocker = PQconnectdb(database.url);
    sql_run(blocker, "BEGIN; LOCK TABLE larder.project");
    assert_int_equal(registry_version(server, "shop", &version, &f->err), STATUS_CANCELLED);
    assert_int_equal(sql_number(database.session,
                                "SELECT count(*) FROM pg_locks WHERE NOT granted AND"
                                " relation = 'larder.project'::regclass"),
                     0);
    PQfinish(blocker);
    demand(f, registry_version(server, "shop", &version, &f->err));
    assert_int_equal(version.number, 1);
    registry_close(server);
}

/* Whoever waited for the lock must see what its last holder wrote, not what was there before. */
static void applies_follow_each_other_where_transactions_are_serializable_by_default(void **state)
{
    struct fixture *f = *state;
    struct fixture *other;
    char sql[256];
    demand(f, apply(f, shop(&f->arena)));
    snprintf(sql, sizeof sql,
             "ALTER DATABASE %s SET default_transaction_isolation = 'serializable'", database.name);
    sql_run(database.session, sql);
    demand(f, open_as(f, "larder", database.url));
    set_up((void **)&other);
    snprintf(sql, sizeof sql, "ALTER DATABASE %s RESET ALL", database.name);
    sql_run(database.session, sql);
    PGconn *blocker = hold_states();
    struct late_apply first = {.f = f, .definitions = shop_with(&f->arena, "total: float64")};
    struct late_apply second = {.f = other,
                                .definitions = shop_with(&other->arena, "visits: int64")};
    pthread_t threads[2];
    assert_int_equal(pthread_create(&threads[0], NULL, apply_in_thread, &first), 0);
    blocked_backend(1);
    assert_int_equal(pthread_create(&threads[1], NULL, apply_in_thread, &second), 0);
    blocked_backend(2);
    PQfinish(blocker);
    pthread_join(threads[0], NULL);
    pthread_join(threads[1], NULL);
    demand(f, first.status);
    demand(other, second.status);
    assert_int_equal(version(f), 3);
    registry_close(other->registry);
    arena_release(&other->arena);
    free(other);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(an_apply_that_is_killed_leaves_nothing),
        TEST(a_listener_notices_that_its_connection_is_gone),
        TEST(a_cancelled_apply_leaves_a_handle_that_still_works),
        TEST(a_server_does_not_wait_for_a_lock_for_ever),
        TEST(applies_follow_each_other_where_transactions_are_serializable_by_default),
    };
    postgres_database_make(&database, "registry_interrupted");
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    postgres_database_drop(&database);
    return failed;
}
