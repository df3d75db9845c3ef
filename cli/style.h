/*
 * style.h - colour, where it helps: on a terminal, and nowhere else. The only file with escape
 * codes for colour.
 *
 * A stream is painted if it is a terminal that knows colours (TERM is not dumb), unless NO_COLOR
 * has a value; CLICOLOR_FORCE (not 0) paints what is no terminal, too. Colour never says what the
 * words do not say.
 *
 *     struct style style = style_of(stdout);
 *     printf("%s%s%s", style_begin(style, PAINT_GOOD), text, style_end(style, PAINT_GOOD));
 */
#ifndef LARDER_CLI_STYLE_H
#define LARDER_CLI_STYLE_H

#include <stdbool.h>
#include <stdio.h>

/* What a text is; style.c says which colour that has. */
enum paint {
    PAINT_PLAIN,
    PAINT_TITLE, /* heads of tables, names of things */
    PAINT_FAINT, /* what is beside the point */
    PAINT_GOOD,  /* there, added, current */
    PAINT_CARE,  /* altered, missing, to be looked at */
    PAINT_BAD,   /* wrong, removed, failed */
    PAINT_HINT,  /* what to do next */
};

struct style {
    bool painted;
};

struct style style_of(FILE *stream);
/* "" where nothing is painted. */
const char *style_begin(struct style style, enum paint paint);
const char *style_end(struct style style, enum paint paint);

#endif
