/* excerpt.c - see excerpt.h. */
#include "cli/excerpt.h"

#include "cli/screen.h"
#include "cli/style.h"

#include <ctype.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { USUAL_WIDTH = 80 };

/* Reading the line */

static bool ends_with(const char *text, const char *end)
{
    size_t length = strlen(text), size = strlen(end);
    return length >= size && strcmp(text + length - size, end) == 0;
}

/* NULL: it is not there, or is a pipe, which would be waited for. */
static FILE *open_plain_file(const char *path)
{
    struct stat facts;
    int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    bool plain = descriptor >= 0 && fstat(descriptor, &facts) == 0 && S_ISREG(facts.st_mode);
    FILE *file = plain ? fdopen(descriptor, "r") : NULL;
    if (!file && descriptor >= 0)
        close(descriptor);
    return file;
}

/* The line without its end; the caller's to free. NULL: there is none. */
static char *read_line(const struct place *place)
{
    FILE *file = open_plain_file(place->file);
    char *line = NULL;
    size_t capacity = 0;
    ssize_t length = file ? 0 : -1;
    for (uint64_t n = 0; n < place->line && length >= 0; n++)
        length = getline(&line, &capacity, file);
    if (file)
        fclose(file);
    if (length <= 0) {
        free(line);
        return NULL;
    }
    line[strcspn(line, "\r\n")] = '\0';
    if (place->line == 1 && strncmp(line, "\xef\xbb\xbf", 3) == 0)
        memmove(line, line + 3, strlen(line + 3) + 1);
    return line;
}

/* What a terminal would obey, or not know how to show, becomes a "?". */
static void make_printable(char *line)
{
    char *to = line;
    size_t size;
    for (const char *from = line; *from; from += size) {
        if (*from == '\t') {
            *to++ = ' ';
            size = 1;
        } else if (text_is_printable(from, &size)) {
            memmove(to, from, size);
            to += size;
        } else {
            *to++ = '?';
        }
    }
    *to = '\0';
}

/* The byte that the column stands for; the line's end at most. */
static size_t offset_of(const char *line, uint32_t column)
{
    size_t at = 0;
    for (uint32_t n = 1; n < column && line[at]; n++) {
        at++;
        while (((unsigned char)line[at] & 0xc0) == 0x80)
            at++;
    }
    return at;
}

/* What may be shown of it: each returns how many bytes, SIZE_MAX for all. */

static bool is_word(char c)
{
    return isalnum((unsigned char)c) || c == '_';
}

/* Of larder.yaml: words with a colon behind them, as long as nothing else stands between. */
static size_t size_of_keys(const char *line)
{
    size_t at = 0;
    for (;;) {
        size_t word = at + strspn(line + at, " {-");
        size_t end = word;
        while (is_word(line[end]))
            end++;
        if (end == word || line[end] != ':')
            return word;
        at = end + 1;
    }
}

/* Of other YAML: what stands before an address or a word for a secret. */
static size_t size_before_secret(const char *line)
{
    static const char *const signs[] = {"://", "pass", "pwd", "secret", "token", "credential"};
    const char *first = NULL;
    for (size_t i = 0; i < COUNT_OF(signs); i++) {
        const char *at = strcasestr(line, signs[i]);
        first = at && (!first || at < first) ? at : first;
    }
    return first ? (size_t)(first - line) : SIZE_MAX;
}

static size_t size_to_show(const char *file, const char *line)
{
    if (ends_with(file, "larder.yaml"))
        return size_of_keys(line);
    bool yaml = ends_with(file, ".yaml") || ends_with(file, ".yml");
    return yaml ? size_before_secret(line) : SIZE_MAX;
}

/* Showing it */

/* The part of a line that is shown. */
struct view {
    const char *from;
    size_t size;
    size_t caret; /* its column within what is shown, the ellipsis before it counted */
    bool cut_before, cut_behind;
};

/* Advances until at least that many columns are behind us; at most to the end. */
static const char *skip_columns(const char *text, size_t columns)
{
    size_t size;
    for (size_t passed = 0; *text && passed < columns; text += size)
        passed += text_character(text, &size);
    return text;
}

static size_t columns_between(const char *from, const char *to)
{
    size_t columns = 0, size;
    for (; from < to; from += size)
        columns += text_character(from, &size);
    return columns;
}

/* The bytes of text that fit. */
static size_t size_within(const char *text, size_t columns)
{
    size_t used = 0, at = 0, size;
    while (text[at]) {
        used += text_character(text + at, &size);
        if (used > columns)
            break;
        at += size;
    }
    return at;
}

static struct view view_of(const char *line, size_t offset, size_t width)
{
    struct view view = {.from = line, .caret = columns_between(line, line + offset)};
    size_t most_before = width * 2 / 3, total = text_columns(line);
    if (view.caret > most_before && total > width) {
        size_t behind = total - (width - 1); /* at the line's end more of what stands before fits */
        size_t skipped = view.caret - most_before;
        view.from = skip_columns(line, skipped < behind ? skipped : behind);
        view.caret = columns_between(view.from, line + offset) + 1;
        view.cut_before = true;
    }
    size_t room = width - (view.cut_before ? 1 : 0);
    view.size = size_within(view.from, room);
    view.cut_behind = view.from[view.size] != '\0';
    if (view.cut_behind)
        view.size = size_within(view.from, room - 1);
    return view;
}

static void print_view(FILE *out, uint64_t number, const struct view *view, bool more)
{
    struct style style = style_of(out);
    char gutter[32];
    int size = snprintf(gutter, sizeof gutter, "%4llu", (unsigned long long)number);
    fprintf(out, "%s%s | %s%s%.*s%s\n", style_begin(style, PAINT_FAINT), gutter,
            style_end(style, PAINT_FAINT), view->cut_before ? "…" : "", (int)view->size, view->from,
            view->cut_behind || more ? "…" : "");
    fprintf(out, "%s%*s | %s%*s%s^%s\n", style_begin(style, PAINT_FAINT), size, "",
            style_end(style, PAINT_FAINT), (int)view->caret, "", style_begin(style, PAINT_BAD),
            style_end(style, PAINT_BAD));
}

void excerpt_print(FILE *out, const struct place *place)
{
    char *line = place->file && place->line && place->column ? read_line(place) : NULL;
    if (!line)
        return;
    make_printable(line);
    size_t offset = offset_of(line, place->column), shown = size_to_show(place->file, line);
    bool more = shown < strlen(line);
    if (more)
        line[shown] = '\0';
    size_t width = screen_prose_width(out);
    width = width ? width : USUAL_WIDTH;
    if (offset <= strlen(line) && *line) {
        const struct view view = view_of(line, offset, width - 8 - (more ? 1 : 0));
        print_view(out, place->line, &view, more);
    }
    free(line);
}
