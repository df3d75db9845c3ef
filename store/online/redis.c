/*
 * redis.c - the Redis backend: its table, reading, and looking at the server.
 *
 * Reads are MGETs of at most READ_KEYS keys or READ_BYTES of keys, in one pipeline of which
 * READS_UNDER_WAY are on their way at a time: more would only lie about in memory, here or in
 * Redis. Each answer renews the deadline, so that the time of a read goes with its size.
 */
#include "store/online/redis_store.h"

#include <stdio.h>
#include <stdlib.h>

enum { READ_KEYS = 1000, READ_BYTES = 128 * 1024, READS_UNDER_WAY = 16 };

static enum status redis_open(const struct settings *settings, struct online_store **opened,
                              struct error *err)
{
    struct redis_store *store = calloc(1, sizeof *store);
    if (!store)
        out_of_memory();
    arena_init(&store->arena, 0);
    arena_init(&store->scratch, 0);
    const char *text = settings->online_store.url;
    struct redis_url url;
    enum status status = redis_url_parse(text ? text : "", &store->arena, &url, err);
    if (status) {
        arena_release(&store->arena);
        free(store);
        return status;
    }
    store->base.ops = &redis_online_store;
    store->connection = redis_connection_open(&url, settings->online_store.timeout_ms);
    *opened = &store->base;
    return STATUS_OK;
}

static void redis_close(struct online_store *base)
{
    struct redis_store *store = redis_store_of(base);
    redis_connection_close(store->connection);
    arena_release(&store->scratch);
    arena_release(&store->arena);
    free(store);
}

/* How many of the keys one MGET asks for. */
static size_t measure_read(const struct bytes *keys, size_t count)
{
    size_t taken = 0, bytes = 0;
    while (taken < count && taken < READ_KEYS && bytes < READ_BYTES)
        bytes += keys[taken++].size;
    return taken;
}

/* Asks for the first of these rows; how many. */
static size_t ask_for_rows(struct redis_connection *connection, const struct bytes *keys,
                           size_t count)
{
    size_t size = measure_read(keys, count);
    redis_command(connection, size + 1);
    redis_command_text(connection, "MGET");
    for (size_t i = 0; i < size; i++)
        redis_command_bytes(connection, keys[i]);
    return size;
}

static enum status take_rows(const struct redis_connection *connection,
                             const struct redis_reply *reply, struct bytes *rows, size_t count,
                             struct error *err)
{
    enum status status = redis_expect(connection, reply, REPLY_LIST, err);
    if (status)
        return status;
    if (reply->count != count)
        return redis_strange_answer(connection, err);
    for (size_t i = 0; i < count; i++) {
        enum reply_type type = reply->elements[i].type;
        if (type != REPLY_TEXT && type != REPLY_NIL)
            return redis_strange_answer(connection, err);
        rows[i] = reply->elements[i].text;
    }
    return STATUS_OK;
}

static enum status redis_read(struct online_store *base, const struct bytes *keys, size_t count,
                              struct arena *arena, struct bytes *rows, struct error *err)
{
    struct redis_connection *connection = redis_store_of(base)->connection;
    enum status status = redis_connection_begin(connection, err);
    if (status)
        return status;
    redis_connection_allow(connection, ONLINE_READ_BYTES_MAX);
    size_t asked = 0, taken = 0, under_way = 0;
    /* After a strange answer no more is asked for, but what is under way is taken. */
    while (under_way > 0 || (!status && asked < count)) {
        for (; !status && asked < count && under_way < READS_UNDER_WAY; under_way++)
            asked += ask_for_rows(connection, keys + asked, count - asked);
        struct redis_reply *reply;
        enum status lost = redis_receive(connection, arena, &reply, status ? NULL : err);
        if (lost)
            return status ? status : lost;
        redis_connection_go_on(connection);
        under_way--;
        size_t size = measure_read(keys + taken, count - taken);
        if (!status)
            status = take_rows(connection, reply, rows + taken, size, err);
        taken += size;
    }
    return status;
}

/* What was read is in the caller's arena. */
static void redis_let_go(struct online_store *base)
{
    (void)base;
}

/* INFO's lines are "name:value\r\n". */
bool redis_info_field(struct bytes info, const char *name, char *value, size_t size)
{
    const char *at = info.data;
    const char *end = at + info.size;
    size_t name_size = strlen(name);
    while (at < end) {
        const char *line_end = memchr(at, '\n', (size_t)(end - at));
        if (!line_end)
            line_end = end;
        size_t length = (size_t)(line_end - at);
        if (length > name_size && memcmp(at, name, name_size) == 0 && at[name_size] == ':') {
            length -= name_size + 1;
            if (length > 0 && at[name_size + length] == '\r')
                length--;
            snprintf(value, size, "%.*s", (int)length, at + name_size + 1);
            return true;
        }
        at = line_end + (line_end < end);
    }
    return false;
}

static enum status ask_info(struct redis_store *store, const char *section, struct bytes *text,
                            struct error *err)
{
    struct redis_reply *reply;
    redis_command_of(store->connection, (const char *const[]){"INFO", section}, 2);
    enum status status =
        redis_receive_type(store->connection, REPLY_TEXT, &store->scratch, &reply, err);
    if (!status)
        *text = reply->text;
    return status;
}

enum status redis_run_id(struct redis_connection *connection, char run_id[REDIS_RUN_ID_SIZE],
                         struct error *err)
{
    struct arena arena;
    struct redis_reply *reply;
    arena_init(&arena, 0);
    redis_command_of(connection, (const char *const[]){"INFO", "server"}, 2);
    enum status status = redis_receive_type(connection, REPLY_TEXT, &arena, &reply, err);
    if (!status && !redis_info_field(reply->text, "run_id", run_id, REDIS_RUN_ID_SIZE))
        status = redis_strange_answer(connection, err);
    arena_release(&arena);
    return status;
}

static void take_info(struct bytes server, struct bytes memory, struct online_info *info)
{
    char version[24] = "?";
    char used[24] = "0";
    redis_info_field(server, "redis_version", version, sizeof version);
    redis_info_field(memory, "used_memory", used, sizeof used);
    redis_info_field(memory, "maxmemory_policy", info->eviction_policy,
                     sizeof info->eviction_policy);
    snprintf(info->version, sizeof info->version, "redis %s", version);
    info->used_bytes = strtoull(used, NULL, 10);
    info->may_evict = info->eviction_policy[0] && strcmp(info->eviction_policy, "noeviction") != 0;
}

/* run_id is the process'; the replication id changes when a node follows another one, takes its
 * data, and leads again. */
static void take_incarnation(struct bytes server, struct bytes replication,
                             struct online_info *info)
{
    char run[41] = "", history[41] = "";
    redis_info_field(server, "run_id", run, sizeof run);
    redis_info_field(replication, "master_replid", history, sizeof history);
    if (*run)
        snprintf(info->incarnation, sizeof info->incarnation, "%s/%s", run, history);
}

static enum status redis_inspect(struct online_store *base, struct online_info *info,
                                 struct error *err)
{
    struct redis_store *store = redis_store_of(base);
    struct bytes server, memory, replication;
    arena_reset(&store->scratch);
    enum status status = redis_connection_begin(store->connection, err);
    if (!status)
        status = ask_info(store, "server", &server, err);
    if (!status)
        status = ask_info(store, "memory", &memory, err);
    if (!status)
        status = ask_info(store, "replication", &replication, err);
    if (status)
        return status;
    take_info(server, memory, info);
    take_incarnation(server, replication, info);
    return STATUS_OK;
}

static enum status redis_ping(struct online_store *base, struct error *err)
{
    struct redis_store *store = redis_store_of(base);
    struct redis_reply *reply;
    arena_reset(&store->scratch);
    enum status status = redis_connection_begin(store->connection, err);
    if (status)
        return status;
    redis_command_of(store->connection, (const char *const[]){"PING"}, 1);
    return redis_receive_type(store->connection, REPLY_STATUS, &store->scratch, &reply, err);
}

const struct online_store_ops redis_online_store = {
    .type = "redis",
    .open = redis_open,
    .close = redis_close,
    .read = redis_read,
    .let_go = redis_let_go,
    .scan = redis_scan,
    .write = redis_write,
    .read_marks = redis_read_marks,
    .owner = redis_owner,
    .claim = redis_claim,
    .release = redis_release,
    .put_catalog = redis_put_catalog,
    .get_catalog = redis_get_catalog,
    .catalog_version = redis_catalog_version,
    .remove = redis_remove,
    .inspect = redis_inspect,
    .examine = redis_examine,
    .ping = redis_ping,
};
