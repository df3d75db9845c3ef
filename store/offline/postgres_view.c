/* postgres_view.c - see postgres_source.h: a view bound to its source, and pieces of SQL. */
#include "base/timestamp.h"
#include "base/value_text.h"
#include "store/offline/postgres_source.h"
#include "store/offline/source_text.h"

enum status postgres_bind_times(const struct postgres_source *source, struct arena *arena,
                                struct postgres_field *event, struct postgres_field *created,
                                struct error *err)
{
    const struct source *definition = source->source;
    const char *who = arena_printf(arena, "source %s", definition->about.name);
    *created = (struct postgres_field){.what = "created_time"};
    enum status status = postgres_source_bind(source, who, "event_time", definition->event_time,
                                              TYPE_TIMESTAMP, event, err);
    if (!status && definition->created_time)
        status = postgres_source_bind(source, who, "created_time", definition->created_time,
                                      TYPE_TIMESTAMP, created, err);
    return status;
}

static enum status bind(const struct postgres_source *source, const struct feature_view *view,
                        const char *kind, const char *name, value_type type, struct arena *arena,
                        struct postgres_field *field, struct error *err)
{
    return postgres_source_bind(source, arena_printf(arena, "feature view %s", view->about.name),
                                arena_printf(arena, "%s %s", kind, name),
                                source_column(source->source, name), type, field, err);
}

enum status postgres_bind_key(const struct postgres_source *source, const struct feature_view *view,
                              size_t key, struct arena *arena, struct postgres_field *field,
                              struct error *err)
{
    return bind(source, view, "join key", view->keys[key].name, view->keys[key].type, arena, field,
                err);
}

enum status postgres_bind_feature(const struct postgres_source *source,
                                  const struct feature_view *view, size_t feature,
                                  struct arena *arena, struct postgres_field *field,
                                  struct error *err)
{
    return bind(source, view, "feature", view->features[feature].name, view->features[feature].type,
                arena, field, err);
}

static bool has_collation(const struct postgres_field *key)
{
    return key->column &&
           (key->column->oid == PG_TYPE_TEXT || key->column->oid == PG_TYPE_VARCHAR ||
            key->column->oid == PG_TYPE_BPCHAR);
}

/* pg_collation_for tells the collation of an expression, which a query's columns have nowhere else;
 * with LIMIT 0 nothing is read for it. */
static void append_collation(struct postgres_store *store, struct buffer *sql,
                             const struct postgres_source *source, const struct postgres_field *key,
                             size_t place)
{
    buffer_printf(sql, "%s SELECT %zu, pg_collation_for((SELECT ", place == 0 ? "" : " UNION ALL",
                  place);
    postgres_append_field(store, sql, key);
    buffer_printf(sql, " FROM %s AS source LIMIT 0))", source->from);
}

enum status postgres_check_collations(struct postgres_store *store,
                                      const struct postgres_source *source,
                                      const struct feature_view *view,
                                      const struct postgres_field *keys, struct error *err)
{
    struct buffer sql;
    size_t count = 0;
    buffer_init(&sql, 0);
    buffer_append_text(&sql, "SELECT place, name FROM (");
    for (size_t i = 0; i < view->key_count; i++)
        if (has_collation(&keys[i]))
            append_collation(store, &sql, source, &keys[i], count++);
    buffer_append_text(&sql, ") AS of_key(place, name) JOIN pg_collation ON pg_collation.oid = "
                             "name::regcollation WHERE NOT collisdeterministic ORDER BY place");
    if (count == 0) {
        buffer_release(&sql);
        return STATUS_OK;
    }
    PGresult *result = NULL;
    enum status status =
        postgres_query_buffer(store, "looking at the collations of keys", &sql, &result, err);
    if (status)
        fail_within(err, "feature view %s: %s", view->about.name, source->name);
    else if (PQntuples(result) > 0)
        status =
            fail(err, STATUS_INVALID,
                 "feature view %s: %s has a string key under the collation %s, which calls "
                 "different strings equal; give the column another collation, or COLLATE it in a "
                 "query",
                 view->about.name, source->name, PQgetvalue(result, 0, 1));
    PQclear(result);
    return status;
}

static enum status bind_columns(struct postgres_store *store, const uint16_t *features,
                                struct arena *arena, struct postgres_view *bound, struct error *err)
{
    const struct feature_view *view = bound->view;
    enum status status =
        postgres_bind_times(&bound->source, arena, &bound->event, &bound->created, err);
    for (size_t i = 0; i < view->key_count && !status; i++)
        status = postgres_bind_key(&bound->source, view, i, arena, &bound->keys[i], err);
    for (size_t i = 0; i < bound->feature_count && !status; i++)
        status = postgres_bind_feature(&bound->source, view, features ? features[i] : i, arena,
                                       &bound->features[i], err);
    return status ? status
                  : postgres_check_collations(store, &bound->source, view, bound->keys, err);
}

enum status postgres_view_bind(struct postgres_store *store, const struct feature_view *view,
                               const uint16_t *features, size_t feature_count, struct arena *arena,
                               struct postgres_view *bound, struct error *err)
{
    *bound = (struct postgres_view){
        .view = view,
        .feature_count = features ? feature_count : view->feature_count,
        .keys = arena_array(arena, view->key_count, sizeof *bound->keys),
    };
    bound->features = arena_array(arena, bound->feature_count, sizeof *bound->features);
    enum status status = postgres_source_resolve(store, view->source, arena, &bound->source, err);
    return status ? status : bind_columns(store, features, arena, bound, err);
}

void postgres_append_field(struct postgres_store *store, struct buffer *sql,
                           const struct postgres_field *field)
{
    buffer_append_text(sql, "source.");
    postgres_append_identifier(store->connection, sql, field->column->name);
}

void postgres_append_time(struct buffer *sql, int64_t us)
{
    char text[TIMESTAMP_TEXT_SIZE];
    timestamp_format(us < TIMESTAMP_MIN   ? TIMESTAMP_MIN
                     : us > TIMESTAMP_MAX ? TIMESTAMP_MAX
                                          : us,
                     text);
    buffer_printf(sql, "'%s'::timestamptz", text);
}

void postgres_append_unfit_time(struct postgres_store *store, struct buffer *sql,
                                const struct postgres_field *field)
{
    buffer_append_text(sql, "(");
    postgres_append_field(store, sql, field);
    buffer_append_text(sql, " IS NULL OR ");
    postgres_append_field(store, sql, field);
    buffer_append_text(sql, " < ");
    postgres_append_time(sql, TIMESTAMP_MIN);
    buffer_append_text(sql, " OR ");
    postgres_append_field(store, sql, field);
    buffer_append_text(sql, " > ");
    postgres_append_time(sql, TIMESTAMP_MAX);
    buffer_append_text(sql, ")");
}

void postgres_append_created(struct postgres_store *store, struct buffer *sql,
                             const struct postgres_view *view)
{
    bool as_null = view->view->source->misfits == MISFITS_AS_NULL;
    if (as_null) {
        buffer_append_text(sql, "CASE WHEN NOT ");
        postgres_append_unfit_time(store, sql, &view->created);
        buffer_append_text(sql, " THEN ");
    }
    postgres_append_field(store, sql, &view->created);
    if (as_null)
        buffer_append_text(sql, " END");
}

enum status postgres_misfit(const struct postgres_view *view, const struct postgres_field *field,
                            enum copy_misfit misfit, const char *row, struct error *err)
{
    return source_misfit(view->view, field->what, field->decoder.type, field->column->name,
                         copy_misfit_text(misfit), row, err);
}
