/*
 * definitions.h - what a team has described: entities, sources, feature views, feature services.
 *
 * Plain structs, immutable once made, all in one arena. They come from YAML (definitions_yaml.h) or
 * from the registry (definitions_json.h) and are equal whichever way they came, places apart.
 * Order: objects are sorted by name; join keys by name in byte order (that is how keys are
 * encoded); features and service items stay as written.
 *
 * Everything here is valid: names match [a-z][a-z0-9_]{0,62}, references exist and point to what
 * they name, types fit, columns of a service do not collide.
 */
#ifndef LARDER_CONFIG_DEFINITIONS_H
#define LARDER_CONFIG_DEFINITIONS_H

#include "base/value.h"
#include "config/place.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { NAME_SIZE_MAX = 63 };

struct tag {
    const char *name, *value;
};

/* What every object carries. */
struct description {
    const char *name;
    const char *text;       /* description; NULL if none */
    const char *owner;      /* NULL if none */
    const struct tag *tags; /* sorted by name */
    size_t tag_count;
    struct place place;
};

struct join_key {
    const char *name;
    value_type type;
};

struct entity {
    struct description about;
    const struct join_key *keys; /* at least one; sorted by name */
    size_t key_count;
};

enum misfit_policy { MISFITS_STOP, MISFITS_AS_NULL };

struct source_field {
    const char *name;   /* a feature or a join key */
    const char *column; /* the column that holds it */
};

struct source {
    struct description about;
    const char *table;                 /* as written, "schema.table" or "table"; NULL if a query */
    const char *query;                 /* one SELECT without a semicolon; NULL if a table */
    const char *event_time;            /* column */
    const char *created_time;          /* column; NULL if there is none */
    int64_t lookback_us;               /* default 1 hour */
    const struct source_field *fields; /* sorted by name */
    size_t field_count;
    enum misfit_policy misfits;
    struct place from_place, event_time_place, created_time_place; /* from: the table or query */
};

struct feature {
    const char *name;
    const char *text; /* description; NULL if none */
    const struct tag *tags;
    size_t tag_count;
    value_type type;
    struct place place;
};

struct feature_view {
    struct description about;
    const struct entity *const *entities; /* as written; at least one */
    size_t entity_count;
    const struct join_key *keys; /* of all its entities, sorted by name, each once */
    size_t key_count;
    struct place entities_place;
    const struct source *source;
    int64_t ttl_us; /* 0: never too old */
    bool online;
    const struct feature *features; /* at least one */
    size_t feature_count;
    const uint16_t *by_name; /* indexes into features, sorted by name; NULL: search them in turn */
};

/* `join_key` of the view is taken from the asking column (or request entity) `from`. */
struct key_mapping {
    const char *join_key;
    const char *from;
};

struct service_item {
    const struct feature_view *view;
    const uint16_t *features;       /* indexes into view->features, in the order written */
    size_t feature_count;           /* all of them where none were named */
    bool all_features;              /* none were named: follows the view when it changes */
    const char *alias;              /* as; NULL if none */
    const struct key_mapping *keys; /* sorted by join key; only what was mapped */
    size_t key_count;
    struct place place;
};

struct feature_service {
    struct description about;
    const struct service_item *items; /* at least one */
    size_t item_count;
};

struct definitions {
    const char *project;
    const struct entity *entities;
    size_t entity_count;
    const struct source *sources;
    size_t source_count;
    const struct feature_view *views;
    size_t view_count;
    const struct feature_service *services;
    size_t service_count;
};

/* By name (binary search); NULL if there is none. */
const struct entity *definitions_entity(const struct definitions *definitions, const char *name);
const struct source *definitions_source(const struct definitions *definitions, const char *name);
const struct feature_view *definitions_view(const struct definitions *definitions,
                                            const char *name);
const struct feature_service *definitions_service(const struct definitions *definitions,
                                                  const char *name);
/* Index of a feature in the view, or -1. */
int feature_view_find(const struct feature_view *view, const char *feature);
/* The event time at and after which a row of the view counts online at that time: ttl and a day
 * ago; INT64_MIN without a ttl. */
int64_t feature_view_oldest(const struct feature_view *view, int64_t now_us);
/* The source's column for a feature or a join key: what `fields` says, or the name itself. */
const char *source_column(const struct source *source, const char *name);

#endif
