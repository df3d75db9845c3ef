/*
 * definitions_text.h - for tests of config/: definitions out of a text in the test, and what was
 * wrong with one, as people would read it.
 */
#ifndef LARDER_TESTS_DEFINITIONS_TEXT_H
#define LARDER_TESTS_DEFINITIONS_TEXT_H

#include "base/arena.h"
#include "config/definitions.h"
#include "config/place.h"

/* Fails the test, with the problems, if the text is wrong. */
struct definitions definitions_of(const char *yaml, struct arena *arena);

/* "LINE:COLUMN: text" of every problem, a line each, in order; "" if there are none. */
const char *problems_text(const struct problems *problems, struct arena *arena);
/* The problems of definitions, or of settings, in a text. */
const char *mistakes_of(const char *yaml, struct arena *arena);
const char *settings_mistakes_of(const char *yaml, struct arena *arena);

/* A mistake, what it is, and what must be told of it. */
struct mistake {
    const char *title, *yaml, *expected;
};
/* Checks each; all that differ are printed before the test fails. */
void check_mistakes(const struct mistake *mistakes, size_t count,
                    const char *(*mistakes_in)(const char *yaml, struct arena *arena));

#endif
