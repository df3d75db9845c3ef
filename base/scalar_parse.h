/*
 * scalar_parse.h - one value that is no list, read from text: the part of value_parse
 * (value_text.h) that knows how each type is written. Called by value_text.c alone. The whole text
 * must be the value: no spaces around it, no hexadecimal numbers, nothing that would be rounded to
 * infinity or zero.
 */
#ifndef LARDER_BASE_SCALAR_PARSE_H
#define LARDER_BASE_SCALAR_PARSE_H

#include "base/arena.h"
#include "base/error.h"
#include "base/value.h"

/* As value_parse. */
enum status scalar_parse(value_type type, struct bytes text, struct arena *arena,
                         struct value *value, struct error *err);

#endif
