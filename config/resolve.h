/*
 * resolve.h - between the parts of draft_resolve: what they share while names become pointers.
 *
 * resolve.c does entities, sources and views, then resolve_service.c the services, which need
 * those. A name that is not known is a problem, unless a part of the definitions could not be read:
 * then it may well be there, and guessing would bury the true mistake.
 */
#ifndef LARDER_CONFIG_RESOLVE_H
#define LARDER_CONFIG_RESOLVE_H

#include "config/draft.h"

#include <stdbool.h>
#include <stddef.h>

struct resolver {
    const struct draft *draft;
    struct arena *arena;
    struct arena sets; /* names of one object: reset for the next */
    struct problems *problems;
    struct definitions *definitions;
    size_t column_count; /* of all services so far */
    bool failed;         /* a name stayed unknown, told or not */
};

struct description described(const struct draft_about *about);

/* `no feature view is called "x": did you mean "y"?` Candidates as names_of takes them. `lacking`:
 * some of them could not be read, so nothing is told. */
void tell_unknown_name(struct resolver *resolver, struct written name, const char *noun,
                       bool lacking, const void *candidates, size_t count, size_t stride,
                       size_t offset);

/* "; the other is at FILE:LINE:COLUMN", or "" where the place is not known. */
const char *other_place(struct resolver *resolver, struct place place);

void resolve_services(struct resolver *resolver);

#endif
