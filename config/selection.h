/*
 * selection.h - the features that somebody asks for, resolved: from a feature service, or from a
 * list of view:feature references. Training sets and the server both ask through this, so that a
 * name means the same in both.
 *
 * Output columns are named by the feature alone; those of an aliased use always alias__feature;
 * with full_names, view__feature. Two equal names are refused (INVALID), naming both uses; so is a
 * column called like an asked key. Work is linear in what is asked, and all memory is in the arena.
 */
#ifndef LARDER_CONFIG_SELECTION_H
#define LARDER_CONFIG_SELECTION_H

#include "base/arena.h"
#include "base/error.h"
#include "config/definitions.h"

/* A column of the asking rows, or an entity of the request. */
struct asked_key {
    const char *name;
    value_type type; /* int64 where views want it as int32 and as int64 */
};

/* One use of a view. The same view used twice (under aliases) is two of these. */
struct selected_view {
    const struct feature_view *view;
    const char *alias; /* NULL if none */
    const uint16_t
        *asked_keys; /* [view->key_count]: index into selection.keys, for each of view->keys */
};

struct selected_feature {
    const char *name; /* of the output column */
    uint16_t view;    /* index into selection.views */
    uint16_t feature; /* index into that view's features */
    value_type type;
};

struct selection {
    const struct asked_key *keys; /* in order of first need */
    size_t key_count;
    const struct selected_view *views; /* in order of first use */
    size_t view_count;
    const struct selected_feature *features; /* in the order asked */
    size_t feature_count;
};

/* NOT_FOUND: no such service, view or feature (with "did you mean"); INVALID: names collide, a
 * reference is not view:feature, one asking column would need two types. All in the arena,
 * borrowing from definitions. */
enum status selection_of_service(const struct definitions *definitions, const char *service,
                                 bool full_names, struct arena *arena, struct selection *selection,
                                 struct error *err);
enum status selection_of_references(const struct definitions *definitions,
                                    const struct bytes *references, size_t count, bool full_names,
                                    struct arena *arena, struct selection *selection,
                                    struct error *err);

/* INVALID: the columns f__status and f__event_time, which a training set may add for each feature,
 * would collide with others. Services never do without full_names: validation sees to it. */
enum status selection_check_status_columns(const struct selection *selection, struct arena *arena,
                                           struct error *err);

/* The column of one feature: named as above. Borrows, or is in the arena. */
const char *output_column(const struct feature_view *view, const char *alias, const char *feature,
                          bool full_names, struct arena *arena);
/* What stands for both: int64 for the two integers, the type itself for equal ones; 0 for others.
 */
value_type asked_type(value_type a, value_type b);

#endif
