/* postgres_source.c - see postgres_source.h: what the database says of a source. */
#include "store/offline/postgres_source.h"

#include "store/offline/source_text.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

/* Class 42 is a mistake in what was asked, but for a right that is lacking. */
static bool is_mistake(const char *sqlstate)
{
    return strncmp(sqlstate, "42", 2) == 0 && strcmp(sqlstate, "42501") != 0;
}

static const char select_from[] = "SELECT * FROM ", query_opens[] = "(\n";

/* Where in the source's query a mistake stands: PostgreSQL counts the characters of all that it was
 * given. */
static void place_in_query(const struct source *source, const PGresult *result, char *text,
                           size_t size)
{
    const char *position = PQresultErrorField(result, PG_DIAG_STATEMENT_POSITION);
    long at = position ? strtol(position, NULL, 10) : 0;
    long before = (long)(strlen(select_from) + strlen(query_opens));
    long line = 1, column = 1;
    const char *query = source->query;
    snprintf(text, size, "its query");
    if (at <= before)
        return;
    for (long left = at - before - 1; *query && left > 0; query++) {
        bool ends_line = *query == '\n', ends_character = ((unsigned char)query[1] & 0xc0) != 0x80;
        line += ends_line;
        column = ends_line ? 1 : column + ends_character;
        left -= ends_character;
    }
    if (*query)
        snprintf(text, size, "its query, line %ld, column %ld", line, column);
    else
        snprintf(text, size, "at the end of its query");
}

static enum status refused(struct postgres_store *store, const struct source *source,
                           const PGresult *result, struct error *err)
{
    const char *sqlstate = postgres_sqlstate(result);
    if (source->table && strcmp(sqlstate, "42P01") == 0)
        return fail(
            err, STATUS_NOT_FOUND,
            "source %s: there is no table %s; make it (larder load does), or correct the name",
            source->about.name, source->table);
    char doing[64] = "looking at its columns";
    if (source->query && is_mistake(sqlstate))
        place_in_query(source, result, doing, sizeof doing);
    enum status status = postgres_fail(store->connection, result, doing, err);
    fail_within(err, "source %s", source->about.name);
    if (!is_mistake(sqlstate))
        return status;
    if (err)
        err->status = STATUS_INVALID;
    return STATUS_INVALID;
}

/* They would be those of whatever statement the query stands in. */
static enum status has_parameters(const struct source *source, struct error *err)
{
    return fail(err, STATUS_INVALID,
                "source %s: its query has parameters ($1), and nobody gives them: write the values",
                source->about.name);
}

/* What the columns of `SELECT *` are, without running it: their names, types and type modifiers. */
static enum status describe_columns(struct postgres_store *store,
                                    const struct postgres_source *source, PGresult **description,
                                    struct error *err)
{
    struct buffer sql;
    buffer_init(&sql, 0);
    buffer_printf(&sql, "%s%s AS source", select_from, source->from);
    buffer_append_byte(&sql, 0);
    PGresult *prepared = PQprepare(store->connection, "", (const char *)sql.data, 0, NULL);
    buffer_release(&sql);
    if (PQresultStatus(prepared) == PGRES_COMMAND_OK) {
        PQclear(prepared);
        prepared = PQdescribePrepared(store->connection, "");
    }
    *description = prepared;
    if (PQresultStatus(prepared) == PGRES_COMMAND_OK)
        return PQnparams(prepared) == 0 ? STATUS_OK : has_parameters(source->source, err);
    return refused(store, source->source, prepared, err);
}

/* Follows domains and, once, an array to what lies below; one row a column, in their order. A
 * column of a domain has no modifier of its own: the domain has it. */
static const char *const types_sql =
    "WITH RECURSIVE walk(place, type, modifier, below, below_modifier, element, depth) AS ("
    " SELECT place, type, modifier, type, modifier, 0::oid, 0"
    " FROM unnest($1::oid[], $2::int[]) WITH ORDINALITY AS asked(type, modifier, place)"
    " UNION ALL"
    " SELECT place, walk.type, modifier,"
    "  CASE WHEN t.typtype = 'd' THEN t.typbasetype ELSE t.typelem END,"
    "  CASE WHEN t.typtype = 'd' THEN t.typtypmod ELSE below_modifier END,"
    "  CASE WHEN t.typtype = 'd' THEN element ELSE t.typelem END, depth + 1"
    " FROM walk JOIN pg_type AS t ON t.oid = walk.below"
    " WHERE t.typtype = 'd'"
    "  OR (element = 0 AND t.typcategory = 'A' AND t.typlen = -1 AND t.typelem <> 0))"
    "SELECT DISTINCT ON (place)"
    " format_type(walk.type, modifier), below, element <> 0, t.typtype = 'e', below_modifier"
    " FROM walk JOIN pg_type AS t ON t.oid = walk.below"
    " ORDER BY place, depth DESC";

static enum status find_types(struct postgres_store *store, const PGresult *description,
                              PGresult **types, struct error *err)
{
    struct buffer oids, modifiers;
    buffer_init(&oids, 0);
    buffer_init(&modifiers, 0);
    for (int i = 0; i < PQnfields(description); i++) {
        buffer_printf(&oids, "%c%u", i == 0 ? '{' : ',', PQftype(description, i));
        buffer_printf(&modifiers, "%c%d", i == 0 ? '{' : ',', PQfmod(description, i));
    }
    bool none = PQnfields(description) == 0;
    buffer_append(&oids, none ? "{}" : "}", none ? 3 : 2);
    buffer_append(&modifiers, none ? "{}" : "}", none ? 3 : 2);
    const char *const values[] = {(const char *)oids.data, (const char *)modifiers.data};
    enum status status =
        postgres_query(store->connection, "looking at types", types_sql, 2, values, types, err);
    buffer_release(&oids);
    buffer_release(&modifiers);
    return status;
}

static void take_columns(struct postgres_source *source, const PGresult *description,
                         const PGresult *types, struct arena *arena)
{
    int count =
        PQnfields(description) < PQntuples(types) ? PQnfields(description) : PQntuples(types);
    struct postgres_column *columns = arena_array(arena, (size_t)count, sizeof *columns);
    for (int i = 0; i < count; i++)
        columns[i] = (struct postgres_column){
            .name = arena_text(arena, PQfname(description, i)),
            .type_text = arena_text(arena, PQgetvalue(types, i, 0)),
            .oid = (uint32_t)strtoul(PQgetvalue(types, i, 1), NULL, 10),
            .is_array = *PQgetvalue(types, i, 2) == 't',
            .is_enum = *PQgetvalue(types, i, 3) == 't',
            .modifier = atoi(PQgetvalue(types, i, 4)),
        };
    source->columns = columns;
    source->column_count = (size_t)count;
}

/* What most columns are: PostgreSQL's own types, which it never renames, as it writes them. */
static const char *plain_type(uint32_t oid, int modifier)
{
    static const struct {
        uint32_t oid;
        const char *text;
    } types[] = {
        {PG_TYPE_BOOL, "boolean"},
        {PG_TYPE_BYTEA, "bytea"},
        {PG_TYPE_INT2, "smallint"},
        {PG_TYPE_INT4, "integer"},
        {PG_TYPE_INT8, "bigint"},
        {PG_TYPE_FLOAT4, "real"},
        {PG_TYPE_FLOAT8, "double precision"},
        {PG_TYPE_TEXT, "text"},
        {PG_TYPE_DATE, "date"},
        {PG_TYPE_TIMESTAMP, "timestamp without time zone"},
        {PG_TYPE_TIMESTAMPTZ, "timestamp with time zone"},
        {PG_TYPE_UUID, "uuid"},
    };
    for (size_t i = 0; i < COUNT_OF(types) && modifier == -1; i++)
        if (types[i].oid == oid)
            return types[i].text;
    return NULL;
}

/* false: some are to be asked for. */
static bool take_plain_columns(struct postgres_source *source, const PGresult *description,
                               struct arena *arena)
{
    int count = PQnfields(description);
    struct postgres_column *columns = arena_array(arena, (size_t)count, sizeof *columns);
    for (int i = 0; i < count; i++) {
        columns[i] = (struct postgres_column){
            .name = arena_text(arena, PQfname(description, i)),
            .type_text = plain_type(PQftype(description, i), PQfmod(description, i)),
            .oid = PQftype(description, i),
            .modifier = PQfmod(description, i),
        };
        if (!columns[i].type_text)
            return false;
    }
    source->columns = columns;
    source->column_count = (size_t)count;
    return true;
}

static const char *from_text(struct postgres_store *store, const struct source *source,
                             struct arena *arena)
{
    struct buffer sql;
    buffer_init(&sql, 0);
    if (source->table)
        postgres_append_table(store->connection, &sql, source->table);
    else /* on lines of its own: it may end in a comment */
        buffer_printf(&sql, "%s%s\n)", query_opens, source->query);
    const char *from = arena_text_of(arena, buffer_bytes(&sql));
    buffer_release(&sql);
    return from;
}

enum status postgres_source_resolve(struct postgres_store *store, const struct source *source,
                                    struct arena *arena, struct postgres_source *resolved,
                                    struct error *err)
{
    *resolved = (struct postgres_source){
        .source = source,
        .name = source_text(source, arena),
        .from = from_text(store, source, arena),
    };
    PGresult *description = NULL, *types = NULL;
    enum status status = describe_columns(store, resolved, &description, err);
    bool is_plain = !status && take_plain_columns(resolved, description, arena);
    if (!status && !is_plain)
        status = find_types(store, description, &types, err);
    if (!status && !is_plain)
        take_columns(resolved, description, types, arena);
    PQclear(description);
    PQclear(types);
    return status;
}

static bool is_read_as_text(const struct postgres_column *column)
{
    return column->is_enum || column->oid == PG_TYPE_BPCHAR || column->oid == PG_TYPE_UUID ||
           column->oid == PG_TYPE_JSON || column->oid == PG_TYPE_JSONB;
}

static bool column_fits(const struct postgres_column *column, value_type type,
                        struct postgres_field *field)
{
    bool as_text = is_read_as_text(column);
    field->cast = !as_text ? "" : column->is_array ? "::text[]" : "::text";
    return column->is_array == type_is_list(type) &&
           copy_column_init(&field->decoder, as_text ? (uint32_t)PG_TYPE_TEXT : column->oid, type);
}

enum status postgres_source_bind(const struct postgres_source *source, const char *who,
                                 const char *what, const char *column, value_type type,
                                 struct postgres_field *field, struct error *err)
{
    const struct source_columns columns = {source->columns, source->column_count,
                                           sizeof *source->columns,
                                           offsetof(struct postgres_column, name), strcmp};
    size_t index;
    *field = (struct postgres_field){.what = what};
    enum status status =
        source_find_column(source->source, who, what, column, &columns, &index, err);
    if (status)
        return status;
    field->column = &source->columns[index];
    if (!column_fits(field->column, type, field))
        status =
            source_column_unfit(source->source, who, what, type, column, field->column->type_text,
                                "declare a type that fits, or cast it in a query", err);
    if (status)
        field->column = NULL;
    return status;
}
