/*
 * definitions_json.h - definitions as one JSON document: how the registry and the online store keep
 * them, and what `describe --json` shows. Equal definitions make equal bytes, so the text can be
 * hashed and compared. Its shape follows the YAML language (design section 4), all defaults
 * written out; unknown members are ignored, so that an older program reads a newer document.
 */
#ifndef LARDER_CONFIG_DEFINITIONS_JSON_H
#define LARDER_CONFIG_DEFINITIONS_JSON_H

#include "base/arena.h"
#include "base/error.h"
#include "config/definitions.h"
#include "config/node.h"

/* A new json_t (jansson) object; the caller owns it (json_decref). */
struct json_t;
struct json_t *definitions_to_json(const struct definitions *definitions);

/* From node_read_json of such a document. CORRUPT if definitions_to_json could not have made it;
 * names are checked, references resolved and objects sorted as in definitions.h. Borrows from the
 * node; all else is in the arena. */
enum status definitions_from_node(const struct node *node, struct arena *arena,
                                  struct definitions *definitions, struct error *err);

/* One object alone, in the same shape, for `describe --json`. */
struct json_t *entity_to_json(const struct entity *entity);
struct json_t *source_to_json(const struct source *source);
struct json_t *feature_view_to_json(const struct feature_view *view);
struct json_t *feature_service_to_json(const struct feature_service *service);

#endif
