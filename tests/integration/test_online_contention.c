/*
 * test_online_contention.c - many writers of the same rows in Redis: see online_contention.h. Once
 * as Redis usually runs, and once under a locale in which Lua's < orders strings as people do, not
 * as bytes.
 */
#include "online_contention.h"
#include "private_redis.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

enum { TIMEOUT_MS = 10000 };

/* Whether Lua finds 'a' < 'B' there: no in order of bytes, yes in order of letters. */
static int64_t orders_as_people_do(const struct private_redis *redis)
{
    return redis_says_of(redis->url,
                         (const char *const[]){"EVAL", "return 'a' < 'B' and 1 or 0", "0"}, 3);
}

struct fixture {
    struct private_redis redis;
    char locales[32]; /* a directory, empty where none was made */
    char variable[64];
    const char *environment[3];
};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    f->environment[0] = "LC_ALL=C";
    private_redis_start(&f->redis, NULL, f->environment);
    *state = f;
    return 0;
}

static void make_locale(struct fixture *f)
{
    char command[128];
    strcpy(f->locales, "/tmp/larder-locale-XXXXXX");
    assert_non_null(mkdtemp(f->locales));
    snprintf(command, sizeof command, "localedef -i en_US -f UTF-8 --no-archive %s/en_US.UTF-8",
             f->locales);
    if (system(command) != 0)
        fail_msg("cannot make the locale en_US.UTF-8: is the package `locales` installed?");
}

static int set_up_with_locale(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    make_locale(f);
    snprintf(f->variable, sizeof f->variable, "LOCPATH=%s", f->locales);
    f->environment[0] = "LC_ALL=en_US.UTF-8";
    f->environment[1] = f->variable;
    private_redis_start(&f->redis, NULL, f->environment);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    char command[64];
    int failed = 0;
    private_redis_stop(&f->redis);
    if (f->locales[0]) {
        snprintf(command, sizeof command, "rm -r %s", f->locales);
        failed = system(command);
    }
    free(f);
    return failed;
}

static struct online_store *open_store(void *context)
{
    const struct private_redis *redis = context;
    return store_on(redis->url, TIMEOUT_MS);
}

static void clear(void *context)
{
    const struct private_redis *redis = context;
    redis_says(redis->url, "FLUSHALL");
}

static void contend_in(struct private_redis *redis)
{
    const struct online_store_maker maker = {.open = open_store, .clear = clear, .context = redis};
    contend(&maker);
}

static void greatest_row_of_every_key_wins(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(orders_as_people_do(&f->redis), 0);
    contend_in(&f->redis);
}

static void greatest_row_of_every_key_wins_under_any_locale(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(orders_as_people_do(&f->redis), 1); /* or this test could not fail */
    contend_in(&f->redis);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(greatest_row_of_every_key_wins, set_up, tear_down),
        cmocka_unit_test_setup_teardown(greatest_row_of_every_key_wins_under_any_locale,
                                        set_up_with_locale, tear_down),
    };
    return cmocka_run_group_tests_name("online store, contention", tests, NULL, NULL);
}
