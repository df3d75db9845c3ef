/*
 * spill.h - sequences of bytes that are written from front to back and then read so, of any length
 * in little memory: beyond a limit they lie in an unnamed temporary file, which is gone with the
 * process.
 *
 * The rows that ask, and what a pass over history puts aside, are such sequences. Each is used by
 * one thread at a time; different ones of one spill by several at once. Once it is written, one
 * sequence may be read at several places.
 */
#ifndef LARDER_TRAINING_SPILL_H
#define LARDER_TRAINING_SPILL_H

#include "base/buffer.h"
#include "base/error.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum { SPILL_BLOCK_SIZE = 32 * 1024 };

/* Where blocks go: memory up to a limit, and the file. */
struct spill {
    size_t memory_max; /* of whole blocks; one block for each sequence in use comes on top */
    atomic_size_t memory_used;
    atomic_llong file_size;
    int file; /* -1: there is none yet */
    atomic_flag making;
};
void spill_init(struct spill *spill, size_t memory_max);
void spill_release(struct spill *spill); /* behind all of its sequences */

struct spill_block {
    uint8_t *memory; /* NULL: it lies in the file */
    off_t at;
};
/* Where it is read next; zeroed: at the front. */
struct spilled_place {
    const uint8_t *block;
    size_t next_block, at;
    uint8_t *copy; /* of a block that lies in the file */
};
void spilled_place_release(struct spilled_place *place);

struct spilled {
    struct spill *spill;
    struct spill_block *blocks; /* whole ones */
    size_t block_count, block_capacity;
    uint8_t *current;    /* the block that is written */
    size_t current_size; /* of what was written into it */
    size_t last_size;    /* of the last block; 0 before the first rewind */
    struct spilled_place place;
};
void spilled_init(struct spilled *spilled, struct spill *spill);
void spilled_release(struct spilled *spilled); /* accepts one that is zeroed */

/* FAILED: the file has no room. */
enum status spilled_append(struct spilled *spilled, const void *data, size_t size,
                           struct error *err);
/* To the front, for reading. Nothing is appended after that. May be done again. */
void spilled_rewind(struct spilled *spilled);
/* *end: nothing is left. CORRUPT: there is less left than size. */
enum status spilled_read(struct spilled *spilled, void *data, size_t size, bool *end,
                         struct error *err);
/* The same at another place, behind the first rewind. */
enum status spilled_read_at(const struct spilled *spilled, struct spilled_place *place, void *data,
                            size_t size, bool *end, struct error *err);
/* Bytes written. */
uint64_t spilled_size(const struct spilled *spilled);

#endif
