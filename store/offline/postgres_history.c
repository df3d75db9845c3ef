/* postgres_history.c - see postgres_history.h. */
#include "store/offline/postgres_history.h"

#include <stdio.h>

/* In PostgreSQL's units of cost: a row that is inserted and indexed; a look into an index. */
static const double row_cost = 1.0, probe_cost = 8.0;
/* Copies are made only where they are clearly better: estimates are rough. */
static const double margin = 2.0;

/* What PostgreSQL expects of a SELECT, which is taken. */
static enum status estimate(struct postgres_store *store, struct buffer *select, double *cost,
                            double *rows, struct error *err)
{
    const char *doing = "asking PostgreSQL what a join would cost";
    struct buffer sql;
    PGresult *result = NULL;
    buffer_init(&sql, 0);
    buffer_append_text(&sql, "EXPLAIN (COSTS ON, FORMAT TEXT) ");
    buffer_append(&sql, select->data, select->size);
    buffer_release(select);
    enum status status = postgres_query_buffer(store, doing, &sql, &result, err);
    if (status)
        return status;
    const char *costs = PQntuples(result) > 0 ? strstr(PQgetvalue(result, 0, 0), "(cost=") : NULL;
    if (!costs || sscanf(costs, "(cost=%*f..%lf rows=%lf", cost, rows) != 2)
        status = fail(err, STATUS_FAILED, "%s: it says \"%s\"", doing,
                      PQntuples(result) > 0 ? PQgetvalue(result, 0, 0) : "");
    PQclear(result);
    return status;
}

static enum status compare(const struct postgres_join_sql *join, uint64_t ask_count, bool *copies,
                           struct error *err)
{
    double probing = 0, copying = 0;
    enum status status = STATUS_OK;
    for (size_t v = 0; v < join->request->selection->view_count && !status; v++) {
        struct buffer probe, history;
        double probe_all = 0, read = 0, answers, rows = 0;
        buffer_init(&probe, 0);
        buffer_init(&history, 0);
        postgres_append_probe(join, v, &probe);
        postgres_append_history(join, v, &history);
        status = estimate(join->store, &probe, &probe_all, &answers, err);
        if (status)
            buffer_release(&history);
        else
            status = estimate(join->store, &history, &read, &rows, err);
        probing += probe_all;
        copying += read + rows * row_cost + (double)ask_count * probe_cost;
    }
    *copies = probing > margin * copying;
    return status;
}

enum status postgres_history_choose(const struct postgres_join_sql *join, uint64_t ask_count,
                                    bool *copies, struct error *err)
{
    PGresult *result = NULL;
    enum status status =
        postgres_query(join->store->connection, "looking at the setting larder.join",
                       "SELECT current_setting('larder.join', true)", 0, NULL, &result, err);
    if (status)
        return status;
    bool probes = strcmp(PQgetvalue(result, 0, 0), "probe") == 0;
    *copies = strcmp(PQgetvalue(result, 0, 0), "copy") == 0;
    PQclear(result);
    return probes || *copies ? STATUS_OK : compare(join, ask_count, copies, err);
}

enum status postgres_history_make(const struct postgres_join_sql *join, size_t index,
                                  struct arena *arena, struct postgres_history *history,
                                  struct error *err)
{
    struct buffer sql;
    buffer_init(&sql, 0);
    history->copy = postgres_temporary_name(join->store, "history", arena);
    buffer_printf(&sql, "CREATE TEMPORARY TABLE %s AS ", history->copy);
    postgres_append_history(join, index, &sql);
    buffer_append_text(&sql, " WITH NO DATA");
    return postgres_query_buffer(join->store, "making a table for a copy of the history", &sql,
                                 NULL, err);
}

/* The column of a copy: what is read as text is text there. */
static struct postgres_field copied_field(const struct postgres_field *field, const char *name,
                                          struct arena *arena)
{
    struct postgres_field copied = *field;
    struct postgres_column *column = arena_zero(arena, sizeof *column);
    *column = *field->column;
    column->name = name;
    if (*field->cast)
        column->oid = PG_TYPE_TEXT;
    copied.column = column;
    copied.cast = "";
    return copied;
}

static struct postgres_view copied_view(const struct postgres_view *source, const char *copy,
                                        struct arena *arena)
{
    struct postgres_view view = *source;
    size_t key_count = source->view->key_count;
    view.source.from = copy;
    view.keys = arena_array(arena, key_count, sizeof *view.keys);
    view.features = arena_array(arena, source->feature_count, sizeof *view.features);
    view.event = copied_field(&source->event, "event", arena);
    if (source->created.column)
        view.created = copied_field(&source->created, "created", arena);
    for (size_t i = 0; i < key_count; i++)
        view.keys[i] = copied_field(&source->keys[i], arena_printf(arena, "k%zu", i), arena);
    for (size_t i = 0; i < source->feature_count; i++)
        view.features[i] =
            copied_field(&source->features[i], arena_printf(arena, "f%zu", i), arena);
    return view;
}

enum status postgres_history_fill(const struct postgres_join_sql *join, size_t index,
                                  struct arena *arena, struct postgres_history *history,
                                  struct error *err)
{
    struct buffer sql;
    buffer_init(&sql, 0);
    history->view = copied_view(&join->views[index], history->copy, arena);
    buffer_printf(&sql, "INSERT INTO %s ", history->copy);
    postgres_append_history(join, index, &sql);
    return postgres_query_buffer(join->store, "copying the history that is needed", &sql, NULL,
                                 err);
}

enum status postgres_history_index(struct postgres_store *store,
                                   const struct postgres_history *history, struct error *err)
{
    const char *doing = "indexing a copy of the history";
    struct buffer serve, analyze;
    buffer_init(&serve, 0);
    buffer_init(&analyze, 0);
    buffer_printf(&serve, "CREATE INDEX ON %s (", history->copy);
    for (size_t i = 0; i < history->view.view->key_count; i++)
        buffer_printf(&serve, "k%zu, ", i);
    buffer_append_text(&serve, "event DESC");
    if (history->view.created.column)
        buffer_append_text(&serve, ", created DESC NULLS LAST");
    buffer_append_text(&serve, ")");
    enum status status = postgres_query_buffer(store, doing, &serve, NULL, err);
    if (status)
        return status;
    buffer_printf(&analyze, "ANALYZE %s", history->copy);
    return postgres_query_buffer(store, doing, &analyze, NULL, err);
}

void postgres_history_close(struct postgres_store *store, struct postgres_history *history)
{
    if (history->copy)
        postgres_drop_temporary(store, history->copy);
    *history = (struct postgres_history){0};
}
