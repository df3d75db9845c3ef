/* screen.c - see screen.h. */
#include "cli/screen.h"

#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <wchar.h>

enum { USUAL_WIDTH = 80, LEAST_WIDTH = 20 };

size_t screen_width(FILE *stream)
{
    struct winsize size = {0};
    if (!isatty(fileno(stream)))
        return 0;
    bool known = ioctl(fileno(stream), TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
    size_t width = known ? size.ws_col : USUAL_WIDTH;
    return width < LEAST_WIDTH ? LEAST_WIDTH : width;
}

size_t screen_prose_width(FILE *stream)
{
    size_t width = screen_width(stream);
    return width > USUAL_WIDTH ? USUAL_WIDTH : width;
}

/* As wcwidth: -1 of what cannot be shown. */
static int width_at(const char *text, size_t *size)
{
    wchar_t character;
    mbstate_t state = {0};
    size_t length = mbrtowc(&character, text, strlen(text), &state);
    bool valid = length != (size_t)-1 && length != (size_t)-2 && length > 0;
    *size = valid ? length : 1;
    return valid ? wcwidth(character) : -1;
}

size_t text_character(const char *text, size_t *size)
{
    int width = width_at(text, size);
    return width < 0 ? 1 : (size_t)width;
}

bool text_is_printable(const char *text, size_t *size)
{
    return width_at(text, size) >= 0;
}

size_t text_columns(const char *text)
{
    size_t columns = 0, size;
    for (; *text; text += size)
        columns += text_character(text, &size);
    return columns;
}

const char *text_cut(const char *text, size_t columns, struct arena *arena)
{
    size_t used = 0, kept = 0, size;
    for (const char *at = text; *at; at += size) {
        used += text_character(at, &size);
        if (used < columns)
            kept = (size_t)(at + size - text);
    }
    return used <= columns ? text : arena_printf(arena, "%.*s…", (int)kept, text);
}

/* The size of the word that text begins with, and its columns. */
static size_t word_at(const char *text, size_t *columns)
{
    size_t length = 0, size;
    *columns = 0;
    for (; text[length] && text[length] != ' '; length += size)
        *columns += text_character(text + length, &size);
    return length;
}

void text_wrap(FILE *out, const char *text, size_t used, size_t indent, const char *end)
{
    size_t width = screen_prose_width(out), columns;
    while (width && *text) {
        size_t blanks = strspn(text, " ");
        size_t length = word_at(text + blanks, &columns);
        if (blanks && used > indent && used + blanks + columns > width) {
            fprintf(out, "\n%*s%.*s", (int)indent, "", (int)length, text + blanks);
            used = indent + columns;
        } else {
            fprintf(out, "%.*s", (int)(blanks + length), text);
            used += blanks + columns;
        }
        text += blanks + length;
    }
    fprintf(out, "%s%s\n", text, end);
}
