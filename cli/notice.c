/* notice.c - see notice.h. */
#include "cli/notice.h"

#include "cli/excerpt.h"
#include "cli/screen.h"
#include "cli/style.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { TEXT_SIZE = 4096, INDENT = 2 };

struct word {
    const char *text;
    enum paint paint;
};

static const struct word words[] = {
    [NOTICE_FAILURE] = {"larder:", PAINT_BAD},   [NOTICE_ERROR] = {"error:", PAINT_BAD},
    [NOTICE_WARNING] = {"warning:", PAINT_CARE}, [NOTICE_HINT] = {"hint:", PAINT_HINT},
    [NOTICE_USAGE] = {"usage:", PAINT_HINT},
};

/* head, painted, and text behind it. What stdout holds comes first, where both are one terminal. */
static void tell(const char *head, enum paint paint, const char *text)
{
    struct style style = style_of(stderr);
    char line[TEXT_SIZE + 1];
    snprintf(line, sizeof line, " %s", text);
    fflush(stdout);
    fprintf(stderr, "%s%s%s", style_begin(style, paint), head, style_end(style, paint));
    text_wrap(stderr, line, text_columns(head), INDENT, "");
}

void notice(enum notice kind, const char *format, ...)
{
    char text[TEXT_SIZE];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    tell(words[kind].text, words[kind].paint, text);
}

void notice_mistake(const struct place *place, const char *text)
{
    char head[TEXT_SIZE];
    if (!place->file) {
        notice(NOTICE_FAILURE, "%s", text);
        return;
    }
    if (place->line)
        snprintf(head, sizeof head, "%s:%llu:%u:", place->file, (unsigned long long)place->line,
                 place->column);
    else
        snprintf(head, sizeof head, "%s:", place->file);
    tell(head, PAINT_TITLE, text);
    excerpt_print(stderr, place);
}

void notice_error(const struct error *err)
{
    if (err->line == 0) {
        notice(NOTICE_FAILURE, "%s", err->message);
        return;
    }
    /* The message names the place: behind a context, or at its beginning. */
    char file[ERROR_MESSAGE_SIZE];
    snprintf(file, sizeof file, "%.*s", (int)err->file_size, err->message + err->file_at);
    const struct place place = {file, err->line, err->column};
    const char *text = strchr(err->message + err->file_at + err->file_size, ' ');
    if (err->file_at == 0 && text) {
        notice_mistake(&place, text + 1);
        return;
    }
    notice(NOTICE_FAILURE, "%s", err->message);
    excerpt_print(stderr, &place);
}
