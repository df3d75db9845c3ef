/*
 * arrow_input.h - the messages of an Arrow file or stream: its schema, then dictionaries and
 * record batches.
 *
 * A stream is read from its front; of a file, the table of contents at its end says where messages
 * are, so that it need not begin with a stream. A message is what describes it, read whole, and a
 * body, of which the caller reads the parts that it wants. No length that the input states is
 * believed before it was held against what is left of the input, so that what is allocated is
 * bounded by its size. One thread; it does not move once it is open.
 */
#ifndef LARDER_TRAINING_FORMATS_ARROW_INPUT_H
#define LARDER_TRAINING_FORMATS_ARROW_INPUT_H

#include "base/buffer.h"
#include "base/error.h"
#include "training/formats/flat_table.h"

/* As the format numbers them. */
enum arrow_message_kind {
    ARROW_SCHEMA = 1,
    ARROW_DICTIONARY = 2,
    ARROW_BATCH = 3,
};

struct arrow_message {
    int kind; /* an enum arrow_message_kind, or another number */
    struct flat_table header;
    uint64_t body_at;
    uint64_t body_size; /* it lies within the input */
};

struct arrow_input {
    int descriptor;
    uint64_t size;
    bool is_file;
    uint64_t at;                  /* of a stream: where its next message begins */
    struct buffer contents;       /* of a file: the bytes of its table of contents */
    struct flat_message table;    /* the same */
    struct flat_vector blocks[2]; /* where dictionaries and batches are */
    size_t block;                 /* how many of them were handed out */
    struct buffer bytes;          /* of the message in hand */
    struct flat_message message;  /* the same */
};

/* Borrows a descriptor that can be read at any place. *schema holds until the next message.
 * INVALID: neither a file nor a stream, or not a whole one; FAILED: it cannot be read. Close it in
 * either case. */
enum status arrow_input_open(struct arrow_input *input, int descriptor, struct flat_table *schema,
                             struct error *err);
void arrow_input_close(struct arrow_input *input); /* accepts one that is zeroed */

/* *found false: there is none any more. The message holds until the next call. */
enum status arrow_input_next(struct arrow_input *input, struct arrow_message *message, bool *found,
                             struct error *err);
/* Reads part of the input, which has to be there, into so many bytes of the caller's. */
enum status arrow_input_read(const struct arrow_input *input, uint64_t at, uint64_t size,
                             void *bytes, struct error *err);

/* INVALID: "not a whole Arrow file or stream: why". */
enum status arrow_input_damaged(const char *why, struct error *err);

#endif
