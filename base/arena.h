/*
 * arena.h - memory that lives as long as a request, a batch or a loaded document.
 *
 * Allocation moves a pointer; nothing is freed alone; reset or release frees all at once. Reset
 * keeps the first blocks (up to `keep_bytes`), so that a worker in steady state never calls malloc.
 * Used by one thread at a time. Out of memory ends the process (error.h).
 *
 * Memory is aligned for any type. arena_alloc leaves it uninitialised, arena_zero clears it.
 */
#ifndef LARDER_BASE_ARENA_H
#define LARDER_BASE_ARENA_H

#include "base/bytes.h"

#include <stdarg.h>
#include <stddef.h>

struct arena_block;

struct arena {
    struct arena_block *first;
    struct arena_block *current;
    size_t used_bytes; /* handed out since the last reset */
    size_t keep_bytes; /* what reset keeps allocated */
};

/* keep_bytes 0 means a default of 256 KiB. Allocates nothing until it is used. */
void arena_init(struct arena *arena, size_t keep_bytes);
void arena_reset(struct arena *arena);
void arena_release(struct arena *arena); /* accepts an arena that was released or zeroed */

void *arena_alloc(struct arena *arena, size_t size);
void *arena_zero(struct arena *arena, size_t size);
/* count * size with the overflow checked; zeroed. */
void *arena_array(struct arena *arena, size_t count, size_t size);

char *arena_text(struct arena *arena, const char *text);           /* a copy; NULL stays NULL */
char *arena_text_of(struct arena *arena, struct bytes bytes);      /* a copy with a NUL behind it */
struct bytes arena_bytes(struct arena *arena, struct bytes bytes); /* a copy; absent stays absent */
/* One behind the other, as arena_printf would by "%s%s%s", in a tenth of the time. */
char *arena_joined(struct arena *arena, const char *left, const char *middle, const char *right);
char *arena_printf(struct arena *arena, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

char *arena_vprintf(struct arena *arena, const char *format, va_list args)
    __attribute__((format(printf, 2, 0)));

/* Grows an array in the arena: returns room for at least `wanted` elements, the first `count`
 * copied. *capacity is read and updated; the old array stays behind until reset. */
void *arena_grow(struct arena *arena, void *array, size_t count, size_t *capacity, size_t wanted,
                 size_t size);

#endif
