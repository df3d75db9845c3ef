/* buffer.c - see buffer.h. */
#include "base/buffer.h"

#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { CAPACITY_FIRST = 64 };

void buffer_init(struct buffer *buffer, size_t max_size)
{
    *buffer = (struct buffer){.max_size = max_size};
}

void buffer_release(struct buffer *buffer)
{
    if (!buffer)
        return;
    free(buffer->data);
    *buffer = (struct buffer){.max_size = buffer->max_size};
}

static void grow(struct buffer *buffer, size_t needed)
{
    size_t capacity = buffer->capacity > SIZE_MAX / 2 ? needed : buffer->capacity * 2;
    if (capacity < CAPACITY_FIRST)
        capacity = CAPACITY_FIRST;
    if (capacity < needed)
        capacity = needed;
    uint8_t *data = realloc(buffer->data, capacity);
    if (!data)
        out_of_memory();
    buffer->data = data;
    buffer->capacity = capacity;
}

uint8_t *buffer_reserve(struct buffer *buffer, size_t size)
{
    size_t needed;
    if (buffer->overflow)
        return NULL;
    if (__builtin_add_overflow(buffer->size, size, &needed))
        out_of_memory();
    if (buffer->max_size > 0 && needed > buffer->max_size) {
        buffer->overflow = true;
        return NULL;
    }
    if (needed > buffer->capacity || !buffer->data)
        grow(buffer, needed);
    return buffer->data + buffer->size;
}

void buffer_append(struct buffer *buffer, const void *data, size_t size)
{
    uint8_t *room = buffer_reserve(buffer, size);
    if (!room || size == 0)
        return;
    memcpy(room, data, size);
    buffer->size += size;
}

void buffer_append_byte(struct buffer *buffer, uint8_t byte)
{
    buffer_append(buffer, &byte, 1);
}

void buffer_append_text(struct buffer *buffer, const char *text)
{
    buffer_append(buffer, text, strlen(text));
}

void buffer_printf(struct buffer *buffer, const char *format, ...)
{
    char brief[256];
    va_list args;
    va_start(args, format);
    int length = vsnprintf(brief, sizeof brief, format, args);
    va_end(args);
    if (length < 0)
        out_of_memory(); /* the one way in which our formats can fail */
    if ((size_t)length < sizeof brief) {
        buffer_append(buffer, brief, (size_t)length);
        return;
    }
    char *text = malloc((size_t)length + 1);
    if (!text)
        out_of_memory();
    va_start(args, format);
    vsnprintf(text, (size_t)length + 1, format, args);
    va_end(args);
    buffer_append(buffer, text, (size_t)length);
    free(text);
}
