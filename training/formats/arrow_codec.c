/* arrow_codec.c - see arrow_codec.h. */
#include "training/formats/arrow_codec.h"

#include "base/error.h"

#include <lz4frame.h>
#include <zstd.h>

static bool decompress_lz4(struct bytes compressed, uint8_t *out, size_t size)
{
    LZ4F_dctx *context;
    if (LZ4F_isError(LZ4F_createDecompressionContext(&context, LZ4F_VERSION)))
        out_of_memory();
    size_t done = size, read = compressed.size;
    size_t wanted = LZ4F_decompress(context, out, &done, compressed.data, &read, NULL);
    LZ4F_freeDecompressionContext(context);
    return wanted == 0 && done == size; /* nothing more is wanted: the frame is at its end */
}

static bool decompress_zstd(struct bytes compressed, uint8_t *out, size_t size)
{
    return ZSTD_decompress(out, size, compressed.data, compressed.size) == size;
}

bool arrow_decompress(int codec, struct bytes compressed, uint8_t *out, size_t size)
{
    switch (codec) {
    case ARROW_CODEC_LZ4:
        return decompress_lz4(compressed, out, size);
    case ARROW_CODEC_ZSTD:
        return decompress_zstd(compressed, out, size);
    default:
        return false;
    }
}
