/*
 * key_set.h - the text by which views share a key-set id: "airport:int,day:timestamp".
 *
 * Join keys in byte order of their names, each with the class of its encoding (base/entity_key.h):
 * int32 and int64 encode alike and are both "int"; any other class is its type's name. The texts
 * stand in every catalog ever kept, so they never change.
 */
#ifndef LARDER_STORE_REGISTRY_KEY_SET_H
#define LARDER_STORE_REGISTRY_KEY_SET_H

#include "base/arena.h"
#include "config/definitions.h"

/* In the arena. */
const char *key_set_text(const struct feature_view *view, struct arena *arena);

#endif
