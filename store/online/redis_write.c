/*
 * redis_write.c - the conditional write, by a script that Redis runs.
 *
 * A batch is cut into parts, one call of the script each, so that no call holds up other clients
 * for longer than a fraction of a millisecond; several parts are under way at a time. Redis may
 * forget the script whenever it likes. The part that finds it gone is sent again with the script's
 * text, which teaches Redis the script anew; since any order of writes ends with the same rows, it
 * may then run behind later parts.
 */
#include "store/online/redis_store.h"

#include "base/hash.h"
#include "base/timestamp.h"
#include "store/online/redis_error.h"
#include "store/online/redis_write_script.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    PART_KEYS = 100,
    PART_BYTES = 256 * 1024,
    WINDOW_PARTS = 16,
    WINDOW_BYTES = 1024 * 1024, /* under way at a time; a single larger row goes alone */
    SEEN_SLOTS = 256,           /* a power of two, and over twice PART_KEYS */
    OLDEST_MAJOR = 6,           /* SET PXAT came with Redis 6.2 */
    OLDEST_MINOR = 2,
};

struct part {
    size_t first, count, bytes;
    bool has_text; /* sent with the script's text */
};

/* One call of redis_write. */
struct writing {
    struct redis_store *store;
    const struct online_write *writes;
    size_t count;
    enum row_outcome *outcomes;      /* or NULL */
    size_t next;                     /* the first write that is in no part yet */
    struct part parts[WINDOW_PARTS]; /* under way, a ring */
    size_t oldest, part_count, bytes;
};

/* Adds a key's hash to a set; false if it is there. Two keys with one hash count as equal, which
 * only makes a part shorter. */
static bool see(uint64_t seen[SEEN_SLOTS], struct bytes key)
{
    uint64_t hash = bytes_hash(key) | 1; /* 0 is a free slot */
    for (size_t i = hash >> 32;; i++) {
        uint64_t *slot = &seen[i % SEEN_SLOTS];
        if (*slot == hash)
            return false;
        if (*slot == 0) {
            *slot = hash;
            return true;
        }
    }
}

/* The next part. The script reads all its rows before it writes any, so a key may stand there once.
 */
static struct part cut_part(const struct writing *writing)
{
    uint64_t seen[SEEN_SLOTS] = {0};
    struct part part = {.first = writing->next};
    size_t at = part.first;
    while (at < writing->count && part.count < PART_KEYS && part.bytes < PART_BYTES &&
           see(seen, writing->writes[at].key)) {
        part.bytes += writing->writes[at].key.size + writing->writes[at].row.size;
        part.count++;
        at++;
    }
    return part;
}

/* Redis counts ms. Rounded up, a row is never forgotten too early. */
static void add_expiry(struct redis_connection *connection, int64_t expires_at_us, int64_t now_us)
{
    if (expires_at_us == 0)
        redis_command_text(connection, "");
    else if (expires_at_us <= now_us)
        redis_command_text(connection, "-");
    else
        redis_command_number(connection,
                             (uint64_t)(expires_at_us / 1000 + (expires_at_us % 1000 > 0)));
}

static void send_part(struct writing *writing, struct part part)
{
    struct redis_connection *connection = writing->store->connection;
    const struct online_write *writes = writing->writes + part.first;
    int64_t now_us = timestamp_now();
    redis_command(connection, 3 + 3 * part.count);
    redis_command_text(connection, part.has_text ? "EVAL" : "EVALSHA");
    redis_command_text(connection, part.has_text ? redis_write_script : writing->store->script_sha);
    redis_command_number(connection, part.count);
    for (size_t i = 0; i < part.count; i++)
        redis_command_bytes(connection, writes[i].key);
    for (size_t i = 0; i < part.count; i++) {
        redis_command_bytes(connection, writes[i].row);
        add_expiry(connection, writes[i].expires_at_us, now_us);
    }
    writing->parts[(writing->oldest + writing->part_count++) % WINDOW_PARTS] = part;
    writing->bytes += part.bytes;
}

static struct part take_oldest(struct writing *writing)
{
    struct part part = writing->parts[writing->oldest];
    writing->oldest = (writing->oldest + 1) % WINDOW_PARTS;
    writing->part_count--;
    writing->bytes -= part.bytes;
    return part;
}

static enum status take_outcomes(struct writing *writing, struct part part,
                                 const struct redis_reply *reply, struct error *err)
{
    const struct redis_connection *connection = writing->store->connection;
    enum status status = redis_expect(connection, reply, REPLY_TEXT, err);
    if (status)
        return status;
    if (reply->text.size != part.count)
        return redis_strange_answer(connection, err);
    const char *digits = reply->text.data;
    for (size_t i = 0; i < part.count; i++) {
        if (digits[i] < '0' + ROW_WRITTEN || digits[i] > '0' + ROW_FLOOR_RAISED)
            return redis_strange_answer(connection, err);
        if (writing->outcomes)
            writing->outcomes[part.first + i] = (enum row_outcome)(digits[i] - '0');
    }
    return STATUS_OK;
}

static bool has_room(const struct writing *writing)
{
    return writing->part_count < WINDOW_PARTS && writing->bytes < WINDOW_BYTES;
}

/* After a refusal no more is sent, but what is under way is received, so that the connection stays.
 */
static enum status write_rows(struct writing *writing, struct error *err)
{
    struct redis_store *store = writing->store;
    enum status refused = STATUS_OK;
    for (;;) {
        while (!refused && writing->next < writing->count && has_room(writing)) {
            struct part part = cut_part(writing);
            send_part(writing, part);
            writing->next += part.count;
        }
        if (writing->part_count == 0)
            return refused;
        struct redis_reply *reply;
        arena_reset(&store->scratch);
        enum status lost =
            redis_receive(store->connection, &store->scratch, &reply, refused ? NULL : err);
        if (lost)
            return refused ? refused : lost;
        redis_connection_renew(store->connection);
        struct part part = take_oldest(writing);
        if (!refused && !part.has_text && redis_error_is(reply, "NOSCRIPT")) {
            part.has_text = true;
            send_part(writing, part);
        } else if (!refused) {
            refused = take_outcomes(writing, part, reply, err);
        }
    }
}

/* What cannot be told, because INFO is forbidden or says something else, is not held against it. */
enum status redis_check_version(const struct redis_store *store, struct bytes info,
                                struct error *err)
{
    char version[24];
    int major, minor;
    if (!redis_info_field(info, "redis_version", version, sizeof version) ||
        sscanf(version, "%d.%d", &major, &minor) != 2)
        return STATUS_OK;
    if (major > OLDEST_MAJOR || (major == OLDEST_MAJOR && minor >= OLDEST_MINOR))
        return STATUS_OK;
    return fail(err, STATUS_CONFLICT, "%s is version %s: Larder needs %d.%d or later",
                redis_connection_place(store->connection), version, OLDEST_MAJOR, OLDEST_MINOR);
}

static enum status load_script(struct redis_store *store, struct error *err)
{
    struct redis_connection *connection = store->connection;
    struct redis_reply *info, *sha;
    arena_reset(&store->scratch);
    redis_command_of(connection, (const char *const[]){"INFO", "server"}, 2);
    redis_command_of(connection, (const char *const[]){"SCRIPT", "LOAD", redis_write_script}, 3);
    enum status status = redis_receive(connection, &store->scratch, &info, err);
    if (!status)
        status = redis_receive(connection, &store->scratch, &sha, err);
    if (!status && info->type == REPLY_TEXT)
        status = redis_check_version(store, info->text, err);
    if (!status)
        status = redis_expect(connection, sha, REPLY_TEXT, err);
    if (status)
        return status;
    if (sha->text.size != REDIS_SHA_SIZE)
        return redis_strange_answer(connection, err);
    memcpy(store->script_sha, sha->text.data, REDIS_SHA_SIZE);
    store->script_connection = redis_connection_number(connection);
    redis_connection_renew(connection);
    return STATUS_OK;
}

enum status redis_write(struct online_store *base, const struct online_write *writes, size_t count,
                        const struct online_mark *marks, size_t mark_count,
                        enum row_outcome *outcomes, struct error *err)
{
    struct redis_store *store = redis_store_of(base);
    struct writing writing = {
        .store = store, .writes = writes, .count = count, .outcomes = outcomes};
    enum status status = redis_connection_begin(store->connection, err);
    if (!status && count > 0 &&
        store->script_connection != redis_connection_number(store->connection))
        status = load_script(store, err);
    if (!status)
        status = write_rows(&writing, err);
    if (!status && mark_count > 0)
        status = redis_write_marks(store, marks, mark_count, err);
    return status;
}
