/*
 * column_guess.h - the type of a CSV's column that nobody declared, from all of its fields.
 *
 * asks_csv.c shows it every field that is not null, then asks. The guess is narrow on purpose: it
 * is a type only where its values say the same as the text did, so "007" stays a string, as do an
 * integer beyond int64, and integers beyond 2^53 among fractions.
 */
#ifndef LARDER_TRAINING_FORMATS_COLUMN_GUESS_H
#define LARDER_TRAINING_FORMATS_COLUMN_GUESS_H

#include "base/arena.h"
#include "base/value.h"

struct column_guess {
    bool has_any;
    bool not_bool, not_int64, not_float64; /* ruled out */
};

void column_guess_see(struct column_guess *guess, struct bytes field, struct arena *scratch);
/* bool (true, false in any case), int64, float64 (or NaN, Infinity, -Infinity), else string; string
 * where there was nothing to see. */
value_type column_guess_type(const struct column_guess *guess);

#endif
