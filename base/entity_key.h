/*
 * entity_key.h - the key of one row in the online store.
 *
 *     '{' project id, key-set id, key values '}' view id, generation
 *
 * The part in braces is a hash tag, so that all rows of an entity share a slot of a Redis Cluster.
 * It is never empty, and no brace byte occurs in any encoded id or value. Two different tuples
 * never encode alike (each part is prefix-free): (1,12) is not (11,2).
 *
 * Ids and integers are varints that avoid the brace bytes: any number of continuation bytes
 * 0x80..0xff (7 bits each, most significant first, none of them a leading zero), then one last byte
 * 0..121. Integers, timestamps included, are zigzag first, so int32 and int64 encode alike. A bool
 * is one byte. Strings and bytes are escaped and end in 0x00: 0x00, 0x01, '{' and '}' become 0x01
 * and one of 0x01..0x04.
 *
 * Key values stand in byte order of the names of their join keys: callers sort once, in the plan.
 */
#ifndef LARDER_BASE_ENTITY_KEY_H
#define LARDER_BASE_ENTITY_KEY_H

#include "base/arena.h"
#include "base/buffer.h"
#include "base/value.h"

#include <stdbool.h>
#include <stdint.h>

enum { ENTITY_KEY_MAX = 480 }; /* bytes of a whole key; a longer one is never written nor found */

/* Appends '{', the ids and the values and '}'. Values must not be null and have key types.
 * Nothing is checked but that: the caller compares the whole key's size with ENTITY_KEY_MAX. */
void entity_key_begin(struct buffer *key, uint32_t project_id, uint32_t key_set_id,
                      const struct value *values, size_t count);
/* Appends the view's part. Several views of one entity copy the begun part. */
void entity_key_end(struct buffer *key, uint32_t view_id, uint32_t generation);

/* What all keys of a project begin with ('{' and the project id), for walks over a store. */
void entity_key_project_prefix(struct buffer *key, uint32_t project_id);

/* Reads the ids out of a whole key; false if it is no such key. Key values are passed over: their
 * types are the key set's. */
struct entity_key_ids {
    uint32_t project_id, key_set_id, view_id, generation;
};
bool entity_key_parse(struct bytes key, struct entity_key_ids *ids);

/* Reads the key values out of a whole key, for people: the caller knows their types. Texts are in
 * the arena. false: it is no key of such values. */
bool entity_key_values(struct bytes key, const value_type *types, size_t count, struct arena *arena,
                       struct value *values);

/* The bytes of a whole key of these ids and values, without making it. Values as in
 * entity_key_begin. */
size_t entity_key_size(const struct entity_key_ids *ids, const struct value *values, size_t count);

#endif
