/* row.c - see row.h. */
#include "base/row.h"

#include "base/byte_order.h"
#include "base/timestamp.h"

#include <assert.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

enum {
    AT_EVENT_TIME = 0,
    AT_CREATED_TIME = 8,
    AT_POSITION = 16,
    AT_FLOOR = 24,
    AT_CHECK = 32,
    AT_SCHEMA = 36,
    AT_FLAGS = 38,
    AT_FORMAT = 39,
    FORMAT = 1,
    END_SIZE = 4, /* the slot of a variable column */
};

void row_layout_init(struct row_layout *layout, const value_type *types, size_t count,
                     struct arena *arena)
{
    assert(count <= ROW_COLUMNS_MAX);
    value_type *own_types = arena_array(arena, count, sizeof *own_types);
    uint8_t *widths = arena_array(arena, count, sizeof *widths);
    uint32_t *offsets = arena_array(arena, count, sizeof *offsets);
    int32_t *tail_before = arena_array(arena, count, sizeof *tail_before);
    uint16_t *checked = arena_array(arena, count, sizeof *checked);
    uint32_t bitmap_size = (uint32_t)(count + 7) / 8;
    uint32_t offset = ROW_HEADER_SIZE + bitmap_size;
    uint16_t checked_count = 0;
    int32_t last_variable = -1;
    for (size_t i = 0; i < count; i++) {
        own_types[i] = types[i];
        widths[i] = (uint8_t)type_width(types[i]);
        offsets[i] = offset;
        offset += widths[i] ? widths[i] : END_SIZE;
        tail_before[i] = last_variable;
        if (!widths[i])
            last_variable = (int32_t)i;
        if (!widths[i] || types[i] == TYPE_BOOL || types[i] == TYPE_TIMESTAMP)
            checked[checked_count++] = (uint16_t)i;
    }
    *layout = (struct row_layout){.column_count = (uint16_t)count,
                                  .bitmap_size = bitmap_size,
                                  .tail_offset = offset,
                                  .types = own_types,
                                  .widths = widths,
                                  .offsets = offsets,
                                  .tail_before = tail_before,
                                  .checked = checked,
                                  .checked_count = checked_count};
}

static uint32_t fold_of_floor(const uint8_t *row)
{
    return load_le32(row + AT_FLOOR) ^ load_le32(row + AT_FLOOR + 4);
}

static uint32_t check_of(const uint8_t *row, size_t size)
{
    XXH64_hash_t check =
        XXH3_64bits(row, ROW_TRIPLE_SIZE) ^ XXH3_64bits(row + AT_SCHEMA, size - AT_SCHEMA);
    return (uint32_t)check ^ fold_of_floor(row);
}

void row_set_floor(void *row, int64_t floor)
{
    uint8_t *bytes = row;
    uint32_t check = load_le32(bytes + AT_CHECK) ^ fold_of_floor(bytes);
    store_sortable64(bytes + AT_FLOOR, floor);
    store_le32(bytes + AT_CHECK, check ^ fold_of_floor(bytes));
}

static void write_header(uint8_t *row, const struct row_header *header)
{
    store_sortable64(row + AT_EVENT_TIME, header->event_time_us);
    store_sortable64(row + AT_CREATED_TIME, header->created_time_us);
    store_sortable64(row + AT_POSITION, header->position);
    store_sortable64(row + AT_FLOOR, header->floor);
    store_le16(row + AT_SCHEMA, header->schema);
    row[AT_FLAGS] = header->flags;
    row[AT_FORMAT] = FORMAT;
}

/* The tail's size; over ROW_SIZE_MAX where it is too large, without overflowing. */
static size_t measure_tail(const struct row_layout *layout, const struct value *values)
{
    size_t size = 0;
    for (size_t i = 0; i < layout->column_count && size <= ROW_SIZE_MAX; i++)
        if (!layout->widths[i] && !values[i].is_null)
            size += values[i].bytes.size > ROW_SIZE_MAX ? ROW_SIZE_MAX + 1 : values[i].bytes.size;
    return size;
}

static void write_columns(const struct row_layout *layout, const struct value *values, uint8_t *row)
{
    uint8_t *bitmap = row + ROW_HEADER_SIZE;
    uint8_t *tail = row + layout->tail_offset;
    uint32_t tail_end = 0;
    for (size_t i = 0; i < layout->column_count; i++) {
        const struct value *value = &values[i];
        uint8_t *slot = row + layout->offsets[i];
        assert(value->type == layout->types[i]);
        if (value->is_null)
            bitmap[i / 8] |= (uint8_t)(1u << i % 8);
        else if (layout->widths[i] == 8)
            store_le64(slot, (uint64_t)value->int64);
        else if (layout->widths[i] == 4)
            store_le32(slot, (uint32_t)value->int32);
        else if (layout->widths[i] == 1)
            *slot = value->boolean;
        else if (value->bytes.size > 0) {
            memcpy(tail + tail_end, value->bytes.data, value->bytes.size);
            tail_end += (uint32_t)value->bytes.size;
        }
        if (!layout->widths[i])
            store_le32(slot, tail_end);
    }
}

enum status row_pack(const struct row_layout *layout, const struct row_header *header,
                     const struct value *values, struct buffer *row, struct error *err)
{
    assert(timestamp_in_range(header->event_time_us) && header->position >= 0 &&
           header->floor >= 0 && !(header->flags & ROW_TOMBSTONE));
    size_t size = layout->tail_offset + measure_tail(layout, values);
    uint8_t *packed = size <= ROW_SIZE_MAX ? buffer_reserve(row, size) : NULL;
    if (!packed)
        return fail(err, STATUS_EXHAUSTED,
                    "a row of over %zu bytes is larger than the limit of %d bytes",
                    size > ROW_SIZE_MAX ? (size_t)ROW_SIZE_MAX : size, ROW_SIZE_MAX);
    memset(packed + ROW_HEADER_SIZE, 0, layout->tail_offset - ROW_HEADER_SIZE);
    write_header(packed, header);
    write_columns(layout, values, packed);
    store_le32(packed + AT_CHECK, check_of(packed, size));
    row->size += size;
    return STATUS_OK;
}

void row_pack_tombstone(int64_t floor, struct buffer *row)
{
    struct row_header header = {.event_time_us = INT64_MIN,
                                .created_time_us = INT64_MIN,
                                .floor = floor,
                                .flags = ROW_TOMBSTONE};
    uint8_t *packed = buffer_reserve(row, ROW_HEADER_SIZE);
    if (!packed)
        return;
    write_header(packed, &header);
    store_le32(packed + AT_CHECK, check_of(packed, ROW_HEADER_SIZE));
    row->size += ROW_HEADER_SIZE;
}

bool row_peek(struct bytes row, struct row_header *header)
{
    const uint8_t *data = row.data;
    if (!data || row.size < ROW_HEADER_SIZE || data[AT_FORMAT] != FORMAT)
        return false;
    header->event_time_us = load_sortable64(data + AT_EVENT_TIME);
    header->created_time_us = load_sortable64(data + AT_CREATED_TIME);
    header->position = load_sortable64(data + AT_POSITION);
    header->floor = load_sortable64(data + AT_FLOOR);
    header->schema = load_le16(data + AT_SCHEMA);
    header->flags = data[AT_FLAGS];
    return true;
}

static bool header_is_valid(const struct row_header *header)
{
    if (header->floor < 0)
        return false;
    if (header->flags == ROW_TOMBSTONE)
        return header->event_time_us == INT64_MIN && header->created_time_us == INT64_MIN &&
               header->position == 0 && header->schema == 0;
    return header->flags == 0 && header->position >= 0 &&
           timestamp_in_range(header->event_time_us) &&
           (header->created_time_us == TIMESTAMP_UNKNOWN ||
            timestamp_in_range(header->created_time_us));
}

static bool is_null(const uint8_t *row, size_t column)
{
    return row[ROW_HEADER_SIZE + column / 8] >> column % 8 & 1;
}

static uint32_t tail_begin(const uint8_t *row, const struct row_layout *layout, size_t column)
{
    int32_t before = layout->tail_before[column];
    return before < 0 ? 0 : load_le32(row + layout->offsets[before]);
}

/* The bytes of a variable column, once its two ends are known to be good. */
static struct bytes tail_bytes(const uint8_t *row, const struct row_layout *layout, size_t column)
{
    uint32_t begin = tail_begin(row, layout, column);
    uint32_t end = load_le32(row + layout->offsets[column]);
    return (struct bytes){row + layout->tail_offset + begin, end - begin};
}

/* Spare bits are 0, and the slot of a null of fixed width is zero. (That a variable null takes no
 * bytes is seen where the ends are.) Most rows have no nulls at all, and cost a look at each byte.
 */
static bool nulls_are_valid(const uint8_t *row, const struct row_layout *layout)
{
    for (uint32_t i = 0; i < layout->bitmap_size; i++) {
        unsigned bits = row[ROW_HEADER_SIZE + i];
        for (; bits; bits &= bits - 1) {
            size_t column = i * 8 + (size_t)__builtin_ctz(bits);
            if (column >= layout->column_count)
                return false;
            static const uint8_t zeros[8];
            if (memcmp(row + layout->offsets[column], zeros, layout->widths[column]) != 0)
                return false;
        }
    }
    return true;
}

static bool tail_is_valid(const uint8_t *row, const struct row_layout *layout, size_t column,
                          size_t tail_size)
{
    uint32_t begin = tail_begin(row, layout, column);
    uint32_t end = load_le32(row + layout->offsets[column]);
    if (end < begin || end > tail_size || (end > begin && is_null(row, column)))
        return false;
    struct bytes bytes = {row + layout->tail_offset + begin, end - begin};
    value_type type = layout->types[column];
    if (type_is_list(type))
        return list_is_valid(type, bytes);
    return type != TYPE_STRING || text_is_valid(bytes);
}

/* The columns of which not every bit pattern is a value, in their order: so the end before a
 * variable one was looked at already. Says which column is wrong, or -1. */
static int find_bad_column(const uint8_t *row, const struct row_layout *layout, size_t tail_size)
{
    for (size_t i = 0; i < layout->checked_count; i++) {
        size_t column = layout->checked[i];
        const uint8_t *slot = row + layout->offsets[column];
        bool valid;
        if (layout->widths[column] == 0)
            valid = tail_is_valid(row, layout, column, tail_size);
        else if (layout->widths[column] == 1)
            valid = *slot <= 1;
        else
            valid = timestamp_in_range((int64_t)load_le64(slot)); /* 0, as in a null, is in range */
        if (!valid)
            return (int)column;
    }
    return -1;
}

static size_t tail_size_said(const uint8_t *row, const struct row_layout *layout)
{
    if (layout->column_count == 0)
        return 0;
    size_t last = layout->column_count - 1u;
    return layout->widths[last] == 0 ? load_le32(row + layout->offsets[last])
                                     : tail_begin(row, layout, last);
}

static enum status open_columns(struct bytes bytes, const struct row_layout *layout,
                                struct error *err)
{
    const uint8_t *row = bytes.data;
    if (bytes.size < layout->tail_offset)
        return fail(err, STATUS_CORRUPT, "row of %zu bytes: its columns alone take %u", bytes.size,
                    (unsigned)layout->tail_offset);
    size_t tail_size = bytes.size - layout->tail_offset;
    if (tail_size_said(row, layout) != tail_size)
        return fail(err, STATUS_CORRUPT, "row of %zu bytes: its columns say that it has %zu",
                    bytes.size, layout->tail_offset + tail_size_said(row, layout));
    if (!nulls_are_valid(row, layout))
        return fail(err, STATUS_CORRUPT, "row: its nulls are not blank");
    int bad = find_bad_column(row, layout, tail_size);
    if (bad >= 0)
        return fail(err, STATUS_CORRUPT, "row: column %d holds no valid %s", bad + 1,
                    type_name(layout->types[bad]));
    return STATUS_OK;
}

enum status row_open(struct bytes row, const struct row_layout *layout, struct row_header *header,
                     struct error *err)
{
    if (!row_peek(row, header))
        return fail(err, STATUS_CORRUPT, "row of %zu bytes: too short, or of an unknown format",
                    row.size);
    if (row.size > ROW_SIZE_MAX)
        return fail(err, STATUS_CORRUPT, "row of %zu bytes: over the limit", row.size);
    if (load_le32((const uint8_t *)row.data + AT_CHECK) != check_of(row.data, row.size))
        return fail(err, STATUS_CORRUPT, "row of %zu bytes: its check does not match", row.size);
    if (!header_is_valid(header))
        return fail(err, STATUS_CORRUPT, "row: its header is out of range");
    if (header->flags & ROW_TOMBSTONE) {
        if (row.size == ROW_HEADER_SIZE)
            return STATUS_OK;
        return fail(err, STATUS_CORRUPT, "row of %zu bytes: a tombstone has %d", row.size,
                    ROW_HEADER_SIZE);
    }
    return open_columns(row, layout, err);
}

struct value row_get(struct bytes bytes, const struct row_layout *layout, size_t column)
{
    assert(column < layout->column_count && bytes.size >= layout->tail_offset);
    const uint8_t *row = bytes.data;
    const uint8_t *slot = row + layout->offsets[column];
    struct value value = {.type = layout->types[column], .is_null = is_null(row, column)};
    switch (layout->widths[column]) {
    case 8:
        value.int64 = (int64_t)load_le64(slot);
        break;
    case 4:
        value.int32 = (int32_t)load_le32(slot);
        break;
    case 1:
        value.boolean = *slot;
        break;
    default:
        value.bytes = tail_bytes(row, layout, column);
    }
    return value;
}

static int64_t position_of(const uint8_t *row)
{
    return load_sortable64(row + AT_POSITION);
}

static int64_t floor_of(const uint8_t *row)
{
    return row ? load_sortable64(row + AT_FLOOR) : ROW_NO_FLOOR;
}

struct row_resolution row_resolve(struct bytes stored_bytes, struct bytes incoming_bytes)
{
    const uint8_t *stored = stored_bytes.data;
    const uint8_t *incoming = incoming_bytes.data;
    int64_t stored_floor = floor_of(stored);
    int64_t floor = floor_of(incoming);
    int64_t position = position_of(incoming);
    bool is_greater = !stored || memcmp(incoming, stored, ROW_TRIPLE_SIZE) > 0;

    if (floor == ROW_NO_FLOOR) {
        if (position > 0 && position <= stored_floor)
            return (struct row_resolution){ROW_BELOW_FLOOR, stored_floor, true};
        if (is_greater)
            return (struct row_resolution){ROW_WRITTEN, stored_floor, false};
        return (struct row_resolution){ROW_OLDER, stored_floor, true};
    }
    if (floor <= stored_floor)
        return (struct row_resolution){ROW_BELOW_FLOOR, stored_floor, true};
    bool is_replaced = stored && position_of(stored) > 0 && position_of(stored) <= floor;
    if (is_replaced || is_greater)
        return (struct row_resolution){ROW_WRITTEN, floor, false};
    return (struct row_resolution){ROW_FLOOR_RAISED, floor, true};
}
