/* test_redis_url.c - online_store.url, right and wrong. */
#include "store/online/redis_url.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void check(const char *text, struct redis_url expected)
{
    struct arena arena;
    struct redis_url url;
    struct error err;
    arena_init(&arena, 0);
    if (redis_url_parse(text, &arena, &url, &err))
        fail_msg("%s: %s", text, err.message);
    const char *const pairs[][2] = {{url.host, expected.host},         {url.port, expected.port},
                                    {url.path, expected.path},         {url.user, expected.user},
                                    {url.password, expected.password}, {url.place, expected.place}};
    for (size_t i = 0; i < COUNT_OF(pairs); i++) {
        assert_int_equal(pairs[i][0] == NULL, pairs[i][1] == NULL);
        if (pairs[i][0])
            assert_string_equal(pairs[i][0], pairs[i][1]);
    }
    assert_int_equal(url.database, expected.database);
    arena_release(&arena);
}

static void check_wrong(const char *text, const char *words)
{
    struct arena arena;
    struct redis_url url;
    struct error err;
    arena_init(&arena, 0);
    if (redis_url_parse(text, &arena, &url, &err) != STATUS_INVALID)
        fail_msg("%s is taken", text);
    if (!strstr(err.message, words))
        fail_msg("%s: \"%s\" does not say \"%s\"", text, err.message, words);
    assert_null(strstr(err.message, "s3cret"));
    arena_release(&arena);
}

static void host_port_and_database_are_taken_apart(void **state)
{
    (void)state;
    check("redis://localhost",
          (struct redis_url){.host = "localhost", .port = "6379", .place = "redis localhost:6379"});
    check("redis://localhost/",
          (struct redis_url){.host = "localhost", .port = "6379", .place = "redis localhost:6379"});
    check("redis://127.0.0.1:7000/12", (struct redis_url){.host = "127.0.0.1",
                                                          .port = "7000",
                                                          .database = 12,
                                                          .place = "redis 127.0.0.1:7000"});
    check("redis://[::1]:7000/1",
          (struct redis_url){
              .host = "::1", .port = "7000", .database = 1, .place = "redis [::1]:7000"});
    check("redis://[fe80::1]",
          (struct redis_url){.host = "fe80::1", .port = "6379", .place = "redis [fe80::1]:6379"});
}

static void user_and_password_are_taken_apart(void **state)
{
    (void)state;
    struct redis_url expected = {
        .host = "h", .port = "6379", .password = "s3cret", .place = "redis h:6379"};
    check("redis://:s3cret@h", expected);
    expected.user = "ann";
    check("redis://ann:s3cret@h", expected);
    expected.password = "a/b@c:d%";
    check("redis://ann:a%2fb%40c:d%25@h", expected);
    check("redis://ann:a/b@c:d%25@h/0", expected);
    expected.user = NULL;
    expected.password = NULL;
    check("redis://:@h", expected);
}

static void sockets_are_taken_apart(void **state)
{
    (void)state;
    struct redis_url expected = {.path = "/run/redis.sock", .place = "redis /run/redis.sock"};
    check("unix:///run/redis.sock", expected);
    check("redis+unix:///run/redis.sock", expected);
    expected.database = 4;
    check("unix:///run/redis.sock?db=4", expected);
    expected.user = "ann";
    expected.password = "s3cret";
    check("unix://ann:s3cret@/run/redis.sock?db=4", expected);
    check("unix:///a%20b", (struct redis_url){.path = "/a b", .place = "redis /a b"});
}

static void mistakes_are_named_without_the_password(void **state)
{
    (void)state;
    check_wrong("", "begins with none of");
    check_wrong("localhost:6379", "begins with none of");
    check_wrong("http://:s3cret@h", "begins with none of");
    check_wrong("REDIS://h", "begins with none of");
    check_wrong("rediss://:s3cret@h", "TLS");
    check_wrong("redis://", "no host");
    check_wrong("redis:///1", "no host");
    check_wrong("redis://:s3cret@", "no host");
    check_wrong("redis://:s3cret@:6379", "no host");
    check_wrong("redis://s3cret@h", "user:password or :password");
    check_wrong("redis://ann:@h", "no password");
    check_wrong("redis://:s3cret%4@h", "hexadecimal");
    check_wrong("redis://:s3cret%zz@h", "hexadecimal");
    check_wrong("redis://:s3cret%00@h", "hexadecimal");
    check_wrong("redis://:s3cret%@h", "hexadecimal");
    check_wrong("redis://h:", "port");
    check_wrong("redis://h:0", "port");
    check_wrong("redis://h:65536", "port");
    check_wrong("redis://h:s3cret", "port");
    check_wrong("redis://::1", "no host");
    check_wrong("redis://[::1", "without its ]");
    check_wrong("redis://[::1]7000", "after the ]");
    check_wrong("redis://[]:7000", "no host");
    check_wrong("redis://h/s3cret", "database");
    check_wrong("redis://h/-1", "database");
    check_wrong("redis://h/1/2", "database");
    check_wrong("redis://h/4294967296", "database");
    check_wrong("redis://h/1?password=s3cret", "database");
    check_wrong("unix://run/redis.sock", "whole path");
    check_wrong("unix://", "whole path");
    check_wrong("unix:///run/redis.sock?password=s3cret", "db=number");
    check_wrong("unix:///run/redis.sock?db=", "database");
    check_wrong("unix:///a234567890123456789012345678901234567890123456789012345678901234567890"
                "123456789012345678901234567890123456789012345678901234567890",
                "107 bytes");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(host_port_and_database_are_taken_apart),
        cmocka_unit_test(user_and_password_are_taken_apart),
        cmocka_unit_test(sockets_are_taken_apart),
        cmocka_unit_test(mistakes_are_named_without_the_password),
    };
    return cmocka_run_group_tests_name("redis url", tests, NULL, NULL);
}
