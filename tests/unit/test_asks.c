/* test_asks.c - the rows that ask for a training set. */
#include "base/buffer.h"
#include "base/value_text.h"
#include "training/formats/asks.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

static const struct asked_key keys[] = {{"k", TYPE_INT64}, {"name", TYPE_STRING}};
static const struct selection selection = {.keys = keys, .key_count = 2};

/* Reads the whole text twice, as a training set does; returns the rows, or -1 with the message. */
static int read_all(const char *text, struct error *err)
{
    char path[] = "/tmp/larder-asks-test-XXXXXX";
    int descriptor = mkstemp(path);
    assert_true(write(descriptor, text, strlen(text)) == (ssize_t)strlen(text));
    close(descriptor);
    struct asks *asks;
    const struct ask *ask = NULL;
    int rows = 0;
    enum status status = asks_open(path, &selection, true, NULL, &asks, err);
    for (int reading = 0; reading < 2 && !status; reading++) {
        while (!(status = asks_next(asks, &ask, err)) && ask)
            rows++;
        if (!status)
            status = asks_rewind(asks, err);
    }
    asks_close(asks);
    unlink(path);
    return status ? -1 : rows / 2;
}

static void check_refused(const char *text, const char *place, const char *words)
{
    struct error err;
    assert_int_equal(read_all(text, &err), -1);
    assert_int_equal(err.status, STATUS_INVALID);
    if (!strstr(err.message, place) || !strstr(err.message, words))
        fail_msg("\"%s\" lacks \"%s\" or \"%s\"", err.message, place, words);
}

static void rows_are_read_twice_alike(void **unused)
{
    (void)unused;
    struct error err;
    assert_int_equal(read_all("name,label,event_timestamp,k\n"
                              "a,1,2020-01-01T00:00:00Z,1\n"
                              ",,2020-01-01 01:00:00+02:00,\n",
                              &err),
                     2);
    assert_int_equal(read_all("k,name,event_timestamp\n", &err), 0);
}

static void mistakes_are_told_with_their_place(void **unused)
{
    (void)unused;
    check_refused("", "", "empty");
    check_refused("k,nmae,event_timestamp\n", ":1:1:", "did you mean \"nmae\"?");
    check_refused("k,name\n", ":1:1:", "event_timestamp");
    check_refused("k,name,k,event_timestamp\n", ":1:8:", "twice");
    check_refused("k,name,event_timestamp\n1,a,soon\n", ":2:5:", "event_timestamp");
    check_refused("k,name,event_timestamp\n1,a,\n", ":2:5:", "empty");
    check_refused("k,name,event_timestamp\nx,a,2020-01-01\n", ":2:1:", "k");
    check_refused("k,name,event_timestamp\n1,a\n", ":2:", "short");
    check_refused("k,name,event_timestamp\n1,\"a,2020-01-01\n", ":2:3:", "quote");
}

/* What the second reading gives of columns that pass through. */
static void check_cells(const char *text, bool as_text, const char *types)
{
    char path[] = "/tmp/larder-asks-test-XXXXXX";
    int descriptor = mkstemp(path);
    assert_true(write(descriptor, text, strlen(text)) == (ssize_t)strlen(text));
    close(descriptor);
    struct asks *asks;
    const struct ask *ask = NULL;
    struct buffer said;
    buffer_init(&said, 0);
    assert_int_equal(asks_open(path, &selection, as_text, NULL, &asks, NULL), STATUS_OK);
    while (asks_next(asks, &ask, NULL) == STATUS_OK && ask)
        continue;
    for (size_t i = 0; i < asks_column_count(asks); i++)
        buffer_printf(&said, "%s%s", i ? " " : "", type_name(asks_column_type(asks, i)));
    assert_int_equal(asks_rewind(asks, NULL), STATUS_OK);
    while (asks_next(asks, &ask, NULL) == STATUS_OK && ask) {
        buffer_append_text(&said, " |");
        for (size_t i = 0; i < asks_column_count(asks); i++) {
            buffer_append_byte(&said, ' ');
            if (!ask->cells[i].is_null)
                value_format(&ask->cells[i], &said);
        }
    }
    buffer_append_byte(&said, 0);
    assert_string_equal((const char *)said.data, types);
    buffer_release(&said);
    asks_close(asks);
    unlink(path);
}

static void cells_pass_through_as_they_stood_or_by_their_types(void **unused)
{
    (void)unused;
    static const char text[] = "late,k,zip,event_timestamp,share,name\n"
                               "True,1,007,2020-01-01,1,a\n"
                               ",,,2020-01-02,0.5,\n";
    check_cells(text, true,
                "string string string string string string"
                " | True 1 007 2020-01-01 1 a |    2020-01-02 0.5 ");
    check_cells(
        text, false,
        "bool int64 string timestamp float64 string"
        " | true 1 007 2020-01-01T00:00:00.000000Z 1 a |    2020-01-02T00:00:00.000000Z 0.5 ");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cells_pass_through_as_they_stood_or_by_their_types),
        cmocka_unit_test(rows_are_read_twice_alike),
        cmocka_unit_test(mistakes_are_told_with_their_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
