/* sqlite_value.c - see sqlite_value.h. */
#include "store/offline/sqlite_value.h"

#include "base/byte_order.h"
#include "base/timestamp.h"
#include "base/value_text.h"

#include <float.h>
#include <math.h>
#include <string.h>
#include <strings.h>

/* Reading ------------------------------------------------------------------------------------- */

static const char *class_text(int class)
{
    switch (class) {
    case SQLITE_INTEGER:
        return "an integer";
    case SQLITE_FLOAT:
        return "a real number";
    case SQLITE_TEXT:
        return "a text";
    default:
        return "a blob";
    }
}

static struct bytes column_blob(sqlite3_stmt *statement, int column)
{
    const void *data = sqlite3_column_blob(statement, column);
    size_t size = (size_t)sqlite3_column_bytes(statement, column);
    if (!data && size > 0)
        out_of_memory();
    return (struct bytes){data ? data : "", size};
}

static const char *read_integer(sqlite3_stmt *statement, int column, struct value *value)
{
    int64_t number = sqlite3_column_int64(statement, column);
    if (value->type == TYPE_BOOL && (number < 0 || number > 1))
        return "an integer other than 0 and 1";
    if (value->type == TYPE_INT32 && (number < INT32_MIN || number > INT32_MAX))
        return "an integer beyond int32";
    if (value->type == TYPE_TIMESTAMP && !timestamp_in_range(number))
        return "a time outside the years 1 to 9999";
    if (value->type == TYPE_BOOL)
        value->boolean = number == 1;
    else if (value->type == TYPE_INT32)
        value->int32 = (int32_t)number;
    else
        value->int64 = number;
    return NULL;
}

static const char *read_float64(sqlite3_stmt *statement, int column, int class, struct value *value)
{
    struct bytes blob = class == SQLITE_BLOB ? column_blob(statement, column) : (struct bytes){0};
    if (blob.size == 8) {
        uint64_t bits = load_be64(blob.data);
        memcpy(&value->float64, &bits, sizeof bits);
    } else if (class == SQLITE_FLOAT || class == SQLITE_INTEGER) {
        value->float64 = sqlite3_column_double(statement, column);
    } else {
        return class_text(class);
    }
    return NULL;
}

static const char *read_float32(sqlite3_stmt *statement, int column, int class, struct value *value)
{
    struct bytes blob = class == SQLITE_BLOB ? column_blob(statement, column) : (struct bytes){0};
    if (blob.size == 4) {
        uint32_t bits = load_be32(blob.data);
        memcpy(&value->float32, &bits, sizeof bits);
        return NULL;
    }
    if (class != SQLITE_FLOAT && class != SQLITE_INTEGER)
        return class_text(class);
    double number = sqlite3_column_double(statement, column);
    value->float32 = (float)number;
    return isinf(value->float32) && !isinf(number) ? "a number beyond float32" : NULL;
}

static const char *read_text(sqlite3_stmt *statement, int column, struct value *value)
{
    const void *data = sqlite3_column_text(statement, column);
    if (!data)
        out_of_memory(); /* a text is never NULL */
    value->bytes = (struct bytes){data, (size_t)sqlite3_column_bytes(statement, column)};
    return text_is_valid(value->bytes) ? NULL : "a text that is not UTF-8, or has a NUL in it";
}

static const char *read_list(sqlite3_stmt *statement, int column, struct arena *arena,
                             struct value *value)
{
    struct value list;
    const char *misfit = read_text(statement, column, value);
    if (misfit)
        return misfit;
    if (value_parse(value->type, value->bytes, arena, &list, NULL))
        return "a text that is no JSON array of such values";
    *value = list;
    return NULL;
}

static const char *read_value(sqlite3_stmt *statement, int column, int class, struct arena *arena,
                              struct value *value)
{
    if (type_is_list(value->type))
        return class == SQLITE_TEXT ? read_list(statement, column, arena, value)
                                    : class_text(class);
    switch (value->type) {
    case TYPE_FLOAT32:
        return read_float32(statement, column, class, value);
    case TYPE_FLOAT64:
        return read_float64(statement, column, class, value);
    case TYPE_STRING:
        return class == SQLITE_TEXT ? read_text(statement, column, value) : class_text(class);
    case TYPE_BYTES:
        value->bytes = column_blob(statement, column);
        return class == SQLITE_BLOB ? NULL : class_text(class);
    default:
        return class == SQLITE_INTEGER ? read_integer(statement, column, value) : class_text(class);
    }
}

void sqlite_read(sqlite3_stmt *statement, int column, value_type type, struct arena *arena,
                 struct value *value, const char **misfit)
{
    int class = sqlite3_column_type(statement, column);
    *value = (struct value){.type = type};
    *misfit = NULL;
    if (class != SQLITE_NULL)
        *misfit = read_value(statement, column, class, arena, value);
    if (class == SQLITE_NULL || *misfit)
        *value = value_null(type);
}

/* Judging keys where they lie ----------------------------------------------------------------- */

#define IS_TEXT "larder_is_text"

/* As read_text says of a TEXT. */
static void is_text(sqlite3_context *context, int count, sqlite3_value **values)
{
    (void)count;
    const void *data = sqlite3_value_text(values[0]);
    size_t size = (size_t)sqlite3_value_bytes(values[0]);
    sqlite3_result_int(context, data && text_is_valid((struct bytes){data, size}));
}

void sqlite_add_functions(sqlite3 *connection)
{
    int flags = SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_INNOCUOUS;
    if (sqlite3_create_function_v2(connection, IS_TEXT, 1, flags, NULL, is_text, NULL, NULL, NULL))
        out_of_memory(); /* the one way in which this fails */
}

void sqlite_append_unfit_key(struct buffer *sql, const char *column, value_type type)
{
    buffer_printf(sql, "(typeof(%s) <> '%s'", column, sqlite_class(type));
    if (type == TYPE_BOOL)
        buffer_printf(sql, " OR +%s NOT BETWEEN 0 AND 1", column);
    else if (type == TYPE_INT32)
        buffer_printf(sql, " OR +%s NOT BETWEEN %d AND %d", column, INT32_MIN, INT32_MAX);
    else if (type == TYPE_TIMESTAMP)
        buffer_printf(sql, " OR +%s NOT BETWEEN %lld AND %lld", column, (long long)TIMESTAMP_MIN,
                      (long long)TIMESTAMP_MAX);
    else if (type == TYPE_STRING)
        buffer_printf(sql, " OR NOT " IS_TEXT "(%s)", column);
    buffer_append_text(sql, ")");
}

/* Binding ------------------------------------------------------------------------------------- */

static int bind_bytes(sqlite3_stmt *statement, int parameter, struct bytes bytes, bool is_text)
{
    /* A NULL pointer would bind a null. */
    const void *data = bytes.data ? bytes.data : "";
    return is_text ? sqlite3_bind_text64(statement, parameter, data, bytes.size, SQLITE_TRANSIENT,
                                         SQLITE_UTF8)
                   : sqlite3_bind_blob64(statement, parameter, data, bytes.size, SQLITE_TRANSIENT);
}

/* Whether SQLite would change the number. */
static bool is_no_number(double number)
{
    return isnan(number) || (number == 0 && signbit(number));
}

static int bind_float64(sqlite3_stmt *statement, int parameter, double number)
{
    uint8_t raw[8];
    uint64_t bits;
    if (!is_no_number(number))
        return sqlite3_bind_double(statement, parameter, number);
    memcpy(&bits, &number, sizeof bits);
    store_be64(raw, bits);
    return bind_bytes(statement, parameter, (struct bytes){raw, sizeof raw}, false);
}

static int bind_float32(sqlite3_stmt *statement, int parameter, float number)
{
    uint8_t raw[4];
    uint32_t bits;
    if (!is_no_number((double)number))
        return sqlite3_bind_double(statement, parameter, (double)number);
    memcpy(&bits, &number, sizeof bits);
    store_be32(raw, bits);
    return bind_bytes(statement, parameter, (struct bytes){raw, sizeof raw}, false);
}

static int bind(sqlite3_stmt *statement, int parameter, const struct value *value,
                struct buffer *scratch)
{
    if (value->is_null)
        return sqlite3_bind_null(statement, parameter);
    if (type_is_list(value->type)) {
        buffer_clear(scratch);
        value_format(value, scratch);
        return bind_bytes(statement, parameter, buffer_bytes(scratch), true);
    }
    switch (value->type) {
    case TYPE_BOOL:
        return sqlite3_bind_int(statement, parameter, value->boolean);
    case TYPE_INT32:
        return sqlite3_bind_int(statement, parameter, value->int32);
    case TYPE_FLOAT32:
        return bind_float32(statement, parameter, value->float32);
    case TYPE_FLOAT64:
        return bind_float64(statement, parameter, value->float64);
    case TYPE_STRING:
    case TYPE_BYTES:
        return bind_bytes(statement, parameter, value->bytes, value->type == TYPE_STRING);
    default:
        return sqlite3_bind_int64(statement, parameter, value->int64);
    }
}

enum status sqlite_bind(sqlite3_stmt *statement, int parameter, const struct value *value,
                        struct buffer *scratch, struct error *err)
{
    int code = bind(statement, parameter, value, scratch);
    return code ? fail(err, STATUS_FAILED, "SQLite takes no such value: %s", sqlite3_errstr(code))
                : STATUS_OK;
}

/* Columns ------------------------------------------------------------------------------------- */

static bool holds(const char *declared, const char *word)
{
    return declared && strcasestr(declared, word);
}

/* Section 3.1 of SQLite's "Datatypes": the first rule that applies. */
enum sqlite_affinity sqlite_affinity_of(const char *declared, bool strict)
{
    if (holds(declared, "INT"))
        return AFFINITY_INTEGER;
    if (holds(declared, "CHAR") || holds(declared, "CLOB") || holds(declared, "TEXT"))
        return AFFINITY_TEXT;
    if (!declared || !*declared || holds(declared, "BLOB"))
        return AFFINITY_NONE;
    if (holds(declared, "REAL") || holds(declared, "FLOA") || holds(declared, "DOUB"))
        return AFFINITY_REAL;
    return strict && strcasecmp(declared, "ANY") == 0 ? AFFINITY_NONE : AFFINITY_NUMERIC;
}

bool sqlite_affinity_fits(enum sqlite_affinity affinity, value_type type)
{
    if (affinity == AFFINITY_NONE || affinity == AFFINITY_NUMERIC)
        return true;
    if (type == TYPE_STRING || type_is_list(type))
        return affinity == AFFINITY_TEXT;
    if (type == TYPE_FLOAT64)
        return affinity != AFFINITY_TEXT;
    if (type == TYPE_FLOAT32)
        return affinity == AFFINITY_REAL;
    return type != TYPE_BYTES && affinity == AFFINITY_INTEGER;
}

/* A numeric column makes a number of a text that looks like one. */
bool sqlite_affinity_keeps(enum sqlite_affinity affinity, value_type type)
{
    return sqlite_affinity_fits(affinity, type) &&
           (affinity != AFFINITY_NUMERIC || type != TYPE_STRING);
}

const char *sqlite_declaration(value_type type)
{
    static const char *const names[] = {
        [TYPE_BOOL] = "BOOLEAN", [TYPE_INT32] = "INTEGER",     [TYPE_INT64] = "INTEGER",
        [TYPE_FLOAT32] = "REAL", [TYPE_FLOAT64] = "REAL",      [TYPE_STRING] = "TEXT",
        [TYPE_BYTES] = "BLOB",   [TYPE_TIMESTAMP] = "INTEGER",
    };
    return type_is_list(type) ? "TEXT" : names[type];
}

const char *sqlite_class(value_type key_type)
{
    return key_type == TYPE_STRING ? "text" : key_type == TYPE_BYTES ? "blob" : "integer";
}
