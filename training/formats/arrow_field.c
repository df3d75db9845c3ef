/* arrow_field.c - see arrow_field.h. */
#include "training/formats/arrow_field.h"

#include "training/formats/arrow_input.h"

#include <stdio.h>

/* Slots of Arrow's tables. */
enum { SCHEMA_BYTE_ORDER, SCHEMA_FIELDS };
enum { FIELD_NAME, FIELD_NULLABLE, FIELD_KIND, FIELD_TYPE, FIELD_DICTIONARY, FIELD_CHILDREN };
enum { DICTIONARY_ID, DICTIONARY_INDEX };
enum { INTEGER_BITS, INTEGER_SIGNED };
enum {
    TYPE_UNIT
}; /* of dates, timestamps; a float's precision, a binary's size stand there, too */

enum { DATE_DAY, DATE_MILLISECOND };

static const struct {
    const char *name;
    value_type type;
    uint8_t width; /* of offsets */
} kinds[] = {
    [ARROW_NULL] = {"null", TYPE_STRING, 0},
    [ARROW_INTEGER] = {"int", 0, 0},
    [ARROW_FLOAT] = {"float", 0, 0},
    [ARROW_BINARY] = {"binary", TYPE_BYTES, 4},
    [ARROW_TEXT] = {"string", TYPE_STRING, 4},
    [ARROW_BOOL] = {"bool", TYPE_BOOL, 0},
    [7] = {"decimal", 0, 0},
    [ARROW_DATE] = {"date", TYPE_TIMESTAMP, 0},
    [9] = {"time", 0, 0},
    [ARROW_TIMESTAMP] = {"timestamp", TYPE_TIMESTAMP, 8},
    [11] = {"interval", 0, 0},
    [ARROW_LIST] = {"list", 0, 0},
    [13] = {"struct", 0, 0},
    [14] = {"union", 0, 0},
    [ARROW_FIXED_BINARY] = {"fixed_size_binary", TYPE_BYTES, 0},
    [16] = {"fixed_size_list", 0, 0},
    [17] = {"map", 0, 0},
    [18] = {"duration", 0, 0},
    [ARROW_LARGE_BINARY] = {"large_binary", TYPE_BYTES, 8},
    [ARROW_LARGE_TEXT] = {"large_string", TYPE_STRING, 8},
    [ARROW_LARGE_LIST] = {"large_list", 0, 0},
    [22] = {"run_end_encoded", 0, 0},
    [ARROW_BINARY_VIEW] = {"binary_view", TYPE_BYTES, 0},
    [ARROW_TEXT_VIEW] = {"string_view", TYPE_STRING, 0},
    [25] = {"list_view", 0, 0},
    [26] = {"large_list_view", 0, 0},
};

static void set_integer(struct arrow_scalar *scalar, struct flat_table type)
{
    int64_t bits = flat_integer(type, INTEGER_BITS, 4, 0);
    scalar->is_unsigned = !flat_integer(type, INTEGER_SIGNED, 1, 0);
    if (bits != 8 && bits != 16 && bits != 32 && bits != 64)
        return;
    scalar->width = (uint8_t)(bits / 8);
    scalar->type = bits == 64 || (bits == 32 && scalar->is_unsigned) ? TYPE_INT64 : TYPE_INT32;
}

static void set_float(struct arrow_scalar *scalar, struct flat_table type)
{
    int64_t precision = flat_integer(type, TYPE_UNIT, 2, 0);
    if (precision < 0 || precision > 2)
        return;
    scalar->width = (uint8_t)(2 << precision);
    scalar->type = precision == 2 ? TYPE_FLOAT64 : TYPE_FLOAT32;
}

static void set_date(struct arrow_scalar *scalar, struct flat_table type)
{
    bool is_day = flat_integer(type, TYPE_UNIT, 2, DATE_MILLISECOND) == DATE_DAY;
    scalar->width = is_day ? 4 : 8;
    scalar->units_per_s = is_day ? 0 : 1000;
}

static void set_timestamp(struct arrow_scalar *scalar, struct flat_table type)
{
    static const int64_t units[] = {1, 1000, 1000000, 1000000000};
    int64_t unit = flat_integer(type, TYPE_UNIT, 2, 0);
    if (unit >= 0 && unit < (int64_t)COUNT_OF(units))
        scalar->units_per_s = units[unit];
    else
        scalar->type = 0;
}

/* Values without bytes would cost nothing, so that any number of them might be claimed. */
static void set_fixed_binary(struct arrow_scalar *scalar, struct flat_table type)
{
    scalar->size = (int32_t)flat_integer(type, TYPE_UNIT, 4, 0);
    if (scalar->size <= 0)
        scalar->type = 0;
}

static struct arrow_scalar scalar_of(int64_t kind, struct flat_table type)
{
    struct arrow_scalar scalar = {0};
    if (kind < 0 || kind >= (int64_t)COUNT_OF(kinds) || !flat_is_present(type))
        return scalar;
    scalar.kind = (uint8_t)kind;
    scalar.type = kinds[kind].type;
    scalar.width = kinds[kind].width;
    if (kind == ARROW_INTEGER)
        set_integer(&scalar, type);
    else if (kind == ARROW_FLOAT)
        set_float(&scalar, type);
    else if (kind == ARROW_DATE)
        set_date(&scalar, type);
    else if (kind == ARROW_TIMESTAMP)
        set_timestamp(&scalar, type);
    else if (kind == ARROW_FIXED_BINARY)
        set_fixed_binary(&scalar, type);
    return scalar;
}

/* As Arrow's own tools write it. */
static const char *scalar_name(const struct arrow_scalar *scalar, struct arena *arena)
{
    static const char *const floats[] = {[2] = "halffloat", [4] = "float", [8] = "double"};
    if (scalar->kind == ARROW_INTEGER)
        return arena_printf(arena, "%sint%d", scalar->is_unsigned ? "u" : "", scalar->width * 8);
    if (scalar->kind == ARROW_FLOAT && scalar->width)
        return floats[scalar->width];
    const char *name = kinds[scalar->kind].name;
    return name ? name : "of a type that is not known";
}

static void set_list(struct arrow_field *field, struct flat_table table, struct arena *arena)
{
    struct flat_vector children = flat_vector(table, FIELD_CHILDREN, 4);
    if (children.count != 1)
        return;
    struct flat_table element = flat_vector_table(children, 0);
    field->list_width = field->scalar.kind == ARROW_LARGE_LIST ? 8 : 4;
    field->scalar =
        scalar_of(flat_integer(element, FIELD_KIND, 1, 0), flat_child(element, FIELD_TYPE));
    field->arrow_name =
        arena_printf(arena, "%s<%s>", field->arrow_name, scalar_name(&field->scalar, arena));
    if (field->scalar.type && !flat_is_present(flat_child(element, FIELD_DICTIONARY)))
        field->type = type_list_of(field->scalar.type);
}

/* Indexes are int32 where nothing is said of them. */
static void set_dictionary(struct arrow_field *field, struct flat_table encoding,
                           struct arena *arena)
{
    struct flat_table index = flat_child(encoding, DICTIONARY_INDEX);
    field->is_dictionary = true;
    field->dictionary_id = flat_integer(encoding, DICTIONARY_ID, 8, 0);
    field->index =
        flat_is_present(index)
            ? scalar_of(ARROW_INTEGER, index)
            : (struct arrow_scalar){.type = TYPE_INT32, .kind = ARROW_INTEGER, .width = 4};
    field->arrow_name = arena_printf(arena, "dictionary<%s>", field->arrow_name);
    if (!field->index.type)
        field->type = 0;
}

static void set_field(struct arrow_field *field, struct flat_table table, struct arena *arena)
{
    struct flat_table dictionary = flat_child(table, FIELD_DICTIONARY);
    field->scalar = scalar_of(flat_integer(table, FIELD_KIND, 1, 0), flat_child(table, FIELD_TYPE));
    field->arrow_name = scalar_name(&field->scalar, arena);
    field->type = field->scalar.type;
    bool is_list = field->scalar.kind == ARROW_LIST || field->scalar.kind == ARROW_LARGE_LIST;
    if (is_list && !flat_is_present(dictionary))
        set_list(field, table, arena);
    if (flat_is_present(dictionary))
        set_dictionary(field, dictionary, arena);
}

enum status arrow_fields_of(struct flat_table schema, struct arena *arena,
                            struct arrow_field **fields, size_t *count, struct error *err)
{
    struct flat_vector listed = flat_vector(schema, SCHEMA_FIELDS, 4);
    if (flat_integer(schema, SCHEMA_BYTE_ORDER, 2, 0) != 0)
        return fail(err, STATUS_INVALID, "its numbers are big-endian; only little-endian is read");
    *count = listed.count;
    *fields = arena_array(arena, listed.count + 1, sizeof **fields);
    for (size_t i = 0; i < listed.count; i++) {
        struct flat_table table = flat_vector_table(listed, i);
        struct bytes name = flat_text(table, FIELD_NAME);
        (*fields)[i].name = arena_text_of(arena, name.data ? name : bytes_of_text(""));
        set_field(&(*fields)[i], table, arena);
        if (!text_is_valid(name.data ? name : bytes_of_text("")))
            return fail(err, STATUS_INVALID, "the name of a column is not UTF-8 text");
    }
    return schema.message->damaged ? arrow_input_damaged("its schema is damaged", err) : STATUS_OK;
}
