/* Memory that lives as long as a request: base/arena.h. */
#include "base/arena.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void memory_is_aligned_and_apart(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 0);
    uint8_t *pieces[2000];
    for (size_t i = 0; i < COUNT_OF(pieces); i++) {
        pieces[i] = arena_alloc(&arena, i % 37);
        assert_true((uintptr_t)pieces[i] % _Alignof(max_align_t) == 0);
        memset(pieces[i], (int)(i % 251), i % 37);
    }
    for (size_t i = 0; i < COUNT_OF(pieces); i++)
        for (size_t j = 0; j < i % 37; j++)
            assert_int_equal(pieces[i][j], i % 251);
    arena_release(&arena);
}

static void pieces_of_no_size_differ(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 0);
    void *first = arena_alloc(&arena, 0);
    assert_non_null(first);
    assert_ptr_not_equal(first, arena_alloc(&arena, 0));
    arena_release(&arena);
}

static void steady_use_gets_the_same_memory_again(void **state)
{
    (void)state;
    struct arena arena;
    void *first_round[3] = {NULL};
    arena_init(&arena, 0);
    for (int round = 0; round < 10; round++) {
        void *pieces[] = {arena_alloc(&arena, 100), arena_alloc(&arena, 20000),
                          arena_alloc(&arena, 60000)};
        if (round == 0)
            memcpy(first_round, pieces, sizeof pieces);
        assert_memory_equal(first_round, pieces, sizeof pieces);
        arena_reset(&arena);
        assert_int_equal(arena.used_bytes, 0);
    }
    arena_release(&arena);
}

static void reset_gives_back_what_is_over_the_limit(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 16 * 1024);
    memset(arena_alloc(&arena, 5 * 1024 * 1024), 1, 5 * 1024 * 1024);
    arena_reset(&arena);
    assert_null(arena.first);
    assert_non_null(arena_alloc(&arena, 10));
    arena_reset(&arena);
    assert_non_null(arena.first);
    arena_release(&arena);
    arena_release(&arena);
}

static void a_zeroed_arena_can_be_released_and_used(void **state)
{
    (void)state;
    struct arena arena = {0};
    arena_release(&arena);
    assert_string_equal(arena_text(&arena, "used"), "used");
    arena_reset(&arena);
    arena_release(&arena);
}

static void arrays_are_clear_even_in_used_memory(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 0);
    memset(arena_alloc(&arena, 4000), 0xff, 4000);
    arena_reset(&arena);
    const uint8_t *array = arena_array(&arena, 1000, 4);
    for (size_t i = 0; i < 4000; i++)
        assert_int_equal(array[i], 0);
    arena_release(&arena);
}

static void texts_are_copies(void **state)
{
    (void)state;
    struct arena arena;
    char text[] = "larder";
    arena_init(&arena, 0);
    const char *copy = arena_text(&arena, text);
    const char *part = arena_text_of(&arena, (struct bytes){text + 1, 3});
    struct bytes bytes = arena_bytes(&arena, (struct bytes){text, 3});
    memset(text, 'x', sizeof text - 1);
    assert_string_equal(copy, "larder");
    assert_string_equal(part, "ard");
    assert_true(bytes_equal(bytes, bytes_of_text("lar")));
    assert_null(arena_text(&arena, NULL));
    assert_null(arena_bytes(&arena, (struct bytes){NULL, 0}).data);
    assert_non_null(arena_bytes(&arena, (struct bytes){text, 0}).data);
    assert_string_equal(arena_text_of(&arena, (struct bytes){NULL, 0}), "");
    assert_string_equal(arena_joined(&arena, copy, "__", part), "larder__ard");
    assert_string_equal(arena_joined(&arena, "", "", ""), "");
    arena_release(&arena);
}

static void formatted_text_may_be_long(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 0);
    const char *text = arena_printf(&arena, "%0*d|%s", 100000, 7, "end");
    assert_int_equal(strlen(text), 100004);
    assert_string_equal(text + 99999, "7|end");
    arena_release(&arena);
}

static void a_growing_array_keeps_its_elements(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 0);
    int *numbers = NULL;
    size_t capacity = 0;
    for (size_t count = 0; count < 10000; count++) {
        numbers = arena_grow(&arena, numbers, count, &capacity, count + 1, sizeof *numbers);
        assert_true(capacity > count);
        numbers[count] = (int)count;
    }
    for (int i = 0; i < 10000; i++)
        assert_int_equal(numbers[i], i);
    assert_true(arena.used_bytes < 4 * 10000 * sizeof *numbers);
    arena_release(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_is_aligned_and_apart),
        cmocka_unit_test(pieces_of_no_size_differ),
        cmocka_unit_test(steady_use_gets_the_same_memory_again),
        cmocka_unit_test(reset_gives_back_what_is_over_the_limit),
        cmocka_unit_test(a_zeroed_arena_can_be_released_and_used),
        cmocka_unit_test(arrays_are_clear_even_in_used_memory),
        cmocka_unit_test(texts_are_copies),
        cmocka_unit_test(formatted_text_may_be_long),
        cmocka_unit_test(a_growing_array_keeps_its_elements),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
