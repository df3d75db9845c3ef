/* test_sdk_pool.c - memory that reports its end. */
#include "sdk/c/pool.h"
#include "tests/unit/failing_memory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void allocations_do_not_overlap_and_are_aligned(void **state)
{
    (void)state;
    struct larder_pool pool = {0};
    unsigned char *all[300];
    for (size_t i = 0; i < 300; i++) {
        all[i] = larder_pool_alloc(&pool, i * 7);
        assert_non_null(all[i]);
        assert_int_equal((uintptr_t)all[i] % _Alignof(max_align_t), 0);
        memset(all[i], (int)(i & 0xFF), i * 7);
    }
    for (size_t i = 0; i < 300; i++)
        for (size_t at = 0; at < i * 7; at++)
            assert_int_equal(all[i][at], i & 0xFF);
    larder_pool_release(&pool);
}

static void arrays_are_zero_and_never_overflow(void **state)
{
    (void)state;
    struct larder_pool pool = {0};
    memset(larder_pool_alloc(&pool, 1000), 0xFF, 1000);
    larder_pool_clear(&pool);
    uint64_t *zeros = larder_pool_array(&pool, 100, sizeof *zeros);
    for (size_t i = 0; i < 100; i++)
        assert_int_equal(zeros[i], 0);
    assert_null(larder_pool_array(&pool, SIZE_MAX / 4, 8));
    assert_true(pool.exhausted);
    assert_null(larder_pool_alloc(&pool, SIZE_MAX));
    assert_null(larder_pool_alloc(&pool, SIZE_MAX - 8));
    larder_pool_release(&pool);
}

static void clearing_keeps_the_memory_for_what_comes_next(void **state)
{
    (void)state;
    struct larder_pool pool = {0};
    for (int i = 0; i < 100; i++)
        assert_non_null(larder_pool_alloc(&pool, 1000));
    larder_pool_clear(&pool);
    failing_memory_from(1);
    void *again = larder_pool_alloc(&pool, 10000);
    assert_false(failing_memory_end());
    assert_non_null(again);
    larder_pool_release(&pool);
}

static void the_end_of_memory_is_told_and_survived(void **state)
{
    (void)state;
    struct larder_pool pool = {0};
    failing_memory_from(1);
    assert_null(larder_pool_text(&pool, "text", 4));
    assert_true(failing_memory_end());
    assert_true(pool.exhausted);
    assert_string_equal(larder_pool_text(&pool, "text", 4), "text");
    larder_pool_release(&pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(allocations_do_not_overlap_and_are_aligned),
        cmocka_unit_test(arrays_are_zero_and_never_overflow),
        cmocka_unit_test(clearing_keeps_the_memory_for_what_comes_next),
        cmocka_unit_test(the_end_of_memory_is_told_and_survived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
