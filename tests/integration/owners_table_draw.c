/* owners_table_draw.c - what an owner may have made, and what may be asked of it. See
 * owners_table.h. */
#include "owners_table.h"

#include "base/timestamp.h"

#include <stdlib.h>

#define START_US INT64_C(1704067200000000)
#define UNIT_US INT64_C(1000000)
#define DAY_US INT64_C(86400000000)

static const char *const anything[] = {
    "NULL",
    "0",
    "1",
    "2",
    "-1",
    "2147483648",
    "9223372036854775807",
    "-9223372036854775808",
    "9007199254740993",
    "0.0",
    "-0.0",
    "1.0",
    "1.5",
    "0.1",
    "9e999",
    "-9e999",
    "1e300",
    "1e-320",
    "''",
    "'a'",
    "'A'",
    "'a '",
    "'1'",
    "'01'",
    "'1.0'",
    "'true'",
    "'\xc3\xa4\xe2\x82\xac'",
    "'[]'",
    "'[1, 2]'",
    "'[1.5, \"NaN\"]'",
    "'[\"a\", \"\"]'",
    "'[true]'",
    "'[null]'",
    "'[\"2024-01-01T00:00:00Z\"]'",
    "'[1'",
    "CAST(x'ff' AS TEXT)",
    "'a' || char(0) || 'b'",
    "x''",
    "x'01'",
    "x'61'",
    "x'7ff8000000000001'",
    "x'8000000000000000'",
    "x'7fc00001'",
    "zeroblob(9)",
    "1704067200000000",
    "253402300800000000",
    "'2024-01-01 00:00:00'",
    "replace(hex(zeroblob(120)), '0', '{')",
};

/* What each type may hold, more or less often the same. */
static const struct {
    value_type type;
    const char *values[8];
} fitting[] = {
    {TYPE_BOOL, {"0", "1", "1", "NULL"}},
    {TYPE_INT32, {"0", "1", "2", "-1", "2147483647", "-2147483648", "NULL"}},
    {TYPE_INT64, {"0", "1", "2", "9223372036854775807", "-9223372036854775808", "NULL"}},
    {TYPE_FLOAT32, {"1.5", "0.1", "9e999", "x'7fc00001'", "x'80000000'", "NULL"}},
    {TYPE_FLOAT64, {"1.5", "0.1", "-9e999", "x'7ff8000000000001'", "1e300", "NULL"}},
    {TYPE_STRING, {"'a'", "'A'", "'a '", "'b'", "''", "'\xc3\xa4'", "NULL"}},
    {TYPE_BYTES, {"x''", "x'01'", "x'0100'", "x'61'", "NULL"}},
    {TYPE_TIMESTAMP, {"0", "1704067200000000", "-1", "253402300799999999", "NULL"}},
};

static const char *const declared[] = {
    "",
    "INTEGER",
    "INT",
    "BIGINT",
    "TEXT",
    "VARCHAR(5)",
    "BLOB",
    "REAL",
    "DOUBLE PRECISION",
    "NUMERIC",
    "DECIMAL(10, 2)",
    "BOOLEAN",
    "DATETIME",
    "ANY",
    "TEXT COLLATE NOCASE",
    "TEXT COLLATE RTRIM",
    "STRING",
};
static const char *const strict[] = {
    "INT", "INTEGER", "REAL", "TEXT", "BLOB", "ANY", "TEXT COLLATE NOCASE"};
static const char *const declared_times[] = {"", "INTEGER", "BIGINT", "DATETIME", "ANY", "NUMERIC"};
static const char *const strict_times[] = {"INT", "INTEGER", "ANY"};

enum { CELLS_MAX = OWNERS_KEYS_MAX + OWNERS_FEATURES_MAX };
enum shape { TABLE, WITHOUT_ROWID, STRICT, VIEW, QUERY, UNION, COMPUTED, GENERATED, SHAPES };

static size_t below(struct owners_table *table, size_t end)
{
    return (size_t)random_below(&table->random, end);
}

static bool chance(struct owners_table *table, unsigned percent)
{
    return below(table, 100) < percent;
}

/* Drawing ------------------------------------------------------------------------------------- */

static const char *draw_fitting(struct owners_table *table, value_type type)
{
    if (type_is_list(type))
        return chance(table, 50) ? "'[]'" : "NULL";
    for (size_t i = 0; i < COUNT_OF(fitting); i++)
        if (fitting[i].type == type) {
            size_t count = 0;
            while (count < COUNT_OF(fitting[i].values) && fitting[i].values[count])
                count++;
            return fitting[i].values[below(table, count)];
        }
    abort();
}

static const char *draw_cell(struct owners_table *table, value_type type)
{
    if (table->is_tame || chance(table, 70))
        return draw_fitting(table, type);
    return anything[below(table, COUNT_OF(anything))];
}

/* A time that no row can have leaves it out, but as a created time it is a misfit. */
static const char *draw_time(struct owners_table *table, bool is_event)
{
    if (chance(table, 5))
        return chance(table, 50) || (table->is_tame && !is_event) ? "NULL" : "253402300800000000";
    if (!table->is_tame && chance(table, 8))
        return anything[below(table, COUNT_OF(anything))];
    const char *half = !table->is_tame && chance(table, 5) ? " + 0.5" : "";
    return arena_printf(&table->arena, "%lld%s",
                        (long long)(START_US + UNIT_US * (int64_t)below(table, 12)), half);
}

static const char *draw_declared(struct owners_table *table, bool is_strict, bool is_time)
{
    if (is_strict)
        return is_time ? strict_times[below(table, COUNT_OF(strict_times))]
                       : strict[below(table, COUNT_OF(strict))];
    return is_time ? declared_times[below(table, COUNT_OF(declared_times))]
                   : declared[below(table, COUNT_OF(declared))];
}

static bool is_real(const char *type)
{
    return strcmp(type, "REAL") == 0 || strcmp(type, "DOUBLE PRECISION") == 0;
}

/* Of a column of a UNION whose other half is declared so: SQLite makes real numbers of what stands
 * beside a REAL or not, as its plan happens to be, so both are, or neither. */
static const char *draw_beside(struct owners_table *table, const char *other)
{
    const char *type = draw_declared(table, false, false);
    while (is_real(type) != is_real(other))
        type = draw_declared(table, false, false);
    return type;
}

/* Keys and features, behind what is there. beside: their declarations in the other half of a UNION,
 * NULL: there is none; types takes them. */
static const char *draw_cells(struct owners_table *table, bool is_strict, const char *const *beside,
                              const char **types)
{
    const char *text = "";
    size_t count = table->key_count + table->feature_count;
    for (size_t i = 0; i < count; i++) {
        bool is_key = i < table->key_count;
        types[i] = beside ? draw_beside(table, beside[i]) : draw_declared(table, is_strict, false);
        text = arena_printf(&table->arena, "%s, %c%zu %s", text, is_key ? 'k' : 'f',
                            is_key ? i : i - table->key_count, types[i]);
    }
    return text;
}

static const char *draw_columns(struct owners_table *table, bool is_strict,
                                const char *const *beside, const char **types)
{
    const char *text = arena_printf(&table->arena, "at %s", draw_declared(table, is_strict, true));
    if (table->has_created)
        text =
            arena_printf(&table->arena, "%s, rec %s", text, draw_declared(table, is_strict, true));
    return arena_printf(&table->arena, "%s%s", text, draw_cells(table, is_strict, beside, types));
}

static const char *draw_rows(struct owners_table *table, const char *into, size_t count)
{
    const char *text = "";
    for (size_t r = 0; r < count; r++) {
        text = arena_printf(&table->arena, "%sINSERT INTO %s VALUES (%s", text, into,
                            draw_time(table, true));
        if (table->has_created)
            text = arena_printf(&table->arena, "%s, %s", text, draw_time(table, false));
        for (size_t i = 0; i < table->key_count; i++)
            text =
                arena_printf(&table->arena, "%s, %s", text, draw_cell(table, table->key_types[i]));
        for (size_t i = 0; i < table->feature_count; i++)
            text = arena_printf(&table->arena, "%s, %s", text,
                                draw_cell(table, table->feature_types[i]));
        text = arena_printf(&table->arena, "%s);\n", text);
    }
    return text;
}

static const char *names_of(struct owners_table *table, const char *between)
{
    const char *text = "";
    for (size_t i = 0; i < table->key_count; i++)
        text = arena_printf(&table->arena, "%s%sk%zu", text, i ? between : "", i);
    return text;
}

static const char *features_of(struct owners_table *table)
{
    const char *text = "";
    for (size_t i = 0; i < table->feature_count; i++)
        text = arena_printf(&table->arena, "%s, f%zu", text, i);
    return text;
}

static const char *draw_index(struct owners_table *table)
{
    const char *keys = names_of(table, ", ");
    switch (below(table, 4)) {
    case 0:
        return arena_printf(&table->arena, "CREATE INDEX i ON h (%s, at);\n", keys);
    case 1:
        return arena_printf(&table->arena, "CREATE INDEX i ON h (%s, at DESC%s);\n", keys,
                            table->has_created ? ", rec" : "");
    case 2:
        return "CREATE INDEX i ON h (at);\n";
    default:
        return "";
    }
}

static const char *make(struct owners_table *table, const char *columns, const char *options)
{
    return arena_printf(&table->arena, "CREATE TABLE h (%s)%s;\n%s", columns, options,
                        draw_rows(table, "h", 5 + below(table, OWNERS_ROWS_MAX / 2 - 5)));
}

static const char *quoted_query(struct owners_table *table, const char *query)
{
    table->select = arena_printf(&table->arena, "SELECT * FROM (\n%s\n)", query);
    return arena_printf(&table->arena, "query: \"%s\"", query);
}

/* A table of another shape behind the same columns. */
static void draw_union(struct owners_table *table, const char *columns, const char *const *types)
{
    const char *others[CELLS_MAX];
    const char *all = arena_printf(&table->arena, "at%s, %s%s", table->has_created ? ", rec" : "",
                                   names_of(table, ", "), features_of(table));
    table->sql = arena_printf(&table->arena, "%sCREATE TABLE g (%s);\n%s", table->sql,
                              table->is_tame ? columns : draw_columns(table, false, types, others),
                              draw_rows(table, "g", 15));
    table->source =
        quoted_query(table, arena_printf(&table->arena,
                                         "SELECT %s FROM g UNION ALL SELECT %s FROM h", all, all));
}

static void draw_generated(struct owners_table *table)
{
    const char *rest = arena_printf(&table->arena, "%s%s%s", table->has_created ? "rec, " : "",
                                    names_of(table, ", "), features_of(table));
    table->sql =
        arena_printf(&table->arena,
                     "CREATE TABLE h0 (at, %s);\n%s"
                     "CREATE TABLE h (t, %s, at %s GENERATED ALWAYS AS (t) %s);\n"
                     "INSERT INTO h SELECT * FROM h0;\n",
                     rest, draw_rows(table, "h0", 30), rest, chance(table, 50) ? "INTEGER" : "",
                     chance(table, 50) ? "VIRTUAL" : "STORED");
}

static void draw_shape(struct owners_table *table)
{
    enum shape shape = (enum shape)below(table, SHAPES);
    const char *types[CELLS_MAX];
    const char *columns = draw_columns(table, shape == STRICT, NULL, types);
    table->source = "table: h";
    table->select = "SELECT * FROM h";
    if (shape == WITHOUT_ROWID)
        table->sql = make(
            table,
            arena_printf(&table->arena, "%s, PRIMARY KEY (at, %s)", columns, names_of(table, ", ")),
            " WITHOUT ROWID");
    else if (shape == GENERATED)
        draw_generated(table);
    else
        table->sql = make(table, columns, shape == STRICT ? " STRICT" : "");
    table->sql = arena_printf(&table->arena, "%s%s%s",
                              table->is_utf16 ? "PRAGMA encoding = 'UTF-16le';\n" : "", table->sql,
                              draw_index(table));
    if (shape == VIEW) {
        table->sql =
            arena_printf(&table->arena, "%sCREATE VIEW w AS SELECT * FROM h;\n", table->sql);
        table->source = "table: w";
    } else if (shape == QUERY) {
        table->source = quoted_query(table, "SELECT * FROM h WHERE at IS NOT 5 -- all");
    } else if (shape == COMPUTED) {
        table->source =
            quoted_query(table, arena_printf(&table->arena, "SELECT at + 0 AS at, %s%s%s FROM h",
                                             table->has_created ? "rec, " : "",
                                             names_of(table, ", "), features_of(table)));
    } else if (shape == UNION) {
        draw_union(table, columns, types);
    }
}

void owners_table_draw(struct owners_table *table, uint64_t seed)
{
    static const value_type types[] = {TYPE_BOOL,
                                       TYPE_INT32,
                                       TYPE_INT64,
                                       TYPE_STRING,
                                       TYPE_BYTES,
                                       TYPE_TIMESTAMP,
                                       TYPE_FLOAT32,
                                       TYPE_FLOAT64,
                                       TYPE_LIST | TYPE_INT32,
                                       TYPE_LIST | TYPE_STRING};
    enum { KEY_TYPES = 6 };
    *table = (struct owners_table){.random = {seed * UINT64_C(0x9e3779b97f4a7c15) | 1}};
    arena_init(&table->arena, 0);
    table->is_tame = chance(table, 25);
    table->has_created = chance(table, 70);
    table->is_utf16 = chance(table, 25);
    table->ttl_us = (int64_t)below(table, 4) * 2 * UNIT_US;
    table->key_count = 1 + below(table, OWNERS_KEYS_MAX);
    table->feature_count = 1 + below(table, OWNERS_FEATURES_MAX);
    for (size_t i = 0; i < table->key_count; i++)
        table->key_types[i] = types[below(table, KEY_TYPES)];
    for (size_t i = 0; i < table->feature_count; i++)
        table->feature_types[i] = types[below(table, COUNT_OF(types))];
    draw_shape(table);
}

void owners_table_release(struct owners_table *table)
{
    arena_release(&table->arena);
}

const char *owners_table_yaml(struct owners_table *table)
{
    const char *keys = "", *features = "";
    for (size_t i = 0; i < table->key_count; i++)
        keys = arena_printf(&table->arena, "%s%sk%zu: %s", keys, i ? ", " : "", i,
                            type_name(table->key_types[i]));
    for (size_t i = 0; i < table->feature_count; i++)
        features = arena_printf(&table->arena, "%s%s{name: f%zu, type: %s}", features,
                                i ? ", " : "", i, type_name(table->feature_types[i]));
    char ttl[DURATION_TEXT_SIZE];
    duration_format(table->ttl_us, ttl);
    return arena_printf(&table->arena,
                        "project: p\n"
                        "entities: [{name: e, join_keys: {%s}}]\n"
                        "sources: [{name: s, %s, event_time: at%s, misfits: %s}]\n"
                        "feature_views: [{name: v, entities: [e], source: s, ttl: %s,"
                        " features: [%s]}]\n",
                        keys, table->source, table->has_created ? ", created_time: rec" : "",
                        table->is_tame ? "stop" : "as_null", ttl, features);
}

struct owners_question owners_question_draw(struct owners_table *table)
{
    static const int64_t besides[] = {0, 0, 1, -1, UNIT_US, DAY_US, DAY_US + 1, 5 * UNIT_US};
    struct owners_question question = {
        .at_us = START_US + UNIT_US * (int64_t)below(table, 14) +
                 besides[below(table, COUNT_OF(besides))],
        .as_known = table->has_created && chance(table, 30),
        .with_status = chance(table, 30),
        .as_of_us = table->has_created && chance(table, 30)
                        ? START_US + UNIT_US * (int64_t)below(table, 12)
                        : AS_OF_NOW,
    };
    const struct owners_row *row =
        table->row_count ? &table->rows[below(table, table->row_count)] : NULL;
    for (size_t i = 0; i < table->key_count; i++)
        question.keys[i] =
            row && !chance(table, 10) ? row->keys[i] : value_null(table->key_types[i]);
    return question;
}
