/* parquet_column.c - see parquet_column.h. The numbers of enums are those of the Parquet format. */
#include "training/formats/parquet_column.h"

#include "base/byte_order.h"
#include "training/formats/parquet_bounds.h"
#include "training/formats/parquet_dictionary.h"
#include "training/formats/parquet_rle.h"

#include <stdlib.h>

enum { OPTIONAL = 1, REPEATED = 2 };
/* Definition levels: of a plain column null and there; of a list null, empty, and an element. */
enum { LEVEL_NULL = 0, LEVEL_PRESENT = 1, LEVEL_EMPTY = 1, LEVEL_ELEMENT = 3 };

struct numbers {
    uint32_t *at;
    size_t count, capacity;
};

struct parquet_column {
    const char *name;
    value_type type;
    value_type leaf;                       /* the type itself, or that of the elements */
    struct numbers definition, repetition; /* levels; repetition of lists alone */
    struct numbers indexes;                /* into the dictionary */
    struct parquet_dictionary dictionary;
    bool has_dictionary;  /* indexes stand for the values */
    struct buffer values; /* PLAIN */
    uint64_t bit_count;   /* of bools, eight to a byte */
    uint64_t null_count;
    struct parquet_bounds bounds;
};

static bool may_repeat(const struct parquet_column *column)
{
    return column->leaf == TYPE_STRING || column->leaf == TYPE_BYTES;
}

struct parquet_column *parquet_column_new(const char *name, value_type type)
{
    struct parquet_column *column = calloc(1, sizeof *column);
    if (!column)
        out_of_memory();
    column->name = name;
    column->type = type;
    column->leaf = type_element(type);
    column->has_dictionary = may_repeat(column);
    parquet_dictionary_init(&column->dictionary);
    buffer_init(&column->values, 0);
    return column;
}

void parquet_column_free(struct parquet_column *column)
{
    if (!column)
        return;
    free(column->definition.at);
    free(column->repetition.at);
    free(column->indexes.at);
    parquet_dictionary_release(&column->dictionary);
    buffer_release(&column->values);
    free(column);
}

/* Collecting ------------------------------------------------------------------------------------
 */

static void add_number(struct numbers *numbers, uint32_t number)
{
    if (numbers->count == numbers->capacity) {
        numbers->capacity = numbers->capacity ? numbers->capacity * 2 : 1024;
        numbers->at = realloc(numbers->at, numbers->capacity * sizeof *numbers->at);
        if (!numbers->at)
            out_of_memory();
    }
    numbers->at[numbers->count++] = number;
}

static void append_text(struct buffer *values, struct bytes text)
{
    uint8_t length[4];
    store_le32(length, (uint32_t)text.size);
    buffer_append(values, length, sizeof length);
    buffer_append(values, text.data, text.size);
}

static void append_bit(struct parquet_column *column, bool bit)
{
    if (column->bit_count % 8 == 0)
        buffer_append_byte(&column->values, 0);
    column->values.data[column->values.size - 1] |= (uint8_t)(bit << column->bit_count % 8);
    column->bit_count++;
}

static void append_plain(struct parquet_column *column, const struct value *value)
{
    uint8_t number[8];
    switch (type_width(value->type)) {
    case 1:
        append_bit(column, value->boolean);
        break;
    case 4: /* a float's bits, too */
        store_le32(number, (uint32_t)value->int32);
        buffer_append(&column->values, number, 4);
        break;
    case 8:
        store_le64(number, (uint64_t)value->int64);
        buffer_append(&column->values, number, 8);
        break;
    default:
        append_text(&column->values, value->bytes);
    }
}

/* The dictionary is full: what it stood for is written out, and so is what comes. */
static void give_up_dictionary(struct parquet_column *column)
{
    for (size_t i = 0; i < column->indexes.count; i++)
        append_text(&column->values,
                    parquet_dictionary_get(&column->dictionary, column->indexes.at[i]));
    column->indexes.count = 0;
    column->has_dictionary = false;
    parquet_dictionary_clear(&column->dictionary);
}

static void add_leaf(struct parquet_column *column, const struct value *value)
{
    uint32_t number;
    if (!type_is_list(column->type))
        parquet_bounds_see(&column->bounds, value);
    if (column->has_dictionary) {
        if (parquet_dictionary_number(&column->dictionary, value->bytes, &number)) {
            add_number(&column->indexes, number);
            return;
        }
        give_up_dictionary(column);
    }
    append_plain(column, value);
}

static void add_list(struct parquet_column *column, const struct value *value)
{
    struct list_cursor cursor = list_begin(column->type, value->bytes);
    struct value element;
    uint32_t repetition = 0;
    while (list_next(&cursor, &element)) {
        add_number(&column->repetition, repetition);
        add_number(&column->definition, LEVEL_ELEMENT);
        add_leaf(column, &element);
        repetition = 1;
    }
    if (repetition == 0) {
        add_number(&column->repetition, 0);
        add_number(&column->definition, LEVEL_EMPTY);
        column->null_count++;
    }
}

void parquet_column_add(struct parquet_column *column, const struct value *value)
{
    bool is_list = type_is_list(column->type);
    if (value->is_null) {
        if (is_list)
            add_number(&column->repetition, 0);
        add_number(&column->definition, LEVEL_NULL);
        column->null_count++;
    } else if (is_list) {
        add_list(column, value);
    } else {
        add_number(&column->definition, LEVEL_PRESENT);
        add_leaf(column, value);
    }
}

size_t parquet_column_size(const struct parquet_column *column)
{
    size_t numbers = column->definition.count + column->repetition.count + column->indexes.count;
    return numbers * sizeof(uint32_t) + column->values.size + column->dictionary.values.size;
}

/* Writing ---------------------------------------------------------------------------------------
 */

/* A page's levels stand behind their length. */
static void append_levels(struct buffer *page, const struct numbers *levels, unsigned bit_width)
{
    static const uint8_t room[4];
    size_t start = page->size;
    buffer_append(page, room, sizeof room);
    parquet_rle_append(page, levels->at, levels->count, bit_width);
    store_le32(page->data + start, (uint32_t)(page->size - start - sizeof room));
}

static bool is_encoded(const struct parquet_column *column)
{
    return column->has_dictionary && column->dictionary.count > 0;
}

static void fill_data_page(const struct parquet_column *column, struct buffer *page)
{
    bool is_list = type_is_list(column->type);
    buffer_clear(page);
    if (is_list)
        append_levels(page, &column->repetition, 1);
    append_levels(page, &column->definition, is_list ? 2 : 1);
    if (is_encoded(column)) {
        unsigned bit_width = parquet_bit_width(column->dictionary.count - 1);
        buffer_append_byte(page, (uint8_t)bit_width);
        parquet_rle_append(page, column->indexes.at, column->indexes.count, bit_width);
    } else {
        buffer_append(page, column->values.data, column->values.size);
    }
}

/* Parquet's own types, of which several of ours may be one. */
static int physical_type(value_type type)
{
    static const int types[] = {
        [TYPE_BOOL] = 0,    [TYPE_INT32] = 1,  [TYPE_INT64] = 2, [TYPE_FLOAT32] = 4,
        [TYPE_FLOAT64] = 5, [TYPE_STRING] = 6, [TYPE_BYTES] = 6, [TYPE_TIMESTAMP] = 2,
    };
    return types[type];
}

static void describe_path(const struct parquet_column *column, struct thrift *metadata)
{
    bool is_list = type_is_list(column->type);
    thrift_list(metadata, 3, THRIFT_BINARY, is_list ? 3 : 1);
    thrift_element_text(metadata, column->name);
    if (is_list) {
        thrift_element_text(metadata, "list");
        thrift_element_text(metadata, "element");
    }
}

static void describe_bounds(const struct parquet_column *column, struct thrift *metadata)
{
    struct parquet_bound least, greatest;
    thrift_struct(metadata, 12);
    thrift_i64(metadata, 3, (int64_t)column->null_count);
    if (parquet_bounds_get(&column->bounds, &least, &greatest)) {
        thrift_binary(metadata, 5, (struct bytes){greatest.bytes, greatest.size});
        thrift_binary(metadata, 6, (struct bytes){least.bytes, least.size});
    }
    thrift_end(metadata);
}

static void describe_chunk(const struct parquet_column *column, int64_t offset, int64_t data_offset,
                           const struct parquet_chunk_size *size, struct thrift *metadata)
{
    bool encoded = is_encoded(column);
    thrift_element_struct(metadata);
    thrift_i64(metadata, 2, 0); /* where else metadata might stand */
    thrift_struct(metadata, 3);
    thrift_i32(metadata, 1, physical_type(column->leaf));
    thrift_list(metadata, 2, THRIFT_I32, encoded ? 3 : 2);
    thrift_element_i32(metadata, PARQUET_PLAIN);
    thrift_element_i32(metadata, PARQUET_RLE);
    if (encoded)
        thrift_element_i32(metadata, PARQUET_RLE_DICTIONARY);
    describe_path(column, metadata);
    thrift_i32(metadata, 4, PARQUET_CODEC_ZSTD);
    thrift_i64(metadata, 5, (int64_t)column->definition.count);
    thrift_i64(metadata, 6, size->uncompressed);
    thrift_i64(metadata, 7, size->compressed);
    thrift_i64(metadata, 9, data_offset);
    if (encoded)
        thrift_i64(metadata, 11, offset);
    describe_bounds(column, metadata);
    thrift_end(metadata);
    thrift_end(metadata);
}

static void clear(struct parquet_column *column)
{
    column->definition.count = 0;
    column->repetition.count = 0;
    column->indexes.count = 0;
    column->has_dictionary = may_repeat(column);
    parquet_dictionary_clear(&column->dictionary);
    buffer_clear(&column->values);
    column->bit_count = 0;
    column->null_count = 0;
    column->bounds = (struct parquet_bounds){0};
}

enum status parquet_column_flush(struct parquet_column *column, int64_t offset,
                                 struct parquet_pages *pages, struct thrift *metadata,
                                 struct parquet_chunk_size *size, struct error *err)
{
    enum status status = STATUS_OK;
    *size = (struct parquet_chunk_size){0};
    if (is_encoded(column))
        status = parquet_pages_add(pages, PARQUET_PAGE_DICTIONARY,
                                   buffer_bytes(&column->dictionary.values),
                                   column->dictionary.count, PARQUET_PLAIN, size, err);
    int64_t data_offset = offset + size->compressed;
    fill_data_page(column, &pages->content);
    if (!status)
        status = parquet_pages_add(
            pages, PARQUET_PAGE_DATA, buffer_bytes(&pages->content), column->definition.count,
            is_encoded(column) ? PARQUET_RLE_DICTIONARY : PARQUET_PLAIN, size, err);
    if (!status)
        describe_chunk(column, offset, data_offset, size, metadata);
    clear(column);
    return status;
}

/* The schema ------------------------------------------------------------------------------------
 */

size_t parquet_column_element_count(const struct parquet_column *column)
{
    return type_is_list(column->type) ? 3 : 1;
}

/* Both the older word for what its bytes mean, and the newer. */
static void describe_meaning(value_type type, struct thrift *schema)
{
    enum { OLD_UTF8 = 0, OLD_TIMESTAMP_MICROS = 10, NEW_STRING = 1, NEW_TIMESTAMP = 8, MICROS = 2 };
    if (type == TYPE_STRING) {
        thrift_i32(schema, 6, OLD_UTF8);
        thrift_struct(schema, 10);
        thrift_empty(schema, NEW_STRING);
        thrift_end(schema);
    } else if (type == TYPE_TIMESTAMP) {
        thrift_i32(schema, 6, OLD_TIMESTAMP_MICROS);
        thrift_struct(schema, 10);
        thrift_struct(schema, NEW_TIMESTAMP);
        thrift_bool(schema, 1, true); /* an instant in UTC */
        thrift_struct(schema, 2);
        thrift_empty(schema, MICROS);
        thrift_end(schema);
        thrift_end(schema);
        thrift_end(schema);
    }
}

static void describe_leaf(value_type type, const char *name, struct thrift *schema)
{
    thrift_element_struct(schema);
    thrift_i32(schema, 1, physical_type(type));
    thrift_i32(schema, 3, OPTIONAL);
    thrift_text(schema, 4, name);
    describe_meaning(type, schema);
    thrift_end(schema);
}

void parquet_column_describe(const struct parquet_column *column, struct thrift *schema)
{
    enum { OLD_LIST = 3, NEW_LIST = 3 };
    if (!type_is_list(column->type)) {
        describe_leaf(column->type, column->name, schema);
        return;
    }
    thrift_element_struct(schema);
    thrift_i32(schema, 3, OPTIONAL);
    thrift_text(schema, 4, column->name);
    thrift_i32(schema, 5, 1);
    thrift_i32(schema, 6, OLD_LIST);
    thrift_struct(schema, 10);
    thrift_empty(schema, NEW_LIST);
    thrift_end(schema);
    thrift_end(schema);
    thrift_element_struct(schema);
    thrift_i32(schema, 3, REPEATED);
    thrift_text(schema, 4, "list");
    thrift_i32(schema, 5, 1);
    thrift_end(schema);
    describe_leaf(column->leaf, "element", schema);
}
