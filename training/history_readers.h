/*
 * history_readers.h - a stream of history read by all of its readers at once, a thread each.
 *
 * For pass.c. The caller's thread reads, too; where no further thread can be had, it reads for all.
 */
#ifndef LARDER_TRAINING_HISTORY_READERS_H
#define LARDER_TRAINING_HISTORY_READERS_H

#include "store/offline/offline_store.h"

enum { HISTORY_READERS_MAX = 8 };

/* How many this machine has use for. */
size_t history_reader_count(void);

/* Called for each row, by several threads at once, but for one reader by one. */
typedef enum status history_taker(void *context, size_t reader, const struct streamed_row *row,
                                  struct error *err);
/* To the end. Whatever fails first ends all of them. */
enum status history_read(struct offline_stream *stream, history_taker *take, void *context,
                         struct error *err);

#endif
