/*
 * sqlite_generation.c - which generation of a view's rows is pending, which is read, and which rows
 * nobody reads any more (registry.h).
 *
 * What gives a generation, or moves readers to it, does so in a transaction that writes, and one at
 * a time does; so a number is given once, and what is neither read nor pending never is again.
 */
#include "store/registry/sqlite_registry.h"

#include "base/timestamp.h"

enum status sqlite_renew(struct registry *registry, struct renewal renewal, struct error *err)
{
    struct sqlite_registry *r = sqlite_registry_of(registry);
#define WHICH                                                                                      \
    " WHERE ?1 IN (0, project_id) AND ?2 IN (0, view_id) AND (pending_generation <> 0 OR NOT ?3)"
    const struct parameter parameters[] = {
        number_parameter(renewal.project_id),   number_parameter(renewal.view_id),
        number_parameter(renewal.only_pending), number_parameter((int64_t)renewal.gap + 1),
        number_parameter(timestamp_now()),
    };
    enum status status = sqlite_statement_run(
        r, "giving up a generation",
        "INSERT INTO @removed_rows (project_id, view_id, generation, since_us)"
        " SELECT project_id, view_id, pending_generation, ?5 FROM @view_state" WHICH
        " AND pending_generation <> 0" SQL_RECORD_AGAIN,
        parameters, COUNT_OF(parameters), NULL, err);
    if (status)
        return status;
    return sqlite_statement_run(r, "giving a generation",
                                "UPDATE @view_state SET pending_generation = last_generation + ?4,"
                                " last_generation = last_generation + ?4" WHICH,
                                parameters, COUNT_OF(parameters), NULL, err);
#undef WHICH
}

enum status sqlite_switch_state(struct registry *registry, const struct catalog *catalog,
                                const struct catalog_view *view, const struct view_state *seen,
                                int64_t watermark_us, int64_t position, bool *outdated,
                                struct error *err)
{
    const struct parameter parameters[] = {
        number_parameter(catalog->project_id),
        number_parameter(view->id),
        number_parameter(view->generation),
        number_parameter(seen->pending_generation),
        seen->has_watermark ? number_parameter(seen->watermark_us) : null_parameter(),
        number_parameter(watermark_us),
        number_parameter(position),
        number_parameter(timestamp_now()),
    };
    size_t changed = 0;
    enum status status = sqlite_statement_run(
        sqlite_registry_of(registry), "switching to the pending generation",
        "UPDATE @view_state SET generation = pending_generation, pending_generation = 0,"
        " watermark_us = ?6, source_position = ?7, stale_version = 0, stale_reason = NULL,"
        " updated_us = max(updated_us, ?8)"
        " WHERE project_id = ?1 AND view_id = ?2 AND generation = ?3 AND pending_generation = ?4"
        " AND watermark_us IS ?5",
        parameters, COUNT_OF(parameters), &changed, err);
    *outdated = !status && changed == 0;
    return status;
}

enum status sqlite_record_removed(struct registry *registry, const struct catalog *catalog,
                                  const struct catalog_view *view, struct error *err)
{
    const struct parameter parameters[] = {
        number_parameter(catalog->project_id),
        number_parameter(view->id),
        number_parameter(view->generation),
        number_parameter(timestamp_now()),
    };
    return sqlite_statement_run(
        sqlite_registry_of(registry), "recording removed rows",
        "INSERT INTO @removed_rows (project_id, view_id, generation, since_us)"
        " VALUES (?1, ?2, ?3, ?4)" SQL_RECORD_AGAIN,
        parameters, COUNT_OF(parameters), NULL, err);
}

/* Rows that nobody reads any more ------------------------------------------------------------- */

static enum status read_removed_rows(struct sqlite_registry *r, const struct catalog *catalog,
                                     struct arena *arena, struct removed_rows **rows, size_t *count,
                                     struct error *err)
{
    static const char doing[] = "reading which rows were removed";
    const struct parameter parameters[] = {number_parameter(catalog->project_id)};
    int64_t now_us = timestamp_now();
    size_t capacity = 0;
    sqlite3_stmt *statement;
    bool row = false;
    enum status status =
        sqlite_statement_open(r, doing,
                              "SELECT view_id, generation, since_us FROM @removed_rows"
                              " WHERE project_id = ?1",
                              parameters, COUNT_OF(parameters), &statement, err);
    for (*rows = NULL; !status && !(status = sqlite_step(statement, doing, &row, err)) && row;
         ++*count) {
        *rows = arena_grow(arena, *rows, *count, &capacity, *count + 1, sizeof **rows);
        (*rows)[*count] = (struct removed_rows){
            .view_id = (uint32_t)sqlite3_column_int64(statement, 0),
            .generation = (uint32_t)sqlite3_column_int64(statement, 1),
            .since_us = sqlite3_column_int64(statement, 2),
            .age_us = now_us - sqlite3_column_int64(statement, 2),
        };
    }
    sqlite3_finalize(statement);
    return status;
}

enum status sqlite_registry_removed_rows(struct registry *registry, const struct catalog *catalog,
                                         struct arena *arena, struct removed_rows **rows,
                                         size_t *count, struct error *err)
{
    struct sqlite_registry *r = sqlite_registry_of(registry);
    enum status status = sqlite_transaction_read(r, err);
    if (status)
        return status;
    status = read_removed_rows(r, catalog, arena, rows, count, err);
    sqlite_transaction_end(r);
    return status;
}

static enum status forget_row(struct sqlite_registry *r, const struct catalog *catalog,
                              const struct removed_rows *row, struct error *err)
{
    const struct parameter parameters[] = {
        number_parameter(catalog->project_id),
        number_parameter(row->view_id),
        number_parameter(row->generation),
        number_parameter(row->since_us),
    };
    return sqlite_statement_run(r, "striking removed rows off",
                                "DELETE FROM @removed_rows WHERE project_id = ?1 AND view_id = ?2"
                                " AND generation = ?3 AND since_us = ?4",
                                parameters, COUNT_OF(parameters), NULL, err);
}

enum status sqlite_registry_forget_rows(struct registry *registry, const struct catalog *catalog,
                                        const struct removed_rows *rows, size_t count,
                                        struct error *err)
{
    struct sqlite_registry *r = sqlite_registry_of(registry);
    enum status status = sqlite_transaction_write(r, err);
    if (status)
        return status;
    for (size_t i = 0; i < count && !status; i++)
        status = forget_row(r, catalog, &rows[i], err);
    return sqlite_transaction_close(r, status, err);
}

enum status sqlite_registry_leave_rows(struct registry *registry, const struct catalog *catalog,
                                       uint32_t view_id, uint32_t generation, bool *unread,
                                       struct error *err)
{
    struct sqlite_registry *r = sqlite_registry_of(registry);
    const struct parameter parameters[] = {
        number_parameter(catalog->project_id),
        number_parameter(view_id),
        number_parameter(generation),
        number_parameter(timestamp_now()),
    };
    size_t changed = 0;
    enum status status = sqlite_transaction_write(r, err);
    if (status)
        return status;
    status = sqlite_statement_run(
        r, "recording removed rows",
        "INSERT INTO @removed_rows (project_id, view_id, generation, since_us)"
        " SELECT p.id, ?2, ?3, ?4 FROM @project p WHERE p.id = ?1"
        " AND NOT EXISTS (SELECT 1 FROM @view_state s WHERE s.project_id = ?1 AND s.view_id = ?2"
        " AND ?3 IN (s.generation, s.pending_generation))" SQL_RECORD_AGAIN,
        parameters, COUNT_OF(parameters), &changed, err);
    *unread = !status && changed > 0;
    return sqlite_transaction_close(r, status, err);
}
