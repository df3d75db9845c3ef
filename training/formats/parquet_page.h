/*
 * parquet_page.h - pages of a Parquet file: a header, and what it describes, compressed with zstd.
 *
 * One maker serves all columns of a file, so that what it needs for compressing is there once. One
 * thread.
 */
#ifndef LARDER_TRAINING_FORMATS_PARQUET_PAGE_H
#define LARDER_TRAINING_FORMATS_PARQUET_PAGE_H

#include "base/buffer.h"
#include "base/error.h"

#include <stdint.h>

/* Numbers of the Parquet format. */
enum parquet_page_type { PARQUET_PAGE_DATA = 0, PARQUET_PAGE_DICTIONARY = 2 };
enum parquet_encoding { PARQUET_PLAIN = 0, PARQUET_RLE = 3, PARQUET_RLE_DICTIONARY = 8 };
enum { PARQUET_CODEC_ZSTD = 6 };

struct ZSTD_CCtx_s;
struct parquet_pages {
    struct buffer out;     /* complete pages: the caller writes and clears it */
    struct buffer content; /* of the next page: the caller fills it */
    struct buffer compressed;
    struct ZSTD_CCtx_s *compressor;
};

/* What became of a chunk's pages, their headers counted. */
struct parquet_chunk_size {
    int64_t compressed, uncompressed;
};

void parquet_pages_init(struct parquet_pages *pages);
void parquet_pages_release(struct parquet_pages *pages);
/* Appends to out a page of `content`, which holds so many values (of a data page: levels), and adds
 * to size. EXHAUSTED: about 2 GiB or more. */
enum status parquet_pages_add(struct parquet_pages *pages, enum parquet_page_type type,
                              struct bytes content, size_t value_count,
                              enum parquet_encoding encoding, struct parquet_chunk_size *size,
                              struct error *err);

#endif
