/*
 * node.h - one YAML text as a tree of nodes that know where they stand.
 *
 * node_read_yaml is the one place that meets libyaml. What it hands out is safe to walk: at most
 * NODE_DEPTH_MAX levels, at most NODES_MAX nodes with every anchor expanded, no cycles, all text
 * valid UTF-8 without NUL, no key twice in a mapping. Aliases share the node of their anchor.
 *
 * Scalars are texts, as written; whether `6` or `yes` means anything else is for whoever reads the
 * key to say. Only an unquoted nothing, ~ or null is NODE_EMPTY.
 */
#ifndef LARDER_CONFIG_NODE_H
#define LARDER_CONFIG_NODE_H

#include "base/arena.h"
#include "config/place.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { NODE_DEPTH_MAX = 100, NODES_MAX = 1000000, YAML_SIZE_MAX = 4 * 1024 * 1024 };

enum node_kind {
    NODE_EMPTY,
    NODE_TEXT,
    NODE_LIST,
    NODE_MAP,
    NODE_BROKEN, /* what is wrong with it was told: pass over it in silence */
};

struct node;
struct node_entry {
    const struct node *key; /* a NODE_TEXT, or empty */
    const struct node *value;
};

struct node {
    enum node_kind kind;
    bool plain;    /* text without quotes */
    bool open;     /* its end was not read yet */
    uint32_t size; /* this and all nodes within, anchors expanded */
    uint32_t
        height; /* levels of lists and mappings from here down, anchors expanded; 0 of a scalar */
    struct place place;
    const char *text;    /* of texts and empty ones, never NULL there */
    const char *written; /* what messages may quote: the text before variables were replaced */
    union {
        const struct node *const *items;  /* of a list */
        const struct node_entry *entries; /* of a mapping */
    };
    size_t count;
};

/* false: problems were added, and *root is NULL. *root is NULL with true where the text holds
 * nothing. Problems that leave the tree whole (a duplicate key) still make a tree. */
bool node_read_yaml(const char *file, struct bytes yaml, struct arena *arena,
                    struct problems *problems, const struct node **root);

/* "a list", "a mapping", "a text", "nothing": for messages. */
const char *node_kind_name(const struct node *node);

#endif
