/*
 * parquet_rle.h - small numbers as Parquet packs its levels and dictionary indexes: runs of one
 * number, or groups of eight packed bit by bit, in turn.
 */
#ifndef LARDER_TRAINING_FORMATS_PARQUET_RLE_H
#define LARDER_TRAINING_FORMATS_PARQUET_RLE_H

#include "base/buffer.h"

/* How many bits hold every number up to this one; at least 1. */
unsigned parquet_bit_width(uint32_t greatest);
void parquet_rle_append(struct buffer *out, const uint32_t *numbers, size_t count,
                        unsigned bit_width);

#endif
