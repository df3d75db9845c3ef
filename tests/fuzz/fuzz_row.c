/*
 * fuzz_row.c - any bytes as a packed row of any columns: refused, or readable in every column and
 * then packed again to the very same bytes, since a row has one form.
 *
 * The first byte says how many columns there are and whether the check is made to fit (the high
 * bit), without which nearly every input would be refused for it. Then a byte a column gives its
 * type; the rest is the row.
 */
#include "base/byte_order.h"
#include "base/row.h"

#include <stdlib.h>
#include <xxhash.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { COLUMNS_MAX = 12, MAKE_CHECK_FIT = 0x80 };

static void require(bool holds)
{
    if (!holds)
        abort();
}

static void seal(uint8_t *row, size_t size)
{
    if (size < ROW_HEADER_SIZE)
        return;
    uint64_t check = XXH3_64bits(row, 24) ^ XXH3_64bits(row + 36, size - 36);
    store_le32(row + 32, (uint32_t)check ^ load_le32(row + 24) ^ load_le32(row + 28));
}

static void check_value(const struct value *value)
{
    if (value->is_null || type_width(value->type) > 0)
        return;
    if (value->type == TYPE_STRING)
        require(text_is_valid(value->bytes));
    if (!type_is_list(value->type))
        return;
    size_t count, walked = 0;
    require(list_count(value->type, value->bytes, &count));
    struct list_cursor cursor = list_begin(value->type, value->bytes);
    for (struct value element; list_next(&cursor, &element); walked++)
        if (element.type == TYPE_STRING)
            require(text_is_valid(element.bytes));
    require(walked == count);
}

static void check_packs_again(struct bytes row, const struct row_layout *layout,
                              const struct row_header *header)
{
    struct value values[COLUMNS_MAX];
    struct buffer again;
    buffer_init(&again, 0);
    for (size_t i = 0; i < layout->column_count; i++) {
        values[i] = row_get(row, layout, i);
        check_value(&values[i]);
    }
    require(row_pack(layout, header, values, &again, NULL) == STATUS_OK);
    require(bytes_equal(buffer_bytes(&again), row));
    buffer_release(&again);
}

static void check_resolves(struct bytes row, const struct row_header *header)
{
    struct row_resolution first = row_resolve((struct bytes){NULL, 0}, row);
    require(first.outcome == ROW_WRITTEN && !first.keep_stored && first.floor == header->floor);
    struct row_resolution again = row_resolve(row, row);
    require(again.keep_stored && again.floor == header->floor);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    value_type types[COLUMNS_MAX];
    if (size == 0)
        return 0;
    size_t count = (data[0] & 0x7fu) % (COLUMNS_MAX + 1);
    if (size < 1 + count)
        return 0;
    for (size_t i = 0; i < count; i++) {
        unsigned kind = TYPE_BOOL + data[1 + i] % 8u;
        types[i] = (value_type)(kind | (data[1 + i] & TYPE_LIST));
    }
    size_t row_size = size - 1 - count;
    uint8_t *row = malloc(row_size > 0 ? row_size : 1);
    memcpy(row, data + 1 + count, row_size);
    if (data[0] & MAKE_CHECK_FIT)
        seal(row, row_size);

    struct arena arena;
    struct row_layout layout;
    struct row_header header, peeked;
    struct bytes bytes = {row, row_size};
    arena_init(&arena, 0);
    row_layout_init(&layout, types, count, &arena);
    enum status status = row_open(bytes, &layout, &header, NULL);
    require(status == STATUS_OK || status == STATUS_CORRUPT);
    if (status == STATUS_OK) {
        require(row_peek(bytes, &peeked) && peeked.position == header.position);
        if (!(header.flags & ROW_TOMBSTONE))
            check_packs_again(bytes, &layout, &header);
        check_resolves(bytes, &header);
    }
    arena_release(&arena);
    free(row);
    return 0;
}
