/*
 * parquet_dictionary.h - the strings of a column chunk, each once, numbered in the order in which
 * they came.
 *
 * A column uses it until it is full: what then still comes does not repeat enough.
 */
#ifndef LARDER_TRAINING_FORMATS_PARQUET_DICTIONARY_H
#define LARDER_TRAINING_FORMATS_PARQUET_DICTIONARY_H

#include "base/buffer.h"

#include <stdbool.h>

enum { PARQUET_DICTIONARY_MAX = 1 << 20 /* bytes of its values */ };

struct parquet_dictionary {
    struct buffer values; /* as PLAIN has them: each behind its length in 4 bytes */
    uint32_t count;
    uint32_t *offsets; /* [count], into values */
    uint32_t *slots;   /* number + 1, by hash; 0 is free */
    uint32_t slot_count;
};

void parquet_dictionary_init(struct parquet_dictionary *dictionary);
void parquet_dictionary_clear(struct parquet_dictionary *dictionary);
void parquet_dictionary_release(struct parquet_dictionary *dictionary);
/* false: it is new, and there is no room for it. */
bool parquet_dictionary_number(struct parquet_dictionary *dictionary, struct bytes text,
                               uint32_t *number);
struct bytes parquet_dictionary_get(const struct parquet_dictionary *dictionary, uint32_t number);

#endif
