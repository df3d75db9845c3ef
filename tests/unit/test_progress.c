/* How far work has come: cli/progress.h. Time does not pass here: the beginning is moved back. */
#include "cli/progress.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { ROOM = 4096 };

static const struct progress_step half = {"airport_weather", "rows read", 1000000, 0, 0.5};

/* What the steps write to standard error, the first at the beginning of its phase, the second
 * after so many seconds. */
static const char *told_after(double seconds, bool on_terminal, const struct progress_step *step,
                              char text[ROOM])
{
    struct progress progress;
    int ends[2], kept = dup(STDERR_FILENO);
    assert_int_equal(pipe(ends), 0);
    progress_init(&progress);
    progress.is_terminal = on_terminal;
    dup2(ends[1], STDERR_FILENO);
    progress_tell(&progress, step);
    progress.phase_us -= (int64_t)(seconds * 1e6);
    progress.told_us -= (int64_t)(seconds * 1e6);
    progress_tell(&progress, step);
    fflush(stderr);
    dup2(kept, STDERR_FILENO);
    close(kept);
    close(ends[1]);
    ssize_t size = read(ends[0], text, ROOM - 1);
    text[size > 0 ? size : 0] = '\0';
    close(ends[0]);
    return text;
}

static void check_told(double seconds, bool on_terminal, const struct progress_step *step,
                       const char *words)
{
    char text[ROOM];
    if (!strstr(told_after(seconds, on_terminal, step, text), words))
        fail_msg("\"%s\" is not in \"%s\"", words, text);
}

static void a_terminal_gets_rate_share_and_time_left(void **state)
{
    (void)state;
    check_told(8, true, &half, "\r\033[Kairport_weather: 1,000,000 rows read, 12");
    check_told(8, true, &half, " a second, 50 %, 8 s left");
    check_told(600, true, &half, " a second, 50 %, 10 min left");
    check_told(21600, true, &half, ", 50 %, 6 h left");
}

static void a_log_gets_the_same_as_fields(void **state)
{
    (void)state;
    check_told(20, false, &half,
               " level=info msg=\"working\" phase=airport_weather seconds=20 count=1000000 "
               "unit=\"rows read\" per_second=");
    check_told(20, false, &half, " percent=50 seconds_left=20\n");
}

static void nothing_is_guessed_at_the_beginning(void **state)
{
    (void)state;
    char text[ROOM];
    assert_string_equal(told_after(0, true, &half, text),
                        "\r\033[Kairport_weather: 1,000,000 rows read, 50 %");
    assert_string_equal(told_after(0, false, &half, text), "");
}

static void what_is_not_known_is_not_told(void **state)
{
    (void)state;
    char text[ROOM];
    const struct progress_step some = {"trips", "rows", 500, 0, 0},
                               joining = {"joining", NULL, 0, 0, 0};
    const struct progress_step more = {"trips", "rows", 500, 0, 1.5};
    assert_null(strchr(told_after(10, true, &some, text), '%'));
    assert_null(strstr(told_after(10, true, &some, text), "left"));
    assert_null(strchr(told_after(10, true, &more, text), '%')); /* a planner may be wrong */
    assert_string_equal(told_after(10, true, &joining, text),
                        "\r\033[Kjoining\r\033[Kjoining, 10 s so far");
}

static void rows_are_told_of_how_many(void **state)
{
    (void)state;
    const struct progress_step step = {"writing", "rows", 600000, 1000000, 0.6};
    check_told(6, true, &step, "writing: 600,000 of 1,000,000 rows, ");
    check_told(20, false, &step, " count=600000 unit=rows per_second=");
    check_told(20, false, &step, " of=1000000 percent=60");
}

/* A database takes no steps. */
static void last_step_is_told_again_while_nothing_moves(void **state)
{
    (void)state;
    const struct progress_step joining = {"joining", NULL, 0, 0, 0};
    struct progress progress;
    char text[ROOM];
    int ends[2], kept = dup(STDERR_FILENO);
    assert_int_equal(pipe(ends), 0);
    dup2(ends[1], STDERR_FILENO);
    progress_init(&progress);
    progress_tell(&progress, &joining);
    progress.told_us -= 20000000; /* as if it had been told long ago */
    progress_keep_telling(&progress);
    ssize_t size = read(ends[0], text, ROOM - 1); /* waits for the line */
    progress_close(&progress);
    dup2(kept, STDERR_FILENO);
    close(kept);
    close(ends[0]);
    close(ends[1]);
    text[size > 0 ? size : 0] = '\0';
    assert_non_null(strstr(text, "phase=joining"));
}

static void counts_are_grouped(void **state)
{
    (void)state;
    char text[COUNT_TEXT_SIZE];
    assert_string_equal(count_format(0, text), "0");
    assert_string_equal(count_format(999, text), "999");
    assert_string_equal(count_format(1234567, text), "1,234,567");
    assert_string_equal(count_format(UINT64_MAX, text), "18,446,744,073,709,551,615");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_terminal_gets_rate_share_and_time_left),
        cmocka_unit_test(a_log_gets_the_same_as_fields),
        cmocka_unit_test(nothing_is_guessed_at_the_beginning),
        cmocka_unit_test(what_is_not_known_is_not_told),
        cmocka_unit_test(rows_are_told_of_how_many),
        cmocka_unit_test(last_step_is_told_again_while_nothing_moves),
        cmocka_unit_test(counts_are_grouped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
