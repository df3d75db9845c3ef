/*
 * yaml_mistake.h - what is wrong with a text that is no YAML, in words that say what to do.
 *
 * Used by node_yaml.c alone. libyaml says what its scanner met; people want to know that it was a
 * tab.
 */
#ifndef LARDER_CONFIG_YAML_MISTAKE_H
#define LARDER_CONFIG_YAML_MISTAKE_H

#include "base/bytes.h"
#include "config/place.h"

#include <stdbool.h>
#include <yaml.h>

/* Checks what must hold before libyaml sees the text: its size, UTF-8 without NUL, no directives
 * (libyaml's time for them is quadratic). Takes a byte order mark off. false: a problem was added.
 */
bool yaml_text_is_readable(const char *file, struct bytes *yaml, struct problems *problems);

/* Adds the problem that stopped the parser. */
void yaml_mistake_tell(const yaml_parser_t *parser, const char *file, struct bytes yaml,
                       struct problems *problems);

#endif
