/*
 * table.h - rows of text in aligned columns, for people.
 *
 *     FEATURE VIEW      FEATURES  TTL  SOURCE
 *     airport_weather          2  6h   hourly_weather
 *
 * Cells are copied into the arena; widths count characters, not bytes; the last column is never
 * padded.
 */
#ifndef LARDER_CLI_TABLE_H
#define LARDER_CLI_TABLE_H

#include "base/arena.h"

#include <stdbool.h>
#include <stdio.h>

struct table {
    struct arena *arena;
    size_t column_count;
    const char *const *titles; /* NULL: no title line */
    const bool *right;         /* which columns stand to the right; NULL: none */
    const char ***rows;
    size_t row_count, capacity;
};

void table_init(struct table *table, struct arena *arena, size_t column_count,
                const char *const *titles, const bool *right);
void table_add(struct table *table, const char *const *cells);
void table_print(const struct table *table, FILE *out, const char *indent);

#endif
