/*
 * table.h - rows of text in aligned columns, for people.
 *
 *     FEATURE VIEW      FEATURES  TTL  SOURCE
 *     airport_weather          2  6h   hourly_weather
 *
 * Cells are copied into the arena; widths are columns of the terminal, not bytes; the last column
 * is never padded. On a terminal that is too narrow the column that gives way is cut first, then
 * the widest; elsewhere nothing is cut.
 */
#ifndef LARDER_CLI_TABLE_H
#define LARDER_CLI_TABLE_H

#include "base/arena.h"
#include "cli/style.h"

#include <stdbool.h>
#include <stdio.h>

struct table_cell {
    const char *text;
    enum paint paint;
};

struct table {
    struct arena *arena;
    size_t column_count;
    const char *const *titles; /* NULL: no title line */
    const bool *right;         /* which columns stand to the right; NULL: none */
    size_t gives_way;          /* the column that is cut first; the last one unless it is set */
    bool wraps;                /* the last column is wrapped instead: it has to be read whole */
    struct table_cell **rows;
    size_t row_count, capacity;
};

void table_init(struct table *table, struct arena *arena, size_t column_count,
                const char *const *titles, const bool *right);
void table_add(struct table *table, const char *const *cells);
/* Paints a cell of the row that was added last. */
void table_paint(struct table *table, size_t column, enum paint paint);
void table_print(const struct table *table, FILE *out, const char *indent);

#endif
