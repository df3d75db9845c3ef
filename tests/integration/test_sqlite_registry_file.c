/* test_sqlite_registry_file.c - what is SQLite's own about the registry: its file, which others
 * make, fill, replace and hold, and its tables beside an owner's. */
#include "private_file.h"
#include "store/registry/registry.h"
#include "tests/support/shop.h"

#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static struct private_file file;

struct fixture {
    struct settings settings;
    struct registry *registry;
    struct arena arena;
    struct error err;
};

static enum status open_as(struct fixture *f, const char *schema)
{
    registry_close(f->registry);
    f->registry = NULL;
    f->settings.registry_schema = schema;
    return registry_open(&f->settings, &f->registry, &f->err);
}

static void demand(struct fixture *f, enum status status)
{
    if (status)
        fail_msg("%s: %s", status_name(status), f->err.message);
}

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    assert_non_null(f);
    private_file_clear(&file);
    arena_init(&f->arena, 0);
    f->settings = private_file_settings(&file);
    f->settings.project = "shop";
    demand(f, open_as(f, "larder"));
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    registry_close(f->registry);
    arena_release(&f->arena);
    free(f);
    return 0;
}

static enum status apply(struct fixture *f, const struct definitions *definitions)
{
    struct apply_outcome outcome;
    return registry_apply(f->registry, definitions, (struct apply_options){0}, &f->arena, &outcome,
                          &f->err);
}

static uint64_t version(struct fixture *f)
{
    struct registry_version version;
    demand(f, registry_version(f->registry, "shop", &version, &f->err));
    return version.number;
}

static void check_words(struct fixture *f, const char *words)
{
    if (!strstr(f->err.message, words))
        fail_msg("\"%s\" does not say %s", f->err.message, words);
}

/* As an owner asks. The first column of the first row. */
static const char *ask(struct fixture *f, const char *sql)
{
    sqlite3 *connection;
    sqlite3_stmt *statement;
    assert_int_equal(sqlite3_open(file.path, &connection), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(connection, sql, -1, &statement, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
    const char *text =
        arena_printf(&f->arena, "%s", (const char *)sqlite3_column_text(statement, 0));
    sqlite3_finalize(statement);
    sqlite3_close(connection);
    return text;
}

static const char *table_names(struct fixture *f)
{
    return ask(f, "SELECT coalesce(group_concat(name, ' '), '') FROM (SELECT name FROM"
                  " sqlite_schema WHERE type IN ('table', 'view') ORDER BY name)");
}

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

static void a_folder_that_is_missing_is_asked_for(void **state)
{
    struct fixture *f = *state;
    f->settings.offline_store.path = arena_printf(&f->arena, "%s/no/h.db", file.directory);
    demand(f, open_as(f, "larder"));
    assert_int_equal(version(f), 0);
    assert_int_equal(apply(f, shop(&f->arena)), STATUS_FAILED);
    check_words(f, "is its folder there");
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

/* Tables -------------------------------------------------------------------------------------- */

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
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(opening_and_reading_make_no_file),
        TEST(a_server_without_a_file_is_without_its_registry),
        TEST(a_file_in_the_place_of_another_is_heard_of),
        TEST(a_folder_that_is_missing_is_asked_for),
        TEST(a_file_that_is_no_database_is_named),
        TEST(a_file_that_may_only_be_read_is_read_where_its_folder_is_open),
        TEST(an_apply_without_room_leaves_what_was),
        TEST(an_apply_waits_for_a_writer_and_then_says_so),
        TEST(an_apply_goes_on_once_the_writer_has_ended),
        TEST(a_server_does_not_wait_for_a_lock_for_ever),
        TEST(any_schema_name_is_only_a_name),
        TEST(registries_in_one_file_do_not_meet),
        TEST(every_version_is_kept),
        TEST(a_newer_format_is_refused_and_left_alone),
        TEST(damaged_definitions_are_corrupt),
        TEST(an_owners_tables_are_not_taken_for_ours),
        TEST(an_owners_tables_stay_when_the_registry_goes),
        TEST(an_owners_view_on_our_tables_stays_and_an_apply_follows),
        TEST(a_table_that_an_owner_dropped_is_told),
    };
    private_file_make(&file);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    private_file_remove(&file);
    return failed;
}
