/* place.c - see place.h. */
#include "config/place.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PROBLEM_TEXT_SIZE = 1024 };

void problems_init(struct problems *problems, struct arena *arena)
{
    *problems = (struct problems){.arena = arena};
}

static bool is_continuation(char byte)
{
    return ((unsigned char)byte & 0xc0) == 0x80;
}

/* A text that was cut by its buffer may end in half a character. */
static void cut_half_character(char *text)
{
    size_t end = strlen(text);
    while (end > 0 && is_continuation(text[end - 1]))
        end--;
    if (end > 0 && ((unsigned char)text[end - 1] & 0x80))
        text[end - 1] = '\0';
}

static void append(struct problems *problems, struct place place, const char *text)
{
    problems->items = arena_grow(problems->arena, problems->items, problems->count,
                                 &problems->capacity, problems->count + 1, sizeof *problems->items);
    problems->items[problems->count++] =
        (struct problem){.place = place, .text = arena_text(problems->arena, text)};
}

void problems_add(struct problems *problems, struct place place, const char *format, ...)
{
    if (problems->count == PROBLEMS_MAX)
        append(problems, (struct place){0}, "there are more problems: correct these first");
    if (problems->count > PROBLEMS_MAX)
        return;
    char text[PROBLEM_TEXT_SIZE];
    va_list args;
    va_start(args, format);
    int length = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (length >= (int)sizeof text)
        cut_half_character(text);
    for (char *c = text; *c; c++)
        if ((unsigned char)*c < 0x20 || *c == 0x7f)
            *c = ' ';
    append(problems, place, text);
}

bool problems_full(const struct problems *problems)
{
    return problems->count > PROBLEMS_MAX;
}

static int compare_files(const char *a, const char *b)
{
    if (!a || !b)
        return (a != NULL) - (b != NULL);
    return strcmp(a, b);
}

int place_compare(struct place a, struct place b)
{
    int order = compare_files(a.file, b.file);
    if (order == 0)
        order = (a.line > b.line) - (a.line < b.line);
    if (order == 0)
        order = (a.column > b.column) - (a.column < b.column);
    return order;
}

static int compare_problems(const void *left, const void *right)
{
    const struct problem *a = left, *b = right;
    int order = place_compare(a->place, b->place);
    return order ? order : strcmp(a->text, b->text);
}

void problems_sort(struct problems *problems)
{
    /* The word that there are more stays last. */
    bool more = problems_full(problems);
    size_t count = more ? PROBLEMS_MAX : problems->count, kept = 0;
    if (count == 0)
        return;
    qsort(problems->items, count, sizeof *problems->items, compare_problems);
    for (size_t i = 0; i < count; i++)
        if (i == 0 || compare_problems(&problems->items[kept - 1], &problems->items[i]) != 0)
            problems->items[kept++] = problems->items[i];
    if (more)
        problems->items[kept++] = problems->items[PROBLEMS_MAX];
    problems->count = kept;
}

enum status problems_status(const struct problems *problems, struct error *err)
{
    if (problems->count == 0)
        return STATUS_OK;
    const struct problem *first = &problems->items[0];
    char others[64] = "";
    if (problems->count > 1)
        snprintf(others, sizeof others, " (and %zu more)", problems->count - 1);
    fail(err, STATUS_INVALID, "%s%s", first->text, others);
    if (first->place.file && first->place.line > 0)
        fail_at(err, first->place.file, first->place.line, first->place.column);
    else if (first->place.file)
        fail_within(err, "%s", first->place.file);
    return STATUS_INVALID;
}

const char *place_text(struct place place, struct arena *arena)
{
    if (!place.file)
        return "";
    if (place.line == 0)
        return arena_text(arena, place.file);
    return arena_printf(arena, "%s:%llu:%u", place.file, (unsigned long long)place.line,
                        place.column);
}
