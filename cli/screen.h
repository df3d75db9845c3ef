/*
 * screen.h - how wide the terminal is, how much of it a text takes, and how to make text fit.
 *
 * Where there is no terminal nothing is cut or wrapped: a line is a line for grep, and a value is
 * whole for the program that reads it. Widths are columns: a wide character (as in Chinese) takes
 * two, a combining one none.
 */
#ifndef LARDER_CLI_SCREEN_H
#define LARDER_CLI_SCREEN_H

#include "base/arena.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* Columns of the terminal behind the stream; 0: it is none. */
size_t screen_width(FILE *stream);
/* What prose may take: at most 80 columns, which eyes can follow. 0: no terminal. */
size_t screen_prose_width(FILE *stream);

/* Columns that text takes. Bytes that are no UTF-8 count one each. */
size_t text_columns(const char *text);
/* The columns of the character that text begins with; *size is how many bytes it has. */
size_t text_character(const char *text, size_t *size);
/* Whether that character is one to look at: no control character, no broken UTF-8. */
bool text_is_printable(const char *text, size_t *size);
/* The text, or as much of it as leaves room for an ellipsis within that many columns (at least 1).
 */
const char *text_cut(const char *text, size_t columns, struct arena *arena);

/* Prints text and a newline; on a terminal it is broken at blanks. `used` columns of the first line
 * are taken already; later lines begin with `indent` blanks. A word that is too long stays whole,
 * so that it can be copied. `end` takes no columns and comes before the newline: the end of a
 * paint, or
 * "". */
void text_wrap(FILE *out, const char *text, size_t used, size_t indent, const char *end);

#endif
