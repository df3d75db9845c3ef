/* table.c - see table.h. */
#include "cli/table.h"

#include "cli/screen.h"

#include <assert.h>
#include <string.h>

enum { COLUMNS_MAX = 16, GAP = 2, SHORTEST_CUT = 12 };

/* What printing needs to know of a table. */
struct layout {
    const struct table *table;
    FILE *out;
    const char *indent;
    struct style style;
    size_t widths[COLUMNS_MAX];
};

void table_init(struct table *table, struct arena *arena, size_t column_count,
                const char *const *titles, const bool *right)
{
    assert(column_count <= COLUMNS_MAX);
    *table = (struct table){.arena = arena,
                            .column_count = column_count,
                            .titles = titles,
                            .right = right,
                            .gives_way = column_count - 1};
}

void table_add(struct table *table, const char *const *cells)
{
    table->rows = arena_grow(table->arena, table->rows, table->row_count, &table->capacity,
                             table->row_count + 1, sizeof *table->rows);
    struct table_cell *row = arena_array(table->arena, table->column_count, sizeof *row);
    for (size_t i = 0; i < table->column_count; i++)
        row[i] = (struct table_cell){arena_text(table->arena, cells[i]), PAINT_PLAIN};
    table->rows[table->row_count++] = row;
}

void table_paint(struct table *table, size_t column, enum paint paint)
{
    table->rows[table->row_count - 1][column].paint = paint;
}

static void measure(struct layout *layout)
{
    const struct table *table = layout->table;
    for (size_t i = 0; i < table->column_count; i++) {
        layout->widths[i] = table->titles ? text_columns(table->titles[i]) : 0;
        for (size_t r = 0; r < table->row_count; r++) {
            size_t width = text_columns(table->rows[r][i].text);
            layout->widths[i] = width > layout->widths[i] ? width : layout->widths[i];
        }
    }
}

static size_t total_width(const struct layout *layout)
{
    size_t total = strlen(layout->indent) + GAP * (layout->table->column_count - 1);
    for (size_t i = 0; i < layout->table->column_count; i++)
        total += layout->widths[i];
    return total;
}

static size_t widest_column(const struct layout *layout)
{
    size_t widest = 0;
    for (size_t i = 1; i < layout->table->column_count; i++)
        widest = layout->widths[i] > layout->widths[widest] ? i : widest;
    return widest;
}

static void make_fit(struct layout *layout)
{
    size_t screen = screen_width(layout->out), column = layout->table->gives_way;
    if (layout->table->wraps)
        return;
    while (screen && total_width(layout) > screen) {
        if (layout->widths[column] <= SHORTEST_CUT)
            column = widest_column(layout);
        if (layout->widths[column] <= SHORTEST_CUT)
            return;
        layout->widths[column]--;
    }
}

/* Cells of a row up to its last one that is not empty, so that no line ends in blanks. */
static size_t filled_count(const struct table *table, const struct table_cell *cells)
{
    size_t count = table->column_count;
    while (count > 0 && cells[count - 1].text[0] == '\0')
        count--;
    return count;
}

static void print_row(const struct layout *layout, const struct table_cell *cells)
{
    const struct table *table = layout->table;
    size_t count = filled_count(table, cells);
    fputs(layout->indent, layout->out);
    size_t begin = strlen(layout->indent); /* of the cell, in columns */
    for (size_t i = 0; i < count; begin += layout->widths[i++] + GAP) {
        if (table->wraps && i + 1 == table->column_count) {
            text_wrap(layout->out, cells[i].text, begin, begin, "");
            return;
        }
        bool right = table->right && table->right[i];
        bool last = i + 1 == count;
        const char *text = text_cut(cells[i].text, layout->widths[i], table->arena);
        int pad = (int)(layout->widths[i] - text_columns(text));
        fprintf(layout->out, "%*s%s%s%s%*s%s", right ? pad : 0, "",
                style_begin(layout->style, cells[i].paint), text,
                style_end(layout->style, cells[i].paint), right || last ? 0 : pad, "",
                last ? "" : "  ");
    }
    fputc('\n', layout->out);
}

static void print_titles(const struct layout *layout)
{
    struct table_cell cells[COLUMNS_MAX];
    for (size_t i = 0; i < layout->table->column_count; i++)
        cells[i] = (struct table_cell){layout->table->titles[i], PAINT_TITLE};
    print_row(layout, cells);
}

void table_print(const struct table *table, FILE *out, const char *indent)
{
    struct layout layout = {table, out, indent, style_of(out), {0}};
    measure(&layout);
    make_fit(&layout);
    if (table->titles)
        print_titles(&layout);
    for (size_t r = 0; r < table->row_count; r++)
        print_row(&layout, table->rows[r]);
}
