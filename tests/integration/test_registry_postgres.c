/*
 * test_registry_postgres.c - what is PostgreSQL's own about the registry: its schema beside an
 * owner's things, rights, formats.
 */
#include "store/registry/registry.h"

#include "tests/integration/registry_postgres_fixture.h"
#include "tests/support/shop.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static void opening_and_reading_make_nothing(void **state)
{
    struct fixture *f = *state;
    struct catalog catalog;
    struct difference difference;
    assert_int_equal(registry_read(f->registry, "shop", &f->arena, &catalog, &f->err),
                     STATUS_NOT_FOUND);
    demand(f, registry_plan(f->registry, shop(&f->arena), (struct apply_options){0}, &f->arena,
                            &difference, &f->err));
    assert_int_equal(
        sql_number(database.session, "SELECT count(*) FROM pg_namespace WHERE nspname = 'larder'"),
        0);
}

static void any_schema_name_is_only_a_name(void **state)
{
    static const char *const names[] = {"Mixed Case", "a\"b; DROP SCHEMA public CASCADE; --",
                                        "it's @ $1 %s \\", "caf\u00e9", "select"};
    struct fixture *f = *state;
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        bool changed;
        demand(f, open_as(f, names[i], database.url));
        demand(f, registry_wait(f->registry, 0, -1, &changed, &f->err));
        demand(f, apply(f, shop(&f->arena)));
        assert_int_equal(tables_in(names[i]), 6);
        demand(f, registry_wait(f->registry, 60000, -1, &changed, &f->err));
        assert_true(changed);
        assert_int_equal(version(f), 1);
        demand(f, registry_remove(f->registry, "shop", &f->err));
        assert_int_equal(tables_in(names[i]), 0);
    }
}

static void a_schema_name_that_would_be_cut_is_refused(void **state)
{
    struct fixture *f = *state;
    char name[65];
    memset(name, 'x', 64);
    name[64] = '\0';
    assert_int_equal(open_as(f, name, database.url), STATUS_INVALID);
    assert_int_equal(open_as(f, "", database.url), STATUS_INVALID);
    assert_int_equal(open_as(f, "\xff", database.url), STATUS_INVALID);
    assert_int_equal(open_as(f, name + 1, database.url), STATUS_OK);
}

static void another_type_of_offline_store_is_refused(void **state)
{
    struct fixture *f = *state;
    struct registry *registry;
    f->settings.offline_store.type = "cassandra";
    assert_int_equal(registry_open(&f->settings, &registry, &f->err), STATUS_INVALID);
    check_words(f, "cassandra");
}

static void every_version_is_kept(void **state)
{
    struct fixture *f = *state;
    char cell[256];
    demand(f, apply(f, shop_with(&f->arena, "a: int32")));
    demand(f, apply(f, shop_with(&f->arena, "a: int32, b: int32")));
    assert_string_equal(
        sql_text(database.session,
                 "SELECT string_agg(version || ' ' || (applied_by = session_user) || ' ' || "
                 "(catalog::json->>'version'), ', '"
                 " ORDER BY version) FROM larder.version WHERE now() - applied_at < '1 hour'",
                 cell),
        "1 true 1, 2 true 2");
}

static void a_newer_format_is_refused_and_left_alone(void **state)
{
    struct fixture *f = *state;
    struct catalog catalog;
    demand(f, apply(f, shop(&f->arena)));
    sql_run(database.session, "UPDATE larder.registry SET format = format + 1");
    demand(f, open_as(f, "larder", database.url));
    assert_int_equal(registry_read(f->registry, "shop", &f->arena, &catalog, &f->err),
                     STATUS_CONFLICT);
    check_words(f, "newer larder");
    assert_int_equal(apply(f, shop_with(&f->arena, "a: int32")), STATUS_CONFLICT);
    assert_int_equal(registry_remove(f->registry, "shop", &f->err), STATUS_CONFLICT);
    assert_int_equal(sql_number(database.session, "SELECT count(*) FROM larder.version"), 1);
}

/* What format 1 did not have. */
static void make_old(void)
{
    sql_run(database.session,
            "DROP TABLE larder.removed_rows; UPDATE larder.registry SET format = 1;"
            "ALTER TABLE larder.view_state DROP pending_generation, DROP last_generation");
}

static void a_registry_of_an_older_larder_is_brought_up_to_date_by_an_apply(void **state)
{
    struct fixture *f = *state;
    struct catalog catalog;
    struct view_state *states;
    demand(f, apply(f, shop_with(&f->arena, "a: int32")));
    demand(f, apply(f, shop_with(&f->arena, "a: int32, b: int32")));
    make_old();
    demand(f, open_as(f, "larder", database.url));
    demand(f, registry_read(f->registry, "shop", &f->arena, &catalog, &f->err));
    assert_int_equal(registry_view_states(f->registry, &catalog, &f->arena, &states, &f->err),
                     STATUS_CONFLICT);
    check_words(f, "larder apply");
    demand(f, apply(f, shop_with(&f->arena, "a: int32, b: int32")));
    assert_int_equal(version(f), 2);
    demand(f, registry_view_states(f->registry, &catalog, &f->arena, &states, &f->err));
    for (size_t i = 0; i < catalog.definitions.view_count; i++) {
        bool was_stale = strcmp(catalog.views[i].view->about.name, "spending") == 0;
        assert_int_equal(states[i].pending_generation,
                         was_stale ? catalog.views[i].generation + 1 : 0);
    }
    demand(f, registry_remove(f->registry, "shop", &f->err));
    assert_int_equal(tables_in("larder"), 0);
}

/* The tables of an emptied registry say themselves what they are. */
static void an_emptied_registry_of_an_older_larder_is_brought_up_to_date_too(void **state)
{
    struct fixture *f = *state;
    demand(f, apply(f, shop(&f->arena)));
    make_old();
    sql_run(database.session, "CREATE VIEW larder_watch AS SELECT * FROM larder.view_state");
    demand(f, open_as(f, "larder", database.url));
    demand(f, registry_remove(f->registry, "shop", &f->err));
    demand(f, apply(f, shop(&f->arena)));
    assert_int_equal(sql_number(database.session, "SELECT count(*) FROM larder_watch"), 2);
    sql_run(database.session, "DROP VIEW larder_watch");
    assert_int_equal(version(f), 1);
    assert_int_equal(tables_in("larder"), 6);
}

static void damaged_definitions_are_corrupt(void **state)
{
    struct fixture *f = *state;
    struct catalog catalog;
    demand(f, apply(f, shop(&f->arena)));
    demand(f, apply(f, shop_named(&f->arena, "market")));
    sql_run(database.session,
            "UPDATE larder.version SET catalog = 'nonsense' WHERE project_id = 1");
    assert_int_equal(registry_read(f->registry, "shop", &f->arena, &catalog, &f->err),
                     STATUS_CORRUPT);
    sql_run(database.session, "UPDATE larder.version SET catalog = (SELECT catalog FROM"
                              " larder.version WHERE project_id = 2) WHERE project_id = 1");
    assert_int_equal(registry_read(f->registry, "shop", &f->arena, &catalog, &f->err),
                     STATUS_CORRUPT);
    check_words(f, "another project's");
}

/* Beside an owner's things */

static void an_owners_tables_are_not_taken_for_ours(void **state)
{
    struct fixture *f = *state;
    sql_run(database.session, "CREATE SCHEMA larder; CREATE TABLE larder.project (mine text)");
    assert_int_equal(apply(f, shop(&f->arena)), STATUS_CONFLICT);
    check_words(f, "another registry schema");
    assert_int_equal(tables_in("larder"), 1);
    sql_run(database.session, "DROP TABLE larder.project; CREATE TABLE larder.registry (mine int)");
    assert_int_equal(apply(f, shop(&f->arena)), STATUS_FAILED);
    check_words(f, "not larder's");
    assert_int_equal(tables_in("larder"), 1);
}

static void a_schema_that_an_owner_made_stays(void **state)
{
    struct fixture *f = *state;
    sql_run(database.session, "CREATE SCHEMA larder");
    demand(f, apply(f, shop(&f->arena)));
    demand(f, registry_remove(f->registry, "shop", &f->err));
    assert_int_equal(
        sql_number(database.session, "SELECT count(*) FROM pg_namespace WHERE nspname = 'larder'"),
        1);
    assert_int_equal(tables_in("larder"), 0);
}

static void an_owners_table_in_the_schema_stays(void **state)
{
    struct fixture *f = *state;
    demand(f, apply(f, shop(&f->arena)));
    sql_run(database.session, "CREATE TABLE larder.mine AS SELECT 1 AS one");
    demand(f, registry_remove(f->registry, "shop", &f->err));
    assert_int_equal(sql_number(database.session, "SELECT one FROM larder.mine"), 1);
    assert_int_equal(tables_in("larder"), 1);
}

static void an_owners_view_on_our_tables_stays_and_an_apply_follows(void **state)
{
    struct fixture *f = *state;
    uint64_t identity;
    demand(f, apply(f, shop(&f->arena)));
    sql_run(database.session, "CREATE VIEW larder_watch AS SELECT * FROM larder.version");
    demand(f, registry_remove(f->registry, "shop", &f->err));
    assert_int_equal(sql_number(database.session, "SELECT count(*) FROM larder_watch"), 0);
    assert_int_equal(version(f), 0);
    demand(f, registry_identity(f->registry, &identity, &f->err));
    assert_int_equal(identity, 0);
    demand(f, apply(f, shop(&f->arena)));
    assert_int_equal(sql_number(database.session, "SELECT count(*) FROM larder_watch"), 1);
    sql_run(database.session, "DROP VIEW larder_watch");
}

static void a_table_that_an_owner_dropped_is_not_missed_by_a_removal(void **state)
{
    static const char *const lost[] = {"sample", "removed_rows", "view_state", "version"};
    struct fixture *f = *state;
    for (size_t i = 0; i < COUNT_OF(lost); i++) {
        char sql[64];
        demand(f, apply(f, shop(&f->arena)));
        snprintf(sql, sizeof sql, "DROP TABLE larder.%s", lost[i]);
        sql_run(database.session, sql);
        demand(f, registry_remove(f->registry, "shop", &f->err));
        assert_int_equal(tables_in("larder"), 0);
    }
}

static void a_removal_that_cannot_be_done_is_no_success(void **state)
{
    struct fixture *f = *state;
    demand(f, apply(f, shop(&f->arena)));
    sql_run(database.session, "DROP TABLE larder.project CASCADE");
    assert_int_equal(registry_remove(f->registry, "shop", &f->err), STATUS_FAILED);
    check_words(f, "larder");
}

static void what_an_owner_puts_in_the_way_is_not_called(void **state)
{
    struct fixture *f = *state;
    sql_run(database.session,
            "CREATE SCHEMA trap; CREATE FUNCTION trap.pg_notify(text, text) RETURNS void"
            " LANGUAGE sql AS 'SELECT 1/0'; CREATE TABLE trap.registry (nothing int)");
    char sql[256];
    snprintf(sql, sizeof sql,
             "ALTER DATABASE %s SET search_path = trap, pg_catalog;"
             "ALTER DATABASE %s SET default_transaction_isolation = 'serializable'",
             database.name, database.name);
    sql_run(database.session, sql);
    enum status status = open_as(f, "larder", database.url);
    if (!status)
        status = apply(f, shop(&f->arena));
    snprintf(sql, sizeof sql, "ALTER DATABASE %s RESET ALL", database.name);
    sql_run(database.session, sql);
    sql_run(database.session, "DROP SCHEMA trap CASCADE");
    demand(f, status);
}

/* Rights */

static const char *url_of_guest(char url[1024])
{
    return postgres_database_url_as(&database, "larder_guest", NULL, url);
}

static void make_guest(void)
{
    sql_run(database.session, "DROP ROLE IF EXISTS larder_guest; CREATE ROLE larder_guest LOGIN");
}

static void drop_guest(void)
{
    sql_run(database.session, "DROP OWNED BY larder_guest; DROP ROLE larder_guest");
}

static void a_user_without_rights_is_told_what_to_grant(void **state)
{
    struct fixture *f = *state;
    char url[1024], sql[256];
    struct catalog catalog;
    make_guest();
    demand(f, open_as(f, "larder", url_of_guest(url)));
    assert_int_equal(apply(f, shop(&f->arena)), STATUS_FAILED);
    snprintf(sql, sizeof sql, "GRANT CREATE ON DATABASE \"%s\" TO \"larder_guest\"", database.name);
    check_words(f, sql);
    check_words(f, "CREATE SCHEMA \"larder\" AUTHORIZATION \"larder_guest\"");
    /* What the message says is enough. */
    sql_run(database.session, sql);
    demand(f, apply(f, shop(&f->arena)));
    demand(f, registry_remove(f->registry, "shop", &f->err));
    /* An owner's registry, read by a guest. */
    demand(f, open_as(f, "larder", database.url));
    demand(f, apply(f, shop(&f->arena)));
    demand(f, open_as(f, "larder", url_of_guest(url)));
    assert_int_equal(registry_read(f->registry, "shop", &f->arena, &catalog, &f->err),
                     STATUS_FAILED);
    check_words(f, "GRANT USAGE, CREATE ON SCHEMA \"larder\" TO \"larder_guest\"");
    sql_run(database.session, "GRANT USAGE ON SCHEMA larder TO larder_guest;"
                              "GRANT SELECT ON ALL TABLES IN SCHEMA larder TO larder_guest");
    demand(f, registry_read(f->registry, "shop", &f->arena, &catalog, &f->err));
    assert_int_equal(apply(f, shop_with(&f->arena, "a: int32, total: float64")), STATUS_FAILED);
    check_words(f, "GRANT ALL ON ALL TABLES");
    assert_int_equal(version(f), 1);
    registry_close(f->registry);
    f->registry = NULL;
    drop_guest();
}

/* A guest who may write but owns nothing empties the registry, and drops nothing. */
static void a_guest_removes_a_project_but_not_an_owners_tables(void **state)
{
    struct fixture *f = *state;
    char url[1024];
    demand(f, apply(f, shop(&f->arena)));
    make_guest();
    sql_run(database.session, "GRANT USAGE ON SCHEMA larder TO larder_guest;"
                              "GRANT ALL ON ALL TABLES IN SCHEMA larder TO larder_guest");
    demand(f, open_as(f, "larder", url_of_guest(url)));
    demand(f, registry_remove(f->registry, "shop", &f->err));
    assert_int_equal(tables_in("larder"), 6);
    assert_int_equal(sql_number(database.session, "SELECT count(*) FROM larder.project"), 0);
    demand(f, apply(f, shop(&f->arena)));
    registry_close(f->registry);
    f->registry = NULL;
    drop_guest();
}

/* A transaction that stays open for longer than a hundred runs still leaves them one position. */
static void the_last_usable_sample_is_kept_while_a_transaction_is_open(void **state)
{
    struct fixture *f = *state;
    struct position_sample sample;
    bool found;
    demand(f, apply(f, shop(&f->arena)));
    PGconn *holder = PQconnectdb(database.url);
    sql_run(holder, "BEGIN; SELECT pg_current_xact_id()");
    uint64_t xmin = (uint64_t)sql_number(database.session,
                                         "SELECT pg_snapshot_xmin(pg_current_snapshot())::text");
    demand(f, registry_keep_sample(f->registry, (struct position_sample){5, xmin}, &f->err));
    for (int i = 1; i <= 150; i++)
        demand(f, registry_keep_sample(f->registry,
                                       (struct position_sample){5 + i, xmin + 100000 + (uint64_t)i},
                                       &f->err));
    demand(f, registry_find_sample(f->registry, xmin, &sample, &found, &f->err));
    PQfinish(holder);
    assert_true(found);
    assert_int_equal(sample.position, 5);
    assert_in_range(sql_number(database.session, "SELECT count(*) FROM larder.sample"), 100, 101);
}

static void reasons_fit_a_database_of_another_encoding(void **state)
{
    struct fixture *f = *state;
    char url[1040], sql[256], cell[256];
    PGconn *session = database.session;
    snprintf(sql, sizeof sql,
             "CREATE DATABASE %s_latin TEMPLATE template0 ENCODING 'LATIN1'"
             " LC_COLLATE 'C' LC_CTYPE 'C'",
             database.name);
    sql_run(session, sql);
    snprintf(url, sizeof url, "%s_latin", database.url);
    demand(f, open_as(f, "larder", url));
    struct apply_outcome outcome;
    demand(f, registry_apply(f->registry, shop(&f->arena), (struct apply_options){0}, &f->arena,
                             &outcome, &f->err));
    struct view_state *states;
    demand(f, registry_view_states(f->registry, &outcome.catalog, &f->arena, &states, &f->err));
    demand(f, registry_mark_stale(f->registry, &outcome.catalog, &states[0], "\u6f22", false,
                                  &f->err));
    PGconn *latin = PQconnectdb(url);
    sql_text(latin, "SELECT max(stale_reason) FROM larder.view_state", cell);
    PQfinish(latin);
    registry_close(f->registry);
    f->registry = NULL;
    snprintf(sql, sizeof sql, "DROP DATABASE %s_latin", database.name);
    sql_run(session, sql);
    assert_string_equal(cell, "???");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(opening_and_reading_make_nothing),
        TEST(any_schema_name_is_only_a_name),
        TEST(a_schema_name_that_would_be_cut_is_refused),
        TEST(another_type_of_offline_store_is_refused),
        TEST(every_version_is_kept),
        TEST(a_newer_format_is_refused_and_left_alone),
        TEST(a_registry_of_an_older_larder_is_brought_up_to_date_by_an_apply),
        TEST(an_emptied_registry_of_an_older_larder_is_brought_up_to_date_too),
        TEST(damaged_definitions_are_corrupt),
        TEST(an_owners_tables_are_not_taken_for_ours),
        TEST(a_schema_that_an_owner_made_stays),
        TEST(an_owners_table_in_the_schema_stays),
        TEST(an_owners_view_on_our_tables_stays_and_an_apply_follows),
        TEST(a_table_that_an_owner_dropped_is_not_missed_by_a_removal),
        TEST(a_removal_that_cannot_be_done_is_no_success),
        TEST(what_an_owner_puts_in_the_way_is_not_called),
        TEST(a_user_without_rights_is_told_what_to_grant),
        TEST(a_guest_removes_a_project_but_not_an_owners_tables),
        TEST(the_last_usable_sample_is_kept_while_a_transaction_is_open),
        TEST(reasons_fit_a_database_of_another_encoding),
    };
    postgres_database_make(&database, "registry_postgres");
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    postgres_database_drop(&database);
    return failed;
}
