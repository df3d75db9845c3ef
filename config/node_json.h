/*
 * node_json.h - JSON as the same nodes as YAML (node.h), for the definitions that the registry and
 * the online store keep.
 *
 * A catalog of a thousand feature views is a megabyte of JSON with a hundred thousand values, and a
 * server cannot answer before it has read it: so the text is read in one pass, straight into nodes.
 * It comes from a store that others may write to, and is read as hostile: what node.h promises of
 * YAML holds here, too.
 */
#ifndef LARDER_CONFIG_NODE_JSON_H
#define LARDER_CONFIG_NODE_JSON_H

#include "base/bytes.h"
#include "config/node.h"

/* NULL: it is no JSON (RFC 8259), or holds a key twice in an object, a NUL, too many values or too
 * many levels. Integers, true and false are plain texts, as they are in YAML; null is NODE_EMPTY,
 * and so is a number with a fraction or an exponent, which nothing of ours is. Nodes have no place,
 * no size and no height. */
const struct node *node_read_json(struct bytes text, struct arena *arena);

#endif
