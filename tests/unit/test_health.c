/* test_health.c - what is serving, and what is not. */
#include "server/control/health.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

static enum health_subject subject_of(const char *request, size_t size)
{
    struct error err;
    enum health_subject subject;
    assert_int_equal(health_read((struct bytes){request, size}, &subject, &err), STATUS_OK);
    return subject;
}

static void names_are_known_or_not(void **state)
{
    (void)state;
    assert_int_equal(subject_of("", 0), HEALTH_OF_PROCESS);
    assert_int_equal(subject_of("\x0a\x18larder.v1.FeatureService", 26), HEALTH_OF_FEATURES);
    assert_int_equal(subject_of("\x0a\x06nobody", 8), HEALTH_OF_NOTHING);
    enum health_subject subject;
    assert_int_equal(health_read((struct bytes){"\x0a\x09", 2}, &subject, NULL), STATUS_INVALID);
}

static void features_need_the_store_and_the_process_does_not(void **state)
{
    (void)state;
    assert_int_equal(health_of(HEALTH_OF_FEATURES, STORE_READY, false), HEALTH_SERVING);
    assert_int_equal(health_of(HEALTH_OF_FEATURES, STORE_AWAY, false), HEALTH_NOT_SERVING);
    assert_int_equal(health_of(HEALTH_OF_FEATURES, STORE_FOREIGN, false), HEALTH_NOT_SERVING);
    assert_int_equal(health_of(HEALTH_OF_PROCESS, STORE_AWAY, false), HEALTH_SERVING);
    assert_int_equal(health_of(HEALTH_OF_PROCESS, STORE_READY, true), HEALTH_NOT_SERVING);
    assert_int_equal(health_of(HEALTH_OF_NOTHING, STORE_READY, false), HEALTH_SERVICE_UNKNOWN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_known_or_not),
        cmocka_unit_test(features_need_the_store_and_the_process_does_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
