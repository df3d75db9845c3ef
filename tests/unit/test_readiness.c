/* test_readiness.c - what /readyz says of what is known: server/http/readiness.h. */
#include "server/http/readiness.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct reload_facts loaded(void)
{
    return (struct reload_facts){.is_loaded = true, .version = 7};
}

static void check(enum server_phase phase, const struct reload_facts *facts, enum store_state store,
                  bool ignores_rebuilds, bool is_ready, const char *expected)
{
    struct buffer text;
    buffer_init(&text, 0);
    assert_int_equal(readiness_write(phase, facts, store, ignores_rebuilds, &text), is_ready);
    buffer_append_byte(&text, '\0');
    assert_string_equal((const char *)text.data, expected);
    buffer_release(&text);
}

static void one_that_serves_is_ready(void **state)
{
    (void)state;
    struct reload_facts facts = loaded();
    check(SERVER_SERVING, &facts, STORE_READY, false, true, "ready\n");
}

static void each_reason_has_a_line(void **state)
{
    (void)state;
    struct reload_facts facts = {.is_registry_away = true};
    check(SERVER_STARTING, &facts, STORE_AWAY, false, false,
          "definitions: neither the registry nor the online store gives any; the log says why\n"
          "online store: it is away; the log says why\n");
    facts = loaded();
    check(SERVER_STOPPING, &facts, STORE_AWAY, false, false,
          "online store: it is away; the log says why\nserver: it is stopping\n");
}

static void a_start_is_a_reason_where_nothing_else_is(void **state)
{
    (void)state;
    struct reload_facts facts = {0};
    check(SERVER_STARTING, &facts, STORE_UNKNOWN, false, false, "definitions: not loaded yet\n");
    facts = loaded();
    check(SERVER_STARTING, &facts, STORE_READY, false, false, "server: it is starting\n");
}

static void a_registry_that_is_away_is_a_note(void **state)
{
    (void)state;
    struct reload_facts facts = loaded();
    facts.is_registry_away = true;
    check(SERVER_SERVING, &facts, STORE_READY, false, true,
          "ready\nnote: the registry cannot be read: version 7 of the definitions stays, as it was "
          "read before\n");
}

static void many_rebuilds_are_counted(void **state)
{
    (void)state;
    struct buffer text;
    struct reload_facts facts = loaded();
    facts.rebuild_count = RELOAD_REBUILDS_NAMED + 3;
    for (int i = 0; i < RELOAD_REBUILDS_NAMED; i++)
        snprintf(facts.rebuilds[i], sizeof facts.rebuilds[i], "view_%d", i);
    buffer_init(&text, 0);
    assert_false(readiness_write(SERVER_SERVING, &facts, STORE_READY, false, &text));
    buffer_append_byte(&text, '\0');
    size_t lines = 0;
    for (const uint8_t *at = text.data; *at; at++)
        lines += *at == '\n';
    assert_int_equal(lines, RELOAD_REBUILDS_NAMED + 1);
    assert_non_null(strstr((const char *)text.data, "\nand 3 more feature views to be rebuilt\n"));
    buffer_clear(&text);
    assert_true(readiness_write(SERVER_SERVING, &facts, STORE_READY, true, &text));
    buffer_release(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_that_serves_is_ready),
        cmocka_unit_test(each_reason_has_a_line),
        cmocka_unit_test(a_start_is_a_reason_where_nothing_else_is),
        cmocka_unit_test(a_registry_that_is_away_is_a_note),
        cmocka_unit_test(many_rebuilds_are_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
