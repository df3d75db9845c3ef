/* test_checksum.c - SHA-256, as others compute it. */
#include "training/formats/checksum.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

/* Of FIPS 180-2. */
static const char of_nothing[] = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
                  of_abc[] = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
                  of_million[] = "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0";

static void texts_have_the_checksums_of_the_standard(void **unused)
{
    (void)unused;
    char text[CHECKSUM_TEXT_SIZE];
    checksum_of_bytes(bytes_of_text(""), text);
    assert_string_equal(text, of_nothing);
    checksum_of_bytes(bytes_of_text("abc"), text);
    assert_string_equal(text, of_abc);
}

static void parts_make_the_checksum_of_the_whole(void **unused)
{
    (void)unused;
    char text[CHECKSUM_TEXT_SIZE];
    struct checksum *checksum = checksum_open();
    for (int i = 0; i < 1000000; i++)
        checksum_add(checksum, bytes_of_text("a"));
    checksum_finish(checksum, text);
    checksum_close(checksum);
    assert_string_equal(text, of_million);
}

static void file_is_read_whole_from_wherever_it_stands(void **unused)
{
    (void)unused;
    char path[] = "/tmp/larder-checksum-test-XXXXXX", text[CHECKSUM_TEXT_SIZE];
    int file = mkstemp(path);
    uint64_t size;
    unlink(path);
    assert_int_equal(write(file, "abc", 3), 3);
    assert_int_equal(checksum_of_file(file, "it", &size, text, NULL), STATUS_OK);
    assert_int_equal(size, 3);
    assert_string_equal(text, of_abc);
    assert_int_equal(lseek(file, 0, SEEK_CUR), 3);
    close(file);
}

static void file_that_cannot_be_read_is_named(void **unused)
{
    (void)unused;
    char text[CHECKSUM_TEXT_SIZE];
    uint64_t size;
    struct error err;
    assert_int_equal(checksum_of_file(-1, "asks.csv", &size, text, &err), STATUS_FAILED);
    assert_non_null(strstr(err.message, "asks.csv: "));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_have_the_checksums_of_the_standard),
        cmocka_unit_test(parts_make_the_checksum_of_the_whole),
        cmocka_unit_test(file_is_read_whole_from_wherever_it_stands),
        cmocka_unit_test(file_that_cannot_be_read_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
