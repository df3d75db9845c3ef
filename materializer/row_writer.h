/*
 * row_writer.h - a thread that writes full batches to the online store while the next one fills.
 *
 * The materializer puts rows; the writer owns the store's handle from open to close. Two batches
 * bound the memory. The first error ends the writing; later puts do nothing, and finish returns it.
 * Counts may be read at any time, from any thread.
 */
#ifndef LARDER_MATERIALIZER_ROW_WRITER_H
#define LARDER_MATERIALIZER_ROW_WRITER_H

#include "base/counter.h"
#include "base/error.h"
#include "materializer/row_batch.h"

struct row_writer_counts {
    struct counter written;    /* now stand in the store */
    struct counter older;      /* what was there was newer, or the same */
    struct counter superseded; /* beaten within a batch, never sent */
};

struct row_writer;

/* Borrows the store until close. */
struct row_writer *row_writer_open(struct online_store *store, size_t batch_rows,
                                   size_t batch_bytes);
/* Copies key and row; waits while both batches are full. false once writing has failed. */
bool row_writer_put(struct row_writer *writer, struct bytes key, struct bytes row,
                    int64_t expires_at_us);
/* Writes what is left; all is acknowledged when it returns OK, and the store is the caller's to use
 * until the next put. */
enum status row_writer_finish(struct row_writer *writer, struct error *err);
const struct row_writer_counts *row_writer_counts(const struct row_writer *writer);
void row_writer_close(struct row_writer *writer); /* drops what was not finished */

#endif
