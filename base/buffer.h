/*
 * buffer.h - bytes that grow at the end: what encoders write into.
 *
 * The owner calls buffer_release. A maximum may be set; a write past it sets `overflow` and writes
 * nothing more, so an encoder checks once, at its end. Out of memory ends the process. One thread.
 */
#ifndef LARDER_BASE_BUFFER_H
#define LARDER_BASE_BUFFER_H

#include "base/bytes.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buffer {
    uint8_t *data;
    size_t size;
    size_t capacity;
    size_t max_size; /* 0: no maximum */
    bool overflow;
};

void buffer_init(struct buffer *buffer, size_t max_size);
void buffer_release(struct buffer *buffer);
static inline void buffer_clear(struct buffer *buffer)
{
    buffer->size = 0;
    buffer->overflow = false;
}
static inline struct bytes buffer_bytes(const struct buffer *buffer)
{
    return (struct bytes){buffer->data ? (const void *)buffer->data : "", buffer->size};
}

/* Makes room for size more bytes at the end and returns where they begin (not yet counted in size);
 * NULL after overflow. Then `buffer->size += what was written`. */
uint8_t *buffer_reserve(struct buffer *buffer, size_t size);
void buffer_append(struct buffer *buffer, const void *data, size_t size);
void buffer_append_byte(struct buffer *buffer, uint8_t byte);
void buffer_append_text(struct buffer *buffer, const char *text);
void buffer_printf(struct buffer *buffer, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
