/*
 * sqlite_check.c - what is wrong with sources and views, seen from the database.
 *
 * Any column may hold anything here, so a table's first rows are looked at as well: times that were
 * written as text are told by `plan`, and not first at night.
 */
#include "store/offline/row_text.h"
#include "store/offline/sqlite_probe.h"
#include "store/offline/sqlite_source.h"

enum { ROWS_LOOKED_AT = 1000 };

struct check {
    struct sqlite_store *store;
    struct arena *arena;
    struct findings *findings;
};

/* An error about a definition becomes a finding; one that says that nobody could look stays an
 * error. */
static enum status finding_of(struct check *check, const struct subject *subject,
                              enum status status, struct error *err)
{
    if (status == STATUS_OK || status == STATUS_UNAVAILABLE || status == STATUS_CANCELLED)
        return status;
    findings_add_about(check->findings, check->arena, FINDING_ERROR, subject, err->message);
    return STATUS_OK;
}

static struct subject subject_of(const struct feature_view *view, struct place place)
{
    return (struct subject){view->source->about.name, view->about.name, place};
}

/* Keys first, then features. */
static struct subject column_subject(const struct feature_view *view, size_t column)
{
    return subject_of(view, column < view->key_count
                                ? view->entities_place
                                : view->features[column - view->key_count].place);
}

/* Binds what can be bound; *whole false where something could not. */
static void bind_columns(struct check *check, struct sqlite_view *bound, bool *whole)
{
    const struct feature_view *view = bound->view;
    struct error err;
    for (size_t i = 0; i < view->key_count + view->feature_count; i++) {
        const struct subject subject = column_subject(view, i);
        enum status status =
            i < view->key_count
                ? sqlite_bind_key(&bound->source, view, i, check->arena, &bound->keys[i], &err)
                : sqlite_bind_feature(&bound->source, view, i - view->key_count, check->arena,
                                      &bound->features[i - view->key_count], &err);
        *whole = *whole && !status;
        finding_of(check, &subject, status, &err);
    }
}

static void hint_index(struct check *check, const struct sqlite_view *view)
{
    const char *table = view->source.source->table;
    struct buffer text;
    buffer_init(&text, 0);
    buffer_printf(&text,
                  "feature view %s: no index serves point-in-time reads of %s; run: CREATE INDEX ",
                  view->view->about.name, view->source.name);
    sqlite_append_table(&text, arena_printf(check->arena, "%s_%s", table, view->view->about.name));
    buffer_append_text(&text, " ON ");
    sqlite_append_identifier(&text, sqlite_table_name(table));
    buffer_append_text(&text, " (");
    for (size_t i = 0; i < view->view->key_count; i++) {
        sqlite_append_identifier(&text, view->keys[i].column->name);
        buffer_append_text(&text, ", ");
    }
    sqlite_append_identifier(&text, view->event.column->name);
    if (view->created.column) {
        buffer_append_text(&text, ", ");
        sqlite_append_identifier(&text, view->created.column->name);
    }
    buffer_append(&text, ");", 3);
    const struct subject subject = subject_of(view->view, view->view->about.place);
    findings_add_about(check->findings, check->arena, FINDING_HINT, &subject,
                       (const char *)text.data);
    buffer_release(&text);
}

/* A view has no index, nor has a query. */
static enum status is_table(struct check *check, const struct sqlite_source *source, bool *is,
                            struct error *err)
{
    struct buffer sql;
    sqlite3_stmt *statement;
    bool row = false;
    *is = false;
    if (!source->source->table)
        return STATUS_OK;
    buffer_init(&sql, 0);
    buffer_append_text(&sql, "SELECT 1 FROM pragma_table_list WHERE name = ? COLLATE NOCASE"
                             " AND type = 'table' AND schema <> 'temp'");
    enum status status =
        sqlite_prepare_read(check->store, "looking at tables", &sql, &statement, err);
    if (!status) {
        sqlite3_bind_text(statement, 1, sqlite_table_name(source->source->table), -1,
                          SQLITE_STATIC);
        status = sqlite_step(statement, "looking at tables", &row, err);
    }
    sqlite3_finalize(statement);
    *is = row;
    return status;
}

static enum status check_index(struct check *check, const struct sqlite_view *view,
                               struct error *err)
{
    bool served = true, table = false;
    enum status status = is_table(check, &view->source, &table, err);
    if (!status && table)
        status = sqlite_probe_is_served(check->store, view, check->arena, &served, err);
    if (!status && !served)
        hint_index(check, view);
    return status;
}

/* The event time, the created time, then the features. */
static struct subject field_subject(const struct feature_view *view, size_t field)
{
    const struct source *source = view->source;
    if (field >= 2)
        return column_subject(view, view->key_count + field - 2);
    return subject_of(view, field == 0 ? source->event_time_place : source->created_time_place);
}

/* Every column is told once, with the first row that does not fit. */
static void look_at_row(struct check *check, const struct sqlite_view *view,
                        sqlite3_stmt *statement, bool *told)
{
    size_t key_count = view->view->key_count, column = key_count;
    const struct sqlite_field *fields[2] = {&view->event, &view->created};
    struct value *values = arena_array(check->arena, key_count + 1, sizeof *values);
    struct value value;
    struct error err;
    const char *misfit;
    size_t keys = 0;
    for (misfit = NULL; keys < key_count && !misfit; keys += !misfit)
        sqlite_read(statement, (int)keys, view->keys[keys].type, check->arena, &values[keys],
                    &misfit);
    const char *row = row_keys_text(view->view, values, keys, check->arena);
    row = *row ? arena_text_of(check->arena, (struct bytes){row, strlen(row) - 2}) : "its key";
    if (misfit && !told[keys]) {
        const struct subject subject = column_subject(view->view, keys);
        sqlite_misfit(view, &view->keys[keys], misfit, row, &err);
        finding_of(check, &subject, STATUS_INVALID, &err);
        told[keys] = true;
    }
    for (size_t i = 0; i < 2 + view->feature_count; i++) {
        const struct sqlite_field *field = i < 2 ? fields[i] : &view->features[i - 2];
        if (!field->column)
            continue;
        sqlite_read(statement, (int)column, field->type, check->arena, &value, &misfit);
        if (misfit && !told[column]) {
            const struct subject subject = field_subject(view->view, i);
            sqlite_misfit(view, field, misfit, row, &err);
            finding_of(check, &subject, STATUS_INVALID, &err);
            told[column] = true;
        }
        column++;
    }
}

static enum status look_at_rows(struct check *check, const struct sqlite_view *view,
                                struct error *err)
{
    const char *doing = arena_printf(check->arena, "feature view %s: reading %s",
                                     view->view->about.name, view->source.name);
    bool *told =
        arena_array(check->arena, view->view->key_count + 2 + view->feature_count, sizeof *told);
    struct buffer sql;
    sqlite3_stmt *statement;
    bool row = false;
    buffer_init(&sql, 0);
    buffer_append_text(&sql, "SELECT ");
    sqlite_append_fields(&sql, view);
    buffer_printf(&sql, " FROM %s AS source LIMIT %d", view->source.from, ROWS_LOOKED_AT);
    enum status status = sqlite_prepare_read(check->store, doing, &sql, &statement, err);
    while (!status && !(status = sqlite_step(statement, doing, &row, err)) && row)
        look_at_row(check, view, statement, told);
    sqlite3_finalize(statement);
    const struct subject subject = subject_of(view->view, view->view->about.place);
    return finding_of(check, &subject, status, err);
}

static enum status check_view(struct check *check, const struct sqlite_source *source,
                              const struct feature_view *view, struct error *err)
{
    struct sqlite_view bound = {
        .view = view,
        .source = *source,
        .keys = arena_array(check->arena, view->key_count, sizeof *bound.keys),
        .features = arena_array(check->arena, view->feature_count, sizeof *bound.features),
        .feature_count = view->feature_count,
    };
    struct error ignored;
    bool whole = !sqlite_bind_times(source, check->arena, &bound.event, &bound.created, &ignored);
    bind_columns(check, &bound, &whole);
    if (!whole)
        return STATUS_OK;
    enum status status = check_index(check, &bound, err);
    if (!status && source->source->table && source->source->misfits == MISFITS_STOP)
        status = look_at_rows(check, &bound, err);
    return status;
}

static enum status check_source(struct check *check, const struct definitions *definitions,
                                const struct source *source, struct error *err)
{
    struct sqlite_source resolved;
    struct sqlite_field event, created;
    struct subject subject = {.source = source->about.name, .place = source->from_place};
    enum status status = sqlite_source_resolve(check->store, source, check->arena, &resolved, err);
    if (status)
        return finding_of(check, &subject, status, err);
    status = sqlite_bind_times(&resolved, check->arena, &event, &created, err);
    subject.place = event.column ? source->created_time_place : source->event_time_place;
    status = finding_of(check, &subject, status, err);
    for (size_t v = 0; v < definitions->view_count && !status; v++)
        if (definitions->views[v].source == source)
            status = check_view(check, &resolved, &definitions->views[v], err);
    return status;
}

enum status sqlite_check(struct offline_store *base, const struct definitions *definitions,
                         struct arena *arena, struct findings *findings, struct error *err)
{
    *findings = (struct findings){0};
    struct check check = {sqlite_store_of(base), arena, findings};
    struct error own;
    err = err ? err : &own;
    enum status status = sqlite_begin_read(check.store, NULL, err);
    for (size_t s = 0; s < definitions->source_count && !status; s++)
        status = check_source(&check, definitions, &definitions->sources[s], err);
    sqlite_rollback(check.store->connection);
    findings_sort(findings);
    return status;
}
