/* diagnosis.c - see diagnosis.h. */
#include "cli/diagnosis.h"

#include "cli/changes.h"
#include "cli/screen.h"
#include "cli/style.h"

#include <assert.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { NAME_WIDTH = 14, STATE_WIDTH = 7, GAP = 2, INDENT = 2 };

struct check *diagnosis_begin(struct diagnosis *diagnosis, const char *name)
{
    assert(diagnosis->count < CHECKS_MAX);
    struct check *check = &diagnosis->checks[diagnosis->count++];
    *check = (struct check){.name = name, .seen = ""};
    return check;
}

static struct check *current(struct diagnosis *diagnosis)
{
    return &diagnosis->checks[diagnosis->count - 1];
}

void diagnosis_see(struct diagnosis *diagnosis, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    current(diagnosis)->seen = arena_vprintf(diagnosis->arena, format, args);
    va_end(args);
}

void diagnosis_cannot_see(struct diagnosis *diagnosis, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    current(diagnosis)->seen = arena_vprintf(diagnosis->arena, format, args);
    va_end(args);
    current(diagnosis)->is_unknown = true;
}

/* What two looks have found is told once. */
static void add(struct diagnosis *diagnosis, enum finding_kind kind, const struct subject *subject,
                const char *text)
{
    struct findings *findings = &current(diagnosis)->findings;
    for (size_t i = 0; i < findings->count; i++)
        if (strcmp(findings->items[i].text, text) == 0)
            return;
    findings_add_about(findings, diagnosis->arena, kind, subject, text);
}

void diagnosis_find(struct diagnosis *diagnosis, enum finding_kind kind, const char *format, ...)
{
    const struct subject none = {0};
    va_list args;
    va_start(args, format);
    add(diagnosis, kind, &none, arena_vprintf(diagnosis->arena, format, args));
    va_end(args);
}

void diagnosis_take(struct diagnosis *diagnosis, const struct findings *findings)
{
    for (size_t i = 0; i < findings->count; i++)
        add(diagnosis, findings->items[i].kind, &findings->items[i].subject,
            findings->items[i].text);
}

static size_t tally(const struct check *check, enum finding_kind kind)
{
    size_t count = 0;
    for (size_t i = 0; i < check->findings.count; i++)
        count += check->findings.items[i].kind == kind;
    return count;
}

size_t diagnosis_tally(const struct diagnosis *diagnosis, enum finding_kind kind)
{
    size_t count = 0;
    for (size_t i = 0; i < diagnosis->count; i++)
        count += tally(&diagnosis->checks[i], kind);
    return count;
}

static const struct state {
    const char *word;
    enum paint paint;
} good = {"good", PAINT_GOOD}, hint = {"hint", PAINT_HINT}, wrong = {"wrong", PAINT_BAD},
  unknown = {"unknown", PAINT_FAINT};

static const struct state *state_of(const struct check *check)
{
    if (tally(check, FINDING_ERROR))
        return &wrong;
    if (check->findings.count)
        return &hint;
    return check->is_unknown ? &unknown : &good;
}

/* "offline store" */
static const char *title_of(const struct check *check, struct arena *arena)
{
    char *title = arena_text(arena, check->name);
    for (char *at = title; *at; at++)
        *at = *at == '_' ? ' ' : *at;
    return title;
}

static void print_finding(struct style style, const struct finding *finding, struct arena *arena)
{
    const struct state *head = finding->kind == FINDING_ERROR ? &wrong : &hint;
    const char *word = finding->kind == FINDING_ERROR ? "error:" : "hint:";
    printf("%*s%s%s%s ", INDENT, "", style_begin(style, head->paint), word,
           style_end(style, head->paint));
    text_wrap(stdout, finding_text(finding, arena), INDENT + text_columns(word) + 1, 2 * INDENT,
              "");
}

static void print_check(struct style style, const struct check *check, struct arena *arena)
{
    const struct state *state = state_of(check);
    size_t begin = NAME_WIDTH + STATE_WIDTH + 2 * GAP;
    printf("%-*s%s%s%s", NAME_WIDTH + GAP, title_of(check, arena), style_begin(style, state->paint),
           state->word, style_end(style, state->paint));
    if (*check->seen)
        printf("%*s", STATE_WIDTH + GAP - (int)strlen(state->word), "");
    text_wrap(stdout, check->seen, begin, begin, "");
    for (size_t i = 0; i < check->findings.count; i++)
        print_finding(style, &check->findings.items[i], arena);
}

void diagnosis_print(const struct diagnosis *diagnosis)
{
    struct style style = style_of(stdout);
    for (size_t i = 0; i < diagnosis->count; i++)
        print_check(style, &diagnosis->checks[i], diagnosis->arena);
}

static json_t *check_to_json(const struct check *check)
{
    return json_pack("{s:s, s:s, s:s, s:o}", "check", check->name, "state", state_of(check)->word,
                     "seen", check->seen, "findings", findings_to_json(&check->findings));
}

struct json_t *diagnosis_to_json(const struct diagnosis *diagnosis)
{
    json_t *checks = json_array();
    for (size_t i = 0; i < diagnosis->count; i++)
        json_array_append_new(checks, check_to_json(&diagnosis->checks[i]));
    return checks;
}
