/*
 * environment.h - environment variables in the values of larder.yaml.
 *
 * "${NAME}" is the variable's value, "${NAME:-default}" the default where it is unset or empty, and
 * "$${" is "${" itself. Replaced after the YAML was parsed, so a value cannot bring YAML with it,
 * and not replaced again. What a variable holds may be a secret, so messages keep quoting the text
 * as it was written (node.h).
 */
#ifndef LARDER_CONFIG_ENVIRONMENT_H
#define LARDER_CONFIG_ENVIRONMENT_H

#include "base/arena.h"
#include "config/node.h"
#include "config/place.h"

/* The tree with variables in its values (not its keys) replaced; a variable that is not set, or a
 * "${" that is not closed, is a problem, and that value becomes NODE_BROKEN. */
const struct node *environment_expand(const struct node *root, struct arena *arena,
                                      struct problems *problems);

#endif
