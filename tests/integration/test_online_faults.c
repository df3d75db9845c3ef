/*
 * test_online_faults.c - a Redis that is stopped, killed, full, read-only, busy or locked, and a
 * store that says so in time and comes back by itself.
 */
#include "private_redis.h"

#include "base/byte_order.h"
#include "base/timestamp.h"

#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

enum { TIMEOUT_MS = 200, TIMEOUT_US = TIMEOUT_MS * 1000, AT_ONCE_US = 50 * 1000 };
#define SLACK_US (400 * 1000) /* other work of the machine */

struct fixture {
    struct private_redis redis;
    struct online_store *store;
    struct arena arena;
    struct error err;
};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    private_redis_start(&f->redis, NULL, NULL);
    f->store = store_on(f->redis.url, TIMEOUT_MS);
    arena_init(&f->arena, 0);
    *state = f;
    return 0;
}

/* With a password, and a user who may read. */
static int set_up_locked(void **state)
{
    set_up(state);
    struct fixture *f = *state;
    redis_says(f->redis.url, "ACL SETUSER reader on >re@der +@read +select ~*");
    redis_says(f->redis.url, "CONFIG SET requirepass s3cret");
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    online_store_close(f->store);
    private_redis_stop(&f->redis);
    arena_release(&f->arena);
    free(f);
    return 0;
}

/* Row `number` of a batch: its key and its bytes, without columns; greater versions win. */
static struct online_write write_of(struct fixture *f, int64_t number, int64_t version)
{
    struct row_layout layout;
    struct buffer row;
    buffer_init(&row, 0);
    row_layout_init(&layout, NULL, 0, &f->arena);
    struct row_header header = {.event_time_us = version, .position = version};
    assert_int_equal(row_pack(&layout, &header, NULL, &row, NULL), STATUS_OK);
    char *key = arena_alloc(&f->arena, 10);
    memcpy(key, "{k}", 3);
    store_be64(key + 2, (uint64_t)number);
    struct online_write write = {{key, 10}, arena_bytes(&f->arena, buffer_bytes(&row)), 0};
    buffer_release(&row);
    return write;
}

static enum status put(struct fixture *f, int64_t number, int64_t version)
{
    struct online_write write = write_of(f, number, version);
    return online_store_write(f->store, &write, 1, NULL, 0, NULL, &f->err);
}

static enum status get(struct fixture *f, int64_t number, struct bytes *row)
{
    struct bytes key = write_of(f, number, 0).key;
    return online_store_read(f->store, &key, 1, &f->arena, row, &f->err);
}

static void check_version(struct fixture *f, int64_t number, int64_t version)
{
    struct bytes row;
    struct row_header header;
    assert_int_equal(get(f, number, &row), STATUS_OK);
    assert_true(row_peek(row, &header));
    assert_int_equal(header.event_time_us, version);
}

static enum status ping(struct fixture *f)
{
    return online_store_ping(f->store, &f->err);
}

/* The same handle answers again, within a second. */
static void check_it_comes_back(struct fixture *f)
{
    int64_t give_up_us = timestamp_monotonic_us() + 1000 * 1000;
    while (ping(f) && timestamp_monotonic_us() < give_up_us)
        usleep(5000);
    assert_int_equal(ping(f), STATUS_OK);
}

static int64_t time_of_get(struct fixture *f, enum status expected)
{
    struct bytes row;
    int64_t began_us = timestamp_monotonic_us();
    assert_int_equal(get(f, 1, &row), expected);
    return timestamp_monotonic_us() - began_us;
}

static void stopped_redis_is_unavailable_in_time(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(put(f, 1, 5), STATUS_OK);
    kill(f->redis.pid, SIGSTOP);
    int64_t first_us = time_of_get(f, STATUS_UNAVAILABLE);
    int64_t second_us = time_of_get(f, STATUS_UNAVAILABLE);
    kill(f->redis.pid, SIGCONT);
    assert_in_range(first_us, TIMEOUT_US * 9 / 10, TIMEOUT_US + SLACK_US);
    assert_in_range(second_us, 0, AT_ONCE_US);
    assert_non_null(strstr(f->err.message, "no answer within 200 ms"));
    check_it_comes_back(f);
    check_version(f, 1, 5);
}

static void redis_stopped_for_long_never_holds_up_a_call_for_longer(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(ping(f), STATUS_OK);
    kill(f->redis.pid, SIGSTOP);
    int64_t longest_us = 0;
    for (int i = 0; i < 30; i++) {
        int64_t us = time_of_get(f, STATUS_UNAVAILABLE);
        longest_us = us > longest_us ? us : longest_us;
        usleep(30 * 1000);
    }
    kill(f->redis.pid, SIGCONT);
    assert_in_range(longest_us, TIMEOUT_US * 9 / 10, TIMEOUT_US + SLACK_US);
    check_it_comes_back(f);
}

static void answer_that_comes_too_late_is_not_taken_for_the_next(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(put(f, 1, 5), STATUS_OK);
    assert_int_equal(put(f, 2, 6), STATUS_OK);
    kill(f->redis.pid, SIGSTOP);
    time_of_get(f, STATUS_UNAVAILABLE); /* of row 1 */
    kill(f->redis.pid, SIGCONT);
    check_it_comes_back(f);
    check_version(f, 2, 6);
    check_version(f, 1, 5);
}

static void killed_redis_is_found_again(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(put(f, 1, 5), STATUS_OK);
    private_redis_kill(&f->redis);
    int64_t us = time_of_get(f, STATUS_UNAVAILABLE);
    assert_in_range(us, 0, AT_ONCE_US);
    assert_int_equal(put(f, 1, 6), STATUS_UNAVAILABLE);
    private_redis_launch(&f->redis);
    check_it_comes_back(f);
    assert_int_equal(put(f, 1, 7), STATUS_OK); /* with the script, which it has lost */
    check_version(f, 1, 7);
}

static void redis_that_was_away_while_idle_is_not_missed(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(put(f, 1, 5), STATUS_OK);
    private_redis_kill(&f->redis);
    private_redis_launch(&f->redis);
    usleep(150 * 1000);
    struct bytes row;
    assert_int_equal(get(f, 1, &row), STATUS_OK);
    assert_null(row.data);
    assert_int_equal(put(f, 1, 5), STATUS_OK);
}

static void redis_that_was_away_is_another_incarnation(void **state)
{
    struct fixture *f = *state;
    struct online_info before, same, after;
    assert_int_equal(online_store_inspect(f->store, &before, &f->err), STATUS_OK);
    assert_int_equal(online_store_inspect(f->store, &same, &f->err), STATUS_OK);
    assert_string_equal(same.incarnation, before.incarnation);
    private_redis_kill(&f->redis);
    private_redis_launch(&f->redis);
    usleep(150 * 1000);
    assert_int_equal(online_store_inspect(f->store, &after, &f->err), STATUS_OK);
    assert_true(*before.incarnation && *after.incarnation);
    assert_string_not_equal(after.incarnation, before.incarnation);
}

static void redis_that_is_not_there_yet_is_waited_for(void **state)
{
    struct fixture *f = *state;
    private_redis_kill(&f->redis);
    assert_int_equal(ping(f), STATUS_UNAVAILABLE);
    assert_non_null(strstr(f->err.message, "cannot connect"));
    private_redis_launch(&f->redis);
    check_it_comes_back(f);
}

static void check_words(const struct fixture *f, const char *wanted)
{
    if (!strstr(f->err.message, wanted))
        fail_msg("\"%s\" does not say \"%s\"", f->err.message, wanted);
    assert_null(strstr(f->err.message, "s3cret"));
    assert_null(strstr(f->err.message, "wr0ng"));
}

static void check_refused_with(struct fixture *f, const char *user, const char *wanted)
{
    char url[256];
    snprintf(url, sizeof url, "unix://%s%s", user, f->redis.url + strlen("unix://"));
    online_store_close(f->store);
    f->store = store_on(url, TIMEOUT_MS);
    assert_int_equal(ping(f), STATUS_UNAVAILABLE);
    check_words(f, wanted);
    assert_int_equal(ping(f), STATUS_UNAVAILABLE); /* at once, from memory */
    check_words(f, wanted);
}

static void check_let_in_with(struct fixture *f, const char *user)
{
    char url[256];
    snprintf(url, sizeof url, "unix://%s%s?db=3", user, f->redis.url + strlen("unix://"));
    online_store_close(f->store);
    f->store = store_on(url, TIMEOUT_MS);
    struct bytes row;
    assert_int_equal(get(f, 1, &row), STATUS_OK);
}

static void wrong_password_is_refused_and_never_shown(void **state)
{
    struct fixture *f = *state;
    check_refused_with(f, ":wr0ng@", "refuses the user or the password");
    check_refused_with(f, "reader:wr0ng@", "refuses the user or the password");
    check_refused_with(f, "nobody:s3cret@", "refuses the user or the password");
    check_refused_with(f, "", "wants a password");
    check_let_in_with(f, ":s3cret@");
    check_let_in_with(f, "default:s3cret@");
    check_let_in_with(f, "reader:re%40der@");
    check_let_in_with(f, "reader:re@der@");
}

static void user_without_rights_is_told_so(void **state)
{
    struct fixture *f = *state;
    check_let_in_with(f, "reader:re%40der@");
    assert_int_equal(put(f, 1, 1), STATUS_UNAVAILABLE);
    check_words(f, "may not do what Larder needs");
    struct bytes row;
    assert_int_equal(get(f, 1, &row), STATUS_OK); /* the connection is still good */
}

static void password_where_none_is_set_is_told_so(void **state)
{
    struct fixture *f = *state;
    check_refused_with(f, ":s3cret@", "has no password");
}

static void database_that_is_not_there_is_told_so(void **state)
{
    struct fixture *f = *state;
    char url[256];
    snprintf(url, sizeof url, "%s?db=999999", f->redis.url);
    online_store_close(f->store);
    f->store = store_on(url, TIMEOUT_MS);
    assert_int_equal(ping(f), STATUS_UNAVAILABLE);
    check_words(f, "DB index is out of range");
}

static void full_redis_is_exhausted_until_it_has_room(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(put(f, 1, 5), STATUS_OK);
    redis_says(f->redis.url, "CONFIG SET maxmemory 1");
    assert_int_equal(put(f, 1, 6), STATUS_EXHAUSTED);
    check_words(f, "maxmemory");
    check_version(f, 1, 5);
    redis_says(f->redis.url, "CONFIG SET maxmemory 0");
    assert_int_equal(put(f, 1, 6), STATUS_OK);
    check_version(f, 1, 6);
}

static void mark_is_not_written_behind_rows_that_were_refused(void **state)
{
    struct fixture *f = *state;
    struct online_write write = write_of(f, 1, 5);
    struct online_mark mark = {"materialize", 1, 1, 0, 77};
    int64_t position = -1;
    assert_int_equal(put(f, 2, 5), STATUS_OK);
    redis_says(f->redis.url, "CONFIG SET maxmemory 1");
    assert_int_equal(online_store_write(f->store, &write, 1, &mark, 1, NULL, &f->err),
                     STATUS_EXHAUSTED);
    redis_says(f->redis.url, "CONFIG SET maxmemory 0");
    assert_int_equal(online_store_read_marks(f->store, &mark, 1, &position, &f->err), STATUS_OK);
    assert_int_equal(position, 0);
}

static void replica_takes_reads_and_refuses_writes(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(put(f, 1, 5), STATUS_OK);
    redis_says(f->redis.url, "REPLICAOF 127.0.0.1 1");
    assert_int_equal(put(f, 1, 6), STATUS_CONFLICT);
    check_words(f, "read-only replica");
    check_version(f, 1, 5);
    redis_says(f->redis.url, "CONFIG SET replica-serve-stale-data no");
    struct bytes row;
    assert_int_equal(get(f, 1, &row), STATUS_UNAVAILABLE);
    redis_says(f->redis.url, "REPLICAOF NO ONE");
    assert_int_equal(put(f, 1, 6), STATUS_OK);
}

struct flusher {
    const char *url;
    atomic_bool done;
    int flushes;
};

static void *forget_scripts(void *argument)
{
    struct flusher *flusher = argument;
    while (!flusher->done) {
        redis_says(flusher->url, "SCRIPT FLUSH");
        flusher->flushes++;
    }
    return NULL;
}

static void redis_may_forget_the_script_at_any_time(void **state)
{
    enum { COUNT = 20000, ROUNDS = 5 };
    struct fixture *f = *state;
    struct flusher flusher = {.url = f->redis.url};
    struct online_write *writes = arena_array(&f->arena, COUNT, sizeof *writes);
    pthread_t thread;
    pthread_create(&thread, NULL, forget_scripts, &flusher);
    for (int round = 1; round <= ROUNDS; round++) {
        struct online_mark mark = {"materialize", 1, 1, 0, round};
        for (int i = 0; i < COUNT; i++)
            writes[i] = write_of(f, i, round);
        if (online_store_write(f->store, writes, COUNT, &mark, 1, NULL, &f->err))
            fail_msg("%s", f->err.message);
    }
    flusher.done = true;
    pthread_join(thread, NULL);
    assert_true(flusher.flushes > 20);
    for (int i = 0; i < COUNT; i += 7)
        check_version(f, i, ROUNDS);
}

static void *run_for_ever(void *url)
{
    struct arena arena;
    struct redis_url parsed;
    struct redis_reply *reply;
    arena_init(&arena, 0);
    assert_int_equal(redis_url_parse(url, &arena, &parsed, NULL), STATUS_OK);
    struct redis_connection *connection = redis_connection_open(&parsed, 20000);
    assert_int_equal(redis_connection_begin(connection, NULL), STATUS_OK);
    redis_command_of(connection, (const char *const[]){"EVAL", "while true do end", "0"}, 3);
    redis_receive(connection, &arena, &reply, NULL);
    redis_connection_close(connection);
    arena_release(&arena);
    return NULL;
}

static void redis_that_is_busy_with_a_script_is_unavailable(void **state)
{
    struct fixture *f = *state;
    pthread_t thread;
    redis_says(f->redis.url, "CONFIG SET lua-time-limit 20");
    pthread_create(&thread, NULL, run_for_ever, f->redis.url);
    usleep(150 * 1000);
    int64_t us = time_of_get(f, STATUS_UNAVAILABLE);
    check_words(f, "BUSY");
    assert_in_range(us, 0, TIMEOUT_US + SLACK_US);
    redis_says(f->redis.url, "SCRIPT KILL");
    pthread_join(thread, NULL);
    check_it_comes_back(f);
    assert_int_equal(put(f, 1, 1), STATUS_OK);
}

static void strangers_keys_are_corrupt_or_absent(void **state)
{
    struct fixture *f = *state;
    uint64_t identity;
    int64_t position;
    struct online_mark mark = {"materialize", 1, 1, 0, 77};
    struct bytes row, key = bytes_of_text("{x}list");
    redis_says(f->redis.url, "RPUSH larder:owner x");
    assert_int_equal(online_store_owner(f->store, &identity, &f->err), STATUS_CORRUPT);
    redis_says(f->redis.url, "SET larder:owner 0123456789ABCDEF");
    assert_int_equal(online_store_owner(f->store, &identity, &f->err), STATUS_CORRUPT);
    redis_says(f->redis.url, "HSET larder:marks:1 materialize/1/0 12x");
    assert_int_equal(online_store_read_marks(f->store, &mark, 1, &position, &f->err),
                     STATUS_CORRUPT);
    redis_says(f->redis.url, "RPUSH {x}list x");
    assert_int_equal(online_store_read(f->store, &key, 1, &f->arena, &row, &f->err), STATUS_OK);
    assert_null(row.data);
}

/* What is no row may neither stop a write nor win against it. */
static void rubbish_under_a_key_is_replaced(void **state)
{
    static const char *const rubbish[] = {
        "", "short",
        "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"
        "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"
        "\xff\xff\xff\xff\xff\xff\xff\xff"};
    struct fixture *f = *state;
    for (size_t i = 0; i < COUNT_OF(rubbish); i++) {
        struct online_write write = write_of(f, 1, 5);
        enum row_outcome outcome;
        struct bytes row;
        write.key = bytes_of_text("{x}rubbish");
        redis_says_of(f->redis.url, (const char *const[]){"SET", "{x}rubbish", rubbish[i]}, 3);
        assert_int_equal(online_store_write(f->store, &write, 1, NULL, 0, &outcome, &f->err),
                         STATUS_OK);
        assert_int_equal(outcome, ROW_WRITTEN);
        assert_int_equal(online_store_read(f->store, &write.key, 1, &f->arena, &row, &f->err),
                         STATUS_OK);
        assert_true(bytes_equal(row, write.row));
    }
}

static void evicting_policy_is_seen(void **state)
{
    struct fixture *f = *state;
    struct online_info info;
    assert_int_equal(online_store_inspect(f->store, &info, &f->err), STATUS_OK);
    assert_false(info.may_evict);
    assert_string_equal(info.eviction_policy, "noeviction");
    redis_says(f->redis.url, "CONFIG SET maxmemory-policy volatile-ttl");
    assert_int_equal(online_store_inspect(f->store, &info, &f->err), STATUS_OK);
    assert_true(info.may_evict);
    assert_string_equal(info.eviction_policy, "volatile-ttl");
    assert_int_equal(strncmp(info.version, "redis ", 6), 0);
}

#define FAULT_TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
#define LOCKED_TEST(test) cmocka_unit_test_setup_teardown(test, set_up_locked, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        FAULT_TEST(stopped_redis_is_unavailable_in_time),
        FAULT_TEST(redis_stopped_for_long_never_holds_up_a_call_for_longer),
        FAULT_TEST(answer_that_comes_too_late_is_not_taken_for_the_next),
        FAULT_TEST(killed_redis_is_found_again),
        FAULT_TEST(redis_that_was_away_while_idle_is_not_missed),
        FAULT_TEST(redis_that_was_away_is_another_incarnation),
        FAULT_TEST(redis_that_is_not_there_yet_is_waited_for),
        LOCKED_TEST(wrong_password_is_refused_and_never_shown),
        LOCKED_TEST(user_without_rights_is_told_so),
        FAULT_TEST(password_where_none_is_set_is_told_so),
        FAULT_TEST(database_that_is_not_there_is_told_so),
        FAULT_TEST(full_redis_is_exhausted_until_it_has_room),
        FAULT_TEST(mark_is_not_written_behind_rows_that_were_refused),
        FAULT_TEST(replica_takes_reads_and_refuses_writes),
        FAULT_TEST(redis_may_forget_the_script_at_any_time),
        FAULT_TEST(redis_that_is_busy_with_a_script_is_unavailable),
        FAULT_TEST(strangers_keys_are_corrupt_or_absent),
        FAULT_TEST(rubbish_under_a_key_is_replaced),
        FAULT_TEST(evicting_policy_is_seen),
    };
    return cmocka_run_group_tests_name("online store, Redis in trouble", tests, NULL, NULL);
}
