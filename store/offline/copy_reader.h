/*
 * copy_reader.h - PostgreSQL's COPY BINARY stream, cut into tuples of fields.
 *
 * Fed with whatever arrives, it hands out whole tuples, copying only what lies across two chunks.
 * It believes nothing: bytes that are no such stream are CORRUPT, never read past. No libpq. One
 * thread.
 */
#ifndef LARDER_STORE_OFFLINE_COPY_READER_H
#define LARDER_STORE_OFFLINE_COPY_READER_H

#include "base/buffer.h"
#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>

enum copy_step { COPY_TUPLE, COPY_MORE, COPY_END };

struct copy_reader {
    struct bytes rest;     /* fed and not yet taken: in the last chunk, or in kept */
    struct buffer kept;    /* the beginning of a tuple, until the rest of it arrives */
    size_t field_count;    /* that every tuple must have */
    bool in_tuples, ended; /* behind the header; behind the trailer */
};

void copy_reader_init(struct copy_reader *reader, size_t field_count);
void copy_reader_release(struct copy_reader *reader);
/* Lends a chunk until copy_reader_next answers COPY_MORE; only before the first such call or behind
 * one. */
enum status copy_reader_feed(struct copy_reader *reader, struct bytes chunk, struct error *err);
/* COPY_TUPLE fills fields[field_count], borrowed until the next call. COPY_MORE: feed it. COPY_END:
 * the trailer was read. CORRUPT: this is no such stream, or has another number of fields. */
enum status copy_reader_next(struct copy_reader *reader, struct bytes *fields, enum copy_step *step,
                             struct error *err);

#endif
