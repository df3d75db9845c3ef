/*
 * redis_scan.c - walks over keys: see online_store.h.
 *
 * SCAN walks all keys of the database in small steps, so other clients hardly notice, and finds
 * every key that stays there during the walk at least once.
 */
#include "store/online/redis_store.h"

enum { SCAN_KEYS = 1000 };

/* MATCH takes some bytes for wildcards. */
static void append_escaped(struct buffer *pattern, struct bytes literal)
{
    const char *bytes = literal.data;
    for (size_t i = 0; i < literal.size; i++) {
        if (bytes[i] != '\0' && strchr("*?[]\\^-", bytes[i]))
            buffer_append_byte(pattern, '\\');
        buffer_append(pattern, &bytes[i], 1);
    }
}

void redis_pattern_append(struct buffer *pattern, struct bytes begin, struct bytes end)
{
    append_escaped(pattern, begin);
    buffer_append_byte(pattern, '*');
    append_escaped(pattern, end);
}

static enum status take_answer(struct redis_store *store, const struct redis_reply *reply,
                               char cursor[REDIS_CURSOR_SIZE], struct error *err)
{
    if (reply->count != 2 || reply->elements[0].type != REPLY_TEXT ||
        reply->elements[1].type != REPLY_LIST)
        return redis_strange_answer(store->connection, err);
    struct bytes next = reply->elements[0].text;
    if (next.size == 0 || next.size >= REDIS_CURSOR_SIZE)
        return redis_strange_answer(store->connection, err);
    memcpy(cursor, next.data, next.size);
    cursor[next.size] = '\0';
    return STATUS_OK;
}

enum status redis_scan_step(struct redis_store *store, const struct buffer *pattern,
                            char cursor[REDIS_CURSOR_SIZE], struct arena *arena,
                            struct redis_reply **keys, struct error *err)
{
    struct redis_connection *connection = store->connection;
    struct redis_reply *reply;
    redis_connection_renew(connection);
    redis_command(connection, 6);
    redis_command_text(connection, "SCAN");
    redis_command_text(connection, cursor);
    redis_command_text(connection, "MATCH");
    redis_command_bytes(connection, buffer_bytes(pattern));
    redis_command_text(connection, "COUNT");
    redis_command_number(connection, SCAN_KEYS);
    enum status status = redis_receive_type(connection, REPLY_LIST, arena, &reply, err);
    if (!status)
        status = take_answer(store, reply, cursor, err);
    if (!status)
        *keys = &reply->elements[1];
    return status;
}

/* All keys of the view's rows begin and end alike, and hold no brace but these. */
static void make_pattern(struct buffer *pattern, const struct entity_key_ids *ids)
{
    struct buffer begin, end;
    buffer_init(&begin, 0);
    buffer_init(&end, 0);
    online_key_prefix(ids, &begin);
    buffer_append_byte(&end, '}');
    entity_key_end(&end, ids->view_id, ids->generation);
    redis_pattern_append(pattern, buffer_bytes(&begin), buffer_bytes(&end));
    buffer_release(&end);
    buffer_release(&begin);
}

static void pick_keys(const struct redis_reply *reply, const struct entity_key_ids *ids,
                      struct arena *arena, struct bytes **keys, size_t *count)
{
    *keys = arena_array(arena, reply->count, sizeof **keys);
    for (size_t i = 0; i < reply->count; i++)
        if (reply->elements[i].type == REPLY_TEXT && online_key_is_of(reply->elements[i].text, ids))
            (*keys)[(*count)++] = reply->elements[i].text;
}

enum status redis_scan(struct online_store *base, const struct entity_key_ids *ids,
                       struct online_cursor *cursor, struct arena *arena, struct bytes **keys,
                       size_t *count, struct error *err)
{
    struct redis_store *store = redis_store_of(base);
    char place[REDIS_CURSOR_SIZE] = "0";
    struct redis_reply *reply;
    struct buffer pattern;
    if (cursor->size)
        memcpy(place, cursor->place, cursor->size);
    enum status status = redis_connection_begin(store->connection, err);
    if (status)
        return status;
    buffer_init(&pattern, 0);
    make_pattern(&pattern, ids);
    status = redis_scan_step(store, &pattern, place, arena, &reply, err);
    buffer_release(&pattern);
    if (status)
        return status;
    pick_keys(reply, ids, arena, keys, count);
    cursor->is_done = strcmp(place, "0") == 0;
    cursor->size = strlen(place) + 1;
    memcpy(cursor->place, place, cursor->size);
    return STATUS_OK;
}
