/* Urls as they may be shown: the password of any kind of url, and of what is none, is hidden. */
#include "config/settings.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

struct shown {
    const char *url, *expected;
};

static void check(const struct shown *cases, size_t count)
{
    struct arena arena;
    arena_init(&arena, 0);
    size_t different = 0;
    for (size_t i = 0; i < count; i++) {
        const char *found = url_without_secret(cases[i].url, &arena);
        if (strcmp(found, cases[i].expected) != 0) {
            print_error("%s\nis shown as %s\nnot as      %s\n", cases[i].url, found,
                        cases[i].expected);
            different++;
        }
        /* In all of these cases the password is made of these letters. */
        assert_null(strstr(found, "SEC"));
        assert_null(strstr(found, "RET"));
    }
    arena_release(&arena);
    assert_int_equal(different, 0);
}

static void urls_show_all_but_their_password(void **state)
{
    (void)state;
    static const struct shown cases[] = {
        {"postgresql://localhost/flights", "postgresql://localhost/flights"},
        {"postgresql://user@host:5432/db?sslmode=require",
         "postgresql://user@host:5432/db?sslmode=require"},
        {"postgresql://user:SECRET@host/db", "postgresql://user:***@host/db"},
        {"postgresql://user:SEC%2FRET@h1:1,h2:2/db", "postgresql://user:***@h1:1,h2:2/db"},
        {"postgresql://user:SECRET@host/db?password=SECRET&application_name=x",
         "postgresql://user:***@host/db?password=***&application_name=x"},
        {"postgresql:///db?host=/run&pass%77ord=SECRET",
         "postgresql:///db?host=/run&pass%77ord=***"},
        {"postgresql://host/db?sslpassword=SECRET", "postgresql://host/db?sslpassword=***"},
        {"redis://localhost:6379/0", "redis://localhost:6379/0"},
        {"redis://:SECRET@localhost:6379/0", "redis://:***@localhost:6379/0"},
        {"redis://user:SECRET@localhost", "redis://user:***@localhost"},
        {"redis://SECRET@localhost", "redis://***@localhost"},
        {"unix:///run/redis.sock?db=3&password=SECRET", "unix:///run/redis.sock?db=3&password=***"},
    };
    check(cases, COUNT_OF(cases));
}

static void urls_that_are_malformed_hide_more_rather_than_less(void **state)
{
    (void)state;
    static const struct shown cases[] = {
        {"postgresql://user:SEC@RET@host/db", "postgresql://user:***@host/db"},
        {"postgresql://user:SEC/RET@host/db", "postgresql://user:***@host/db"},
        {"postgresql://user:SEC#RET@host/db", "postgresql://user:***@host/db"},
        {"postgresql://user:SEC?RET@host/db", "postgresql://user:***"},
        {"postgresql://user@host:5432/db?password=SEC@RET", "postgresql://user@host:***"},
        {"postgresql://user@host/db?password=SEC@RET", "postgresql://user@host/db?***"},
        {"postgres:/user:SECRET@host/db", "postgres:***@host/db"},
        {"user:SECRET@host/db", "user:***@host/db"},
        {"redis://SEC?RET@host", "redis://***"},
        {"postgresql://user:SECRET", "postgresql://user:***"},
        {"", ""},
        {"localhost", "localhost"},
    };
    check(cases, COUNT_OF(cases));
}

static void keywords_show_all_but_their_password(void **state)
{
    (void)state;
    static const struct shown cases[] = {
        {"host=x password='SEC RET' user=y", "host=x password=*** user=y"},
        {"host = x password = SECRET dbname = d", "host = x password = *** dbname = d"},
        {"password='SEC\\'RET' host=x", "password=*** host=x"},
        {"password=SEC\\ RET host=x", "password=*** host=x"},
        {"PASSWORD=SECRET", "PASSWORD=***"},
        {"host='x password=SECRET", "host=***"},
        {"host=x password SECRET", "host=x ***"},
        {"host=x password='SECRET", "host=x password=***"},
        {"dbname='postgresql://u:SECRET@h/d' user=y", "dbname=*** user=y"},
        {"host='a b' user=''", "host='a b' user=''"},
    };
    check(cases, COUNT_OF(cases));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(urls_show_all_but_their_password),
        cmocka_unit_test(urls_that_are_malformed_hide_more_rather_than_less),
        cmocka_unit_test(keywords_show_all_but_their_password),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
