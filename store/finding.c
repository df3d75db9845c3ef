/* finding.c - see finding.h. */
#include "store/finding.h"

#include <stdlib.h>
#include <string.h>

void findings_add(struct findings *findings, struct arena *arena, enum finding_kind kind,
                  const char *text)
{
    const struct subject none = {0};
    findings_add_about(findings, arena, kind, &none, text);
}

void findings_add_about(struct findings *findings, struct arena *arena, enum finding_kind kind,
                        const struct subject *subject, const char *text)
{
    findings->items = arena_grow(arena, findings->items, findings->count, &findings->capacity,
                                 findings->count + 1, sizeof *findings->items);
    findings->items[findings->count++] = (struct finding){kind, *subject, arena_text(arena, text)};
}

const char *finding_text(const struct finding *finding, struct arena *arena)
{
    bool is_mistake = finding->kind == FINDING_ERROR && finding->subject.place.file;
    return is_mistake ? arena_printf(arena, "%s: %s", place_text(finding->subject.place, arena),
                                     finding->text)
                      : finding->text;
}

static int compare(const void *a, const void *b)
{
    const struct finding *one = a, *other = b;
    int order = place_compare(one->subject.place, other->subject.place);
    return order ? order : strcmp(one->text, other->text);
}

void findings_sort(struct findings *findings)
{
    if (findings->count > 0)
        qsort(findings->items, findings->count, sizeof *findings->items, compare);
}
