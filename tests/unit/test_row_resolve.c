/* What a store does with a write to a row that stands: row_resolve of base/row.h. */
#include "base/row.h"

#include "base/timestamp.h"
#include "base_random.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { ROW_ROOM = 64 };

/* A packed row, small: its one column holds a number by which a test knows it. */
struct packed {
    uint8_t bytes[ROW_ROOM];
    size_t size; /* 0: absent */
};

static struct bytes bytes_of(const struct packed *row)
{
    return (struct bytes){row->size ? row->bytes : NULL, row->size};
}

static struct packed keep(struct buffer *row)
{
    struct packed packed = {.size = row->size};
    assert_true(row->size <= ROW_ROOM);
    memcpy(packed.bytes, row->data, row->size);
    buffer_release(row);
    return packed;
}

static void layout_of_tests(struct row_layout *layout, struct arena *arena)
{
    static const value_type types[] = {TYPE_INT64};
    row_layout_init(layout, types, 1, arena);
}

static struct packed row_of(int64_t event_time_us, int64_t created_time_us, int64_t position,
                            int64_t floor, int64_t number)
{
    struct arena arena;
    struct row_layout layout;
    struct buffer row;
    struct row_header header = {.event_time_us = event_time_us,
                                .created_time_us = created_time_us,
                                .position = position,
                                .floor = floor};
    struct value value = {.type = TYPE_INT64, .int64 = number};
    arena_init(&arena, 0);
    buffer_init(&row, 0);
    layout_of_tests(&layout, &arena);
    assert_int_equal(row_pack(&layout, &header, &value, &row, NULL), STATUS_OK);
    arena_release(&arena);
    return keep(&row);
}

static struct packed tombstone_of(int64_t floor)
{
    struct buffer row;
    buffer_init(&row, 0);
    row_pack_tombstone(floor, &row);
    return keep(&row);
}

static struct row_header header_of(const struct packed *row)
{
    struct row_header header;
    assert_true(row_peek(bytes_of(row), &header));
    return header;
}

/* The number of a row; -1 for a tombstone or none. Checks that the row is whole. */
static int64_t number_of(const struct packed *row)
{
    struct arena arena;
    struct row_layout layout;
    struct row_header header;
    int64_t number = -1;
    if (row->size == 0)
        return number;
    arena_init(&arena, 0);
    layout_of_tests(&layout, &arena);
    assert_int_equal(row_open(bytes_of(row), &layout, &header, NULL), STATUS_OK);
    if (!(header.flags & ROW_TOMBSTONE))
        number = row_get(bytes_of(row), &layout, 0).int64;
    arena_release(&arena);
    return number;
}

/* A store of one key, which does what row_resolve says. */
static enum row_outcome write_row(struct packed *stored, const struct packed *incoming)
{
    struct row_resolution resolution = row_resolve(bytes_of(stored), bytes_of(incoming));
    if (!resolution.keep_stored)
        *stored = *incoming;
    row_set_floor(stored->bytes, resolution.floor);
    return resolution.outcome;
}

/* The text of row.h once more, in the words of numbers instead of bytes. */
static bool triple_is_less(const struct row_header *a, const struct row_header *b)
{
    if (a->event_time_us != b->event_time_us)
        return a->event_time_us < b->event_time_us;
    if (a->created_time_us != b->created_time_us)
        return a->created_time_us < b->created_time_us;
    return a->position < b->position;
}

static struct row_resolution model(const struct row_header *stored,
                                   const struct row_header *incoming)
{
    int64_t stored_floor = stored ? stored->floor : 0;
    bool incoming_is_greater = !stored || triple_is_less(stored, incoming);
    if (incoming->floor == 0) {
        if (incoming->position > 0 && incoming->position <= stored_floor)
            return (struct row_resolution){ROW_BELOW_FLOOR, stored_floor, true};
        return incoming_is_greater ? (struct row_resolution){ROW_WRITTEN, stored_floor, false}
                                   : (struct row_resolution){ROW_OLDER, stored_floor, true};
    }
    if (incoming->floor <= stored_floor)
        return (struct row_resolution){ROW_BELOW_FLOOR, stored_floor, true};
    if (stored && stored->position >= 1 && stored->position <= incoming->floor)
        return (struct row_resolution){ROW_WRITTEN, incoming->floor, false};
    return incoming_is_greater ? (struct row_resolution){ROW_WRITTEN, incoming->floor, false}
                               : (struct row_resolution){ROW_FLOOR_RAISED, incoming->floor, true};
}

static void every_pair_of_small_rows_resolves_as_the_text_says(void **state)
{
    (void)state;
    static const int64_t created_times[] = {TIMESTAMP_UNKNOWN, -1, 0};
    struct packed rows[3 * 3 * 4 * 4 + 4];
    size_t count = 0;
    for (int64_t event = -1; event <= 1; event++)
        for (size_t created = 0; created < 3; created++)
            for (int64_t position = 0; position <= 3; position++)
                for (int64_t floor = 0; floor <= 3; floor++)
                    rows[count++] = row_of(event, created_times[created], position, floor, 1);
    for (int64_t floor = 1; floor <= 3; floor++)
        rows[count++] = tombstone_of(floor);
    rows[count++] = (struct packed){.size = 0};
    for (size_t s = 0; s < count; s++)
        for (size_t i = 0; i + 1 < count; i++) {
            struct row_header incoming = header_of(&rows[i]), stored;
            if (rows[s].size)
                stored = header_of(&rows[s]);
            struct row_resolution expected = model(rows[s].size ? &stored : NULL, &incoming);
            struct row_resolution found = row_resolve(bytes_of(&rows[s]), bytes_of(&rows[i]));
            assert_int_equal(found.outcome, expected.outcome);
            assert_int_equal(found.floor, expected.floor);
            assert_int_equal(found.keep_stored, expected.keep_stored);
        }
}

static void any_order_and_repetition_of_writes_ends_with_the_greatest_row(void **state)
{
    (void)state;
    struct random_source source = {17};
    for (int round = 0; round < 3000; round++) {
        struct packed rows[8], stored = {.size = 0};
        size_t greatest = 0;
        for (size_t i = 0; i < COUNT_OF(rows); i++) {
            rows[i] = row_of((int64_t)random_below(&source, 3), (int64_t)random_below(&source, 3),
                             (int64_t)random_below(&source, 3), 0, 0);
            struct row_header one = header_of(&rows[greatest]), other = header_of(&rows[i]);
            if (triple_is_less(&one, &other))
                greatest = i;
        }
        for (size_t i = 0; i < 20; i++)
            write_row(&stored, &rows[random_below(&source, COUNT_OF(rows))]);
        for (size_t i = 0, at = random_below(&source, 8); i < COUNT_OF(rows); i++)
            write_row(&stored, &rows[(at + i * 3) % COUNT_OF(rows)]);
        assert_memory_equal(stored.bytes, rows[greatest].bytes, ROW_TRIPLE_SIZE);
        assert_int_equal(write_row(&stored, &rows[greatest]), ROW_OLDER);
    }
}

static void late_row_does_not_replace_a_newer_one(void **state)
{
    (void)state;
    struct packed stored = row_of(200, 0, 5, 0, 2);
    struct packed late = row_of(100, 0, 9, 0, 1);
    assert_int_equal(write_row(&stored, &late), ROW_OLDER);
    assert_int_equal(number_of(&stored), 2);
}

static void deleted_row_does_not_come_back(void **state)
{
    (void)state;
    struct packed deleted = row_of(100, 0, 5, 0, 1), stored = deleted;
    struct packed tombstone = tombstone_of(8);
    assert_int_equal(write_row(&stored, &tombstone), ROW_WRITTEN);
    assert_int_equal(write_row(&stored, &deleted), ROW_BELOW_FLOOR);
    assert_int_equal(number_of(&stored), -1);
    struct packed later = row_of(50, 0, 9, 0, 2);
    assert_int_equal(write_row(&stored, &later), ROW_WRITTEN);
    assert_int_equal(header_of(&stored).floor, 8);
    assert_int_equal(write_row(&stored, &deleted), ROW_BELOW_FLOOR);
    assert_int_equal(number_of(&stored), 2);
}

static void row_that_its_own_commit_deleted_again_does_not_come_back(void **state)
{
    (void)state;
    struct packed stored = row_of(100, 0, 5, 0, 1);
    struct packed inserted = row_of(300, 0, 8, 0, 2);
    struct packed remaining = row_of(100, 0, 8, 8, 1); /* read with commit 8 in sight */
    for (int replay = 0; replay < 2; replay++) {
        write_row(&stored, &inserted);
        write_row(&stored, &remaining);
    }
    assert_int_equal(number_of(&stored), 1);
}

static void push_that_goes_online_only_passes_every_floor(void **state)
{
    (void)state;
    struct packed stored = tombstone_of(8);
    struct packed pushed = row_of(100, 0, 0, 0, 1);
    assert_int_equal(write_row(&stored, &pushed), ROW_WRITTEN);
    struct packed tombstone = tombstone_of(9);
    assert_int_equal(write_row(&stored, &tombstone), ROW_FLOOR_RAISED);
    assert_int_equal(number_of(&stored), 1);
    assert_int_equal(header_of(&stored).floor, 9);
    struct packed same_from_history = row_of(100, 0, 10, 0, 2);
    assert_int_equal(write_row(&stored, &same_from_history), ROW_WRITTEN);
    assert_int_equal(write_row(&stored, &pushed), ROW_OLDER);
}

/* A world with one key: rows are put in, changed, moved and deleted by commits; a follower that is
 * killed again and again replays them; a bulk run delivers what it read long ago. ---------------
 */

enum { COMMITS = 12, VERSIONS_MAX = 64, EVENTS_MAX = 40, BULK_MAX = 6, NEVER = 1000000 };

struct version {
    int64_t event_time, created_time;
    int64_t from, until; /* positions of the commits between which it stands */
    bool is_overwritten; /* by its own commit, under the same times */
};

/* What the change stream says of a commit: a version was written, or something was taken away. */
struct event {
    int64_t position;
    int version; /* -1: look up what remains */
};

struct world {
    struct random_source source;
    struct version versions[VERSIONS_MAX];
    int version_count;
    struct event events[EVENTS_MAX];
    int event_count;
    int64_t now; /* the position of the last commit */
    struct packed stored;
    struct packed bulk[BULK_MAX]; /* rows that are on their way */
};

static int latest_as_of(const struct world *world, int64_t position)
{
    int latest = -1;
    for (int i = 0; i < world->version_count; i++) {
        const struct version *v = &world->versions[i];
        if (v->from > position || v->until <= position)
            continue;
        const struct version *best = latest < 0 ? NULL : &world->versions[latest];
        if (!best || v->event_time > best->event_time ||
            (v->event_time == best->event_time && v->created_time > best->created_time))
            latest = i;
    }
    return latest;
}

static void put_version(struct world *world, int64_t event_time, int64_t created_time)
{
    if (world->version_count == VERSIONS_MAX || world->event_count == EVENTS_MAX)
        return;
    world->events[world->event_count++] = (struct event){world->now, world->version_count};
    world->versions[world->version_count++] =
        (struct version){event_time, created_time, world->now, NEVER, false};
}

/* A version that stands now, or -1. */
static int pick_standing(struct world *world)
{
    int at = (int)random_below(&world->source, VERSIONS_MAX);
    for (int i = 0; i < VERSIONS_MAX; i++, at = (at + 1) % VERSIONS_MAX)
        if (at < world->version_count && world->versions[at].until == NEVER)
            return at;
    return -1;
}

static void change_something(struct world *world)
{
    int64_t event_time = (int64_t)random_below(&world->source, 6);
    int64_t created_time = world->version_count; /* no two rows tie */
    int old = pick_standing(world);
    uint64_t change = random_below(&world->source, 5);
    if (old < 0 || change < 2) {
        put_version(world, event_time, created_time);
        return;
    }
    world->versions[old].until = world->now;
    if (change == 2) { /* an update in place: the same times */
        world->versions[old].is_overwritten = world->versions[old].from == world->now;
        put_version(world, world->versions[old].event_time, world->versions[old].created_time);
        return;
    }
    if (change == 3) /* a row that is moved to another time */
        put_version(world, event_time, created_time);
    if (world->event_count < EVENTS_MAX)
        world->events[world->event_count++] = (struct event){world->now, -1};
    else
        world->versions[old].until = NEVER; /* no room to tell: so it did not happen */
}

static void commit(struct world *world)
{
    world->now += 10;
    for (uint64_t i = 1 + random_below(&world->source, 3); i > 0; i--)
        change_something(world);
}

static struct packed row_of_version(const struct world *world, int version, int64_t position,
                                    int64_t floor)
{
    const struct version *v = &world->versions[version];
    return row_of(v->event_time, v->created_time, position, floor, version);
}

static void follow(struct world *world, const struct event *event)
{
    struct packed row;
    if (event->version >= 0 && world->versions[event->version].is_overwritten)
        return; /* as row.h asks: two of one commit would have one triple */
    if (event->version >= 0) {
        row = row_of_version(world, event->version, event->position, 0);
    } else {
        /* What is read is as of the commit itself or of any later one. */
        int64_t later = (world->now - event->position) / 10;
        int64_t floor =
            event->position + 10 * (int64_t)random_below(&world->source, (uint64_t)later + 1);
        int latest = latest_as_of(world, floor);
        row = latest < 0 ? tombstone_of(floor) : row_of_version(world, latest, floor, floor);
    }
    write_row(&world->stored, &row);
}

/* A bulk run promises that it saw all up to a position; its snapshot may have seen more. */
static void read_in_bulk(struct world *world)
{
    int64_t snapshot = 10 * (int64_t)(1 + random_below(&world->source, (uint64_t)world->now / 10));
    int64_t promised = 10 * (int64_t)(1 + random_below(&world->source, (uint64_t)snapshot / 10));
    int latest = latest_as_of(world, snapshot);
    if (latest >= 0)
        world->bulk[random_below(&world->source, BULK_MAX)] =
            row_of_version(world, latest, promised, 0);
}

static void deliver_bulk(struct world *world, size_t which)
{
    if (world->bulk[which].size)
        write_row(&world->stored, &world->bulk[which]); /* and perhaps once more later */
}

static void live(struct world *world)
{
    int followed = 0;
    commit(world);
    while (world->now < COMMITS * 10 || followed < world->event_count) {
        switch (random_below(&world->source, 8)) {
        case 0:
            if (world->now < COMMITS * 10)
                commit(world);
            break;
        case 1:
            read_in_bulk(world);
            break;
        case 2:
            deliver_bulk(world, random_below(&world->source, BULK_MAX));
            break;
        case 3:
            if (random_below(&world->source, 4) == 0) /* killed, and started anew from before */
                followed = (int)random_below(&world->source, (uint64_t)followed + 1);
            break;
        default:
            if (followed < world->event_count)
                follow(world, &world->events[followed++]);
        }
    }
}

static void whatever_is_replayed_or_late_the_latest_row_is_served_in_the_end(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 20000; seed++) {
        struct world world = {.source = {seed * UINT64_C(0x9e3779b97f4a7c15)}};
        live(&world);
        for (size_t i = 0; i < BULK_MAX; i++)
            deliver_bulk(&world, i);
        int64_t expected = latest_as_of(&world, world.now);
        int64_t found = number_of(&world.stored);
        if (found != expected)
            fail_msg("seed %llu: version %lld is served, not %lld", (unsigned long long)seed,
                     (long long)found, (long long)expected);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_pair_of_small_rows_resolves_as_the_text_says),
        cmocka_unit_test(any_order_and_repetition_of_writes_ends_with_the_greatest_row),
        cmocka_unit_test(late_row_does_not_replace_a_newer_one),
        cmocka_unit_test(deleted_row_does_not_come_back),
        cmocka_unit_test(row_that_its_own_commit_deleted_again_does_not_come_back),
        cmocka_unit_test(push_that_goes_online_only_passes_every_floor),
        cmocka_unit_test(whatever_is_replayed_or_late_the_latest_row_is_served_in_the_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
