/* source_text.c - see source_text.h. */
#include "store/offline/source_text.h"

#include "config/wording.h"

#include <string.h>

const char *source_text(const struct source *source, struct arena *arena)
{
    return source->table ? source->table
                         : arena_printf(arena, "the query of source %s", source->about.name);
}

const char *source_column_text(const struct source *source, const char *column, struct arena *arena)
{
    return source->table ? arena_printf(arena, "%s.%s", source->table, column)
                         : arena_printf(arena, "column %s of the query of source %s", column,
                                        source->about.name);
}

static enum status lacks_column(const struct source *source, const char *who, const char *what,
                                const char *column, const struct source_columns *columns,
                                struct error *err)
{
    struct arena arena;
    arena_init(&arena, 0);
    size_t name_count;
    const char *const *names = names_of(&arena, columns->columns, columns->count, columns->stride,
                                        columns->name_offset, &name_count);
    const char *near = did_you_mean(&arena, column, names, name_count);
    fail(err, STATUS_NOT_FOUND, "%s: %s is read from column %s, but %s has no such column%s", who,
         what, column, source_text(source, &arena), *near ? near : "; add it, or correct the name");
    arena_release(&arena);
    return STATUS_NOT_FOUND;
}

static enum status repeats_column(const struct source *source, const char *who, const char *what,
                                  const char *column, size_t times, struct error *err)
{
    struct arena arena;
    arena_init(&arena, 0);
    fail(err, STATUS_INVALID, "%s: %s is read from column %s, which %s gives %zu times", who, what,
         column, source_text(source, &arena), times);
    arena_release(&arena);
    return STATUS_INVALID;
}

enum status source_find_column(const struct source *source, const char *who, const char *what,
                               const char *column, const struct source_columns *columns,
                               size_t *index, struct error *err)
{
    size_t found = 0;
    for (size_t i = 0; i < columns->count; i++) {
        const char *name;
        memcpy(&name, (const char *)columns->columns + i * columns->stride + columns->name_offset,
               sizeof name);
        if (columns->compare(name, column) != 0)
            continue;
        *index = i;
        found++;
    }
    if (found == 0)
        return lacks_column(source, who, what, column, columns, err);
    return found == 1 ? STATUS_OK : repeats_column(source, who, what, column, found, err);
}

enum status source_column_unfit(const struct source *source, const char *who, const char *what,
                                value_type type, const char *column, const char *declared,
                                const char *advice, struct error *err)
{
    struct arena arena;
    arena_init(&arena, 0);
    fail(err, STATUS_INVALID, "%s: %s is %s, but %s is %s; %s", who, what, type_name(type),
         source_column_text(source, column, &arena), declared, advice);
    arena_release(&arena);
    return STATUS_INVALID;
}

enum status source_misfit(const struct feature_view *view, const char *what, value_type type,
                          const char *column, const char *misfit, const char *row,
                          struct error *err)
{
    struct arena arena;
    arena_init(&arena, 0);
    fail(err, STATUS_INVALID,
         "feature view %s: %s holds %s where %s, which %s (%s) cannot be; set misfits: as_null in "
         "source %s to read such values as null, or convert it in a query",
         view->about.name, source_column_text(view->source, column, &arena), misfit, row, what,
         type_name(type), view->source->about.name);
    arena_release(&arena);
    return STATUS_INVALID;
}
