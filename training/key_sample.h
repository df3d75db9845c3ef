/*
 * key_sample.h - the keys of a view that are compared, and what was seen of each.
 *
 * Whether a key is among them is decided by the hash of its values: the sample holds those whose
 * hash lies in a range, which is halved whenever more of them come than there is room for. So the
 * same keys make the same sample, in whatever order they come and from whichever store, and memory
 * is bounded whatever their number. Where every key is to be compared, one range follows another.
 * Callers are verify's alone. One thread.
 */
#ifndef LARDER_TRAINING_KEY_SAMPLE_H
#define LARDER_TRAINING_KEY_SAMPLE_H

#include "base/arena.h"
#include "training/comparison.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { KEY_SAMPLE_MAX = 1000000000 }; /* keys */

struct sampled_key {
    struct bytes key; /* whole, as the online store has it */
    uint64_t hash;
    struct bytes served; /* the row that is online; absent: none */
    struct bytes other;  /* a row of history with the same times and other values; absent: none */
    bool is_read;        /* served is known */
    struct comparison comparison;
    enum verdict verdict; /* once history was read */
};

struct key_sample {
    struct arena arena; /* keys and rows */
    struct sampled_key *keys;
    size_t count, capacity;
    uint32_t *slots; /* hash table of index + 1 into keys; 0 is empty */
    size_t slot_count;
    uint64_t from, to; /* the range of hashes, both ends in it */
    size_t key_limit, byte_limit;
    bool is_closed; /* no other keys are added */
};

/* Of all hashes, at first. */
void key_sample_init(struct key_sample *sample, size_t key_limit, size_t byte_limit);
void key_sample_release(struct key_sample *sample);

/* The key's entry, made if it is not there; NULL: it is not in the sample. Copies the key. Adding
 * moves entries. */
struct sampled_key *key_sample_put(struct key_sample *sample, struct bytes key, uint64_t hash);
/* A copy that lives as long as the key it belongs to stays. */
struct bytes key_sample_copy(struct key_sample *sample, struct bytes row);
/* Narrows the range until what was put and copied fits. true: entries have moved, or are gone.
 * A sample that was closed stays as it is: it is a part of what fitted. */
bool key_sample_fit(struct key_sample *sample);
/* Keeps the keys that are wanted, and adds no others from then on. */
void key_sample_close(struct key_sample *sample, bool is_wanted(const struct sampled_key *));
/* Begins anew with the range behind this one, of the same width. false: there is none. */
bool key_sample_next(struct key_sample *sample);
/* Which part of all keys is in the range, as far as hashes are even. */
double key_sample_share(const struct key_sample *sample);

#endif
