/* hash.c - see hash.h. */
#include "base/hash.h"

#include <xxhash.h>

uint64_t bytes_hash(struct bytes bytes)
{
    return XXH3_64bits(bytes.data, bytes.size);
}
