/*
 * excerpt.h - the line of a file that a mistake stands in, with a caret under the place.
 *
 *       13 |     tll: 6h
 *          |     ^
 *
 * The file is read again, so an excerpt is a help and no more: where the file is gone, is no plain
 * file, or has no such line, nothing is printed. Long lines are cut around the caret, to 80
 * columns.
 *
 * Passwords stand in larder.yaml, or in whatever file somebody put them by mistake. So of
 * larder.yaml only keys are shown, and of other YAML nothing behind what looks like a secret.
 */
#ifndef LARDER_CLI_EXCERPT_H
#define LARDER_CLI_EXCERPT_H

#include "config/place.h"

#include <stdio.h>

void excerpt_print(FILE *out, const struct place *place);

#endif
