/* test_sqlite_registry_tables.c - the registry's tables in a SQLite file, beside an owner's and
 * other registries'. */
#include "store/registry/registry.h"
#include "tests/integration/registry_file_fixture.h"
#include "tests/support/shop.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

static void any_schema_name_is_only_a_name(void **state)
{
    static const char *const names[] = {"Mixed Case", "a\"b; DROP TABLE orders; --",
                                        "it's @project ?1 %s \\", "caf\u00e9", "select"};
    struct fixture *f = *state;
    private_file_run(&file, "CREATE TABLE orders (n)");
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        demand(f, open_as(f, names[i]));
        demand(f, apply(f, shop(&f->arena)));
        assert_int_equal(version(f), 1);
        demand(f, registry_remove(f->registry, "shop", &f->err));
        assert_string_equal(table_names(f), "orders");
    }
    assert_int_equal(open_as(f, ""), STATUS_INVALID);
}

static void registries_in_one_file_do_not_meet(void **state)
{
    struct fixture *f = *state;
    demand(f, apply(f, shop(&f->arena)));
    demand(f, open_as(f, "larder_too"));
    assert_int_equal(version(f), 0);
    demand(f, apply(f, shop_with(&f->arena, "a: int32")));
    demand(f, registry_remove(f->registry, "shop", &f->err));
    demand(f, open_as(f, "larder"));
    assert_int_equal(version(f), 1);
}

static void a_registry_whose_name_ends_like_ours_does_not_hold_our_tables(void **state)
{
    struct fixture *f = *state;
    demand(f, open_as(f, "my_larder"));
    demand(f, apply(f, shop(&f->arena)));
    demand(f, open_as(f, "larder"));
    demand(f, apply(f, shop(&f->arena)));
    demand(f, registry_remove(f->registry, "shop", &f->err));
    assert_string_equal(ask(f, "SELECT count(*) FROM sqlite_schema WHERE name LIKE 'larder%'"),
                        "0");
    demand(f, open_as(f, "my_larder"));
    assert_int_equal(version(f), 1);
}

static void removing_what_is_not_there_leaves_the_file_as_it_is(void **state)
{
    struct fixture *f = *state;
    private_file_run(&file, "CREATE TABLE orders (n)");
    demand(f, registry_remove(f->registry, "shop", &f->err));
    assert_string_equal(ask(f, "PRAGMA journal_mode"), "delete");
}

static void every_version_is_kept(void **state)
{
    struct fixture *f = *state;
    demand(f, apply(f, shop_with(&f->arena, "a: int32")));
    demand(f, apply(f, shop_with(&f->arena, "a: int32, b: int32")));
    assert_string_equal(ask(f, "SELECT group_concat(version || ' ' || (catalog ->> 'version'))"
                               " FROM (SELECT * FROM larder_version ORDER BY version) WHERE"
                               " unixepoch() - applied_us / 1000000 BETWEEN 0 AND 3600"),
                        "1 1,2 2");
}

static void a_newer_format_is_refused_and_left_alone(void **state)
{
    struct fixture *f = *state;
    struct catalog catalog;
    demand(f, apply(f, shop(&f->arena)));
    private_file_run(&file, "UPDATE larder_registry SET format = format + 1");
    assert_int_equal(registry_read(f->registry, "shop", &f->arena, &catalog, &f->err),
                     STATUS_CONFLICT);
    check_words(f, "newer larder");
    assert_int_equal(apply(f, shop_with(&f->arena, "a: int32")), STATUS_CONFLICT);
    assert_int_equal(registry_remove(f->registry, "shop", &f->err), STATUS_CONFLICT);
    assert_string_equal(ask(f, "SELECT count(*) FROM larder_version"), "1");
}

static void damaged_definitions_are_corrupt(void **state)
{
    static const char *const damages[] = {
        "UPDATE larder_version SET catalog = 'nonsense'",
        "UPDATE larder_version SET catalog = replace(catalog, 'shop', 'mall')",
        "UPDATE larder_registry SET identity = '1'",
    };
    struct fixture *f = *state;
    struct catalog catalog;
    for (size_t i = 0; i < COUNT_OF(damages); i++) {
        demand(f, apply(f, shop(&f->arena)));
        private_file_run(&file, damages[i]);
        assert_int_equal(registry_read(f->registry, "shop", &f->arena, &catalog, &f->err),
                         STATUS_CORRUPT);
        private_file_clear(&file);
    }
}

static void an_owners_tables_are_not_taken_for_ours(void **state)
{
    struct fixture *f = *state;
    struct registry_version version;
    private_file_run(&file, "CREATE TABLE larder_project (n)");
    assert_int_equal(apply(f, shop(&f->arena)), STATUS_CONFLICT);
    check_words(f, "another registry schema");
    assert_string_equal(table_names(f), "larder_project");
    private_file_run(&file, "CREATE TABLE larder_registry (n)");
    assert_int_equal(registry_version(f->registry, "shop", &version, &f->err), STATUS_FAILED);
    assert_int_equal(apply(f, shop(&f->arena)), STATUS_FAILED);
    check_words(f, "not as larder made them");
    assert_string_equal(table_names(f), "larder_project larder_registry");
}

static void an_owners_tables_stay_when_the_registry_goes(void **state)
{
    struct fixture *f = *state;
    private_file_run(&file, "CREATE TABLE larder_orders (n); CREATE TABLE orders (n)");
    demand(f, apply(f, shop(&f->arena)));
    demand(f, registry_remove(f->registry, "shop", &f->err));
    assert_string_equal(table_names(f), "larder_orders orders");
}

static void an_owners_view_on_our_tables_stays_and_an_apply_follows(void **state)
{
    struct fixture *f = *state;
    demand(f, apply(f, shop(&f->arena)));
    private_file_run(&file, "CREATE VIEW audit AS SELECT version, applied_us FROM larder_version");
    demand(f, registry_remove(f->registry, "shop", &f->err));
    assert_string_equal(ask(f, "SELECT count(*) FROM audit"), "0");
    assert_int_equal(version(f), 0);
    demand(f, apply(f, shop(&f->arena)));
    assert_string_equal(ask(f, "SELECT count(*) FROM audit"), "1");
    private_file_run(&file, "DROP VIEW audit");
    demand(f, registry_remove(f->registry, "shop", &f->err));
    assert_string_equal(table_names(f), "");
}

static void an_owners_view_stays_whole_however_it_spells_our_names(void **state)
{
    static const char *const views[] = {
        "CREATE VIEW audit AS SELECT * FROM LARDER_VERSION",
        "CREATE VIEW audit AS SELECT * FROM [larder_version]",
        "CREATE TRIGGER audit AFTER DELETE ON orders BEGIN DELETE FROM Larder_Sample; END",
    };
    struct fixture *f = *state;
    private_file_run(&file, "CREATE TABLE orders (n)");
    for (size_t i = 0; i < COUNT_OF(views); i++) {
        demand(f, apply(f, shop(&f->arena)));
        private_file_run(&file, views[i]);
        demand(f, registry_remove(f->registry, "shop", &f->err));
        assert_string_equal(ask(f, "SELECT count(*) FROM larder_version"), "0");
        private_file_run(&file, "DROP VIEW IF EXISTS audit; DROP TRIGGER IF EXISTS audit");
    }
    private_file_run(&file, "CREATE TABLE larder_versions (larder_version)");
    demand(f, apply(f, shop(&f->arena)));
    demand(f, registry_remove(f->registry, "shop", &f->err));
}

static void a_table_that_an_owner_dropped_is_told(void **state)
{
    struct fixture *f = *state;
    demand(f, apply(f, shop(&f->arena)));
    private_file_run(&file, "DROP TABLE larder_sample");
    demand(f, registry_remove(f->registry, "shop", &f->err)); /* not needed for that */
    demand(f, apply(f, shop(&f->arena)));
    private_file_run(&file, "DROP TABLE larder_version");
    assert_int_equal(registry_remove(f->registry, "shop", &f->err), STATUS_FAILED);
    check_words(f, "drop what is left");
    assert_string_equal(ask(f, "SELECT count(*) FROM larder_project"), "1");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FILE_TEST(any_schema_name_is_only_a_name),
        FILE_TEST(registries_in_one_file_do_not_meet),
        FILE_TEST(a_registry_whose_name_ends_like_ours_does_not_hold_our_tables),
        FILE_TEST(removing_what_is_not_there_leaves_the_file_as_it_is),
        FILE_TEST(every_version_is_kept),
        FILE_TEST(a_newer_format_is_refused_and_left_alone),
        FILE_TEST(damaged_definitions_are_corrupt),
        FILE_TEST(an_owners_tables_are_not_taken_for_ours),
        FILE_TEST(an_owners_tables_stay_when_the_registry_goes),
        FILE_TEST(an_owners_view_on_our_tables_stays_and_an_apply_follows),
        FILE_TEST(an_owners_view_stays_whole_however_it_spells_our_names),
        FILE_TEST(a_table_that_an_owner_dropped_is_told),
    };
    return cmocka_run_group_tests(tests, registry_file_begin, registry_file_end);
}
