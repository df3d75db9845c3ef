/* best_rows.c - see best_rows.h. */
#include "training/best_rows.h"

#include <assert.h>
#include <sched.h>
#include <stdlib.h>

enum { STATE_THERE, STATE_NULL, STATE_MISFIT, EXTRA_STATES = 2 };

/* A row's first two numbers. A slot without a row has no event time; once it is settled, one whose
 * row stands in an earlier slot says in which. */
struct times {
    int64_t event_us, created_us;
};
#define NO_ROW INT64_MIN
#define ROW_OF_ANOTHER (INT64_MIN + 1)

void row_packing_init(struct row_packing *packing, const value_type *types, size_t count,
                      struct arena *arena)
{
    size_t at = sizeof(struct times);
    bool is_variable = false;
    *packing = (struct row_packing){.types = types, .count = count};
    packing->offsets = arena_array(arena, count, sizeof *packing->offsets);
    for (size_t i = 0; i < count; i++)
        is_variable = is_variable || type_width(types[i]) == 0;
    if (is_variable) {
        packing->tail_offset = at;
        at += sizeof(uint8_t *);
    }
    for (size_t i = 0; i < count; i++) {
        packing->offsets[i] = at;
        at += type_width(types[i]) ? type_width(types[i]) : sizeof(uint32_t);
    }
    packing->states_offset = at;
    at += count + EXTRA_STATES;
    packing->size = (at + 7) & ~(size_t)7;
}

static uint8_t *row_at(const struct best_rows *rows, uint32_t slot)
{
    return rows->rows + (size_t)slot * rows->packing->size;
}

static struct times times_of(const uint8_t *row)
{
    struct times times;
    memcpy(&times, row, sizeof times);
    return times;
}

static void set_times(uint8_t *row, int64_t event_us, int64_t created_us)
{
    struct times times = {event_us, created_us};
    memcpy(row, &times, sizeof times);
}

static uint8_t *tail_of(const struct row_packing *packing, const uint8_t *row)
{
    uint8_t *tail = NULL;
    if (packing->tail_offset)
        memcpy(&tail, row + packing->tail_offset, sizeof tail);
    return tail;
}

static void set_tail(const struct row_packing *packing, uint8_t *row, uint8_t *tail)
{
    if (packing->tail_offset)
        memcpy(row + packing->tail_offset, &tail, sizeof tail);
}

void best_rows_init(struct best_rows *rows, const struct row_packing *packing,
                    const struct ask_index *index)
{
    *rows = (struct best_rows){.packing = packing, .index = index};
    rows->rows = malloc((size_t)index->slot_count * packing->size + 1);
    if (!rows->rows)
        out_of_memory();
    for (uint32_t slot = 0; slot < index->slot_count; slot++) {
        set_times(row_at(rows, slot), NO_ROW, 0);
        set_tail(packing, row_at(rows, slot), NULL);
    }
    for (size_t i = 0; i < BEST_ROWS_LOCKS; i++)
        atomic_flag_clear(&rows->locks[i]);
}

void best_rows_release(struct best_rows *rows)
{
    if (rows->rows && rows->packing->tail_offset)
        for (uint32_t slot = 0; slot < rows->index->slot_count; slot++)
            free(tail_of(rows->packing, row_at(rows, slot)));
    free(rows->rows);
    rows->rows = NULL;
}

/* Offering ------------------------------------------------------------------------------------ */

static bool is_better(struct times a, struct times b)
{
    return a.event_us != b.event_us ? a.event_us > b.event_us : a.created_us > b.created_us;
}

static atomic_flag *lock_of(struct best_rows *rows, uint32_t slot)
{
    return &rows->locks[slot % BEST_ROWS_LOCKS];
}

bool best_rows_begin(struct best_rows *rows, uint32_t slot, int64_t event_time_us,
                     int64_t created_time_us)
{
    struct times offered = {event_time_us, created_time_us};
    while (atomic_flag_test_and_set_explicit(lock_of(rows, slot), memory_order_acquire))
        sched_yield(); /* a row is packed meanwhile, and its packer may have no core */
    if (is_better(offered, times_of(row_at(rows, slot))))
        return true;
    best_rows_give_up(rows, slot);
    return false;
}

void best_rows_give_up(struct best_rows *rows, uint32_t slot)
{
    atomic_flag_clear_explicit(lock_of(rows, slot), memory_order_release);
}

void best_rows_put(struct best_rows *rows, uint32_t slot, struct bytes packed)
{
    const struct row_packing *packing = rows->packing;
    uint8_t *row = row_at(rows, slot), *tail = tail_of(packing, row);
    size_t tail_size = packed.size - packing->size;
    memcpy(row, packed.data, packing->size);
    if (packing->tail_offset) {
        /* Room for what is variable, in place of what was there. */
        tail = realloc(tail, tail_size + 1);
        if (!tail)
            out_of_memory();
        memcpy(tail, (const uint8_t *)packed.data + packing->size, tail_size);
        set_tail(packing, row, tail);
    }
    best_rows_give_up(rows, slot);
}

/* Settling ------------------------------------------------------------------------------------ */

void best_rows_settle(struct best_rows *rows)
{
    const struct ask_index *index = rows->index;
    for (uint32_t key = 0; key < index->key_count; key++) {
        uint32_t best = index->runs[key];
        for (uint32_t slot = best; slot < index->runs[key + 1]; slot++) {
            struct times own = times_of(row_at(rows, slot));
            struct times before = times_of(row_at(rows, best));
            if (own.event_us != NO_ROW && is_better(own, before))
                best = slot;
            else if (slot != best && before.event_us != NO_ROW)
                set_times(row_at(rows, slot), ROW_OF_ANOTHER, best);
        }
    }
}

struct best_row best_rows_get(const struct best_rows *rows, uint32_t slot)
{
    if (slot == SLOT_NONE)
        return (struct best_row){0};
    const uint8_t *row = row_at(rows, slot);
    struct times times = times_of(row);
    if (times.event_us == ROW_OF_ANOTHER) {
        row = row_at(rows, (uint32_t)times.created_us);
        times = times_of(row);
    }
    return (struct best_row){
        .found = times.event_us != NO_ROW,
        .event_time_us = times.event_us,
        .created_time_us = times.created_us,
        .packed = row,
    };
}

static void take_fixed(const uint8_t *at, struct value *value)
{
    switch (type_width(value->type)) {
    case 1:
        value->boolean = *at;
        break;
    case 4:
        memcpy(&value->int32, at, 4);
        break;
    default:
        memcpy(&value->int64, at, 8);
    }
}

void row_packing_read(const struct row_packing *packing, const uint8_t *packed,
                      struct value *values, uint8_t *misfits, bool *any)
{
    const uint8_t *states = packed + packing->states_offset, *tail = tail_of(packing, packed);
    *any = false;
    for (size_t i = 0; i < packing->count; i++) {
        values[i] = (struct value){.type = packing->types[i], .is_null = states[i] != STATE_THERE};
        if (values[i].is_null)
            continue;
        const uint8_t *at = packed + packing->offsets[i];
        if (type_width(packing->types[i]) > 0) {
            take_fixed(at, &values[i]);
            continue;
        }
        uint32_t size;
        memcpy(&size, at, sizeof size);
        values[i].bytes = (struct bytes){tail, size};
        tail += size;
    }
    for (size_t i = 0; i < packing->count + EXTRA_STATES; i++) {
        misfits[i] = states[i] < STATE_MISFIT ? FITS : (uint8_t)(states[i] - STATE_MISFIT + 1);
        *any = *any || misfits[i] != FITS;
    }
}

/* Packing ------------------------------------------------------------------------------------- */

static void put_fixed(uint8_t *at, const struct value *value)
{
    switch (type_width(value->type)) {
    case 1:
        *at = value->boolean;
        break;
    case 4:
        memcpy(at, &value->int32, 4); /* or a float32: one union */
        break;
    default:
        memcpy(at, &value->int64, 8);
    }
}

/* Returns where its values and states go. */
static uint8_t *begin_row(const struct row_packing *packing, struct times times,
                          struct buffer *packed)
{
    buffer_clear(packed);
    uint8_t *row = buffer_reserve(packed, packing->size);
    packed->size = packing->size;
    memset(row, 0, packing->size);
    set_times(row, times.event_us, times.created_us);
    return row;
}

void row_packing_write(const struct row_packing *packing, int64_t event_time_us,
                       int64_t created_time_us, const struct streamed_values *values,
                       struct buffer *packed)
{
    assert(event_time_us > ROW_OF_ANOTHER);
    uint8_t *row = begin_row(packing, (struct times){event_time_us, created_time_us}, packed);
    uint8_t *states = row + packing->states_offset;
    for (size_t i = 0; i < packing->count; i++) {
        const struct value *value = &values->values[i];
        states[i] = value->is_null ? STATE_NULL : STATE_THERE;
        if (value->is_null)
            continue;
        uint32_t size = (uint32_t)value->bytes.size;
        if (type_width(value->type) > 0)
            put_fixed(row + packing->offsets[i], value);
        else
            memcpy(row + packing->offsets[i], &size, sizeof size);
    }
    for (size_t i = 0; values->misfits && i < packing->count + EXTRA_STATES; i++)
        if (values->misfits[i] != FITS)
            states[i] = (uint8_t)(STATE_MISFIT + values->misfits[i] - 1);
    for (size_t i = 0; i < packing->count && packing->tail_offset; i++)
        if (type_width(packing->types[i]) == 0 && !values->values[i].is_null)
            buffer_append(packed, values->values[i].bytes.data, values->values[i].bytes.size);
}

static size_t tail_size_of(const struct row_packing *packing, const uint8_t *row)
{
    size_t total = 0;
    for (size_t i = 0; i < packing->count; i++) {
        uint32_t size = 0;
        if (type_width(packing->types[i]) == 0 && row[packing->states_offset + i] == STATE_THERE)
            memcpy(&size, row + packing->offsets[i], sizeof size);
        total += size;
    }
    return total;
}

void row_packing_copy(const struct row_packing *packing, const struct best_row *row,
                      struct buffer *packed)
{
    buffer_clear(packed);
    if (!row->found)
        return;
    buffer_append(packed, row->packed, packing->size);
    if (packing->tail_offset)
        buffer_append(packed, tail_of(packing, row->packed), tail_size_of(packing, row->packed));
}

struct best_row row_packing_open(const struct row_packing *packing, struct buffer *packed)
{
    if (packed->size == 0)
        return (struct best_row){0};
    set_tail(packing, packed->data, packed->data + packing->size);
    struct times times = times_of(packed->data);
    return (struct best_row){true, times.event_us, times.created_us, packed->data};
}
