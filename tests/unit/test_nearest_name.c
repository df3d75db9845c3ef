/* What somebody who wrote an unknown name probably meant. */
#include "config/place.h"

#include "base/bytes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

static void a_slip_of_the_hand_is_seen(void **state)
{
    (void)state;
    static const char *const names[] = {"features", "entities",   "source",
                                        "ttl",      "event_time", "airport_weather"};
    static const char *const slips[][2] = {
        {"feature", "features"},      {"fetaures", "features"},
        {"featurs", "features"},      {"Features", "features"},
        {"event-time", "event_time"}, {"EVENT TIME", "event_time"},
        {"eventtime", "event_time"},  {"tll", "ttl"},
        {"suorce", "source"},         {"sorces", "source"},
        {"entity", "entities"},       {"airprot_wether", "airport_weather"},
    };
    for (size_t i = 0; i < COUNT_OF(slips); i++) {
        const char *found = nearest_name(slips[i][0], names, COUNT_OF(names));
        if (i == 10) /* three letters of six are too many to be a slip */
            assert_null(found);
        else
            assert_string_equal(found, slips[i][1]);
    }
}

static void a_name_far_from_all_is_left_alone(void **state)
{
    (void)state;
    static const char *const names[] = {"features", "entities", "ttl"};
    assert_null(nearest_name("zebra", names, COUNT_OF(names)));
    assert_null(nearest_name("x", names, COUNT_OF(names)));
    assert_null(nearest_name("", names, COUNT_OF(names)));
    assert_null(nearest_name("features", names, 0));
}

static void the_nearest_of_several_is_taken(void **state)
{
    (void)state;
    static const char *const names[] = {"wand", "windy", "wind", "winds"};
    assert_string_equal(nearest_name("wimd", names, COUNT_OF(names)), "wind");
    assert_string_equal(nearest_name("Wind", names, COUNT_OF(names)), "wind");
}

/* Optimal string alignment, the plain way: the whole table. */
static size_t plain_distance(const char *a, const char *b)
{
    size_t n = strlen(a), m = strlen(b), table[16][16];
    for (size_t i = 0; i <= n; i++)
        for (size_t j = 0; j <= m; j++) {
            if (i == 0 || j == 0) {
                table[i][j] = i + j;
                continue;
            }
            size_t least = table[i - 1][j - 1] + (a[i - 1] != b[j - 1]);
            least = table[i - 1][j] + 1 < least ? table[i - 1][j] + 1 : least;
            least = table[i][j - 1] + 1 < least ? table[i][j - 1] + 1 : least;
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
                table[i - 2][j - 2] + 1 < least)
                least = table[i - 2][j - 2] + 1;
            table[i][j] = least;
        }
    return table[n][m];
}

static void random_name(char *name)
{
    size_t length = 1 + (size_t)rand() % 12;
    for (size_t i = 0; i < length; i++)
        name[i] = (char)('a' + rand() % 3);
    name[length] = '\0';
}

static void the_band_finds_what_the_whole_table_finds(void **state)
{
    (void)state;
    srand(7);
    for (int round = 0; round < 200000; round++) {
        char a[16], b[16];
        random_name(a);
        random_name(b);
        size_t length = strlen(a), limit = length / 3 > 2 ? length / 3 : 2;
        limit = limit < length - 1 ? limit : length - 1;
        const char *const candidates[] = {b};
        bool near = plain_distance(a, b) <= limit;
        if (near != (nearest_name(a, candidates, 1) != NULL))
            fail_msg("%s and %s are%s near", a, b, near ? "" : " not");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_slip_of_the_hand_is_seen),
        cmocka_unit_test(a_name_far_from_all_is_left_alone),
        cmocka_unit_test(the_nearest_of_several_is_taken),
        cmocka_unit_test(the_band_finds_what_the_whole_table_finds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
