/* Bytes that grow at the end: base/buffer.h. */
#include "base/buffer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void check_holds(const struct buffer *buffer, const char *text)
{
    assert_int_equal(buffer->size, strlen(text));
    assert_memory_equal(buffer_bytes(buffer).data, text, buffer->size);
}

static void pieces_stand_one_behind_the_other(void **state)
{
    (void)state;
    struct buffer buffer;
    buffer_init(&buffer, 0);
    buffer_append_text(&buffer, "one");
    buffer_append_byte(&buffer, ',');
    buffer_append(&buffer, "two,more", 4);
    buffer_printf(&buffer, "%d", 3);
    check_holds(&buffer, "one,two,3");
    buffer_clear(&buffer);
    check_holds(&buffer, "");
    buffer_release(&buffer);
    buffer_release(&buffer);
    buffer_release(NULL);
}

static void an_empty_buffer_is_empty_and_not_absent(void **state)
{
    (void)state;
    struct buffer buffer;
    buffer_init(&buffer, 0);
    assert_non_null(buffer_bytes(&buffer).data);
    buffer_append(&buffer, NULL, 0);
    assert_int_equal(buffer.size, 0);
    assert_non_null(buffer_reserve(&buffer, 0));
    buffer_release(&buffer);
}

static void reserved_room_counts_when_it_is_filled(void **state)
{
    (void)state;
    struct buffer buffer;
    buffer_init(&buffer, 0);
    buffer_append_text(&buffer, "ab");
    uint8_t *room = buffer_reserve(&buffer, 1000);
    memset(room, 'c', 1000);
    assert_int_equal(buffer.size, 2);
    buffer.size += 1;
    check_holds(&buffer, "abc");
    buffer_release(&buffer);
}

static void a_write_past_the_maximum_is_dropped_with_all_that_follow(void **state)
{
    (void)state;
    struct buffer buffer;
    buffer_init(&buffer, 4);
    buffer_append_text(&buffer, "abc");
    buffer_append_text(&buffer, "de");
    buffer_append_byte(&buffer, 'f'); /* would fit, but what stands before it does not */
    assert_true(buffer.overflow);
    assert_null(buffer_reserve(&buffer, 0));
    check_holds(&buffer, "abc");
    buffer_clear(&buffer);
    buffer_append_text(&buffer, "full");
    assert_false(buffer.overflow);
    check_holds(&buffer, "full");
    buffer_release(&buffer);
}

static void formatted_text_may_be_long(void **state)
{
    (void)state;
    struct buffer buffer;
    buffer_init(&buffer, 0);
    for (int width = 250; width < 262; width++) {
        buffer_clear(&buffer);
        buffer_printf(&buffer, "%0*d", width, 9);
        assert_int_equal(buffer.size, width);
        assert_int_equal(buffer.data[width - 1], '9');
    }
    buffer_release(&buffer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pieces_stand_one_behind_the_other),
        cmocka_unit_test(an_empty_buffer_is_empty_and_not_absent),
        cmocka_unit_test(reserved_room_counts_when_it_is_filled),
        cmocka_unit_test(a_write_past_the_maximum_is_dropped_with_all_that_follow),
        cmocka_unit_test(formatted_text_may_be_long),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
