/* parquet_rle.c - see parquet_rle.h. */
#include "training/formats/parquet_rle.h"

#include "training/formats/thrift_compact.h"

enum { GROUP = 8 };

unsigned parquet_bit_width(uint32_t greatest)
{
    unsigned bits = 1;
    while (bits < 32 && greatest >> bits)
        bits++;
    return bits;
}

/* How often the first number stands at the beginning. */
static size_t run_length(const uint32_t *numbers, size_t count)
{
    size_t length = 1;
    while (length < count && numbers[length] == numbers[0])
        length++;
    return length;
}

static void append_run(struct buffer *out, uint32_t number, size_t length, unsigned bit_width)
{
    varint_append(out, (uint64_t)length << 1);
    for (unsigned bits = 0; bits < bit_width; bits += 8)
        buffer_append_byte(out, (uint8_t)(number >> bits));
}

/* The last group is filled up with zeros. */
static void append_packed(struct buffer *out, const uint32_t *numbers, size_t count,
                          unsigned bit_width)
{
    size_t groups = (count + GROUP - 1) / GROUP;
    varint_append(out, (uint64_t)groups << 1 | 1);
    uint64_t waiting = 0;
    unsigned bits = 0;
    for (size_t i = 0; i < groups * GROUP; i++) {
        waiting |= (uint64_t)(i < count ? numbers[i] : 0) << bits;
        for (bits += bit_width; bits >= 8; bits -= 8) {
            buffer_append_byte(out, (uint8_t)waiting);
            waiting >>= 8;
        }
    }
}

/* How many numbers stand before the next long run: whole groups, or all that is left. */
static size_t packed_length(const uint32_t *numbers, size_t count)
{
    size_t length = 0;
    while (length < count && run_length(numbers + length, count - length) < GROUP)
        length += GROUP;
    return length < count ? length : count;
}

void parquet_rle_append(struct buffer *out, const uint32_t *numbers, size_t count,
                        unsigned bit_width)
{
    while (count > 0) {
        size_t length = run_length(numbers, count);
        if (length >= GROUP) {
            append_run(out, numbers[0], length, bit_width);
        } else {
            length = packed_length(numbers, count);
            append_packed(out, numbers, length, bit_width);
        }
        numbers += length;
        count -= length;
    }
}
