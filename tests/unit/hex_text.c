/* hex_text.c - see hex_text.h. */
#include "hex_text.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

void check_hex(struct bytes bytes, const char *hex)
{
    struct buffer text;
    buffer_init(&text, 0);
    for (size_t i = 0; i < bytes.size; i++)
        buffer_printf(&text, "%s%02x", i ? " " : "", ((const uint8_t *)bytes.data)[i]);
    buffer_append_byte(&text, 0);
    assert_string_equal(text.data, hex);
    buffer_release(&text);
}
