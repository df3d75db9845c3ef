/*
 * finding.h - what is wrong, or could be better, with a store or with definitions in it.
 *
 * Stores find; commands tell. A finding says what, where and what to do, in one line, and holds no
 * password. Finding something is no failure of the call that looked: an error means that it could
 * not look. Lists grow in the arena that is passed.
 */
#ifndef LARDER_STORE_FINDING_H
#define LARDER_STORE_FINDING_H

#include "base/arena.h"
#include "base/error.h"
#include "config/place.h"

#include <stddef.h>

enum finding_kind {
    FINDING_ERROR, /* something fails because of it, or will */
    FINDING_HINT,  /* all works; it could be better */
};
/* The definition that a finding is about; all zero: none, but the store. */
struct subject {
    const char *source, *view; /* names; view NULL: the source by itself */
    struct place place;        /* what is wrong there; no file: it was read from the registry */
};
struct finding {
    enum finding_kind kind;
    struct subject subject; /* borrowed from the definitions */
    const char *text;       /* "feature view airport_weather: feature wind is float64, but
                               public.weather.wind is text" */
};
/* Empty when zeroed. */
struct findings {
    struct finding *items;
    size_t count, capacity;
};

/* The text is copied into the arena. */
void findings_add(struct findings *findings, struct arena *arena, enum finding_kind kind,
                  const char *text);
void findings_add_about(struct findings *findings, struct arena *arena, enum finding_kind kind,
                        const struct subject *subject, const char *text);
/* The text behind its place where it is an error: "features.yaml:16:16: feature view ...". */
const char *finding_text(const struct finding *finding, struct arena *arena);
/* By their place, then by their text, which begins with what they are about. */
void findings_sort(struct findings *findings);

#endif
