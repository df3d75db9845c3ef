/*
 * place.h - where in a file something stands, and the list of what is wrong there.
 *
 * Reading definitions goes on after a mistake, so that all of them are told in one run. Everything
 * is in the arena that problems was made with. One thread.
 */
#ifndef LARDER_CONFIG_PLACE_H
#define LARDER_CONFIG_PLACE_H

#include "base/arena.h"
#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct place {
    const char *file; /* as the user named it (relative to where they stand); NULL: no file */
    uint64_t line;    /* 1-based; 0: unknown */
    uint32_t column;  /* 1-based, in characters; 0: unknown */
};

struct problem {
    struct place place;
    const char *text; /* one line: what is wrong, and what to do or "did you mean ..." */
};

enum { PROBLEMS_MAX = 100 }; /* after that, one last problem says that there are more */

struct problems {
    struct arena *arena;
    struct problem *items;
    size_t count, capacity;
};

void problems_init(struct problems *problems, struct arena *arena);
void problems_add(struct problems *problems, struct place place, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* More were found than are kept: what is added now is dropped. */
bool problems_full(const struct problems *problems);
/* By file, line and column; what was told twice (an aliased node is read twice) stays once. */
void problems_sort(struct problems *problems);
/* OK if there is none, else INVALID with the first one and the number of the others in err. */
enum status problems_status(const struct problems *problems, struct error *err);

/* By file (none comes first), line and column; < 0, 0, > 0. */
int place_compare(struct place a, struct place b);
/* "FILE:LINE:COLUMN", "FILE" where the line is unknown, "" where the file is. */
const char *place_text(struct place place, struct arena *arena);

/* The candidate nearest to name by edit distance, if near enough to be a slip of the hand; else
 * NULL. */
const char *nearest_name(const char *name, const char *const *candidates, size_t count);

#endif
