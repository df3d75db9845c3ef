/* online_store_fixture.c - see online_store_fixture.h. */
#include "online_store_fixture.h"

#include "base/entity_key.h"

#include <stdlib.h>

int set_up(void **state)
{
    const struct online_store_maker *maker = *state;
    struct fixture *f = calloc(1, sizeof *f);
    f->maker = maker;
    maker->clear(maker->context);
    f->store = maker->open(maker->context);
    arena_init(&f->arena, 0);
    row_layout_init(&f->layout, (const value_type[]){TYPE_STRING}, 1, &f->arena);
    *state = f;
    return 0;
}

int tear_down(void **state)
{
    struct fixture *f = *state;
    const struct online_store_maker *maker = f->maker;
    online_store_close(f->store);
    arena_release(&f->arena);
    free(f);
    *state = (void *)maker;
    return 0;
}

void check_ok(const struct fixture *f, enum status status)
{
    if (status)
        fail_msg("%s: %s", status_name(status), f->err.message);
}

static struct bytes kept(struct fixture *f, struct buffer *buffer)
{
    struct bytes copy = arena_bytes(&f->arena, buffer_bytes(buffer));
    buffer_release(buffer);
    return copy;
}

struct bytes key_in(struct fixture *f, uint32_t project, uint32_t view, uint32_t generation,
                    int64_t driver)
{
    struct buffer key;
    struct value value = {.type = TYPE_INT64, .int64 = driver};
    buffer_init(&key, 0);
    entity_key_begin(&key, project, KEY_SET, &value, 1);
    entity_key_end(&key, view, generation);
    return kept(f, &key);
}

struct bytes driver(struct fixture *f, int64_t id)
{
    return key_in(f, PROJECT, VIEW, 0, id);
}

struct bytes row_of(struct fixture *f, struct row_header header, const char *text)
{
    struct buffer row;
    struct value value = {.type = TYPE_STRING, .bytes = bytes_of_text(text)};
    buffer_init(&row, 0);
    check_ok(f, row_pack(&f->layout, &header, &value, &row, &f->err));
    return kept(f, &row);
}

struct bytes row_at(struct fixture *f, int64_t event_time, int64_t position, const char *text)
{
    return row_of(f,
                  (struct row_header){.event_time_us = event_time,
                                      .created_time_us = event_time,
                                      .position = position},
                  text);
}

struct bytes row_as_of(struct fixture *f, int64_t event_time, int64_t position, int64_t floor,
                       const char *text)
{
    return row_of(f,
                  (struct row_header){.event_time_us = event_time,
                                      .created_time_us = event_time,
                                      .position = position,
                                      .floor = floor},
                  text);
}

struct bytes tombstone(struct fixture *f, int64_t floor)
{
    struct buffer row;
    buffer_init(&row, 0);
    row_pack_tombstone(floor, &row);
    return kept(f, &row);
}

enum row_outcome put_until(struct fixture *f, int64_t id, struct bytes row, int64_t expires_at_us)
{
    enum row_outcome outcome;
    struct online_write write = {driver(f, id), row, expires_at_us};
    check_ok(f, online_store_write(f->store, &write, 1, NULL, 0, &outcome, &f->err));
    return outcome;
}

enum row_outcome put(struct fixture *f, int64_t id, struct bytes row)
{
    return put_until(f, id, row, 0);
}

void put_in(struct fixture *f, uint32_t project, uint32_t view, uint32_t generation, int64_t first,
            int64_t count)
{
    struct online_write *writes = arena_array(&f->arena, (size_t)count, sizeof *writes);
    for (int64_t i = 0; i < count; i++)
        writes[i] = (struct online_write){key_in(f, project, view, generation, first + i),
                                          row_at(f, 1, 1, "x"), 0};
    check_ok(f, online_store_write(f->store, writes, (size_t)count, NULL, 0, NULL, &f->err));
}

struct bytes read_key(struct fixture *f, struct bytes key)
{
    struct bytes row = {"untouched", 9};
    check_ok(f, online_store_read(f->store, &key, 1, &f->arena, &row, &f->err));
    return row;
}

void check_absent(struct fixture *f, int64_t id)
{
    assert_null(read_key(f, driver(f, id)).data);
}

/* The stored row is whole and holds this text; returns its header. */
struct row_header check_row(struct fixture *f, int64_t id, const char *text)
{
    struct row_header header;
    struct bytes row = read_key(f, driver(f, id));
    assert_non_null(row.data);
    check_ok(f, row_open(row, &f->layout, &header, &f->err));
    assert_int_equal(header.flags, 0);
    assert_true(bytes_equal(row_get(row, &f->layout, 0).bytes, bytes_of_text(text)));
    return header;
}

void check_tombstone(struct fixture *f, int64_t id, int64_t floor)
{
    struct row_header header;
    struct bytes row = read_key(f, driver(f, id));
    assert_non_null(row.data);
    check_ok(f, row_open(row, &f->layout, &header, &f->err));
    assert_int_equal(header.flags, ROW_TOMBSTONE);
    assert_int_equal(header.floor, floor);
}
