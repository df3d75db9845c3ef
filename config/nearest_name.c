/*
 * nearest_name.c - see place.h: what somebody who wrote an unknown name probably meant.
 *
 * Damerau-Levenshtein distance (a letter added, left out, replaced, or two swapped), in a band
 * around the diagonal. Servers call this for names in requests, so the work has a ceiling: few
 * candidates, short names, a narrow band that is left as soon as nothing near is possible.
 */
#include "config/place.h"

#include <string.h>

enum { CANDIDATES_MAX = 2000, LENGTH_MAX = 80, DISTANCE_MAX = 6 };

/* Capitals and dashes are slips, too, and cost nothing. */
static char folded(char c)
{
    if (c >= 'A' && c <= 'Z')
        return (char)(c - 'A' + 'a');
    return c == '-' || c == ' ' ? '_' : c;
}

static int least(int a, int b)
{
    return a < b ? a : b;
}

/* The distance, or limit + 1 where it is greater than limit. */
static int distance(const char *a, int a_length, const char *b, int b_length, int limit)
{
    int rows[3][LENGTH_MAX + 1];
    int *before = rows[0], *last = rows[1], *now = rows[2];
    for (int j = 0; j <= b_length; j++)
        last[j] = j;
    for (int i = 1; i <= a_length; i++) {
        int from = i - limit > 1 ? i - limit : 1, to = least(b_length, i + limit);
        now[from - 1] = from == 1 ? i : limit + 1;
        int nearest = now[from - 1];
        for (int j = from; j <= to; j++) {
            bool same = folded(a[i - 1]) == folded(b[j - 1]);
            int removed = j < i + limit ? last[j] + 1 : limit + 1;
            now[j] = least(least(now[j - 1] + 1, removed), last[j - 1] + (same ? 0 : 1));
            if (i > 1 && j > 1 && folded(a[i - 1]) == folded(b[j - 2]) &&
                folded(a[i - 2]) == folded(b[j - 1]))
                now[j] = least(now[j], before[j - 2] + 1);
            nearest = least(nearest, now[j]);
        }
        if (nearest > limit)
            return limit + 1;
        int *oldest = before;
        before = last;
        last = now;
        now = oldest;
    }
    return least(last[b_length], limit + 1);
}

const char *nearest_name(const char *name, const char *const *candidates, size_t count)
{
    size_t length = strlen(name);
    if (length == 0 || length > LENGTH_MAX)
        return NULL;
    int limit = length / 3 > 2 ? (int)(length / 3) : 2;
    limit = least(least(limit, DISTANCE_MAX), (int)length - 1);
    const char *nearest = NULL;
    for (size_t i = 0; i < count && i < CANDIDATES_MAX && limit >= 0; i++) {
        size_t other = strlen(candidates[i]);
        if (other > LENGTH_MAX || other > length + (size_t)limit || other + (size_t)limit < length)
            continue;
        int found = distance(name, (int)length, candidates[i], (int)other, limit);
        if (found > limit)
            continue;
        nearest = candidates[i];
        limit = found - 1; /* only a nearer one is of interest now */
    }
    return nearest;
}
