/* Statuses and messages: base/error.h. */
#include "base/error.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#undef fail /* cmocka has a macro of that name, too */

static void every_status_has_its_own_name(void **state)
{
    (void)state;
    for (int a = STATUS_OK; a <= STATUS_FAILED; a++)
        for (int b = STATUS_OK; b < a; b++)
            assert_string_not_equal(status_name((enum status)a), status_name((enum status)b));
    assert_string_equal(status_name(STATUS_UNAVAILABLE), "UNAVAILABLE");
    assert_string_equal(status_name((enum status)99), "UNKNOWN");
    assert_string_equal(status_name((enum status) - 1), "UNKNOWN");
}

static void a_failure_returns_what_it_says(void **state)
{
    (void)state;
    struct error err;
    assert_int_equal(fail(&err, STATUS_NOT_FOUND, "no view %s", "weather"), STATUS_NOT_FOUND);
    assert_int_equal(err.status, STATUS_NOT_FOUND);
    assert_string_equal(err.message, "no view weather");
}

static void nobody_has_to_listen(void **state)
{
    (void)state;
    assert_int_equal(fail(NULL, STATUS_CORRUPT, "x"), STATUS_CORRUPT);
    assert_int_not_equal(fail_within(NULL, "x"), STATUS_OK);
}

static void context_comes_before_the_message(void **state)
{
    (void)state;
    struct error err;
    fail(&err, STATUS_INVALID, "not an int32: \"x\"");
    assert_int_equal(fail_within(&err, "rides.csv:%d:3", 7), STATUS_INVALID);
    assert_string_equal(err.message, "rides.csv:7:3: not an int32: \"x\"");
}

static void a_place_comes_before_the_message_and_is_kept(void **state)
{
    (void)state;
    struct error err;
    fail(&err, STATUS_INVALID, "not an int32: \"x\"");
    assert_int_equal(err.line, 0);
    assert_int_equal(fail_at(&err, "rides.csv", 7, 3), STATUS_INVALID);
    assert_string_equal(err.message, "rides.csv:7:3: not an int32: \"x\"");
    assert_int_equal(err.line, 7);
    assert_int_equal(err.column, 3);
    assert_memory_equal(err.message + err.file_at, "rides.csv", err.file_size);
    assert_int_equal(err.file_size, strlen("rides.csv"));
}

static void a_place_is_found_behind_a_context(void **state)
{
    (void)state;
    struct error err;
    fail(&err, STATUS_INVALID, "wrong");
    fail_at(&err, "rides.csv", 7, 3);
    fail_within(&err, "loading");
    assert_string_equal(err.message, "loading: rides.csv:7:3: wrong");
    assert_int_equal(err.line, 7);
    assert_memory_equal(err.message + err.file_at, "rides.csv:", err.file_size + 1);
}

static void a_place_whose_file_does_not_fit_is_none(void **state)
{
    (void)state;
    char file[ERROR_MESSAGE_SIZE + 10];
    memset(file, 'x', sizeof file);
    file[sizeof file - 1] = '\0';
    struct error err;
    fail(&err, STATUS_INVALID, "wrong");
    fail_at(&err, file, 7, 3);
    assert_int_equal(err.line, 0);
    assert_int_not_equal(fail_at(NULL, "x", 1, 1), STATUS_OK);
}

static void a_message_is_one_line(void **state)
{
    (void)state;
    struct error err;
    fail(&err, STATUS_FAILED, "ERROR:  no\n\tsuch\r table\n\n");
    assert_string_equal(err.message, "ERROR:  no  such  table");
}

static void a_long_message_is_cut(void **state)
{
    (void)state;
    struct error err;
    fail(&err, STATUS_FAILED, "%0*d", 3 * ERROR_MESSAGE_SIZE, 1);
    assert_int_equal(strlen(err.message), ERROR_MESSAGE_SIZE - 1);
    fail_within(&err, "context");
    assert_int_equal(strlen(err.message), ERROR_MESSAGE_SIZE - 1);
    assert_memory_equal(err.message, "context: 000", 12);
}

static void a_long_message_is_not_cut_inside_a_character(void **state)
{
    (void)state;
    struct error err;
    for (int width = 1; width <= 4; width++) {
        char text[ERROR_MESSAGE_SIZE + 64];
        memset(text, 'a', (size_t)width);
        for (size_t at = (size_t)width; at + 2 < sizeof text; at += 2)
            memcpy(text + at, "\xc3\xa9", 3);
        fail(&err, STATUS_FAILED, "%s", text);
        size_t length = strlen(err.message);
        assert_int_equal((length - (size_t)width) % 2, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_status_has_its_own_name),
        cmocka_unit_test(a_failure_returns_what_it_says),
        cmocka_unit_test(nobody_has_to_listen),
        cmocka_unit_test(context_comes_before_the_message),
        cmocka_unit_test(a_place_comes_before_the_message_and_is_kept),
        cmocka_unit_test(a_place_is_found_behind_a_context),
        cmocka_unit_test(a_place_whose_file_does_not_fit_is_none),
        cmocka_unit_test(a_message_is_one_line),
        cmocka_unit_test(a_long_message_is_cut),
        cmocka_unit_test(a_long_message_is_not_cut_inside_a_character),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
