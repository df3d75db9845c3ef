/* parquet_dictionary.c - see parquet_dictionary.h. */
#include "training/formats/parquet_dictionary.h"

#include "base/byte_order.h"
#include "base/error.h"
#include "base/hash.h"

#include <stdlib.h>

enum { LENGTH_SIZE = 4, SLOTS_FIRST = 256 };

void parquet_dictionary_init(struct parquet_dictionary *dictionary)
{
    *dictionary = (struct parquet_dictionary){0};
    buffer_init(&dictionary->values, 0);
}

void parquet_dictionary_clear(struct parquet_dictionary *dictionary)
{
    buffer_clear(&dictionary->values);
    dictionary->count = 0;
    if (dictionary->slots)
        memset(dictionary->slots, 0, dictionary->slot_count * sizeof *dictionary->slots);
}

void parquet_dictionary_release(struct parquet_dictionary *dictionary)
{
    buffer_release(&dictionary->values);
    free(dictionary->offsets);
    free(dictionary->slots);
}

struct bytes parquet_dictionary_get(const struct parquet_dictionary *dictionary, uint32_t number)
{
    const uint8_t *at = dictionary->values.data + dictionary->offsets[number];
    return (struct bytes){at + LENGTH_SIZE, load_le32(at)};
}

/* Where it stands, or the free slot where it would. */
static uint32_t *find_slot(const struct parquet_dictionary *dictionary, struct bytes text)
{
    uint32_t mask = dictionary->slot_count - 1;
    uint32_t at = (uint32_t)bytes_hash(text) & mask;
    while (dictionary->slots[at] &&
           !bytes_equal(parquet_dictionary_get(dictionary, dictionary->slots[at] - 1), text))
        at = (at + 1) & mask;
    return &dictionary->slots[at];
}

/* At most half of the slots are taken. */
static void grow(struct parquet_dictionary *dictionary)
{
    uint32_t slot_count = dictionary->slot_count ? dictionary->slot_count * 2 : SLOTS_FIRST;
    free(dictionary->slots);
    dictionary->slots = calloc(slot_count, sizeof *dictionary->slots);
    dictionary->offsets =
        realloc(dictionary->offsets, slot_count / 2 * sizeof *dictionary->offsets);
    if (!dictionary->slots || !dictionary->offsets)
        out_of_memory();
    dictionary->slot_count = slot_count;
    for (uint32_t i = 0; i < dictionary->count; i++)
        *find_slot(dictionary, parquet_dictionary_get(dictionary, i)) = i + 1;
}

bool parquet_dictionary_number(struct parquet_dictionary *dictionary, struct bytes text,
                               uint32_t *number)
{
    if (dictionary->count >= dictionary->slot_count / 2)
        grow(dictionary);
    uint32_t *slot = find_slot(dictionary, text);
    if (!*slot) {
        uint8_t length[LENGTH_SIZE];
        size_t offset = dictionary->values.size;
        if (offset + LENGTH_SIZE + text.size > PARQUET_DICTIONARY_MAX)
            return false;
        store_le32(length, (uint32_t)text.size);
        buffer_append(&dictionary->values, length, sizeof length);
        buffer_append(&dictionary->values, text.data, text.size);
        dictionary->offsets[dictionary->count] = (uint32_t)offset;
        *slot = ++dictionary->count;
    }
    *number = *slot - 1;
    return true;
}
