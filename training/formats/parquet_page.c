/* parquet_page.c - see parquet_page.h. */
#include "training/formats/parquet_page.h"

#include "training/formats/thrift_compact.h"

#include <zstd.h>

enum { COMPRESSION_LEVEL = 1 };

void parquet_pages_init(struct parquet_pages *pages)
{
    buffer_init(&pages->out, 0);
    buffer_init(&pages->content, 0);
    buffer_init(&pages->compressed, 0);
    pages->compressor = ZSTD_createCCtx();
    if (!pages->compressor)
        out_of_memory();
}

void parquet_pages_release(struct parquet_pages *pages)
{
    buffer_release(&pages->out);
    buffer_release(&pages->content);
    buffer_release(&pages->compressed);
    ZSTD_freeCCtx(pages->compressor);
}

/* A header has 31 bits for a size. A row group ends long before, unless a value is as large. */
static enum status compress(struct parquet_pages *pages, struct bytes content, struct error *err)
{
    if (ZSTD_compressBound(content.size) > INT32_MAX)
        return fail(err, STATUS_EXHAUSTED,
                    "values of about 2 GiB do not fit into Parquet; write CSV");
    buffer_clear(&pages->compressed);
    size_t room = ZSTD_compressBound(content.size);
    uint8_t *to = buffer_reserve(&pages->compressed, room);
    size_t size = ZSTD_compressCCtx(pages->compressor, to, room, content.data, content.size,
                                    COMPRESSION_LEVEL);
    if (ZSTD_isError(size))
        return fail(err, STATUS_FAILED, "cannot compress a page: %s", ZSTD_getErrorName(size));
    pages->compressed.size = size;
    return STATUS_OK;
}

static void describe_data(struct thrift *header, size_t value_count, enum parquet_encoding encoding)
{
    thrift_struct(header, 5);
    thrift_i32(header, 1, (int32_t)value_count);
    thrift_i32(header, 2, (int32_t)encoding);
    thrift_i32(header, 3, PARQUET_RLE);
    thrift_i32(header, 4, PARQUET_RLE);
    thrift_end(header);
}

static void describe_dictionary(struct thrift *header, size_t value_count)
{
    thrift_struct(header, 7);
    thrift_i32(header, 1, (int32_t)value_count);
    thrift_i32(header, 2, PARQUET_PLAIN);
    thrift_end(header);
}

enum status parquet_pages_add(struct parquet_pages *pages, enum parquet_page_type type,
                              struct bytes content, size_t value_count,
                              enum parquet_encoding encoding, struct parquet_chunk_size *size,
                              struct error *err)
{
    struct thrift header;
    size_t start = pages->out.size;
    enum status status = compress(pages, content, err);
    if (status)
        return status;
    thrift_begin(&header, &pages->out);
    thrift_i32(&header, 1, (int32_t)type);
    thrift_i32(&header, 2, (int32_t)content.size);
    thrift_i32(&header, 3, (int32_t)pages->compressed.size);
    if (type == PARQUET_PAGE_DATA)
        describe_data(&header, value_count, encoding);
    else
        describe_dictionary(&header, value_count);
    thrift_end(&header);
    size_t header_size = pages->out.size - start;
    buffer_append(&pages->out, pages->compressed.data, pages->compressed.size);
    size->compressed += (int64_t)(header_size + pages->compressed.size);
    size->uncompressed += (int64_t)(header_size + content.size);
    return STATUS_OK;
}
