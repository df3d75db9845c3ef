/* offline_history.c - see offline_history.h. */
#include "offline_history.h"

#include "base/timestamp.h"

#define HOUR_US INT64_C(3600000000)
#define DAY_US (24 * HOUR_US)

/* splitmix64: small, and the same everywhere. */
uint64_t history_random(struct history *history, uint64_t below)
{
    uint64_t z = history->random += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return (z ^ z >> 31) % below;
}

int64_t history_pick(struct history *history, const int64_t *numbers, size_t count)
{
    return numbers[history_random(history, count)];
}

static struct value random_key(struct history *history, value_type type)
{
    static const char *const texts[] = {
        "",     "a",   "b ",   "b",    "\xc3\xa4\xe2\x82\xac", "1", "12",
        "NULL", "\\N", "\t\n", "{\"}", "'; drop table x; --"};
    static const int64_t int64s[] = {0, 1, -1, 12, 2, INT64_MAX, INT64_MIN, INT32_MAX};
    static const int64_t int32s[] = {0, 1, -1, 12, 2, INT32_MAX, INT32_MIN};
    static const int64_t times[] = {0, -1, 1, DAY_US, -DAY_US, TIMESTAMP_MIN, TIMESTAMP_MAX};
    struct value key = {.type = type};
    if (type == TYPE_BOOL)
        key.boolean = history_random(history, 2) != 0;
    else if (type == TYPE_INT32)
        key.int32 = (int32_t)history_pick(history, int32s, COUNT_OF(int32s));
    else if (type == TYPE_INT64)
        key.int64 = history_pick(history, int64s, COUNT_OF(int64s));
    else if (type == TYPE_TIMESTAMP)
        key.int64 = history_pick(history, times, COUNT_OF(times));
    else if (type == TYPE_STRING)
        key.bytes = bytes_of_text(texts[history_random(history, COUNT_OF(texts))]);
    else
        key.bytes = (struct bytes){"\0\\x{}", history_random(history, 6)};
    return key;
}

static bool keys_equal(const struct history *history, const struct value *a, const struct value *b)
{
    for (size_t i = 0; i < history->key_count; i++)
        if (a[i].is_null || b[i].is_null || !value_equal(&a[i], &b[i]))
            return false;
    return true;
}

static void add_entity(struct history *history)
{
    struct value *keys = history->entities[history->entity_count];
    for (size_t i = 0; i < history->key_count; i++)
        keys[i] = random_key(history, history->types[i]);
    for (size_t i = 0; i < history->entity_count; i++)
        if (keys_equal(history, keys, history->entities[i]))
            return;
    history->entity_count++;
}

/* A full tie has no right answer, so none is made; ties of the event time alone are many. */
static void add_row(struct history *history)
{
    struct history_row *row = &history->rows[history->row_count];
    const struct value *keys = history->entities[history_random(history, history->entity_count)];
    const int64_t later[] = {0, 1, HOUR_US, 3 * DAY_US, 40 * DAY_US, -HOUR_US};
    for (size_t i = 0; i < history->key_count; i++)
        row->keys[i] = keys[i];
    row->event_us = history->start_us;
    if (history_random(history, 3) == 0)
        row->event_us += (int64_t)history_random(history, 4);
    else
        row->event_us += (int64_t)history_random(history, 60) * DAY_US;
    row->created_us = row->event_us + history_pick(history, later, COUNT_OF(later));
    if (history_random(history, 6) == 0)
        row->created_us = TIMESTAMP_UNKNOWN;
    row->number = (int64_t)history->row_count + 1;
    for (size_t i = 0; i < history->row_count; i++)
        if (keys_equal(history, row->keys, history->rows[i].keys) &&
            row->event_us == history->rows[i].event_us &&
            row->created_us == history->rows[i].created_us)
            return;
    history->row_count++;
}

void history_init(struct history *history, uint64_t seed)
{
    static const value_type layouts[][HISTORY_KEYS_MAX] = {
        {TYPE_INT64},
        {TYPE_STRING},
        {TYPE_INT32},
        {TYPE_STRING, TYPE_INT64},
        {TYPE_INT32, TYPE_BYTES},
        {TYPE_BOOL, TYPE_TIMESTAMP, TYPE_STRING},
    };
    const int64_t starts_us[] = {1700000000000000, -30 * DAY_US, 951782400000000,
                                 TIMESTAMP_MIN + 5 * DAY_US, TIMESTAMP_MAX - 200 * DAY_US};
    const int64_t ttls_us[] = {HOUR_US, 7 * DAY_US, DAY_US, 1000000};
    *history = (struct history){.random = seed};
    const value_type *types = layouts[history_random(history, COUNT_OF(layouts))];
    while (history->key_count < HISTORY_KEYS_MAX && types[history->key_count] != 0) {
        history->types[history->key_count] = types[history->key_count];
        history->key_count++;
    }
    history->start_us = history_pick(history, starts_us, COUNT_OF(starts_us));
    history->ttl_us = history_pick(history, ttls_us, COUNT_OF(ttls_us));
    for (size_t i = 0; i < HISTORY_ENTITIES_MAX; i++)
        add_entity(history);
    for (size_t i = 0; i < HISTORY_ROWS_MAX; i++)
        add_row(history);
}

int64_t history_edge(struct history *history)
{
    const struct history_row *row = &history->rows[history_random(history, history->row_count)];
    const int64_t ttl_us = history->ttl_us;
    const int64_t beside[] = {0,
                              -1,
                              1,
                              ttl_us,
                              ttl_us + 1,
                              ttl_us - 1,
                              ttl_us + DAY_US,
                              ttl_us + DAY_US + 1,
                              70 * DAY_US,
                              -DAY_US};
    int64_t us = row->event_us + history_pick(history, beside, COUNT_OF(beside));
    if (row->created_us != TIMESTAMP_UNKNOWN && history_random(history, 4) == 0)
        us = row->created_us + (int64_t)history_random(history, 3) - 1;
    return us < TIMESTAMP_MIN ? TIMESTAMP_MIN : us > TIMESTAMP_MAX ? TIMESTAMP_MAX : us;
}

void history_ask(struct history *history, struct value *keys)
{
    const struct value *known = history->entities[history_random(history, history->entity_count)];
    bool strange = history_random(history, 12) == 0;
    for (size_t i = 0; i < history->key_count; i++)
        keys[i] = strange ? random_key(history, history->types[i]) : known[i];
    size_t place = history_random(history, 30);
    if (place < history->key_count)
        keys[place] = value_null(history->types[place]);
}

/* An unknown created time is INT64_MIN, so it is least by itself. */
static bool is_later(const struct history_row *a, const struct history_row *b)
{
    return !b || a->event_us > b->event_us ||
           (a->event_us == b->event_us && a->created_us > b->created_us);
}

static bool is_eligible(const struct history_row *row, const struct history_question *question)
{
    bool known = row->created_us != TIMESTAMP_UNKNOWN;
    if (row->event_us > question->at_us)
        return false;
    if (question->ttl_us > 0 && row->event_us < question->at_us - question->ttl_us)
        return false;
    if (question->as_known && (!known || row->created_us > question->at_us))
        return false;
    return question->as_of_us == AS_OF_NOW || (known && row->created_us <= question->as_of_us);
}

const struct history_row *history_latest(const struct history *history,
                                         const struct history_question *question)
{
    const struct history_row *latest = NULL;
    for (size_t i = 0; i < history->row_count; i++) {
        const struct history_row *row = &history->rows[i];
        if (keys_equal(history, row->keys, question->keys) && is_eligible(row, question) &&
            is_later(row, latest))
            latest = row;
    }
    return latest;
}
