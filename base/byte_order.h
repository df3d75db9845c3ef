/*
 * byte_order.h - fixed-width integers in bytes, at any alignment.
 *
 * le: little-endian, the order of values in rows. be: big-endian, the order of PostgreSQL's binary
 * format and of what must sort bytewise. sortable: big-endian with the sign bit flipped, so that
 * memcmp orders signed integers.
 */
#ifndef LARDER_BASE_BYTE_ORDER_H
#define LARDER_BASE_BYTE_ORDER_H

#include <endian.h>
#include <stdint.h>
#include <string.h>

#define LARDER_DEFINE_LOAD_STORE(order, bits)                                                      \
    static inline uint##bits##_t load_##order##bits(const void *at)                                \
    {                                                                                              \
        uint##bits##_t raw;                                                                        \
        memcpy(&raw, at, sizeof raw);                                                              \
        return order##bits##toh(raw);                                                              \
    }                                                                                              \
    static inline void store_##order##bits(void *at, uint##bits##_t value)                         \
    {                                                                                              \
        uint##bits##_t raw = hto##order##bits(value);                                              \
        memcpy(at, &raw, sizeof raw);                                                              \
    }

LARDER_DEFINE_LOAD_STORE(le, 16)
LARDER_DEFINE_LOAD_STORE(le, 32)
LARDER_DEFINE_LOAD_STORE(le, 64)
LARDER_DEFINE_LOAD_STORE(be, 16)
LARDER_DEFINE_LOAD_STORE(be, 32)
LARDER_DEFINE_LOAD_STORE(be, 64)

static inline int64_t load_sortable64(const void *at)
{
    return (int64_t)(load_be64(at) ^ UINT64_C(0x8000000000000000));
}
static inline void store_sortable64(void *at, int64_t value)
{
    store_be64(at, (uint64_t)value ^ UINT64_C(0x8000000000000000));
}

#endif
