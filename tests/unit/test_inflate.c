/* test_inflate.c - compressed requests come out whole, or not at all. */
#include "server/inflate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <zlib.h>

#include <cmocka.h>

enum { TEXT_SIZE = 200 * 1000, GZIP = 15 + 16, ZLIB = 15 };

static uint8_t *make_text(void)
{
    uint8_t *text = malloc(TEXT_SIZE);
    assert_non_null(text);
    for (size_t i = 0; i < TEXT_SIZE; i++)
        text[i] = (uint8_t)(i * i / 7);
    return text;
}

static size_t compress_as(int format, const uint8_t *text, uint8_t *compressed, size_t room)
{
    z_stream stream = {.next_in = (Bytef *)(uintptr_t)text, .avail_in = TEXT_SIZE};
    assert_int_equal(deflateInit2(&stream, 6, Z_DEFLATED, format, 8, 0), Z_OK);
    stream.next_out = compressed;
    stream.avail_out = (uInt)room;
    assert_int_equal(deflate(&stream, Z_FINISH), Z_STREAM_END);
    deflateEnd(&stream);
    return stream.total_out;
}

static enum status inflate_to(struct bytes compressed, size_t max_size, const uint8_t *text)
{
    uint8_t *expanded;
    size_t size;
    struct error err;
    enum status status = inflate_message(compressed, max_size, &expanded, &size, &err);
    if (status) {
        assert_null(expanded);
        return status;
    }
    assert_int_equal(size, TEXT_SIZE);
    assert_memory_equal(expanded, text, TEXT_SIZE);
    free(expanded);
    return status;
}

static void both_formats_expand_up_to_the_limit_and_no_further(void **state)
{
    (void)state;
    static const int formats[] = {GZIP, ZLIB};
    uint8_t *text = make_text(), *compressed = malloc(2 * TEXT_SIZE);
    for (size_t i = 0; i < 2; i++) {
        size_t size = compress_as(formats[i], text, compressed, 2 * TEXT_SIZE);
        struct bytes bytes = {compressed, size};
        assert_int_equal(inflate_to(bytes, 10 * TEXT_SIZE, text), STATUS_OK);
        assert_int_equal(inflate_to(bytes, TEXT_SIZE, text), STATUS_OK);
        assert_int_equal(inflate_to(bytes, TEXT_SIZE - 1, text), STATUS_EXHAUSTED);
        assert_int_equal(inflate_to(bytes, 1, text), STATUS_EXHAUSTED);
        bytes.size--;
        assert_int_equal(inflate_to(bytes, TEXT_SIZE, text), STATUS_INVALID);
        compressed[size / 2] ^= 0xff;
        bytes.size++;
        assert_int_not_equal(inflate_to(bytes, 10 * TEXT_SIZE, text), STATUS_OK);
    }
    free(compressed);
    free(text);
}

static void what_was_never_compressed_is_refused(void **state)
{
    (void)state;
    assert_int_equal(inflate_to(bytes_of_text(""), 100, NULL), STATUS_INVALID);
    assert_int_equal(inflate_to(bytes_of_text("plain text"), 100, NULL), STATUS_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_formats_expand_up_to_the_limit_and_no_further),
        cmocka_unit_test(what_was_never_compressed_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
