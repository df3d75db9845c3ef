/* finding.c - see finding.h. */
#include "store/finding.h"

#include <stdlib.h>
#include <string.h>

void findings_add(struct findings *findings, struct arena *arena, enum finding_kind kind,
                  const char *text)
{
    findings->items = arena_grow(arena, findings->items, findings->count, &findings->capacity,
                                 findings->count + 1, sizeof *findings->items);
    findings->items[findings->count++] = (struct finding){kind, arena_text(arena, text)};
}

static int compare(const void *a, const void *b)
{
    return strcmp(((const struct finding *)a)->text, ((const struct finding *)b)->text);
}

void findings_sort(struct findings *findings)
{
    if (findings->count > 0)
        qsort(findings->items, findings->count, sizeof *findings->items, compare);
}
