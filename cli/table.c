/* table.c - see table.h. */
#include "cli/table.h"

#include <assert.h>
#include <string.h>

enum { COLUMNS_MAX = 16 };

void table_init(struct table *table, struct arena *arena, size_t column_count,
                const char *const *titles, const bool *right)
{
    assert(column_count <= COLUMNS_MAX);
    *table = (struct table){
        .arena = arena, .column_count = column_count, .titles = titles, .right = right};
}

void table_add(struct table *table, const char *const *cells)
{
    table->rows = arena_grow(table->arena, table->rows, table->row_count, &table->capacity,
                             table->row_count + 1, sizeof *table->rows);
    const char **row = arena_array(table->arena, table->column_count, sizeof *row);
    for (size_t i = 0; i < table->column_count; i++)
        row[i] = arena_text(table->arena, cells[i]);
    table->rows[table->row_count++] = row;
}

/* Characters of UTF-8, each taken as one column wide. */
static size_t text_width(const char *text)
{
    size_t width = 0;
    for (; *text; text++)
        width += ((unsigned char)*text & 0xc0) != 0x80;
    return width;
}

/* Cells of a row up to its last one that is not empty, so that no line ends in blanks. */
static size_t filled_count(const struct table *table, const char *const *cells)
{
    size_t count = table->column_count;
    while (count > 0 && cells[count - 1][0] == '\0')
        count--;
    return count;
}

static void print_row(const struct table *table, const char *const *cells, const size_t *widths,
                      FILE *out, const char *indent)
{
    size_t count = filled_count(table, cells);
    fputs(indent, out);
    for (size_t i = 0; i < count; i++) {
        bool right = table->right && table->right[i];
        bool last = i + 1 == count;
        int pad = (int)(widths[i] - text_width(cells[i]));
        fprintf(out, "%*s%s%*s%s", right ? pad : 0, "", cells[i], right || last ? 0 : pad, "",
                last ? "" : "  ");
    }
    fputc('\n', out);
}

void table_print(const struct table *table, FILE *out, const char *indent)
{
    size_t widths[COLUMNS_MAX] = {0};
    for (size_t i = 0; i < table->column_count; i++) {
        widths[i] = table->titles ? text_width(table->titles[i]) : 0;
        for (size_t r = 0; r < table->row_count; r++) {
            size_t width = text_width(table->rows[r][i]);
            widths[i] = width > widths[i] ? width : widths[i];
        }
    }
    if (table->titles)
        print_row(table, table->titles, widths, out, indent);
    for (size_t r = 0; r < table->row_count; r++)
        print_row(table, table->rows[r], widths, out, indent);
}
