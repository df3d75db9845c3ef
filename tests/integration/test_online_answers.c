/* test_online_answers.c - a store whose server answers what Redis does not, or not in time. */
#include "base/timestamp.h"
#include "fake_redis.h"
#include "private_redis.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

enum { TIMEOUT_MS = 200, TIMEOUT_US = TIMEOUT_MS * 1000, AT_ONCE_US = 50 * 1000, ANSWERS_MAX = 4 };
#define SLACK_US (400 * 1000)

struct scene {
    struct fake_redis fake;
    struct bytes answers[ANSWERS_MAX];
    struct online_store *store;
    struct arena arena;
    struct error err;
    int64_t took_us;
};

static void begin(struct scene *s, const char *const *answers, size_t count)
{
    *s = (struct scene){.fake = {.answers = s->answers,
                                 .count = count,
                                 .pause_us = s->fake.pause_us,
                                 .repeats_itself = s->fake.repeats_itself}};
    for (size_t i = 0; i < count; i++)
        if (answers[i])
            s->answers[i] = bytes_of_text(answers[i]);
    fake_redis_start(&s->fake);
    s->store = store_on(s->fake.url, TIMEOUT_MS);
    arena_init(&s->arena, 0);
}

static void end(struct scene *s)
{
    online_store_close(s->store);
    arena_release(&s->arena);
    fake_redis_stop(&s->fake);
}

static enum status read_two(struct scene *s, struct bytes rows[2])
{
    struct bytes keys[2] = {bytes_of_text("{a}1"), bytes_of_text("{a}2")};
    int64_t began_us = timestamp_monotonic_us();
    enum status status = online_store_read(s->store, keys, 2, &s->arena, rows, &s->err);
    s->took_us = timestamp_monotonic_us() - began_us;
    return status;
}

static enum status write_two(struct scene *s)
{
    struct buffer row;
    buffer_init(&row, 0);
    row_pack_tombstone(1, &row);
    struct online_write writes[2] = {{bytes_of_text("{a}1"), buffer_bytes(&row), 0},
                                     {bytes_of_text("{a}2"), buffer_bytes(&row), 0}};
    enum status status = online_store_write(s->store, writes, 2, NULL, 0, NULL, &s->err);
    buffer_release(&row);
    return status;
}

/* What a read of two keys makes of one answer. */
static void check_read(const char *answer, enum status expected, const char *words)
{
    struct scene s = {0};
    struct bytes rows[2];
    begin(&s, &answer, 1);
    enum status status = read_two(&s, rows);
    if (status != expected || !strstr(s.err.message, words))
        fail_msg("to \"%s\": %s: %s", answer, status_name(status), s.err.message);
    end(&s);
}

#define LOADED                                                                                     \
    "$22\r\nredis_version:7.0.15\r\n\r\n$40\r\n0123456789012345678901234567890123456789\r\n"

static void check_write(const char *first, const char *second, enum status expected,
                        const char *words)
{
    struct scene s = {0};
    begin(&s, (const char *const[]){first, second}, 2);
    enum status status = write_two(&s);
    if (status != expected || (status && !strstr(s.err.message, words)))
        fail_msg("to \"%s\", \"%s\": %s: %s", first, second, status_name(status), s.err.message);
    end(&s);
}

static void answer_is_taken_as_redis_means_it(void **state)
{
    (void)state;
    struct scene s = {0};
    struct bytes rows[2];
    begin(&s, (const char *const[]){"*2\r\n$3\r\na\r\n\r\n$-1\r\n"}, 1);
    assert_int_equal(read_two(&s, rows), STATUS_OK);
    assert_true(bytes_equal(rows[0], (struct bytes){"a\r\n", 3}));
    assert_null(rows[1].data);
    end(&s);
}

static void rubbish_is_corrupt_and_the_connection_is_dropped(void **state)
{
    (void)state;
    struct scene s = {0};
    struct bytes rows[2];
    begin(&s, (const char *const[]){"HTTP/1.1 400 Bad Request\r\n\r\n"}, 1);
    assert_int_equal(read_two(&s, rows), STATUS_CORRUPT);
    assert_int_equal(read_two(&s, rows), STATUS_UNAVAILABLE);
    assert_in_range(s.took_us, 0, AT_ONCE_US);
    assert_int_equal(s.fake.connections, 1);
    usleep(110 * 1000);
    assert_int_equal(read_two(&s, rows), STATUS_CORRUPT);
    assert_int_equal(s.fake.connections, 2);
    end(&s);
}

static void answers_that_redis_does_not_give_are_corrupt(void **state)
{
    (void)state;
    static const char *const strange[] = {
        "*1\r\n$1\r\na\r\n",
        "*3\r\n$1\r\na\r\n$1\r\nb\r\n$1\r\nc\r\n",
        "*2\r\n$1\r\na\r\n:5\r\n",
        "*2\r\n$1\r\na\r\n*1\r\n$1\r\na\r\n",
        "*-1\r\n",
        "$1\r\na\r\n",
        ":7\r\n",
        "+OK\r\n",
        "$-1\r\n",
        "*2\r\n$-7\r\n$1\r\na\r\n",
        "*2147483647\r\n",
        "*99999999999999999999\r\n",
        "*1000001\r\n",
        "*1000000\r\n*1000000\r\n",
        "*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n$1\r\na\r\n",
        "$99999999999999999999\r\n",
        "%1\r\n+a\r\n+b\r\n",
        "\r\n",
        ":12x\r\n",
    };
    for (size_t i = 0; i < COUNT_OF(strange); i++)
        check_read(strange[i], STATUS_CORRUPT, "");
}

static void error_answers_say_what_can_be_done(void **state)
{
    (void)state;
    check_read("-LOADING Redis is loading the dataset in memory\r\n", STATUS_UNAVAILABLE,
               "loading the dataset");
    check_read("-BUSY Redis is busy running a script\r\n", STATUS_UNAVAILABLE, "BUSY");
    check_read("-MASTERDOWN Link with MASTER is down\r\n", STATUS_UNAVAILABLE, "MASTERDOWN");
    check_read("-TRYAGAIN Multiple keys request\r\n", STATUS_UNAVAILABLE, "TRYAGAIN");
    check_read("-ERR max number of clients reached\r\n", STATUS_UNAVAILABLE, "max number");
    check_read("-NOAUTH Authentication required.\r\n", STATUS_UNAVAILABLE, "online_store.url");
    check_read("-NOPERM this user has no permissions\r\n", STATUS_UNAVAILABLE, "may not do");
    check_read("-MOVED 3999 127.0.0.1:6381\r\n", STATUS_UNAVAILABLE, "Cluster is not supported");
    check_read("-CROSSSLOT Keys in request\r\n", STATUS_UNAVAILABLE, "Cluster is not supported");
    check_read("-WRONGTYPE Operation\r\n", STATUS_CORRUPT, "something else");
    check_read("-OOM command not allowed\r\n", STATUS_EXHAUSTED, "maxmemory");
    check_read("-READONLY You can't\r\n", STATUS_CONFLICT, "primary");
    check_read("-LOADINGS is no such code\r\n", STATUS_FAILED, "LOADINGS");
    check_read("-\x01\xff\x7f\r\n", STATUS_FAILED, "answers: ???");
    check_read("-\r\n", STATUS_FAILED, "answers");
}

static void error_inside_a_list_is_corrupt(void **state)
{
    (void)state;
    check_read("*2\r\n-ERR x\r\n$1\r\na\r\n", STATUS_CORRUPT, "");
}

static void errors_inside_scripts_are_read_in_their_older_form(void **state)
{
    (void)state;
    check_write(LOADED,
                "-ERR Error running script (call to f_01): @user_script:1: @user_script: 1: -OOM "
                "command not allowed when used memory > 'maxmemory'.\r\n",
                STATUS_EXHAUSTED, "maxmemory");
    check_write(LOADED,
                "-ERR Error running script (call to f_01): @user_script:1: @user_script: 1: "
                "-READONLY You can't write against a read only replica.\r\n",
                STATUS_CONFLICT, "primary");
}

static void outcomes_that_no_script_gives_are_corrupt(void **state)
{
    (void)state;
    check_write(LOADED, "$2\r\n03\r\n", STATUS_OK, "");
    check_write(LOADED, "$2\r\n04\r\n", STATUS_CORRUPT, "");
    check_write(LOADED, "$3\r\n000\r\n", STATUS_CORRUPT, "");
    check_write(LOADED, "$1\r\n0\r\n", STATUS_CORRUPT, "");
    check_write(LOADED, "*2\r\n:0\r\n:0\r\n", STATUS_CORRUPT, "");
    check_write("$0\r\n\r\n$3\r\nsha\r\n", "$2\r\n00\r\n", STATUS_CORRUPT, "");
}

static void redis_that_is_too_old_is_told_so(void **state)
{
    (void)state;
    static const char sha[] = "$40\r\n0123456789012345678901234567890123456789\r\n";
    char answer[256];
    snprintf(answer, sizeof answer, "$21\r\nredis_version:6.0.16\n\r\n%s", sha);
    check_write(answer, "$2\r\n00\r\n", STATUS_CONFLICT, "version 6.0.16: Larder needs 6.2");
    snprintf(answer, sizeof answer, "$21\r\nredis_version:6.2.14\n\r\n%s", sha);
    check_write(answer, "$2\r\n00\r\n", STATUS_OK, "");
    snprintf(answer, sizeof answer, "$21\r\nredis_version:10.0.0\n\r\n%s", sha);
    check_write(answer, "$2\r\n00\r\n", STATUS_OK, "");
    snprintf(answer, sizeof answer, "-NOPERM no INFO for you\r\n%s", sha);
    check_write(answer, "$2\r\n00\r\n", STATUS_OK, "");
}

static void script_that_is_forgotten_twice_is_an_error_and_no_endless_loop(void **state)
{
    (void)state;
    check_write(LOADED, "-NOSCRIPT No matching script.\r\n", STATUS_FAILED, "NOSCRIPT");
}

static void silence_ends_with_the_timeout(void **state)
{
    (void)state;
    struct scene s = {0};
    struct bytes rows[2];
    begin(&s, NULL, 0);
    assert_int_equal(read_two(&s, rows), STATUS_UNAVAILABLE);
    assert_in_range(s.took_us, TIMEOUT_US * 9 / 10, TIMEOUT_US + SLACK_US);
    end(&s);
}

static void trickle_ends_with_the_timeout(void **state)
{
    (void)state;
    struct scene s = {.fake.pause_us = 30 * 1000};
    struct bytes rows[2];
    begin(&s, (const char *const[]){"*2\r\n$99\r\n0123456789012345678901234567890123456789"}, 1);
    assert_int_equal(read_two(&s, rows), STATUS_UNAVAILABLE);
    assert_in_range(s.took_us, TIMEOUT_US * 9 / 10, TIMEOUT_US + SLACK_US);
    end(&s);
}

static void flood_ends_with_the_timeout_or_a_limit(void **state)
{
    (void)state;
    static char flood[65536];
    struct scene s = {.fake.repeats_itself = true};
    struct bytes rows[2];
    memset(flood, 'x', sizeof flood - 1);
    memcpy(flood, "*2\r\n$536870912\r\n", 16);
    begin(&s, (const char *const[]){flood}, 1);
    assert_int_not_equal(read_two(&s, rows), STATUS_OK);
    assert_in_range(s.took_us, 0, TIMEOUT_US + SLACK_US);
    end(&s);
}

/* Reads of many keys ----------------------------------------------------------------------------
 */

enum { KEYS_A_COMMAND = 1000 };

/* A server that takes its time for each command of a read. */
static void begin_slowly(struct scene *s, int pause_ms, int reads_max, uint32_t timeout_ms)
{
    *s = (struct scene){.fake = {.answers_reads = true,
                                 .read_pause_us = (uint32_t)pause_ms * 1000,
                                 .reads_max = reads_max}};
    fake_redis_start(&s->fake);
    s->store = store_on(s->fake.url, timeout_ms);
    arena_init(&s->arena, 0);
}

static enum status read_many(struct scene *s, size_t command_count)
{
    size_t count = command_count * KEYS_A_COMMAND;
    struct bytes *keys = arena_array(&s->arena, count, sizeof *keys);
    struct bytes *rows = arena_array(&s->arena, count, sizeof *rows);
    for (size_t i = 0; i < count; i++)
        keys[i] = bytes_of_text("{a}1");
    int64_t began_us = timestamp_monotonic_us();
    enum status status = online_store_read(s->store, keys, count, &s->arena, rows, &s->err);
    s->took_us = timestamp_monotonic_us() - began_us;
    return status;
}

static void long_read_that_goes_on_is_waited_for(void **state)
{
    (void)state;
    struct scene s;
    begin_slowly(&s, 30, 0, TIMEOUT_MS);
    if (read_many(&s, 30))
        fail_msg("%s", s.err.message);
    assert_true(s.took_us > 3 * TIMEOUT_US);
    assert_int_equal(s.fake.reads, 30);
    end(&s);
}

static void long_read_that_stalls_ends_with_the_timeout(void **state)
{
    (void)state;
    struct scene s;
    begin_slowly(&s, 0, 5, TIMEOUT_MS);
    assert_int_equal(read_many(&s, 30), STATUS_UNAVAILABLE);
    assert_non_null(strstr(s.err.message, "no answer within 200 ms"));
    assert_in_range(s.took_us, TIMEOUT_US * 9 / 10, TIMEOUT_US + SLACK_US);
    assert_int_equal(read_many(&s, 1), STATUS_UNAVAILABLE);
    assert_in_range(s.took_us, 0, AT_ONCE_US);
    end(&s);
}

static void read_that_never_ends_is_given_up_and_leaves_the_store_ready(void **state)
{
    (void)state;
    struct scene s;
    begin_slowly(&s, 25, 0, TIMEOUT_MS / 2);
    assert_int_equal(read_many(&s, 200), STATUS_UNAVAILABLE);
    assert_non_null(strstr(s.err.message, "2000 ms"));
    assert_in_range(s.took_us, 1900 * 1000, 2000 * 1000 + SLACK_US);
    assert_int_equal(read_many(&s, 1), STATUS_OK); /* at once: nothing is wrong with Redis */
    assert_int_equal(s.fake.connections, 2);
    end(&s);
}

static void closed_connection_is_unavailable(void **state)
{
    (void)state;
    struct scene s = {0};
    struct bytes rows[2];
    begin(&s, (const char *const[]){NULL}, 1);
    assert_int_equal(read_two(&s, rows), STATUS_UNAVAILABLE);
    assert_non_null(strstr(s.err.message, "closed the connection"));
    end(&s);
}

static void connection_closed_within_an_answer_is_unavailable(void **state)
{
    (void)state;
    struct scene s = {0};
    begin(&s, (const char *const[]){LOADED, "$2\r\n0", NULL}, 3);
    s.fake.count = 2;
    assert_int_equal(write_two(&s), STATUS_UNAVAILABLE);
    end(&s);
}

static void password_that_redis_repeats_is_not_shown(void **state)
{
    (void)state;
    struct scene s = {0};
    struct settings settings = settings_of(NULL, TIMEOUT_MS);
    begin(&s,
          (const char *const[]){
              "-ERR unknown command 'AUTH', with args beginning with: 'ann' 's3cret'\r\n"},
          1);
    settings.online_store.url =
        arena_printf(&s.arena, "redis://ann:s3cret@%s", s.fake.url + strlen("redis://"));
    online_store_close(s.store);
    assert_int_equal(online_store_open(&settings, &s.store, &s.err), STATUS_OK);
    assert_int_equal(online_store_ping(s.store, &s.err), STATUS_UNAVAILABLE);
    assert_null(strstr(s.err.message, "s3cret"));
    assert_non_null(strstr(s.err.message, "refuses the user or the password"));
    end(&s);
}

static void port_where_nobody_listens_is_unavailable_at_once(void **state)
{
    (void)state;
    struct scene s = {0};
    struct bytes rows[2];
    begin(&s, NULL, 0);
    fake_redis_stop(&s.fake);
    assert_int_equal(read_two(&s, rows), STATUS_UNAVAILABLE);
    assert_non_null(strstr(s.err.message, "Connection refused"));
    assert_in_range(s.took_us, 0, AT_ONCE_US);
    online_store_close(s.store);
    arena_release(&s.arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answer_is_taken_as_redis_means_it),
        cmocka_unit_test(rubbish_is_corrupt_and_the_connection_is_dropped),
        cmocka_unit_test(answers_that_redis_does_not_give_are_corrupt),
        cmocka_unit_test(error_answers_say_what_can_be_done),
        cmocka_unit_test(error_inside_a_list_is_corrupt),
        cmocka_unit_test(errors_inside_scripts_are_read_in_their_older_form),
        cmocka_unit_test(outcomes_that_no_script_gives_are_corrupt),
        cmocka_unit_test(redis_that_is_too_old_is_told_so),
        cmocka_unit_test(script_that_is_forgotten_twice_is_an_error_and_no_endless_loop),
        cmocka_unit_test(silence_ends_with_the_timeout),
        cmocka_unit_test(trickle_ends_with_the_timeout),
        cmocka_unit_test(flood_ends_with_the_timeout_or_a_limit),
        cmocka_unit_test(long_read_that_goes_on_is_waited_for),
        cmocka_unit_test(long_read_that_stalls_ends_with_the_timeout),
        cmocka_unit_test(read_that_never_ends_is_given_up_and_leaves_the_store_ready),
        cmocka_unit_test(closed_connection_is_unavailable),
        cmocka_unit_test(connection_closed_within_an_answer_is_unavailable),
        cmocka_unit_test(password_that_redis_repeats_is_not_shown),
        cmocka_unit_test(port_where_nobody_listens_is_unavailable_at_once),
    };
    return cmocka_run_group_tests_name("online store, strange answers", tests, NULL, NULL);
}
