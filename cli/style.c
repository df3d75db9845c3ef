/* style.c - see style.h. */
#include "cli/style.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A variable that is set, and not empty. */
static const char *variable(const char *name)
{
    const char *text = getenv(name);
    return text && *text ? text : NULL;
}

struct style style_of(FILE *stream)
{
    const char *term = variable("TERM"), *force = variable("CLICOLOR_FORCE");
    if (variable("NO_COLOR"))
        return (struct style){false};
    if (force && strcmp(force, "0") != 0)
        return (struct style){true};
    bool knows_colours = term && strcmp(term, "dumb") != 0;
    return (struct style){knows_colours && isatty(fileno(stream))};
}

const char *style_begin(struct style style, enum paint paint)
{
    static const char *const codes[] = {
        [PAINT_PLAIN] = "",        [PAINT_TITLE] = "\033[1m", [PAINT_FAINT] = "\033[2m",
        [PAINT_GOOD] = "\033[32m", [PAINT_CARE] = "\033[33m", [PAINT_BAD] = "\033[31m",
        [PAINT_HINT] = "\033[36m",
    };
    return style.painted ? codes[paint] : "";
}

const char *style_end(struct style style, enum paint paint)
{
    return style.painted && paint != PAINT_PLAIN ? "\033[0m" : "";
}
