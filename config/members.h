/*
 * members.h - a mapping's keys into a struct, told by a table: which keys there are, which must be
 * there, and how each value is read. Unknown, missing and wrong ones become problems, all of them.
 *
 * Definitions, settings and the registry's JSON are read through this, so that a mistake is told in
 * the same words everywhere. One thread.
 */
#ifndef LARDER_CONFIG_MEMBERS_H
#define LARDER_CONFIG_MEMBERS_H

#include "base/arena.h"
#include "base/value.h"
#include "config/definitions.h"
#include "config/node.h"
#include "config/place.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct reader {
    struct arena *arena;
    struct problems *problems;
    bool ignore_unknown; /* a newer program's JSON */
    bool hide_urls;      /* settings: a url in the wrong place may hold a password all the same */
    const char *key;     /* of the member that is being read */
};

/* Reads one value into the member's place in the struct; on a mistake it adds a problem and leaves
 * the member as it was. */
struct member {
    const char *key;
    bool required;
    void (*read)(struct reader *reader, const struct node *value, void *into);
    size_t offset;
    const char *advice; /* instead of read: this key is known, but does not belong here */
};

/* `what` is "a feature view". false if node is no mapping (which was told). */
bool members_read(struct reader *reader, const struct node *node, const char *what,
                  const struct member *members, size_t count, void *object);
const struct node *member_find(const struct node *map, const char *key);

/* A name as written, and where; text NULL: it was not there, or was wrong (and told). */
struct written {
    const char *text;
    struct place place;
};

/* What was written, in quotes, for a message, and whether variables were replaced in it. */
const char *quoted_value(struct reader *reader, const struct node *value);
/* "ttl" must be <expected>, not a list. */
void tell_kind(struct reader *reader, const struct node *value, const char *expected);
/* Whether value is a scalar that can be a text: not nothing, and not a bare true or false. Told if
 * not. */
bool is_text(struct reader *reader, const struct node *value, const char *expected);
/* Whether value is a list of at least one; told if not. `of` is "names". */
bool is_list(struct reader *reader, const struct node *value, const char *of);
/* Whether the text matches [a-z][a-z0-9_]{0,62}. */
bool name_is_valid(const char *text);
/* Takes the text of value as a name, if it is one; told if not. */
struct written name_of(struct reader *reader, const struct node *value);
/* The same for a key of a mapping that stands for a name; it needs no quotes. */
struct written name_of_key(struct reader *reader, const struct node *key);

/* What a member's `read` may be; the comment says what `into` points at. */
void read_text(struct reader *reader, const struct node *value, void *into);   /* const char * */
void read_column(struct reader *reader, const struct node *value, void *into); /* const char * */
void read_name(struct reader *reader, const struct node *value, void *into);   /* struct written */
void read_bool(struct reader *reader, const struct node *value, void *into);   /* bool */
void read_duration(struct reader *reader, const struct node *value, void *into); /* int64_t, us */
void read_type(struct reader *reader, const struct node *value, void *into);     /* value_type */

struct tag_list {
    const struct tag *items; /* sorted by name */
    size_t count;
};
void read_tags(struct reader *reader, const struct node *value, void *into); /* struct tag_list */

#endif
