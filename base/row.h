/*
 * row.h - the packed row: what the online store holds for one entity and one feature view.
 *
 *     offset  bytes
 *       0       8   event time, us, sortable (byte_order.h)
 *       8       8   created time, us, sortable; unknown is TIMESTAMP_UNKNOWN, so eight zero bytes
 *      16       8   source position, sortable
 *      24       8   floor: a source position, sortable; 0 is "none" (ROW_NO_FLOOR)
 *      32       4   check, little-endian: four numbers combined by XOR, namely the low 32 bits of
 *                   XXH3-64 of bytes 0..23 and of bytes 36..end, bytes 24..27, and bytes 28..31
 *      36       2   schema number of the view, little-endian
 *      38       1   flags: ROW_TOMBSTONE
 *      39       1   format: 1
 *      40       .   null bitmap, one bit a column (bit i%8 of byte i/8), 1 is null
 *       .       .   one slot a column, at a fixed offset: the value, little-endian, where its
 *                   width is fixed; else 4 bytes, the end of its bytes from the start of the tail
 *       .       .   tail: the variable values back to back; a null or empty one takes no bytes
 *
 * Order: the greater (event time, created time, position) wins, an equal one changes nothing; the
 * first 24 bytes compare bytewise. A floor L says that everything at positions up to L is already
 * accounted for: row_resolve states what a store does, and each backend must do the same. The floor
 * is in the check by XOR alone, so that a script which cannot hash can still give a row another
 * floor.
 *
 * Reading a feature is an offset: no names, no parsing. row_open checks the whole row once (size,
 * check, offsets, text, ranges), and nothing after it can fail or read outside the row.
 */
#ifndef LARDER_BASE_ROW_H
#define LARDER_BASE_ROW_H

#include "base/arena.h"
#include "base/buffer.h"
#include "base/error.h"
#include "base/value.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    ROW_TRIPLE_SIZE = 24,
    ROW_HEADER_SIZE = 40,
    ROW_SIZE_MAX = 16 * 1024 * 1024,
    ROW_COLUMNS_MAX = 4096,
    ROW_TOMBSTONE = 0x01, /* flag: the entity has no row; both times are INT64_MIN, position is 0 */
};
#define ROW_NO_FLOOR INT64_C(0)

struct row_header {
    int64_t event_time_us;
    int64_t created_time_us; /* TIMESTAMP_UNKNOWN where it is not known */
    int64_t position;        /* 0: not from history (a push that goes online only) */
    int64_t floor;
    uint16_t schema;
    uint8_t flags;
};

/* Where each column of one schema stands. Made once per schema; immutable; shared by threads. */
struct row_layout {
    uint16_t column_count;
    uint32_t bitmap_size;
    uint32_t tail_offset;       /* from the row's start: header, bitmap and slots */
    const value_type *types;    /* [column_count] */
    const uint8_t *widths;      /* [column_count], of each value; 0 for the variable ones */
    const uint32_t *offsets;    /* [column_count], of each slot, from the row's start */
    const int32_t *tail_before; /* [column_count], the variable column before this one, or -1 */
    const uint16_t *checked;    /* [checked_count], columns of which not all bytes are values */
    uint16_t checked_count;
};
/* count is at most ROW_COLUMNS_MAX; types are valid. The arena holds the arrays. */
void row_layout_init(struct row_layout *layout, const value_type *types, size_t count,
                     struct arena *arena);

/* Packs a row at the end of `row`. values[i].type must be layout->types[i]. The row may be too
 * large (EXHAUSTED, over ROW_SIZE_MAX or the buffer's maximum); nothing else fails. */
enum status row_pack(const struct row_layout *layout, const struct row_header *header,
                     const struct value *values, struct buffer *row, struct error *err);
/* A tombstone: a header alone, with the least triple and a floor. */
void row_pack_tombstone(int64_t floor, struct buffer *row);
/* Gives a whole row (row_peek says true) another floor, check included, where it stands. */
void row_set_floor(void *row, int64_t floor);

/* The header alone; false if there are too few bytes or the format is unknown, the only checks. */
bool row_peek(struct bytes row, struct row_header *header);

/* Checks all of it against the layout (of the header's schema). CORRUPT says what is wrong. A
 * tombstone is whole, too, under any layout; it has no columns to get. */
enum status row_open(struct bytes row, const struct row_layout *layout, struct row_header *header,
                     struct error *err);
/* A column of a row that row_open accepted; strings, bytes and lists are borrowed from the row. */
struct value row_get(struct bytes row, const struct row_layout *layout, size_t column);
/* The bytes of a column of fixed width, little-endian; NULL where it is null. */
static inline const uint8_t *row_fixed(struct bytes row, const struct row_layout *layout,
                                       size_t column)
{
    const uint8_t *data = (const uint8_t *)row.data;
    bool is_null = data[ROW_HEADER_SIZE + column / 8] >> column % 8 & 1;
    return is_null ? NULL : data + layout->offsets[column];
}

/*
 * What a store that holds `stored` (absent: data NULL) does with `incoming`. This is the
 * specification of the conditional write, the reference for backends that cannot call it (Redis,
 * which has a script) and the code of those that can.
 *
 *   incoming has no floor:
 *     up to the stored floor (0 < position <= floor)    ROW_BELOW_FLOOR, nothing changes
 *     stored is absent, or its triple is less           ROW_WRITTEN, with the stored floor
 *     otherwise                                         ROW_OLDER, nothing changes
 *   incoming has a floor L (it is the latest, or a tombstone, as of L):
 *     L <= the stored floor                             ROW_BELOW_FLOOR, nothing changes
 *     stored position is in 1..L                        ROW_WRITTEN: it replaces the stored row
 *     otherwise the greater triple stays, with floor L  ROW_WRITTEN, or ROW_FLOOR_RAISED where the
 *                                                       stored row is the one that stays
 *
 * A stored tombstone counts as the least triple, at position 0. Rows with a floor of another row's
 * are resealed: the floor bytes and the check change (row_set_floor).
 *
 * A position that equals the floor is refused as well: the row with floor L was read with
 * everything up to L in sight, so a row of position L that it does not hold was deleted again by
 * the same commit.
 *
 * One triple must be one content. So whoever writes the changes of a commit writes only the last of
 * several updates of one row under the same times.
 */
enum row_outcome {
    ROW_WRITTEN = 0,
    ROW_OLDER = 1,
    ROW_BELOW_FLOOR = 2,
    ROW_FLOOR_RAISED = 3,
    ROW_UNKNOWN = 4, /* not row_resolve's: the store has not said what came of it */
};

struct row_resolution {
    enum row_outcome outcome;
    int64_t floor;    /* the floor that the row which stands afterwards must carry */
    bool keep_stored; /* which of the two stands afterwards */
};
/* Both must be whole, but for the absence of stored. */
struct row_resolution row_resolve(struct bytes stored, struct bytes incoming);

#endif
