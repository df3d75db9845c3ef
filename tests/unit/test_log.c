/* Lines on standard error: base/log.h. */
#include "base/log.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/* Standard error is a pipe while a line is written; what came out of it, in text. */
struct capture {
    int kept_stderr;
    int pipe[2];
    char text[16384];
};

static void capture_begin(struct capture *capture)
{
    assert_int_equal(pipe(capture->pipe), 0);
    capture->kept_stderr = dup(STDERR_FILENO);
    dup2(capture->pipe[1], STDERR_FILENO);
    close(capture->pipe[1]);
}

static const char *capture_end(struct capture *capture)
{
    dup2(capture->kept_stderr, STDERR_FILENO);
    close(capture->kept_stderr);
    size_t size = 0;
    ssize_t got;
    while ((got = read(capture->pipe[0], capture->text + size, sizeof capture->text - size - 1)) >
           0)
        size += (size_t)got;
    close(capture->pipe[0]);
    capture->text[size] = '\0';
    return capture->text;
}

static void a_line_has_time_level_message_and_fields(void **state)
{
    (void)state;
    struct capture capture;
    capture_begin(&capture);
    log_line(LOG_WARNING, "redis said \"no\"", "tries=%d url=%s", 3, "redis://x");
    const char *line = capture_end(&capture);
    assert_memory_equal(line, "time=20", 7);
    const char *rest = strstr(line, " level=");
    assert_non_null(rest);
    assert_string_equal(rest,
                        " level=warning msg=\"redis said \\\"no\\\"\" tries=3 url=redis://x\n");
}

static void a_line_without_fields_ends_behind_the_message(void **state)
{
    (void)state;
    struct capture capture;
    capture_begin(&capture);
    log_line(LOG_INFO, "ready", "%s", "");
    log_line(LOG_ERROR, "a\nb", "text=%s", "c\nd");
    const char *lines = capture_end(&capture);
    assert_non_null(strstr(lines, "msg=\"ready\"\n"));
    assert_non_null(strstr(lines, "msg=\"a\\nb\" text=c d\n"));
    size_t newlines = 0;
    for (const char *at = lines; *at; at++)
        newlines += *at == '\n';
    assert_int_equal(newlines, 2);
}

static void lines_below_the_level_are_not_written(void **state)
{
    (void)state;
    struct capture capture;
    capture_begin(&capture);
    log_line(LOG_DEBUG, "hidden at first", "%s", "");
    log_set_level(LOG_ERROR);
    log_line(LOG_WARNING, "hidden", "%s", "");
    log_set_level(LOG_DEBUG);
    log_line(LOG_DEBUG, "shown", "%s", "");
    log_set_level(LOG_INFO);
    const char *lines = capture_end(&capture);
    assert_null(strstr(lines, "hidden"));
    assert_non_null(strstr(lines, "level=debug msg=\"shown\""));
}

static void a_huge_line_is_cut_but_still_one_line(void **state)
{
    (void)state;
    struct capture capture;
    char *text = malloc(20001);
    memset(text, 'x', 20000);
    text[20000] = '\0';
    capture_begin(&capture);
    log_line(LOG_INFO, text, "more=%s", text);
    const char *line = capture_end(&capture);
    size_t length = strlen(line);
    assert_true(length > 4000 && length <= 8192);
    assert_ptr_equal(strchr(line, '\n'), line + length - 1);
    free(text);
}

static void check_quoted(const char *text, int size, const char *expected)
{
    char quoted[64];
    memset(quoted, '#', sizeof quoted);
    assert_string_equal(log_quote(text, quoted, size), expected);
    for (size_t i = (size_t)size; i < sizeof quoted; i++)
        assert_int_equal(quoted[i], '#');
}

static void fields_are_quoted_only_where_they_must_be(void **state)
{
    (void)state;
    check_quoted("plain-text/1.0", 32, "plain-text/1.0");
    check_quoted("", 32, "\"\"");
    check_quoted("two words", 32, "\"two words\"");
    check_quoted("a=b", 32, "\"a=b\"");
    check_quoted("say \"hi\"\\", 32, "\"say \\\"hi\\\"\\\\\"");
    check_quoted("bell\x07", 32, "\"bell\\x07\"");
    check_quoted("\xc3\xa9t\xc3\xa9", 32, "\xc3\xa9t\xc3\xa9");
}

static void quoted_fields_are_cut_to_their_room(void **state)
{
    (void)state;
    check_quoted("abcdefgh", 9, "abcdefgh");
    check_quoted("abcdefgh", 8, "\"abcde\"");
    check_quoted("a\xc3\xa9\xc3\xa9", 5, "\"a\""); /* not half of a character */
    check_quoted("a \xc3\xa9\xc3\xa9", 7, "\"a \xc3\xa9\"");
    check_quoted("ab\n\n", 6, "\"ab\""); /* nor half of an escape */
    check_quoted("abc", 2, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_has_time_level_message_and_fields),
        cmocka_unit_test(a_line_without_fields_ends_behind_the_message),
        cmocka_unit_test(lines_below_the_level_are_not_written),
        cmocka_unit_test(a_huge_line_is_cut_but_still_one_line),
        cmocka_unit_test(fields_are_quoted_only_where_they_must_be),
        cmocka_unit_test(quoted_fields_are_cut_to_their_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
