/* sqlite_left_out.c - see sqlite_left_out.h. */
#include "store/offline/sqlite_left_out.h"

enum {
    INTEGER_SIZE_MAX = 10, /* of an encoded integer or time */
    TEXT_GROWTH = 2, /* bytes that a byte of text becomes at most, be it UTF-8 or UTF-16 here */
};

static const char doing[] = "counting what was left out";

/* A row without a time or a key that is one. */
static void append_unfit(struct buffer *sql, const struct sqlite_view *view)
{
    struct buffer column;
    buffer_init(&column, 0);
    sqlite_append_unfit_time(sql, &view->event);
    buffer_append_text(sql, " OR typeof(");
    sqlite_append_field(sql, &view->event);
    buffer_append_text(sql, ") <> 'integer'");
    for (size_t i = 0; i < view->view->key_count; i++) {
        buffer_clear(&column);
        sqlite_append_field(&column, &view->keys[i]);
        buffer_append_byte(&column, 0);
        buffer_append_text(sql, " OR ");
        sqlite_append_unfit_key(sql, (const char *)column.data, view->keys[i].type);
    }
    buffer_release(&column);
}

/* A bound that costs little, so that only keys that are nearly too long are looked at closely. */
static void append_may_be_long(struct buffer *sql, const struct sqlite_view *view,
                               const struct entity_key_ids *ids)
{
    size_t fixed = entity_key_size(ids, NULL, 0);
    for (size_t i = 0; i < view->view->key_count; i++) {
        if (type_width(view->keys[i].type) > 0) {
            fixed += INTEGER_SIZE_MAX;
            continue;
        }
        fixed++;
        buffer_append_text(sql, "length(CAST(");
        sqlite_append_field(sql, &view->keys[i]);
        buffer_printf(sql, " AS BLOB)) * %d + ", TEXT_GROWTH);
    }
    buffer_printf(sql, "%zu > %d", fixed, ENTITY_KEY_MAX);
}

/* One row: how many are unfit, and how many of the others are of unknown created time. */
static void append_counts(struct buffer *sql, const struct sqlite_view *view, bool created_matters)
{
    buffer_append_text(sql, "SELECT count(*) FILTER (WHERE ");
    append_unfit(sql, view);
    buffer_append_text(sql, "), ");
    if (created_matters) {
        buffer_append_text(sql, "count(*) FILTER (WHERE NOT (");
        append_unfit(sql, view);
        buffer_append_text(sql, ") AND (");
        sqlite_append_created(sql, view);
        buffer_append_text(sql, ") IS NULL)");
    } else {
        buffer_append_text(sql, "0");
    }
    buffer_printf(sql, " FROM %s AS source", view->source.from);
}

/* The keys of rows that may be too long, and whether the created time is unknown. */
static void append_long(struct buffer *sql, const struct sqlite_view *view,
                        const struct entity_key_ids *ids, bool created_matters)
{
    buffer_append_text(sql, "SELECT ");
    for (size_t i = 0; i < view->view->key_count; i++) {
        sqlite_append_field(sql, &view->keys[i]);
        buffer_append_text(sql, ", ");
    }
    if (created_matters) {
        buffer_append_text(sql, "(");
        sqlite_append_created(sql, view);
        buffer_append_text(sql, ") IS NULL");
    } else {
        buffer_append_text(sql, "0");
    }
    buffer_printf(sql, " FROM %s AS source WHERE ", view->source.from);
    append_may_be_long(sql, view, ids);
    buffer_append_text(sql, " AND NOT (");
    append_unfit(sql, view);
    buffer_append_text(sql, ")");
}

static enum status count_all(struct sqlite_store *store, const struct sqlite_view *view,
                             bool created_matters, struct join_counts *counts, struct error *err)
{
    struct buffer sql;
    sqlite3_stmt *statement;
    bool row = false;
    buffer_init(&sql, 0);
    append_counts(&sql, view, created_matters);
    enum status status = sqlite_prepare_read(store, doing, &sql, &statement, err);
    if (!status)
        status = sqlite_step(statement, doing, &row, err);
    if (row) {
        counts->left_out += (uint64_t)sqlite3_column_int64(statement, 0);
        counts->unknown_created += (uint64_t)sqlite3_column_int64(statement, 1);
    }
    sqlite3_finalize(statement);
    return status;
}

static bool is_long(sqlite3_stmt *statement, const struct sqlite_view *view,
                    const struct entity_key_ids *ids, struct arena *arena)
{
    size_t count = view->view->key_count;
    struct value *keys = arena_array(arena, count, sizeof *keys);
    const char *misfit = NULL;
    for (size_t i = 0; i < count && !misfit; i++)
        sqlite_read(statement, (int)i, view->keys[i].type, arena, &keys[i], &misfit);
    return !misfit && entity_key_size(ids, keys, count) > ENTITY_KEY_MAX;
}

/* What is too long is counted as that alone. */
static enum status count_long(struct sqlite_store *store, const struct sqlite_view *view,
                              const struct entity_key_ids *ids, bool created_matters,
                              struct join_counts *counts, struct error *err)
{
    struct buffer sql;
    sqlite3_stmt *statement;
    struct arena arena;
    bool row = false;
    buffer_init(&sql, 0);
    arena_init(&arena, 0);
    append_long(&sql, view, ids, created_matters);
    enum status status = sqlite_prepare_read(store, doing, &sql, &statement, err);
    while (!status && !(status = sqlite_step(statement, doing, &row, err)) && row) {
        if (is_long(statement, view, ids, &arena)) {
            counts->long_keys++;
            counts->unknown_created -=
                (uint64_t)sqlite3_column_int64(statement, (int)view->view->key_count);
        }
        arena_reset(&arena);
    }
    sqlite3_finalize(statement);
    arena_release(&arena);
    return status;
}

static bool has_long_keys(const struct sqlite_view *view)
{
    for (size_t i = 0; i < view->view->key_count; i++)
        if (type_width(view->keys[i].type) == 0)
            return true;
    return false;
}

enum status sqlite_count_left_out(struct sqlite_store *store, const struct sqlite_view *view,
                                  const struct entity_key_ids *ids, bool created_matters,
                                  struct join_counts *counts, struct error *err)
{
    enum status status = count_all(store, view, created_matters, counts, err);
    if (!status && has_long_keys(view))
        status = count_long(store, view, ids, created_matters, counts, err);
    return status;
}
