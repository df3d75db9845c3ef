/*
 * ask_log.c - see ask_log.h.
 *
 * A row: the size of what follows (4 bytes), the time (8), and each key: whether it is null (1) and
 * its value, 8 bytes, or for texts and bytes their size in 4 and themselves. In the machine's own
 * byte order: nobody else reads it.
 */
#include "training/ask_log.h"

#include <stdlib.h>

void ask_log_init(struct ask_log *log, const struct selection *selection, struct spill *spill)
{
    *log = (struct ask_log){.selection = selection, .first_us = INT64_MAX, .last_us = INT64_MIN};
    spilled_init(&log->rows, spill);
    buffer_init(&log->row, 0);
}

void ask_log_release(struct ask_log *log)
{
    if (log->rows.spill)
        spilled_release(&log->rows);
    buffer_release(&log->row);
    *log = (struct ask_log){0};
}

static int64_t integer_of(const struct value *key)
{
    return key->type == TYPE_BOOL    ? key->boolean
           : key->type == TYPE_INT32 ? key->int32
                                     : key->int64;
}

static void append_key(struct ask_log *log, const struct value *key)
{
    buffer_append_byte(&log->row, key->is_null);
    if (key->is_null)
        return;
    if (type_width(key->type) > 0) {
        int64_t number = integer_of(key);
        buffer_append(&log->row, &number, sizeof number);
        return;
    }
    uint32_t size = (uint32_t)key->bytes.size;
    buffer_append(&log->row, &size, sizeof size);
    buffer_append(&log->row, key->bytes.data, size);
    log->key_bytes += size;
}

enum status ask_log_add(struct ask_log *log, const struct value *keys, int64_t at_us,
                        struct error *err)
{
    uint32_t size = 0;
    buffer_clear(&log->row);
    buffer_append(&log->row, &size, sizeof size);
    buffer_append(&log->row, &at_us, sizeof at_us);
    for (size_t i = 0; i < log->selection->key_count; i++)
        append_key(log, &keys[i]);
    size = (uint32_t)(log->row.size - sizeof size);
    memcpy(log->row.data, &size, sizeof size);
    log->count++;
    log->first_us = at_us < log->first_us ? at_us : log->first_us;
    log->last_us = at_us > log->last_us ? at_us : log->last_us;
    return spilled_append(&log->rows, log->row.data, log->row.size, err);
}

void ask_log_finish(struct ask_log *log)
{
    spilled_rewind(&log->rows);
}

/* Reading ------------------------------------------------------------------------------------- */

void ask_log_reader_init(struct ask_log_reader *reader, const struct ask_log *log)
{
    *reader = (struct ask_log_reader){.log = log};
    buffer_init(&reader->row, 0);
    reader->keys = calloc(log->selection->key_count + 1, sizeof *reader->keys);
    if (!reader->keys)
        out_of_memory();
}

void ask_log_reader_release(struct ask_log_reader *reader)
{
    spilled_place_release(&reader->place);
    buffer_release(&reader->row);
    free(reader->keys);
    *reader = (struct ask_log_reader){0};
}

static const uint8_t *take_key(const uint8_t *at, value_type type, struct value *key)
{
    *key = (struct value){.type = type, .is_null = *at++};
    if (key->is_null)
        return at;
    if (type_width(type) > 0) {
        int64_t number;
        memcpy(&number, at, sizeof number);
        if (type == TYPE_BOOL)
            key->boolean = number != 0;
        else if (type == TYPE_INT32)
            key->int32 = (int32_t)number;
        else
            key->int64 = number;
        return at + sizeof number;
    }
    uint32_t size;
    memcpy(&size, at, sizeof size);
    key->bytes = (struct bytes){at + sizeof size, size};
    return at + sizeof size + size;
}

enum status ask_log_next(struct ask_log_reader *reader, const struct value **keys, int64_t *at_us,
                         struct error *err)
{
    const struct selection *selection = reader->log->selection;
    const struct spilled *rows = &reader->log->rows;
    uint32_t size;
    bool end;
    *keys = NULL;
    enum status status = spilled_read_at(rows, &reader->place, &size, sizeof size, &end, err);
    if (status || end)
        return status;
    buffer_clear(&reader->row);
    uint8_t *at = buffer_reserve(&reader->row, size);
    status = spilled_read_at(rows, &reader->place, at, size, &end, err);
    if (status)
        return status;
    memcpy(at_us, at, sizeof *at_us);
    const uint8_t *from = at + sizeof *at_us;
    for (size_t i = 0; i < selection->key_count; i++)
        from = take_key(from, selection->keys[i].type, &reader->keys[i]);
    *keys = reader->keys;
    return STATUS_OK;
}
