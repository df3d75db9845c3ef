/*
 * entities.h - "--entity KEY=VALUE,KEY=VALUE": whom `get` asks about, one --entity each.
 *
 * A comma, perhaps with blanks behind it, begins the next key only where NAME= follows, so that
 * values may hold commas. As in CSV nothing is a null, and "" the empty text. All entities name the
 * same keys. Values become typed in a second step, once somebody knows the types. Everything is in
 * the arena of the options.
 */
#ifndef LARDER_CLI_ENTITIES_H
#define LARDER_CLI_ENTITIES_H

#include "base/value.h"
#include "cli/options.h"
#include "config/selection.h"

struct entities {
    size_t key_count;
    const char **names;
    value_type *types; /* [key_count]; set by entities_type */
    size_t count;
    struct bytes *texts;  /* [count * key_count], entity by entity, keys in the order of names; as
                             they were written */
    struct value *values; /* the same, typed; set by entities_type */
};

/* At least one is given. INVALID: one is no KEY=VALUE, or they differ in their keys. */
enum status entities_parse(const struct options *options, struct entities *entities,
                           struct error *err);

/* Gives each key the type that the selection wants. Keys unknown to it (all of them where it is
 * NULL) are guessed: int64 if all their values are written as whole numbers (without leading
 * zeros), else string. INVALID: a value is not of its key's type. */
enum status entities_type(struct entities *entities, const struct selection *selection,
                          struct arena *arena, struct error *err);

/* Which of the keys is called so; key_count if none is. */
size_t entities_find_key(const struct entities *entities, struct bytes name);
/* "origin=JFK, carrier=AA" of the row's entity. */
const char *entities_text(const struct entities *entities, size_t row, struct arena *arena);

struct larder_request;
void entities_add(const struct entities *entities, struct larder_request *request);

#endif
