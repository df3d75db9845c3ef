/* Files, pipes and standard input, whose readers can be stopped: base/input.h. */
#include "base/input.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

struct fixture {
    char folder[32], path[48]; /* of a named pipe in it */
    int descriptor;
};

static int make_pipe(void **state)
{
    static struct fixture fixture;
    strcpy(fixture.folder, "/tmp/larder-input-XXXXXX");
    if (!mkdtemp(fixture.folder))
        return -1;
    snprintf(fixture.path, sizeof fixture.path, "%s/pipe", fixture.folder);
    *state = &fixture;
    return mkfifo(fixture.path, 0600);
}

static int remove_pipe(void **state)
{
    const struct fixture *f = *state;
    return unlink(f->path) || rmdir(f->folder);
}

static void *write_a_word(void *path)
{
    FILE *pipe = fopen(path, "w");
    fputs("word", pipe);
    fclose(pipe);
    return NULL;
}

static void a_named_pipe_is_read_to_its_end(void **state)
{
    struct fixture *f = *state;
    char bytes[8];
    pthread_t writer;
    assert_int_equal(input_open(f->path, &f->descriptor, NULL), STATUS_OK);
    assert_int_equal(pthread_create(&writer, NULL, write_a_word, f->path), 0);
    size_t size = 0;
    for (ssize_t got; (got = input_read(f->descriptor, bytes + size, 8 - size, NULL)) > 0;)
        size += (size_t)got;
    pthread_join(writer, NULL);
    assert_int_equal(size, 4);
    assert_memory_equal(bytes, "word", 4);
    input_close(f->descriptor);
}

static void *set_the_flag(void *flag)
{
    atomic_store((atomic_bool *)flag, true);
    return NULL;
}

static void whoever_waits_for_a_writer_can_be_stopped(void **state)
{
    struct fixture *f = *state;
    char bytes[8];
    pthread_t other;
    atomic_bool stop = false;
    assert_int_equal(input_open(f->path, &f->descriptor, NULL), STATUS_OK);
    assert_int_equal(pthread_create(&other, NULL, set_the_flag, &stop), 0);
    assert_int_equal(input_read(f->descriptor, bytes, sizeof bytes, &stop), 0);
    pthread_join(other, NULL);
    assert_true(atomic_load(&stop));
    input_close(f->descriptor);
}

static void what_is_not_there_or_a_folder_is_refused(void **state)
{
    struct fixture *f = *state;
    struct error err;
    assert_int_equal(input_open("/nowhere/rides.csv", &f->descriptor, &err), STATUS_NOT_FOUND);
    assert_string_equal(err.message, "cannot read /nowhere/rides.csv: No such file or directory");
    assert_int_equal(input_open("/tmp", &f->descriptor, &err), STATUS_FAILED);
    assert_string_equal(err.message, "/tmp is a folder, not a file of rows");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_named_pipe_is_read_to_its_end, make_pipe, remove_pipe),
        cmocka_unit_test_setup_teardown(whoever_waits_for_a_writer_can_be_stopped, make_pipe,
                                        remove_pipe),
        cmocka_unit_test_setup_teardown(what_is_not_there_or_a_folder_is_refused, make_pipe,
                                        remove_pipe),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
