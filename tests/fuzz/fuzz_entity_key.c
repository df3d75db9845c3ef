/*
 * fuzz_entity_key.c - any bytes as the key of a stored row: refused, or readable and then encoded
 * again to the very same bytes, since a key has one form.
 *
 * The first byte says how many values there are; then a byte a value gives its type; the rest is
 * the key.
 */
#include "base/entity_key.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { VALUES_MAX = 5 };

static void require(bool holds)
{
    if (!holds)
        abort();
}

static void check_encodes_again(struct bytes key, const struct value *values, size_t count)
{
    struct entity_key_ids ids;
    struct buffer again;
    buffer_init(&again, 0);
    require(entity_key_parse(key, &ids));
    entity_key_begin(&again, ids.project_id, ids.key_set_id, values, count);
    entity_key_end(&again, ids.view_id, ids.generation);
    require(bytes_equal(buffer_bytes(&again), key));
    require(entity_key_size(&ids, values, count) == key.size);
    buffer_release(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const value_type kinds[] = {TYPE_BOOL,   TYPE_INT32, TYPE_INT64,
                                       TYPE_STRING, TYPE_BYTES, TYPE_TIMESTAMP};
    value_type types[VALUES_MAX];
    struct value values[VALUES_MAX];
    size_t count = size > 0 ? data[0] % (VALUES_MAX + 1) : 0;
    if (size < 1 + count)
        return 0;
    for (size_t i = 0; i < count; i++)
        types[i] = kinds[data[1 + i] % COUNT_OF(kinds)];
    struct arena arena;
    struct bytes key = {data + 1 + count, size - 1 - count};
    arena_init(&arena, 0);
    if (entity_key_values(key, types, count, &arena, values))
        check_encodes_again(key, values, count);
    arena_release(&arena);
    return 0;
}
