/*
 * arrow_codec.h - the compressed buffers of Arrow files: LZ4 frames and zstd.
 *
 * Only arrow_column.c calls it. How large a buffer becomes is stated before it; the caller has
 * bounded that, and less or more than that is damage.
 */
#ifndef LARDER_TRAINING_FORMATS_ARROW_CODEC_H
#define LARDER_TRAINING_FORMATS_ARROW_CODEC_H

#include "base/bytes.h"

#include <stdbool.h>
#include <stdint.h>

/* As the format numbers them. */
enum arrow_codec {
    ARROW_CODEC_NONE = -1,
    ARROW_CODEC_LZ4 = 0,
    ARROW_CODEC_ZSTD = 1,
};

/* No byte of either codec becomes more: a block of zstd that repeats one byte is 4 bytes long and
 * stands for at most 128 KiB. */
enum { ARROW_GROWTH_MAX = 1 << 15 };

/* false: damaged, of another size, or a codec of another number. */
bool arrow_decompress(int codec, struct bytes compressed, uint8_t *out, size_t size);

#endif
