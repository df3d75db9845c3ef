/* A folder of YAML: settings and definitions, read together. */
#include "config/repository.h"
#include "definitions_text.h"

#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define STORES                                                                                     \
    "offline_store: {type: postgres, url: \"postgresql://localhost/p\"}\n"                         \
    "online_store: {type: redis, url: \"redis://localhost\"}\n"

struct fixture {
    struct arena arena;
    struct problems problems;
    struct repository repository;
    struct error err;
    char folder[64];
};

static int set_up(void **state)
{
    static struct fixture fixture;
    fixture = (struct fixture){.folder = "/tmp/larder-repository-XXXXXX"};
    arena_init(&fixture.arena, 0);
    problems_init(&fixture.problems, &fixture.arena);
    assert_non_null(mkdtemp(fixture.folder));
    *state = &fixture;
    return 0;
}

static int remove_entry(const char *path, const struct stat *facts, int kind, struct FTW *ftw)
{
    (void)facts;
    (void)kind;
    (void)ftw;
    return remove(path);
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    arena_release(&f->arena);
    return nftw(f->folder, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

static const char *path_in(struct fixture *f, const char *name)
{
    return arena_printf(&f->arena, "%s/%s", f->folder, name);
}

static void put(struct fixture *f, const char *name, const char *text)
{
    FILE *file = fopen(path_in(f, name), "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static enum status read_folder(struct fixture *f)
{
    return repository_read(f->folder, &f->arena, &f->repository, &f->problems, &f->err);
}

/* Problems with their file's name, without the folder. */
static const char *told(struct fixture *f)
{
    const char *text = "";
    for (size_t i = 0; i < f->problems.count; i++) {
        struct place place = f->problems.items[i].place;
        assert_memory_equal(place.file, f->folder, strlen(f->folder));
        text = arena_printf(&f->arena, "%s%s%s:%llu:%u: %s", text, i ? "\n" : "",
                            place.file + strlen(f->folder) + 1, (unsigned long long)place.line,
                            place.column, f->problems.items[i].text);
    }
    return text;
}

static void all_files_are_read_together(void **state)
{
    struct fixture *f = *state;
    put(f, "larder.yaml", "project: p\n" STORES);
    put(f, "b.yaml", "entities: [{name: a, join_keys: {k: int64}}]\n");
    put(f, "a.yml",
        "project: p\nsources: [{name: s, table: t, event_time: at}]\n"
        "feature_views: [{name: v, entities: [a], source: s, features: [{name: n, "
        "type: int64}]}]\n");
    put(f, "empty.yaml", "");
    put(f, "comment.yaml", "# nothing yet\n---\n");
    put(f, ".hidden.yaml", "not: read\n");
    put(f, "notes.txt", "not: read\n");
    assert_int_equal(mkdir(path_in(f, "folder"), 0700), 0);
    assert_int_equal(read_folder(f), STATUS_OK);
    assert_string_equal(f->repository.definitions.project, "p");
    assert_string_equal(f->repository.settings.project, "p");
    assert_int_equal(f->repository.definitions.view_count, 1);
    assert_string_equal(f->repository.definitions.entities[0].about.place.file,
                        path_in(f, "b.yaml"));
}

static void mistakes_of_all_files_come_in_one_run(void **state)
{
    struct fixture *f = *state;
    put(f, "larder.yaml", "project: p\nsever: {}\n" STORES);
    put(f, "a.yaml", "project: q\nentities: [{name: a, join_keys: {k: int64}}]\n");
    put(f, "b.yaml", "entities: [{name: a, join_keys: {k: int64}}]\n");
    put(f, "c.yaml", "sources:\n\t- x\n");
    put(f, "d.yaml", "feature_services: [{name: s, features: [v]}]\n");
    assert_int_equal(read_folder(f), STATUS_INVALID);
    const char *settings = path_in(f, "larder.yaml"), *first = path_in(f, "a.yaml");
    assert_string_equal(
        told(f),
        arena_printf(
            &f->arena,
            "a.yaml:1:10: the project is \"q\" here but \"p\" in %s:1:10: they must agree\n"
            "b.yaml:1:19: two entities are called \"a\"; the other is at %s:2:19\n"
            "c.yaml:2:1: a tab in the indentation: YAML is indented with spaces\n"
            "larder.yaml:2:1: unknown key \"sever\" in larder.yaml: did you mean "
            "\"server\"?",
            settings, first));
    assert_non_null(strstr(f->err.message, "a.yaml:1:10: the project is"));
    assert_non_null(strstr(f->err.message, "(and 3 more)"));
    assert_int_equal(f->repository.definitions.entity_count, 0);
    assert_null(f->repository.settings.offline_store.url);
}

static void the_project_may_stand_in_either(void **state)
{
    struct fixture *f = *state;
    struct settings settings;
    put(f, "larder.yaml", STORES);
    assert_int_equal(read_folder(f), STATUS_INVALID);
    assert_string_equal(told(f), "larder.yaml:0:0: the project has no name: add a line such as "
                                 "\"project: flights\"");
    put(f, "a.yaml", "project: p\nentities: [{name: broken}]\n");
    problems_init(&f->problems, &f->arena);
    assert_int_equal(
        repository_read_settings(f->folder, &f->arena, &settings, &f->problems, &f->err),
        STATUS_OK);
    assert_string_equal(settings.project, "p");
    put(f, "a.yaml", "project: p\n");
    assert_int_equal(read_folder(f), STATUS_OK);
    assert_string_equal(f->repository.settings.project, "p");
}

static void path_of_a_store_is_seen_from_the_folder(void **state)
{
    struct fixture *f = *state;
    const struct settings *settings = &f->repository.settings;
    put(f, "larder.yaml",
        "project: p\n"
        "offline_store: {type: sqlite, path: history.db}\n"
        "online_store: {type: lmdb, path: online/}\n");
    assert_int_equal(read_folder(f), STATUS_OK);
    assert_string_equal(settings->offline_store.path, path_in(f, "history.db"));
    assert_string_equal(settings->online_store.path, path_in(f, "online/"));
    put(f, "larder.yaml",
        "project: p\n"
        "offline_store: {type: sqlite, path: /h}\n"
        "online_store: {type: lmdb, path: /o}\n");
    assert_int_equal(read_folder(f), STATUS_OK);
    assert_string_equal(settings->offline_store.path, "/h");
    assert_string_equal(settings->online_store.path, "/o");
}

static void a_folder_without_settings_is_not_found(void **state)
{
    struct fixture *f = *state;
    put(f, "a.yaml", "project: p\n");
    assert_int_equal(read_folder(f), STATUS_NOT_FOUND);
    assert_non_null(strstr(f->err.message, "there is no "));
    assert_non_null(strstr(f->err.message, "larder.yaml"));
    assert_int_equal(
        repository_read("/nowhere/at/all", &f->arena, &f->repository, &f->problems, &f->err),
        STATUS_NOT_FOUND);
}

static void what_is_no_file_is_told_and_not_waited_for(void **state)
{
    struct fixture *f = *state;
    put(f, "larder.yaml", "project: p\n" STORES);
    assert_int_equal(mkfifo(path_in(f, "pipe.yaml"), 0600), 0);
    assert_int_equal(mkdir(path_in(f, "folder.yaml"), 0700), 0);
    assert_int_equal(symlink("nothing", path_in(f, "link.yaml")), 0);
    assert_int_equal(read_folder(f), STATUS_INVALID);
    assert_string_equal(told(f), "folder.yaml:0:0: is not a file\n"
                                 "link.yaml:0:0: cannot be read: No such file or directory\n"
                                 "pipe.yaml:0:0: is not a file");
}

static void a_file_over_4_mib_is_refused(void **state)
{
    struct fixture *f = *state;
    put(f, "larder.yaml", "project: p\n" STORES);
    put(f, "large.yaml", "#");
    assert_int_equal(truncate(path_in(f, "large.yaml"), 5 * 1024 * 1024), 0);
    assert_int_equal(read_folder(f), STATUS_INVALID);
    assert_string_equal(told(f),
                        "large.yaml:0:0: is larger than 4 MiB: split it into several files");
}

static void files_of_the_folder_where_one_stands_have_no_folder_before_them(void **state)
{
    struct fixture *f = *state;
    put(f, "larder.yaml", "project: P\n" STORES);
    char before[4096];
    assert_non_null(getcwd(before, sizeof before));
    assert_int_equal(chdir(f->folder), 0);
    static const char *const names[] = {".", "./", "././", "../%s", "../%s/"};
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        char directory[128], expected[160];
        bool here = i < 3;
        snprintf(directory, sizeof directory, i == 3 ? "../%s" : "../%s/", f->folder + 5);
        snprintf(expected, sizeof expected, "../%s/larder.yaml", f->folder + 5);
        problems_init(&f->problems, &f->arena);
        assert_int_equal(repository_read(here ? names[i] : directory, &f->arena, &f->repository,
                                         &f->problems, &f->err),
                         STATUS_INVALID);
        assert_string_equal(f->problems.items[0].place.file, here ? "larder.yaml" : expected);
    }
    assert_int_equal(chdir(before), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(all_files_are_read_together, set_up, tear_down),
        cmocka_unit_test_setup_teardown(mistakes_of_all_files_come_in_one_run, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_project_may_stand_in_either, set_up, tear_down),
        cmocka_unit_test_setup_teardown(path_of_a_store_is_seen_from_the_folder, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_folder_without_settings_is_not_found, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_no_file_is_told_and_not_waited_for, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_file_over_4_mib_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            files_of_the_folder_where_one_stands_have_no_folder_before_them, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
