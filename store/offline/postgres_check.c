/* postgres_check.c - what is wrong with sources and views, seen from the database. */
#include "store/offline/postgres_source.h"

struct check {
    struct postgres_store *store;
    const struct definitions *definitions;
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

/* A view's columns, as far as they can be bound; `broken` if one could not. */
struct checked_view {
    const struct feature_view *view;
    struct postgres_field *keys;
    struct postgres_field *features;
    bool broken;
};

static enum status check_columns(struct check *check, const struct postgres_source *source,
                                 struct checked_view *checked, struct error *err)
{
    const struct feature_view *view = checked->view;
    const struct subject keys = subject_of(view, view->entities_place);
    for (size_t i = 0; i < view->key_count; i++) {
        enum status status =
            postgres_bind_key(source, view, i, check->arena, &checked->keys[i], err);
        checked->broken = checked->broken || status;
        finding_of(check, &keys, status, err);
    }
    for (size_t i = 0; i < view->feature_count; i++) {
        const struct subject feature = subject_of(view, view->features[i].place);
        enum status status =
            postgres_bind_feature(source, view, i, check->arena, &checked->features[i], err);
        checked->broken = checked->broken || status;
        finding_of(check, &feature, status, err);
    }
    enum status status = postgres_check_collations(check->store, source, view, checked->keys, err);
    checked->broken = checked->broken || status;
    return finding_of(check, &keys, status, err);
}

/* Runs a SELECT of just the columns that are needed, without a row: this is where rights are
 * missed. */
static enum status check_rights(struct check *check, const struct postgres_source *source,
                                const struct checked_view *checked,
                                const struct postgres_field *event,
                                const struct postgres_field *created, struct error *err)
{
    const struct feature_view *view = checked->view;
    struct buffer sql;
    buffer_init(&sql, 0);
    buffer_append_text(&sql, "SELECT ");
    postgres_append_field(check->store, &sql, event);
    if (created->column) {
        buffer_append_text(&sql, ", ");
        postgres_append_field(check->store, &sql, created);
    }
    for (size_t i = 0; i < view->key_count + view->feature_count; i++) {
        buffer_append_text(&sql, ", ");
        postgres_append_field(check->store, &sql,
                              i < view->key_count ? &checked->keys[i]
                                                  : &checked->features[i - view->key_count]);
    }
    buffer_printf(&sql, " FROM %s AS source LIMIT 0", source->from);
    const char *doing =
        arena_printf(check->arena, "feature view %s: reading %s", view->about.name, source->name);
    const struct subject subject = subject_of(view, view->about.place);
    return finding_of(check, &subject, postgres_query_buffer(check->store, doing, &sql, NULL, err),
                      err);
}

/*
 * The first columns of every index that could serve ($2 of them are keys, and the event time is the
 * next): a plain btree over all rows, under the collations of its columns. A partitioned table's
 * own index stands for those of its partitions.
 */
static const char *const indexes_sql =
    "SELECT (SELECT count(*)"
    "  FROM unnest(string_to_array(i.indkey::text, ' '))"
    "   WITH ORDINALITY AS k(number, place)"
    "  JOIN unnest(string_to_array(i.indcollation::text, ' '))"
    "   WITH ORDINALITY AS c(oid, place) USING (place)"
    "  JOIN pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = k.number::int"
    "  WHERE a.attcollation = c.oid::oid AND"
    "   CASE WHEN place <= cardinality($2::text[]) THEN a.attname = ANY ($2)"
    "   ELSE place = cardinality($2) + 1 AND a.attname = $3 END)"
    "  = cardinality($2) + 1"
    " FROM pg_index AS i"
    " JOIN pg_class AS x ON x.oid = i.indexrelid JOIN pg_am AS m ON m.oid = x.relam"
    " WHERE i.indrelid = $1::regclass AND i.indisvalid AND i.indpred IS NULL"
    "  AND m.amname = 'btree'"
    " ORDER BY 1 DESC LIMIT 1";

/* Names of columns as an array literal. */
static const char *keys_literal(struct check *check, const struct checked_view *checked)
{
    struct buffer text;
    buffer_init(&text, 0);
    for (size_t i = 0; i < checked->view->key_count; i++) {
        buffer_append_text(&text, i == 0 ? "{\"" : ",\"");
        for (const char *at = checked->keys[i].column->name; *at; at++) {
            if (*at == '"' || *at == '\\')
                buffer_append_byte(&text, '\\');
            buffer_append_byte(&text, (uint8_t)*at);
        }
        buffer_append_byte(&text, '"');
    }
    buffer_append_text(&text, "}");
    const char *literal = arena_text_of(check->arena, buffer_bytes(&text));
    buffer_release(&text);
    return literal;
}

static void hint_index(struct check *check, const struct postgres_source *source,
                       const struct checked_view *checked, const struct postgres_field *event,
                       const struct postgres_field *created)
{
    struct buffer text;
    buffer_init(&text, 0);
    buffer_printf(
        &text,
        "feature view %s: no index serves point-in-time reads of %s; run: CREATE INDEX ON "
        "%s (",
        checked->view->about.name, source->name, source->from);
    for (size_t i = 0; i < checked->view->key_count; i++) {
        postgres_append_identifier(check->store->connection, &text, checked->keys[i].column->name);
        buffer_append_text(&text, ", ");
    }
    postgres_append_identifier(check->store->connection, &text, event->column->name);
    buffer_append_text(&text, " DESC");
    if (created->column) {
        buffer_append_text(&text, ", ");
        postgres_append_identifier(check->store->connection, &text, created->column->name);
        buffer_append_text(&text, " DESC NULLS LAST");
    }
    buffer_append(&text, ");", 3);
    const struct subject subject = subject_of(checked->view, checked->view->about.place);
    findings_add_about(check->findings, check->arena, FINDING_HINT, &subject,
                       (const char *)text.data);
    buffer_release(&text);
}

/* Keys that are compared as text (an enum, json) are served by no index, and views have none. */
static bool may_have_index(const struct checked_view *checked)
{
    for (size_t i = 0; i < checked->view->key_count; i++)
        if (*checked->keys[i].cast && checked->keys[i].column->oid != PG_TYPE_UUID &&
            checked->keys[i].column->oid != PG_TYPE_BPCHAR)
            return false;
    return true;
}

static enum status check_index(struct check *check, const struct postgres_source *source,
                               const struct checked_view *checked,
                               const struct postgres_field *event,
                               const struct postgres_field *created, struct error *err)
{
    if (!source->source->table || !may_have_index(checked))
        return STATUS_OK;
    const char *values[] = {source->from, keys_literal(check, checked), event->column->name};
    PGresult *kind = NULL, *result = NULL;
    const char *doing = "looking at indexes";
    enum status status =
        postgres_query(check->store->connection, doing,
                       "SELECT relkind IN ('r', 'p', 'm') FROM pg_class WHERE oid = $1::regclass",
                       1, values, &kind, err);
    bool is_table = !status && PQntuples(kind) == 1 && *PQgetvalue(kind, 0, 0) == 't';
    if (is_table)
        status =
            postgres_query(check->store->connection, doing, indexes_sql, 3, values, &result, err);
    if (is_table && !status && (PQntuples(result) == 0 || *PQgetvalue(result, 0, 0) != 't'))
        hint_index(check, source, checked, event, created);
    PQclear(kind);
    PQclear(result);
    return status;
}

static enum status check_view(struct check *check, const struct postgres_source *source,
                              const struct feature_view *view, const struct postgres_field *event,
                              const struct postgres_field *created, bool times_fit,
                              struct error *err)
{
    struct checked_view checked = {
        .view = view,
        .keys = arena_array(check->arena, view->key_count, sizeof *checked.keys),
        .features = arena_array(check->arena, view->feature_count, sizeof *checked.features),
    };
    enum status status = check_columns(check, source, &checked, err);
    if (status || checked.broken || !times_fit)
        return status;
    status = check_index(check, source, &checked, event, created, err);
    return status ? status : check_rights(check, source, &checked, event, created, err);
}

/* In a transaction for each view: what PostgreSQL refuses ends it, and nothing else. */
static enum status look_at_view(struct check *check, const struct source *source,
                                const struct feature_view *view, struct error *err)
{
    struct postgres_source resolved;
    struct postgres_field event, created;
    struct error ignored;
    enum status status = postgres_begin_read(check->store, NULL, err);
    if (!status)
        status = postgres_source_resolve(check->store, source, check->arena, &resolved, err);
    if (!status) {
        bool times_fit = !postgres_bind_times(&resolved, check->arena, &event, &created, &ignored);
        status = check_view(check, &resolved, view, &event, &created, times_fit, err);
    }
    postgres_rollback(check->store);
    return status;
}

static enum status check_source(struct check *check, const struct source *source, bool *readable,
                                struct error *err)
{
    struct postgres_source resolved;
    struct postgres_field event, created;
    enum status status = postgres_begin_read(check->store, NULL, err);
    if (status)
        return status;
    struct subject subject = {.source = source->about.name, .place = source->from_place};
    status = postgres_source_resolve(check->store, source, check->arena, &resolved, err);
    *readable = !status;
    if (!status) {
        status = postgres_bind_times(&resolved, check->arena, &event, &created, err);
        subject.place = event.column ? source->created_time_place : source->event_time_place;
    }
    postgres_rollback(check->store);
    return finding_of(check, &subject, status, err);
}

enum status postgres_check(struct offline_store *base, const struct definitions *definitions,
                           struct arena *arena, struct findings *findings, struct error *err)
{
    *findings = (struct findings){0};
    struct check check = {postgres_store_of(base), definitions, arena, findings};
    struct error own;
    err = err ? err : &own;
    enum status status = STATUS_OK;
    for (size_t s = 0; s < definitions->source_count && !status; s++) {
        const struct source *source = &definitions->sources[s];
        bool readable = false;
        status = check_source(&check, source, &readable, err);
        for (size_t v = 0; v < definitions->view_count && !status && readable; v++)
            if (definitions->views[v].source == source)
                status = look_at_view(&check, source, &definitions->views[v], err);
    }
    findings_sort(findings);
    return status;
}
