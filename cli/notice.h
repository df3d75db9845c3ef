/*
 * notice.h - what people are told on stderr: what went wrong, what to take care of, what to do
 * next.
 *
 *     larder: no feature view is called "weathr": did you mean "weather"?
 *     hint: larder materialize fills airport_weather
 *
 *     features.yaml:13:5: unknown key "tll" in a feature view: did you mean "ttl"?
 *       13 |     tll: 6h
 *          |     ^
 *
 * One line each, but for the excerpt; on a terminal long ones are wrapped, and the first word is
 * painted. With --json these still go to stderr, and stdout is the programs'.
 */
#ifndef LARDER_CLI_NOTICE_H
#define LARDER_CLI_NOTICE_H

#include "config/place.h"

enum notice {
    NOTICE_FAILURE, /* "larder: ": the command ends because of it */
    NOTICE_ERROR,   /* "error: ": one of several things that are wrong */
    NOTICE_WARNING, /* "warning: " */
    NOTICE_HINT,    /* "hint: ": what to do */
    NOTICE_USAGE,   /* "usage: " */
};

void notice(enum notice kind, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* A mistake in a file: its place, the text, and the line with a caret under the column. Where the
 * line or the file is not known, that much less. */
void notice_mistake(const struct place *place, const char *text);
/* The same for a message that begins with its place already: "FILE:LINE:COLUMN: text". */
void notice_error(const struct error *err);

#endif
