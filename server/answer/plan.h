/*
 * plan.h - what a request for some features needs to know, resolved before it is answered: which
 * views are read, by which keys, which column of a stored row each feature is, and what it is
 * called.
 *
 * Plans of feature services are made once, when definitions are loaded (snapshot.h); a request that
 * lists features gets its own, in its arena, at a cost that depends on the list alone. Immutable
 * once made, so any number of threads may use one. Everything borrows from the selection and the
 * views.
 */
#ifndef LARDER_SERVER_ANSWER_PLAN_H
#define LARDER_SERVER_ANSWER_PLAN_H

#include "base/arena.h"
#include "base/error.h"
#include "config/selection.h"
#include "store/registry/catalog.h"

#include <stdint.h>

/* How the rows of one schema number are read. */
struct served_schema {
    uint16_t number;
    const struct row_layout *layout;
    const int16_t *columns; /* for each feature of the view, by name and type; -1: rows lack it */
};

/* A feature view of a catalog, ready to be read. */
struct served_view {
    const struct catalog_view *in_catalog;
    struct bytes key_end;                /* what entity_key_end appends */
    const struct served_schema *schemas; /* by number; the last one is current */
    size_t schema_count;
};

void served_view_init(struct served_view *served, const struct catalog_view *view,
                      struct arena *arena);
/* NULL: rows of a schema that these definitions do not know. */
const struct served_schema *served_view_schema(const struct served_view *view, uint16_t number);

struct plan_key {
    struct bytes name;
    value_type type;
};

/* Uses of views whose keys begin alike: encoded once a row. */
struct plan_group {
    uint32_t key_set_id;
    size_t key_count;
    const uint16_t *asked_keys; /* [key_count]: index into plan.keys */
    const uint16_t *views;      /* [view_count]: index into plan.views */
    size_t view_count;
};

struct plan_view {
    const struct served_view *served;
    struct bytes name; /* its alias, or its own */
};

struct plan_feature {
    struct bytes name;
    uint16_t view;    /* index into plan.views */
    uint16_t feature; /* index into the view's features */
    value_type type;
};

struct plan {
    uint32_t project_id;
    const struct plan_key *keys;
    size_t key_count;
    const struct plan_group *groups;
    size_t group_count;
    const struct plan_view *views;
    size_t view_count;
    const struct plan_feature *features;
    size_t feature_count;
};

/* `served` stands in the order of catalog->views. INVALID: a view that is not online, by name. */
enum status plan_init(struct plan *plan, const struct selection *selection,
                      const struct catalog *catalog, const struct served_view *served,
                      struct arena *arena, struct error *err);
/* A copy, packed, that borrows from the catalog and its served views alone: the plan and its
 * selection may then go. */
void plan_keep(const struct plan *plan, struct arena *arena, struct plan *kept);

#endif
