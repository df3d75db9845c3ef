/* arena.c - see arena.h. */
#include "base/arena.h"

#include "base/error.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ARENA_POISONS 1
#endif
#elif defined(__SANITIZE_ADDRESS__)
#define ARENA_POISONS 1
#endif

#ifdef ARENA_POISONS
#include <sanitizer/asan_interface.h>
#endif

enum {
    KEEP_BYTES_DEFAULT = 256 * 1024,
    BLOCK_SIZE_FIRST = 8 * 1024,
    BLOCK_SIZE_GROWN =
        1024 * 1024, /* blocks double up to this; a larger request gets its own size */
    ALIGNMENT = _Alignof(max_align_t),
};

struct arena_block {
    struct arena_block *next;
    size_t size;
    size_t used;
    max_align_t data[];
};

/* Under the address sanitizer, memory that is not handed out is poisoned, so that a pointer kept
 * across a reset is found at its first use. */
static void forbid(void *at, size_t size)
{
#ifdef ARENA_POISONS
    __asan_poison_memory_region(at, size);
#else
    (void)at;
    (void)size;
#endif
}

static void permit(void *at, size_t size)
{
#ifdef ARENA_POISONS
    __asan_unpoison_memory_region(at, size);
#else
    (void)at;
    (void)size;
#endif
}

void arena_init(struct arena *arena, size_t keep_bytes)
{
    *arena = (struct arena){.keep_bytes = keep_bytes ? keep_bytes : KEEP_BYTES_DEFAULT};
}

static void block_free(struct arena_block *block)
{
    permit(block->data, block->size);
    free(block);
}

void arena_reset(struct arena *arena)
{
    size_t kept_bytes = 0;
    struct arena_block **link = &arena->first;
    while (*link) {
        struct arena_block *block = *link;
        if (block->size > arena->keep_bytes - kept_bytes) {
            *link = block->next;
            block_free(block);
            continue;
        }
        kept_bytes += block->size;
        block->used = 0;
        forbid(block->data, block->size);
        link = &block->next;
    }
    arena->current = arena->first;
    arena->used_bytes = 0;
}

void arena_release(struct arena *arena)
{
    while (arena->first) {
        struct arena_block *next = arena->first->next;
        block_free(arena->first);
        arena->first = next;
    }
    arena->current = NULL;
    arena->used_bytes = 0;
}

static struct arena_block *block_new(const struct arena_block *last, size_t size)
{
    size_t block_size = last ? last->size * 2 : BLOCK_SIZE_FIRST;
    if (block_size > BLOCK_SIZE_GROWN)
        block_size = BLOCK_SIZE_GROWN;
    if (block_size < size)
        block_size = size;
    struct arena_block *block = malloc(sizeof *block + block_size);
    if (!block)
        out_of_memory();
    *block = (struct arena_block){.size = block_size};
    forbid(block->data, block_size);
    return block;
}

/* Moves on to the first later block with room. What is left of the blocks that are passed stays
 * unused until the next reset, so that an allocation never searches twice through the same ones. */
static void move_to_room(struct arena *arena, size_t size)
{
    struct arena_block *last = arena->current;
    struct arena_block *block = last ? last->next : arena->first;
    while (block && block->size < size) {
        last = block;
        block = block->next;
    }
    if (!block) {
        block = block_new(last, size);
        if (last)
            last->next = block;
        else
            arena->first = block;
    }
    arena->current = block;
}

void *arena_alloc(struct arena *arena, size_t size)
{
    if (size > SIZE_MAX / 2)
        out_of_memory();
    size_t taken = (size + (size == 0) + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    struct arena_block *block = arena->current;
    if (!block || block->size - block->used < taken) {
        move_to_room(arena, taken);
        block = arena->current;
    }
    uint8_t *memory = (uint8_t *)block->data + block->used;
    block->used += taken;
    arena->used_bytes += taken;
    permit(memory, size);
    return memory;
}

void *arena_zero(struct arena *arena, size_t size)
{
    return memset(arena_alloc(arena, size), 0, size);
}

void *arena_array(struct arena *arena, size_t count, size_t size)
{
    size_t total;
    if (__builtin_mul_overflow(count, size, &total))
        out_of_memory();
    return arena_zero(arena, total);
}

char *arena_text_of(struct arena *arena, struct bytes bytes)
{
    char *copy = arena_alloc(arena, bytes.size + 1);
    if (bytes.size > 0)
        memcpy(copy, bytes.data, bytes.size);
    copy[bytes.size] = '\0';
    return copy;
}

char *arena_text(struct arena *arena, const char *text)
{
    return text ? arena_text_of(arena, bytes_of_text(text)) : NULL;
}

struct bytes arena_bytes(struct arena *arena, struct bytes bytes)
{
    if (!bytes.data)
        return bytes;
    void *copy = arena_alloc(arena, bytes.size);
    memcpy(copy, bytes.data, bytes.size);
    return (struct bytes){copy, bytes.size};
}

char *arena_joined(struct arena *arena, const char *left, const char *middle, const char *right)
{
    size_t left_size = strlen(left), middle_size = strlen(middle), right_size = strlen(right);
    char *text = arena_alloc(arena, left_size + middle_size + right_size + 1);
    memcpy(text, left, left_size);
    memcpy(text + left_size, middle, middle_size);
    memcpy(text + left_size + middle_size, right, right_size + 1);
    return text;
}

char *arena_vprintf(struct arena *arena, const char *format, va_list args)
{
    va_list measured;
    va_copy(measured, args);
    int length = vsnprintf(NULL, 0, format, measured);
    va_end(measured);
    if (length < 0)
        out_of_memory(); /* the one way in which our formats can fail */
    char *text = arena_alloc(arena, (size_t)length + 1);
    vsnprintf(text, (size_t)length + 1, format, args);
    return text;
}

char *arena_printf(struct arena *arena, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    char *text = arena_vprintf(arena, format, args);
    va_end(args);
    return text;
}

void *arena_grow(struct arena *arena, void *array, size_t count, size_t *capacity, size_t wanted,
                 size_t size)
{
    enum { CAPACITY_FIRST = 8 };
    if (array && wanted <= *capacity)
        return array;
    size_t grown = *capacity > SIZE_MAX / 2 ? wanted : *capacity * 2;
    if (grown < CAPACITY_FIRST)
        grown = CAPACITY_FIRST;
    if (grown < wanted)
        grown = wanted;
    size_t total;
    if (__builtin_mul_overflow(grown, size, &total))
        out_of_memory();
    void *larger = arena_alloc(arena, total);
    if (count > 0)
        memcpy(larger, array, count * size);
    *capacity = grown;
    return larger;
}
