/*
 * draft.h - definitions as they were written: names not yet resolved, every one with its place.
 *
 * Files are read into one draft in any order (draft_read), then all of it is resolved at once
 * (draft_resolve), since any file may name what stands in any other. The registry's JSON takes the
 * same way. Everything is in the arena of the reader. One thread.
 */
#ifndef LARDER_CONFIG_DRAFT_H
#define LARDER_CONFIG_DRAFT_H

#include "config/definitions.h"
#include "config/members.h"
#include "config/node.h"
#include "config/place.h"

#include <stdbool.h>
#include <stddef.h>

struct draft_about {
    struct written name;
    const char *text, *owner;
    struct tag_list tags;
    struct place place;
};

struct draft_key {
    struct written name;
    value_type type; /* 0: was wrong */
};
struct draft_keys {
    struct draft_key *items;
    size_t count;
};
struct draft_entity {
    struct draft_about about;
    struct draft_keys keys;
};

struct draft_field {
    struct written name;
    const char *column;
};
struct draft_fields {
    struct draft_field *items;
    size_t count;
};
struct draft_source {
    struct draft_about about;
    struct source source; /* all but `about` and `fields` */
    struct draft_fields fields;
};

struct written_list {
    struct written *items;
    size_t count;
};
struct draft_feature {
    struct written name;
    const char *text;
    struct tag_list tags;
    value_type type; /* 0: was wrong */
};
struct draft_features {
    struct draft_feature *items;
    size_t count;
};
struct draft_view {
    struct draft_about about;
    struct written_list entities;
    struct written source;
    int64_t ttl_us;
    bool online;
    struct draft_features features;
};

struct draft_mapping {
    struct written join_key, from;
};
struct draft_mappings {
    struct draft_mapping *items;
    size_t count;
};
struct draft_item {
    struct written view;
    bool all_features;
    struct written_list features;
    struct written alias;
    struct draft_mappings keys;
    struct place place;
};
struct draft_items {
    struct draft_item *items;
    size_t count;
};
struct draft_service {
    struct draft_about about;
    struct draft_items items;
};

struct draft {
    struct written project;
    struct draft_entity *entities;
    size_t entity_count, entity_capacity;
    struct draft_source *sources;
    size_t source_count, source_capacity;
    struct draft_view *views;
    size_t view_count, view_capacity;
    struct draft_service *services;
    size_t service_count, service_capacity;
    /* Some of the kind could not be read: that a name is unknown may be its fault, and is not told.
     */
    bool lacks_entities, lacks_sources, lacks_views;
};

/* Adds what one document holds; root may be NULL (an empty file). */
void draft_read(struct draft *draft, const struct node *root, struct reader *reader);
/* Says that a whole file could not be read. */
void draft_lacks_all(struct draft *draft);
/* Takes a project's name, which must agree with one taken before. */
void draft_set_project(struct draft *draft, struct written project, struct reader *reader);
/* The items of a feature service: a member's `read`; into is a struct draft_items. */
void read_service_items(struct reader *reader, const struct node *value, void *into);

/* Checks everything that takes more than one object to see, and makes the definitions. false: the
 * draft is wrong, problems say why (here, or where it was read), and *definitions is not to be
 * used. */
bool draft_resolve(struct draft *draft, struct arena *arena, struct problems *problems,
                   struct definitions *definitions);

#endif
