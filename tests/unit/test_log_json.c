/* test_log_json.c - a line of the log as JSON: base/log_json.h. */
#include "base/log_json.h"

#include "base/log.h"

#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { SIZE = 4096 };

static void check(const char *message, const char *fields, const char *expected)
{
    char line[SIZE];
    size_t size = log_json_line(line, sizeof line - 1, "T", "info", message, fields);
    line[size] = '\0';
    assert_string_equal(line, expected);
}

static void a_line_is_an_object_of_strings(void **state)
{
    (void)state;
    check("serving", "", "{\"time\":\"T\",\"level\":\"info\",\"msg\":\"serving\"}");
    check("serving", "address=[::1]:6566 workers=2 text=\"two words\"",
          "{\"time\":\"T\",\"level\":\"info\",\"msg\":\"serving\",\"address\":\"[::1]:6566\","
          "\"workers\":\"2\",\"text\":\"two words\"}");
}

static void what_json_cannot_hold_is_escaped(void **state)
{
    (void)state;
    check("a \"b\" \\ \n\r\t\b\f\x01\x1f\x7f", "",
          "{\"time\":\"T\",\"level\":\"info\",\"msg\":\"a \\\"b\\\" \\\\ "
          "\\n\\r\\t\\b\\f\\u0001\\u001f\x7f\"}");
    check("\xc3\xa9 \xff \xc3 \xed\xa0\x80 \xf0\x9f\x98\x80 \xf0\x9f", "",
          "{\"time\":\"T\",\"level\":\"info\",\"msg\":\"\xc3\xa9 \xef\xbf\xbd \xef\xbf\xbd "
          "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd \xf0\x9f\x98\x80 \xef\xbf\xbd\xef\xbf\xbd\"}");
}

static void a_quoted_field_is_what_it_was(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "plain", "", "a b", "a=b", "say \"hi\"\\", "\x07\x7f\n\r\t", "\\n \\x41", "\xc3\xa9"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        char quoted[64], fields[128], line[SIZE];
        snprintf(fields, sizeof fields, "before=1 text=%s after=2",
                 log_quote(texts[i], quoted, sizeof quoted));
        size_t size = log_json_line(line, sizeof line, "T", "info", "m", fields);
        json_t *json = json_loadb(line, size, 0, NULL);
        assert_non_null(json);
        assert_string_equal(json_string_value(json_object_get(json, "text")), texts[i]);
        assert_string_equal(json_string_value(json_object_get(json, "after")), "2");
        json_decref(json);
    }
}

/* Whatever comes, and however little room there is, it is one object in one line. */
static void any_line_is_valid_json(void **state)
{
    (void)state;
    static const char letters[] = "\"\\= \n\x01\x7f\xc3\xa9\xff\xf0\x9f\x98\x80xn1a\"";
    uint32_t random = 1;
    for (int round = 0; round < 20000; round++) {
        char message[40], fields[200], line[SIZE];
        char *texts[] = {message, fields};
        size_t sizes[] = {sizeof message, sizeof fields};
        for (size_t t = 0; t < 2; t++) {
            size_t size = (random = random * 1103515245 + 12345) / 65536 % sizes[t];
            for (size_t i = 0; i < size; i++)
                texts[t][i] =
                    letters[(random = random * 1103515245 + 12345) / 65536 % (sizeof letters - 1)];
            texts[t][size] = '\0';
        }
        size_t room = LOG_JSON_MIN + (size_t)round % 200;
        size_t size = log_json_line(line, room, "T", "info", message, fields);
        assert_true(size <= room);
        json_error_t error;
        json_t *json = json_loadb(line, size, JSON_ALLOW_NUL, &error);
        if (!json)
            fail_msg("%s: %.*s", error.text, (int)size, line);
        assert_non_null(json_object_get(json, "msg"));
        assert_null(memchr(line, '\n', size));
        json_decref(json);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_is_an_object_of_strings),
        cmocka_unit_test(what_json_cannot_hold_is_escaped),
        cmocka_unit_test(a_quoted_field_is_what_it_was),
        cmocka_unit_test(any_line_is_valid_json),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
