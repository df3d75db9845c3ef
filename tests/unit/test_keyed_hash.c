/* A hash under a secret: base/keyed_hash.h. */
#include "base/keyed_hash.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* What Python 3.11 says of the bytes 0, 1, 2, ... under PYTHONHASHSEED=0, a secret of zeros. */
static void it_is_siphash_1_3(void **state)
{
    (void)state;
    static const struct {
        size_t size;
        uint64_t hash;
    } cases[] = {
        {1, UINT64_C(0x68a914128e01e473)},   {7, UINT64_C(0x2f098ab0c751325a)},
        {8, UINT64_C(0xead411e67ebe2eea)},   {9, UINT64_C(0x75927f9d95124362)},
        {15, UINT64_C(0xf30eb725bb91c9ea)},  {16, UINT64_C(0x8972188433a5c5b7)},
        {17, UINT64_C(0x4883c49a2c009c1d)},  {40, UINT64_C(0x95bc321ab41d8206)},
        {480, UINT64_C(0x7405edccdb76d488)},
    };
    static const struct hash_secret zeros;
    uint8_t bytes[480];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)i;
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        assert_true(keyed_hash(&zeros, (struct bytes){bytes, cases[i].size}) == cases[i].hash);
}

static void another_secret_is_another_hash(void **state)
{
    (void)state;
    struct hash_secret one = hash_secret_draw(), other = hash_secret_draw();
    struct bytes key = bytes_of_text("driver=7");
    assert_true(keyed_hash(&one, key) != keyed_hash(&other, key));
    assert_true(keyed_hash(&one, key) == keyed_hash(&one, bytes_of_text("driver=7")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_siphash_1_3),
        cmocka_unit_test(another_secret_is_another_hash),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
