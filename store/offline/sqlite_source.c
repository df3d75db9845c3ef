/* sqlite_source.c - see sqlite_source.h: what the database says of a source. */
#include "store/offline/sqlite_source.h"

#include "base/timestamp.h"
#include "store/offline/source_text.h"

static const char *from_text(const struct source *source, struct arena *arena)
{
    struct buffer sql;
    buffer_init(&sql, 0);
    if (source->table)
        sqlite_append_table(&sql, source->table);
    else /* on lines of its own: it may end in a comment */
        buffer_printf(&sql, "(\n%s\n)", source->query);
    const char *from = arena_text_of(arena, buffer_bytes(&sql));
    buffer_release(&sql);
    return from;
}

/* SQLite has one code for every mistake, so its words tell a missing table from a broken query. */
static enum status refused(const struct source *source, enum status status, struct error *err)
{
    bool missing =
        err && (strstr(err->message, "no such table") || strstr(err->message, "unknown database"));
    if (source->table && missing && strchr(source->table, '.'))
        return fail(
            err, STATUS_NOT_FOUND,
            "source %s: there is no table %s; SQLite has no schemas: write the table's name "
            "alone",
            source->about.name, source->table);
    if (source->table && missing)
        return fail(
            err, STATUS_NOT_FOUND,
            "source %s: there is no table %s; make it (larder load does), or correct the name",
            source->about.name, source->table);
    fail_within(err, "source %s", source->about.name);
    if (status != STATUS_FAILED)
        return status;
    if (err)
        err->status = STATUS_INVALID;
    return STATUS_INVALID;
}

static enum status refuse_parameter(const struct source *source, sqlite3_stmt *statement,
                                    struct error *err)
{
    const char *name = sqlite3_bind_parameter_name(statement, 1);
    return fail(err, STATUS_INVALID,
                "source %s: its query has the parameter %s, which nobody fills in: write the value",
                source->about.name, name ? name : "?");
}

/* Where SQLite saw a mistake, in lines and characters of the query. */
static const char *place_in_query(sqlite3 *connection, const char *query, struct arena *arena)
{
    int offset = sqlite3_error_offset(connection), line = 1, column = 1;
    if (offset < 0)
        return "its query";
    for (const char *at = query; *at && at < query + offset; at++) {
        bool begins_character = ((unsigned char)*at & 0xc0) != 0x80;
        column = *at == '\n' ? 1 : column + begins_character;
        line += *at == '\n';
    }
    return arena_printf(arena, "its query, line %d, column %d", line, column);
}

/* A query by itself, before it stands in parentheses: it was read as PostgreSQL reads, whose
 * comments and strings may end elsewhere, so that what is left would be run, too. */
static enum status prepare_query(struct sqlite_store *store, const struct source *source,
                                 struct arena *arena, sqlite3_stmt **statement, struct error *err)
{
    const char *rest = "";
    *statement = NULL;
    if (sqlite3_prepare_v2(store->connection, source->query, -1, statement, &rest)) {
        const char *place = place_in_query(store->connection, source->query, arena);
        return refused(source, sqlite_fail(store->connection, place, err), err);
    }
    if (!*statement || rest[strspn(rest, " \t\r\n")])
        return fail(err, STATUS_INVALID,
                    "source %s: its query is more than one statement to SQLite",
                    source->about.name);
    if (!sqlite3_stmt_readonly(*statement))
        return fail(err, STATUS_INVALID, "source %s: its query would write, and may only read",
                    source->about.name);
    return sqlite3_bind_parameter_count(*statement) > 0 ? refuse_parameter(source, *statement, err)
                                                        : STATUS_OK;
}

/* query: the source's, by itself; NULL: it is a table. */
static void take_columns(struct sqlite_source *source, sqlite3_stmt *statement, sqlite3_stmt *query,
                         struct arena *arena)
{
    int count = sqlite3_column_count(statement);
    struct sqlite_column *columns = arena_array(arena, (size_t)count, sizeof *columns);
    for (int i = 0; i < count; i++)
        columns[i] = (struct sqlite_column){
            .name = arena_text(arena, sqlite3_column_name(statement, i)),
            .written = arena_text(arena, sqlite3_column_name(query ? query : statement, i)),
            .declared = arena_text(arena, sqlite3_column_decltype(statement, i)),
        };
    source->columns = columns;
    source->column_count = (size_t)count;
}

static enum status read_columns(struct sqlite_store *store, struct sqlite_source *resolved,
                                sqlite3_stmt *query, struct arena *arena, struct error *err)
{
    sqlite3_stmt *statement;
    struct buffer sql;
    buffer_init(&sql, 0);
    buffer_printf(&sql, "SELECT * FROM %s AS source", resolved->from);
    enum status status =
        sqlite_prepare_read(store, "looking at its columns", &sql, &statement, err);
    if (status)
        return refused(resolved->source, status, err);
    take_columns(resolved, statement, query, arena);
    sqlite3_finalize(statement);
    return STATUS_OK;
}

enum status sqlite_source_resolve(struct sqlite_store *store, const struct source *source,
                                  struct arena *arena, struct sqlite_source *resolved,
                                  struct error *err)
{
    struct error own;
    err = err ? err : &own;
    *resolved = (struct sqlite_source){
        .source = source,
        .name = source_text(source, arena),
        .from = from_text(source, arena),
    };
    sqlite3_stmt *query = NULL;
    enum status status =
        source->query ? prepare_query(store, source, arena, &query, err) : STATUS_OK;
    if (!status)
        status = read_columns(store, resolved, query, arena, err);
    sqlite3_finalize(query);
    return status;
}

static enum status does_not_fit(const struct sqlite_source *source, const char *who,
                                const struct sqlite_field *field, struct error *err)
{
    const char *advice = field->type == TYPE_TIMESTAMP
                             ? "times are integers here, microseconds since 1970 UTC: convert it "
                               "in a query, such as 1000000 * unixepoch(column)"
                             : "declare a type that fits, or convert it in a query";
    return source_column_unfit(source->source, who, field->what, field->type, field->column->name,
                               field->column->declared, advice, err);
}

/* SQLite's names differ by more than their case. */
enum status sqlite_source_bind(const struct sqlite_source *source, const char *who,
                               const char *what, const char *column, value_type type,
                               struct sqlite_field *field, struct error *err)
{
    const struct source_columns columns = {
        source->columns, source->column_count, sizeof *source->columns,
        offsetof(struct sqlite_column, written), sqlite3_stricmp};
    size_t index;
    *field = (struct sqlite_field){.what = what, .type = type};
    enum status status =
        source_find_column(source->source, who, what, column, &columns, &index, err);
    if (status)
        return status;
    field->column = &source->columns[index];
    if (field->column->declared &&
        !sqlite_affinity_fits(sqlite_affinity_of(field->column->declared, false), type))
        status = does_not_fit(source, who, field, err);
    if (status)
        field->column = NULL;
    return status;
}

enum status sqlite_bind_times(const struct sqlite_source *source, struct arena *arena,
                              struct sqlite_field *event, struct sqlite_field *created,
                              struct error *err)
{
    const struct source *definition = source->source;
    const char *who = arena_printf(arena, "source %s", definition->about.name);
    *created = (struct sqlite_field){.what = "created_time"};
    enum status status = sqlite_source_bind(source, who, "event_time", definition->event_time,
                                            TYPE_TIMESTAMP, event, err);
    if (!status && definition->created_time)
        status = sqlite_source_bind(source, who, "created_time", definition->created_time,
                                    TYPE_TIMESTAMP, created, err);
    return status;
}

static enum status bind(const struct sqlite_source *source, const struct feature_view *view,
                        const char *kind, const char *name, value_type type, struct arena *arena,
                        struct sqlite_field *field, struct error *err)
{
    return sqlite_source_bind(source, arena_printf(arena, "feature view %s", view->about.name),
                              arena_printf(arena, "%s %s", kind, name),
                              source_column(source->source, name), type, field, err);
}

enum status sqlite_bind_key(const struct sqlite_source *source, const struct feature_view *view,
                            size_t key, struct arena *arena, struct sqlite_field *field,
                            struct error *err)
{
    return bind(source, view, "join key", view->keys[key].name, view->keys[key].type, arena, field,
                err);
}

enum status sqlite_bind_feature(const struct sqlite_source *source, const struct feature_view *view,
                                size_t feature, struct arena *arena, struct sqlite_field *field,
                                struct error *err)
{
    return bind(source, view, "feature", view->features[feature].name, view->features[feature].type,
                arena, field, err);
}

enum status sqlite_view_bind(struct sqlite_store *store, const struct feature_view *view,
                             const uint16_t *features, size_t feature_count, struct arena *arena,
                             struct sqlite_view *bound, struct error *err)
{
    *bound = (struct sqlite_view){
        .view = view,
        .feature_count = features ? feature_count : view->feature_count,
        .keys = arena_array(arena, view->key_count, sizeof *bound->keys),
    };
    bound->features = arena_array(arena, bound->feature_count, sizeof *bound->features);
    enum status status = sqlite_source_resolve(store, view->source, arena, &bound->source, err);
    if (!status)
        status = sqlite_bind_times(&bound->source, arena, &bound->event, &bound->created, err);
    for (size_t i = 0; i < view->key_count && !status; i++)
        status = sqlite_bind_key(&bound->source, view, i, arena, &bound->keys[i], err);
    for (size_t i = 0; i < bound->feature_count && !status; i++)
        status = sqlite_bind_feature(&bound->source, view, features ? features[i] : i, arena,
                                     &bound->features[i], err);
    return status;
}

void sqlite_append_field(struct buffer *sql, const struct sqlite_field *field)
{
    buffer_append_text(sql, "source.");
    sqlite_append_identifier(sql, field->column->name);
}

void sqlite_append_fields(struct buffer *sql, const struct sqlite_view *view)
{
    for (size_t i = 0; i < view->view->key_count; i++) {
        sqlite_append_field(sql, &view->keys[i]);
        buffer_append_text(sql, ", ");
    }
    sqlite_append_field(sql, &view->event);
    if (view->created.column) {
        buffer_append_text(sql, ", ");
        sqlite_append_field(sql, &view->created);
    }
    for (size_t i = 0; i < view->feature_count; i++) {
        buffer_append_text(sql, ", ");
        sqlite_append_field(sql, &view->features[i]);
    }
}

void sqlite_append_unfit_time(struct buffer *sql, const struct sqlite_field *field)
{
    buffer_append_text(sql, "(");
    sqlite_append_field(sql, field);
    buffer_append_text(sql, " IS NULL OR ");
    sqlite_append_field(sql, field);
    buffer_printf(sql, " < %lld OR ", (long long)TIMESTAMP_MIN);
    sqlite_append_field(sql, field);
    buffer_printf(sql, " > %lld)", (long long)TIMESTAMP_MAX);
}

void sqlite_append_created(struct buffer *sql, const struct sqlite_view *view)
{
    bool as_null = view->view->source->misfits == MISFITS_AS_NULL;
    if (as_null) {
        buffer_append_text(sql, "CASE WHEN typeof(");
        sqlite_append_field(sql, &view->created);
        buffer_append_text(sql, ") = 'integer' AND NOT ");
        sqlite_append_unfit_time(sql, &view->created);
        buffer_append_text(sql, " THEN ");
    }
    sqlite_append_field(sql, &view->created);
    if (as_null)
        buffer_append_text(sql, " END");
}

enum status sqlite_misfit(const struct sqlite_view *view, const struct sqlite_field *field,
                          const char *misfit, const char *row, struct error *err)
{
    return source_misfit(view->view, field->what, field->type, field->column->name, misfit, row,
                         err);
}
