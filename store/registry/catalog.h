/*
 * catalog.h - applied definitions with the numbers that apply gave them: what everything runs on.
 *
 * A catalog is one immutable version of a project. Its text form (JSON) is kept in the registry,
 * one row a version, and in the online store, so that servers start without PostgreSQL. Ids are
 * small, are never used twice, and stand in the keys of the online store (base/entity_key.h). What
 * moves without an apply (watermarks, positions, stale marks) is not here but in registry.h's view
 * states.
 */
#ifndef LARDER_STORE_REGISTRY_CATALOG_H
#define LARDER_STORE_REGISTRY_CATALOG_H

#include "base/arena.h"
#include "base/error.h"
#include "base/row.h"
#include "config/definitions.h"
#include "config/difference.h"

#include <stdbool.h>
#include <stdint.h>

/* The columns of rows written under one schema number. Rows of older numbers still read, by name
 * and type. */
struct view_schema {
    uint16_t number;
    size_t column_count;
    const char *const *names;
    struct row_layout layout; /* types are in it */
};

struct catalog_view {
    const struct feature_view *view; /* in the catalog's definitions */
    uint32_t id;
    uint32_t generation;
    uint32_t key_set_id; /* the same for views whose keys have equal names and encodings */
    const struct view_schema *schemas; /* by number; the last one is current: its columns are the
                                          view's features in order */
    size_t schema_count;
};

struct catalog {
    uint64_t identity; /* the registry's random identity, never 0 */
    uint64_t version;  /* 1, 2, ...: one more with each apply that changes something, and with each
                          switch to another generation of rows */
    uint32_t project_id;
    struct definitions definitions;
    struct catalog_view *views; /* [definitions.view_count], in the same order */
    /* What was ever given out, so that nothing is used twice. */
    uint32_t last_view_id;
    uint32_t key_set_count;
    const char *const *key_sets; /* [i] is the text of key-set id i + 1: "k1:int,k2:string" */
};

/* The version that follows `before` (NULL for the first) under new definitions: ids kept by name,
 * new ones given, schema numbers moved on where the difference says so. generations (--take-over):
 * for each view of `before`, in its order, the one that it goes on with if it stays; NULL: all keep
 * theirs. EXHAUSTED: 65,535 schemas of one view, or more features than a row has columns. Borrows
 * from definitions and before; all else in the arena. */
enum status catalog_next(const struct catalog *before, const struct definitions *definitions,
                         const struct difference *difference, uint64_t identity,
                         uint32_t project_id, const uint32_t *generations, struct arena *arena,
                         struct catalog *next, struct error *err);

/* The version that follows where one view's rows are read in another generation from then on. */
void catalog_switch(const struct catalog *before, uint32_t view_id, uint32_t generation,
                    struct arena *arena, struct catalog *next);

/* Where the generations of a registry's views begin: drawn from its identity, so that rows which
 * another registry left in the online store under the same small ids are not taken for its own. */
uint32_t catalog_first_generation(uint64_t identity);

/* The text is canonical: equal catalogs make equal bytes. In the arena. */
struct bytes catalog_encode(const struct catalog *catalog, struct arena *arena);
/* CORRUPT if it is not such a text. Copies what it needs into the arena. */
enum status catalog_decode(struct bytes text, struct arena *arena, struct catalog *catalog,
                           struct error *err);

/* The views of these names, each once, or, where names is NULL, all that are online. NOT_FOUND:
 * there is none (with "did you mean"); INVALID: one is not online. In the arena. */
enum status catalog_choose_online(const struct catalog *catalog, const char *const *names,
                                  size_t name_count, struct arena *arena,
                                  const struct catalog_view ***views, size_t *count,
                                  struct error *err);
/* By the view's name or id; NULL if there is none. */
const struct catalog_view *catalog_find_view(const struct catalog *catalog, const char *name);
const struct catalog_view *catalog_view_of_id(const struct catalog *catalog, uint32_t id);
/* For many ids: the views in the order of theirs, in the arena, and the one that has an id. */
const struct catalog_view **catalog_sort_by_id(const struct catalog *catalog, struct arena *arena);
const struct catalog_view *catalog_view_among(const struct catalog *catalog,
                                              const struct catalog_view *const *by_id, uint32_t id);
/* Whether the schema's columns are the view's features, in their order. */
bool view_schema_fits(const struct view_schema *schema, const struct feature_view *view);
/* The column that holds the feature, by name and type; -1 if none does. It is looked for at
 * `likely` first: where the feature stands, as long as features were only added behind. */
int16_t view_schema_column(const struct view_schema *schema, const struct feature *feature,
                           size_t likely);
/* By number; NULL if this version does not know it. */
const struct view_schema *catalog_view_schema(const struct catalog_view *view, uint16_t number);

#endif
