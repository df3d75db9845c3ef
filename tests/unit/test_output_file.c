/* test_output_file.c - a file that appears whole or not at all. */
#include "training/formats/output_file.h"

#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

struct fixture {
    char folder[64];
    char path[128];
    char link[128]; /* where a test may make one */
};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    snprintf(f->folder, sizeof f->folder, "/tmp/larder-test-XXXXXX");
    if (!f || !mkdtemp(f->folder))
        return -1;
    snprintf(f->path, sizeof f->path, "%s/out.csv", f->folder);
    snprintf(f->link, sizeof f->link, "%s/link.csv", f->folder);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    unlink(f->path);
    unlink(f->link);
    int failed = rmdir(f->folder); /* fails if anything was left behind */
    free(f);
    return failed;
}

static size_t count_files(const char *folder)
{
    size_t count = 0;
    DIR *open = opendir(folder);
    for (struct dirent *entry; (entry = readdir(open));)
        count += entry->d_name[0] != '.';
    closedir(open);
    return count;
}

static void append(struct output_file *file, const char *text)
{
    struct buffer bytes;
    buffer_init(&bytes, 0);
    buffer_append_text(&bytes, text);
    assert_int_equal(output_file_append(file, &bytes, NULL), STATUS_OK);
    buffer_release(&bytes);
}

static void check_text(const char *path, const char *expected)
{
    char text[32] = "";
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    assert_int_equal(fread(text, 1, sizeof text - 1, file), strlen(expected));
    fclose(file);
    assert_string_equal(text, expected);
}

static void finished_file_is_there_whole(void **state)
{
    struct fixture *f = *state;
    struct output_file *file;
    assert_int_equal(output_file_open(f->path, &file, NULL), STATUS_OK);
    append(file, "one\n");
    append(file, "two\n");
    assert_int_not_equal(access(f->path, F_OK), 0);
    assert_int_equal(output_file_finish(file, NULL), STATUS_OK);
    output_file_close(file);
    check_text(f->path, "one\ntwo\n");
}

static void unfinished_file_leaves_the_old_one_and_nothing_else(void **state)
{
    struct fixture *f = *state;
    struct output_file *file;
    fclose(fopen(f->path, "w"));
    assert_int_equal(output_file_open(f->path, &file, NULL), STATUS_OK);
    append(file, "half");
    output_file_close(file);
    assert_int_equal(count_files(f->folder), 1);
    assert_int_equal(access(f->path, F_OK), 0);
}

static void write_whole(const char *path, const char *text)
{
    struct output_file *file;
    assert_int_equal(output_file_open(path, &file, NULL), STATUS_OK);
    append(file, text);
    assert_int_equal(output_file_finish(file, NULL), STATUS_OK);
    output_file_close(file);
}

static void completed_file_is_beside_its_place_until_it_is_placed(void **state)
{
    struct fixture *f = *state;
    struct output_file *file;
    write_whole(f->path, "old");
    assert_int_equal(output_file_open(f->path, &file, NULL), STATUS_OK);
    append(file, "abc");
    assert_int_equal(output_file_complete(file, NULL), STATUS_OK);
    assert_int_equal(output_file_summary(file)->size, 3);
    assert_string_equal(output_file_summary(file)->sha256,
                        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    check_text(f->path, "old");
    assert_int_equal(output_file_vacate(file, NULL), STATUS_OK);
    assert_int_not_equal(access(f->path, F_OK), 0);
    assert_int_equal(output_file_vacate(file, NULL), STATUS_OK);
    assert_int_equal(output_file_place(file, NULL), STATUS_OK);
    output_file_close(file);
    check_text(f->path, "abc");
}

static void completed_file_that_is_not_placed_leaves_nothing(void **state)
{
    struct fixture *f = *state;
    struct output_file *file;
    assert_int_equal(output_file_open(f->path, &file, NULL), STATUS_OK);
    append(file, "abc");
    assert_int_equal(output_file_complete(file, NULL), STATUS_OK);
    output_file_close(file);
    assert_int_equal(count_files(f->folder), 0);
}

static void link_is_followed_to_a_file_that_is_there_or_not(void **state)
{
    struct fixture *f = *state;
    char target[128];
    assert_int_equal(symlink("out.csv", f->link), 0);
    for (int i = 0; i < 2; i++) {
        write_whole(f->link, i ? "again" : "new");
        check_text(f->path, i ? "again" : "new");
        assert_int_equal(readlink(f->link, target, sizeof target), 7);
        assert_int_equal(count_files(f->folder), 2);
    }
}

static void link_that_leads_to_itself_is_told(void **state)
{
    struct fixture *f = *state;
    struct output_file *file;
    struct error err;
    assert_int_equal(symlink("link.csv", f->link), 0);
    assert_int_equal(output_file_open(f->link, &file, &err), STATUS_FAILED);
    assert_non_null(strstr(err.message, "link.csv: Too many levels of symbolic links"));
}

static void file_has_no_name_until_it_is_finished(void **state)
{
    struct fixture *f = *state;
    struct output_file *file;
    int probe = open(f->folder, O_TMPFILE | O_WRONLY, 0600);
    if (probe < 0)
        skip();
    close(probe);
    assert_int_equal(output_file_open(f->path, &file, NULL), STATUS_OK);
    append(file, "half");
    assert_int_equal(count_files(f->folder), 0);
    output_file_close(file);
}

static void rights_are_those_of_an_ordinary_file(void **state)
{
    struct fixture *f = *state;
    struct stat facts;
    mode_t mask = umask(0027);
    write_whole(f->path, "text");
    umask(mask);
    assert_int_equal(stat(f->path, &facts), 0);
    assert_int_equal(facts.st_mode & 0777, 0640);
}

static void folder_that_is_not_there_is_named(void **unused)
{
    (void)unused;
    struct output_file *file;
    struct error err;
    assert_int_equal(output_file_open("/nonexistent/out.csv", &file, &err), STATUS_FAILED);
    assert_null(file);
    assert_non_null(strstr(err.message, "/nonexistent/out.csv"));
}

static void full_disk_is_told(void **unused)
{
    (void)unused;
    struct output_file *file;
    struct error err;
    assert_int_equal(output_file_open("/dev/full", &file, NULL), STATUS_OK);
    append(file, "text");
    assert_int_equal(output_file_finish(file, &err), STATUS_FAILED);
    assert_non_null(strstr(err.message, "make room"));
    output_file_close(file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(finished_file_is_there_whole, set_up, tear_down),
        cmocka_unit_test_setup_teardown(unfinished_file_leaves_the_old_one_and_nothing_else, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(completed_file_is_beside_its_place_until_it_is_placed,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(completed_file_that_is_not_placed_leaves_nothing, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(link_is_followed_to_a_file_that_is_there_or_not, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(link_that_leads_to_itself_is_told, set_up, tear_down),
        cmocka_unit_test_setup_teardown(file_has_no_name_until_it_is_finished, set_up, tear_down),
        cmocka_unit_test_setup_teardown(rights_are_those_of_an_ordinary_file, set_up, tear_down),
        cmocka_unit_test(folder_that_is_not_there_is_named),
        cmocka_unit_test(full_disk_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
